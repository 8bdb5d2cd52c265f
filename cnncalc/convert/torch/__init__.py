"""A PyTorch module -> Graph, by way of ``torch.export``; it needs an installed torch, which is loaded here alone.

``package.module:name`` runs code: only where it is asked for in this form, and what it raises is shown as its own.
A ``.pt2`` file is read without torch, in `pt2`; files of pickled weights are refused.
"""

from __future__ import annotations

from typing import Any

from cnncalc.convert import Imported, Inputs, Shapes, is_callable
from cnncalc.convert.archive import shown
from cnncalc.convert.building import build
from cnncalc.convert.rows import failed
from cnncalc.convert.torch.aten import OPERATIONS
from cnncalc.convert.torch.calling import EXTRA, called
from cnncalc.convert.torch.exporting import exported
from cnncalc.convert.torch.lowering import InPlace, lower
from cnncalc.convert.translation import TRANSLATIONS
from cnncalc.convert.translation.torch import TORCH
from cnncalc.convert.unreadable import SAVE, Advice, Content, advised
from cnncalc.diagnostics import Fault


def read(source: str, inputs: Inputs = None) -> Imported:
    """The network of ``package.module:name`` or ``net.py:Name``, which is imported and called; raises `SpecError`."""
    if not is_callable(source):
        return refused(source)
    made = called(source)
    if hasattr(made, "to_json"):
        from cnncalc.convert.keras import from_keras

        return from_keras(made, inputs)
    return from_torch(made, inputs, source)


@advised(Advice(Content(""), SAVE, SAVE))
def refused(source: str, inputs: Inputs = None) -> Imported:
    """Raise `SpecError` for a file of pickled weights, or whatever else a ``.pt`` file is."""
    message = "files of this name hold pickled Python objects, which could run code: it is not read"
    raise failed(Fault("pickle", message, None, SAVE), source)


def from_torch(module: Any, inputs: Shapes, source: str = "") -> Imported:
    """The network of a ``torch.nn.Module`` for inputs of these shapes, channels first and without the batch.

    It is exported as for inference; its mode and its weights stay as they are.  Raises `SpecError`.
    """
    source = source or type(module).__name__
    torch = library(source)
    if not isinstance(module, torch.nn.Module):
        message = f"it is no `torch.nn.Module`, it is of the type `{shown(type(module).__name__)}`"
        help = "give a `torch.nn.Module`, or name what returns one"
        raise failed(Fault("wrong-format", message, None, help), source)
    if not inputs:
        raise failed(Fault("dynamic-shape", "a module does not say what it takes", None, GIVE), source)
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        program = exported(torch, module, inputs, source)
        try:
            lowered = lower(program(False), source, type(module).__name__, OPERATIONS)
        except InPlace:
            lowered = lower(program(True), source, type(module).__name__, OPERATIONS)
    except Fault as fault:
        raise failed(fault, source) from None
    finally:
        for part in training:
            part.training = True
    return build(lowered, None, {**TRANSLATIONS, **TORCH})


GIVE = "give it: `--input 3x224x224`"


def library(source: str) -> Any:
    """The torch package; raises `SpecError` where it is not installed."""
    try:
        import torch
    except ImportError:
        raise failed(Fault("missing-extra", "PyTorch is needed to read it", None, EXTRA), source) from None
    return torch
