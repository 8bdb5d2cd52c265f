"""Names that Python and PyTorch allow, made from names that a spec allows."""

from __future__ import annotations

import keyword
import re

MODULE = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
"""
TAKEN = set(MODULE.split())
"""What a module has already: an attribute of such a name would break it."""


def identifier(text: str) -> str:
    """A name as a Python identifier: other characters become `_`, a digit in front gets one before it."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    if not name or name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def attribute(text: str, taken: set[str]) -> str:
    """An attribute's name for a row, free among those that are `taken`: a clash gets a number."""
    name = identifier(text.lstrip("_") if text.startswith("__") else text)
    if name in TAKEN:
        name = f"{name}_"
    return free(name, taken)


def class_name(text: str, taken: set[str]) -> str:
    """A class's name for a block: ``bottleneck_block`` is ``BottleneckBlock``."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]
    name = "".join(word if not word.islower() else word[0].upper() + word[1:] for word in words) or "Network"
    if name[0].isdigit():
        name = f"Net{name}"
    return free(name[0].upper() + name[1:], taken)


def free(name: str, taken: set[str]) -> str:
    """`name`, or with the first number that makes it a new one; it is taken from now on."""
    number, found = 2, name
    while found in taken or keyword.iskeyword(found):
        found = f"{name}{'_' if name[-1].isdigit() else ''}{number}"
        number += 1
    taken.add(found)
    return found
