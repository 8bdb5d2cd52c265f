"""Other programs' models come in: a path or a name -> Graph, with an account of what was in the file.

`FORMATS` is the one table of what can be read; each module is loaded only when its format is asked for, and gives
``read(source, inputs) -> Imported``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from cnncalc.geometry import Shape
from cnncalc.records import NamedTuple

if TYPE_CHECKING:
    from cnncalc.convert.account import Account
    from cnncalc.graph import Graph

Inputs = Mapping[str, Shape] | Shape | None
"""Shapes given from outside, channels first and without the batch: for the first input, or by name."""

Shapes = Inputs | Sequence[Shape]
"""As `Inputs`, or the shapes of all inputs in their order."""


class Imported(NamedTuple):
    """A network that came in, and the account of its source."""

    graph: Graph
    account: Account


class Format(NamedTuple):
    """One kind of source."""

    name: str
    """As it is called in messages: ``ONNX``."""
    suffixes: tuple[str, ...]
    """How the names of its files end, in lower case."""
    module: str
    """Its module in this package."""
    calls: bool = False
    """Whether it also takes ``package.module:callable``, which runs code."""


FORMATS = (
    Format("ONNX", (".onnx",), "onnx"),
    Format("Keras", (".json", ".keras"), "keras"),
    Format("Darknet", (".cfg",), "darknet"),
    Format("PyTorch program", (".pt2",), "torch.pt2"),
    Format("PyTorch", (".pt", ".pth"), "torch", calls=True),
)
"""Every source format."""

CALLABLE = re.compile(r"[\w./\-]+:[^\W\d]\w*(\.[^\W\d]\w*)*")
"""``torchvision.models:resnet50`` or ``net.py:Net``."""


def recognised(source: str) -> Format | None:
    """The format of a file by its suffix, or that which takes ``package.module:callable``; None for anything else.

    Nothing is opened.  A file that exists under a name with a colon is a file.
    """
    suffix = os.path.splitext(source)[1].lower()
    for format in FORMATS:
        if suffix in format.suffixes:
            return format
    return next((format for format in FORMATS if format.calls), None) if is_callable(source) else None


def is_callable(source: str) -> bool:
    """Whether a source is ``package.module:name`` or ``net.py:Name``: the one form that runs code."""
    return CALLABLE.fullmatch(source) is not None and not os.path.exists(source)


def read_model(source: str, inputs: Inputs = None) -> Imported:
    """The network of a source that is `recognised`.

    `inputs` give shapes that the source leaves open, or stand in for its own.  Raises `SpecError` where the source
    is wrong, or holds what cannot be read; `AssertionError` for a source that is not recognised.
    """
    format = recognised(source)
    assert format is not None, f"{source} is no model file"
    read = import_module(f"cnncalc.convert.{format.module}").read
    return read(source, inputs)  # type: ignore[no-any-return]
