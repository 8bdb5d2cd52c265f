"""The calls of a block, and the function that equal ones become: what `functions` makes of a sketch."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.keras_out.calls import REQUIRED, Call
from cnncalc.records import NamedTuple

ABSENT: Any = object()
"""The value of an argument in a block that leaves the call out."""

LEAST = 3
"""Rows of a block that is worth a function."""


class Item(NamedTuple):
    """One statement of a body."""

    call: Call
    """Its name is without that of the block."""
    key: str
    """The same for the same statement in another body of the block."""
    flag: str = ""
    """The parameter on which it depends; empty where it is always there."""


class Body(NamedTuple):
    """The statements of one block call, or of the network."""

    name: str
    """The block call's own, as an identifier."""
    items: list[Item]
    inputs: tuple[int, ...]
    """The values from outside, in the order of their first use."""
    result: int


class Parameter(NamedTuple):
    """A parameter of a function."""

    name: str
    default: Any = REQUIRED


class Function(NamedTuple):
    """A function that builds a block."""

    name: str
    body: Body
    """The longest of its calls; arguments that differ from call to call are `Expression`s of parameters."""
    parameters: list[Parameter]
    bypass: dict[str, tuple[int, int]]
    """By the key of an optional stretch's first item: the value that it leaves, and what stands for that without it."""


def free(name: str, taken: set[str]) -> str:
    """A name that nothing else has yet."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found
