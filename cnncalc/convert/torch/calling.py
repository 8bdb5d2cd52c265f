"""``package.module:name`` -> what it is, or gives when it is called: the one place that runs code which is not ours.

Whatever that code raises is told in one line, as its own, and with its place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from cnncalc.convert.archive import shown
from cnncalc.convert.rows import failed
from cnncalc.convert.unreadable import readable
from cnncalc.diagnostics import Fault, suggestion

MAX_MESSAGE = 240
"""Characters of another program's message."""

MAX_LISTED = 12
"""Names of a module in a message."""

FIRST = "make it run in Python first"
WRAP = "call it in a function of your own that needs no arguments: `def net(): return Net(10)`, then name `net.py:net`"

EXTRA = "install it: `pip install 'cnncalc[torch]'`"


def called(source: str) -> Any:
    """The module that ``package.module:name`` is, or gives when it is called; raises `SpecError`."""
    path, _, name = source.rpartition(":")
    if path.endswith(".py"):
        readable(path)
    found = theirs(source, lambda: _imported(path), f"importing `{path}`")
    for part in name.split("."):
        if not hasattr(found, part):
            names = [known for known in dir(found) if not known.startswith("_") and callable(getattr(found, known))]
            listed = ", ".join(f"`{name}`" for name in names[:MAX_LISTED])
            help = suggestion(part, names) or (f"it has {listed}" if names else "name what the file defines")
            raise failed(Fault("unknown-name", f"`{shown(path)}` has no `{shown(part)}`", None, help), source)
        found = getattr(found, part)
    if isinstance(found, type) or not (hasattr(found, "parameters") or hasattr(found, "to_json")):
        if not callable(found):
            help = "name a `torch.nn.Module`, a Keras model, or what returns one"
            fault = Fault("wrong-format", f"`{shown(name)}` is no module, and cannot be called", None, help)
            raise failed(fault, source)
        made = found
        found = theirs(source, made, f"calling `{name}()`")
    return found


def _imported(path: str) -> Any:
    """A module by its dotted name, or by the path of its file, beside which its imports are found."""
    if not path.endswith(".py"):
        if "" not in sys.path:
            sys.path.insert(0, "")
        return import_module(path)
    from importlib.util import module_from_spec, spec_from_file_location

    name = os.path.splitext(os.path.basename(path))[0]
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


def theirs(source: str, run: Callable[[], Any], what: str, help: str = "") -> Any:
    """What others' code gives; whatever it raises is told in one line, as theirs, with its place and with `help` if
    nothing more is known."""
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an exit, too, is theirs
        place = _place(error)
        text = shown(str(error).strip().partition("\n")[0], MAX_MESSAGE)
        message = f"{what} raised {type(error).__name__}: {text}{f' ({place})' if place else ''}"
        if not help:
            help = WRAP if isinstance(error, TypeError) and "argument" in text else FIRST
        if isinstance(error, ModuleNotFoundError) and error.name in ("torch", "torchvision"):
            help = EXTRA
        elif isinstance(error, ModuleNotFoundError):
            help = f"install `{shown(str(error.name))}` where cnncalc is, or name a file of your own: `net.py:Net`"
        elif "DataDependent" in type(error).__name__:
            help = "what a network does may not depend on the values of its input: no layer says that"
        raise failed(Fault("their-code", message, None, help), source) from None


HERE = os.path.dirname(os.path.abspath(__file__))


def _place(error: BaseException) -> str:
    """The last line outside of installed packages and of ours that an error went through: ``net.py:12``."""
    import traceback

    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = os.path.abspath(frame.filename)
        installed = "site-packages" in path or path.startswith((sys.prefix, sys.base_prefix, HERE))
        if not installed and not frame.filename.startswith("<"):
            found = f"{os.path.basename(path)}:{frame.lineno}"
    return found
