"""What a layer is in PyTorch: the module that does it, or an expression, and its arguments.

Geometry comes resolved from the node's operation, so that a padding word becomes numbers here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.diagnostics import Fault, SpecError
from cnncalc.geometry import Window
from cnncalc.graph import Node
from cnncalc.records import NamedTuple

NEVER: Any = object()
"""The default of an argument that is always written."""


class Param(NamedTuple):
    """One argument of a module or expression."""

    value: Any
    unit: str
    """What kind of number it is; only numbers of one kind are explained by each other."""
    default: Any = NEVER
    """The value that is left out."""
    keyword: bool = True


class Leaf(NamedTuple):
    """One layer as PyTorch says it."""

    module: str
    """``nn.Conv2d``; empty where an expression does it."""
    params: dict[str, Param]
    call: str = "{self}({0})"
    """The expression in `forward`: operands are numbered, arguments of an expression named; of a join its operator."""
    major: bool = False
    """Whether it begins a line of its own in `forward`, as convolutions do."""
    after: tuple[str, ...] = ()
    """Statements behind its definition."""
    joins: str = ""
    """What joins any number of operands, where it is no module: an operator, or ``cat``."""
    axis: int = 1
    """The axis along which it concatenates."""
    frozen: bool = False
    """Whether its weights are not learned."""

    @property
    def chains(self) -> bool:
        """Whether it can stand in an `nn.Sequential`."""
        return bool(self.module) and self.call == "{self}({0})" and not self.after


FLAGS = {"+": "residual", "-": "reduced", "*": "gated", "cat": "joined"}
"""What a flag is called that leaves out a join."""

Writer = Callable[[Node, bool], Leaf]
"""Gives a node's leaf, with its padding as a step of its own or not."""


def refuse(node: Node, message: str, help: str = "") -> SpecError:
    """What cannot be said in PyTorch, at the layer's place."""
    return SpecError([Fault("cannot-export", f"`{node.name}`: {message}", None, help).at(node.origin)])


def channels(value: int) -> Param:
    return Param(value, "channels", keyword=False)


def flag(value: bool, default: bool) -> Param:
    return Param(value, "flag", default)


def same(values: list[Any]) -> Any:
    """One number if all axes have it, else one per axis."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def borders(pads: list[tuple[int, int]]) -> tuple[int, ...]:
    """As `F.pad` takes them: the last axis first."""
    return tuple(size for pair in reversed(pads) for size in pair)


def rank(node: Node) -> int:
    """Spatial axes of its input."""
    return len(node.operation.inputs[0]) - 1


def windows(node: Node) -> list[Window]:
    reach = node.operation.reach
    assert isinstance(reach, tuple)
    return [window for window in reach if isinstance(window, Window)]


def operands(node: Node, start: str = "{self}") -> str:
    """A call on all operands."""
    return f"{start}({', '.join(f'{{{place}}}' for place in range(len(node.inputs)))})"
