"""A PyTorch program in neutral form: what `exporting` makes of a module, and `pt2` of a file; it knows no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.records import NamedTuple


class Tensor(str):
    """The name of a tensor, among arguments."""


class Call(NamedTuple):
    """One operator of a program."""

    target: str
    """``aten.conv2d.default``."""
    given: dict[str, Any]
    """Its arguments by name: tensors as `Tensor`, numbers, words, lists of them, None."""
    outputs: list[str]
    """The names of the tensors that it gives."""
    name: str
    """As messages call it."""
    stack: tuple[tuple[str, str], ...]
    """Path and class of the modules around it, the outermost first."""


NUMBERS = {"float": 1, "int": 7, "bool": 9}
"""The number that ONNX has for a type."""


class Exported(NamedTuple):
    """A program as torch exports it."""

    calls: list[Call]
    shapes: dict[str, tuple[int | None, ...]]
    """Of every tensor, with the batch; None for a size that is open."""
    types: dict[str, str]
    """``float``, ``int``, ``bool``: of every tensor."""
    weights: dict[str, str]
    """Parameters, buffers and constants: the path of each tensor's name."""
    buffers: set[str]
    """The paths of those that are not learned."""
    values: dict[str, Callable[[], Sequence[Any] | None]]
    """What reads the elements of such a tensor."""
    inputs: list[str]
    outputs: list[str]
