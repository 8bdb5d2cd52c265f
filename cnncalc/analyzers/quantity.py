"""What a quantity is: everything that rows, columns, totals, expectations and documentation ask of one.

A quantity names the function that measures it; the function's module is loaded when the quantity is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cnncalc.analyzers.measurement import Measurement

    Measure = Callable[[Measurement], Any]
else:
    Measure = Callable


class Nature(StrEnum):
    """What the values of a quantity are."""

    COUNT = "count"
    """A whole number of a unit."""
    SHAPE = "shape"
    """Channels and spatial sizes."""
    AXES = "axes"
    """A number, ratio or range for each spatial axis of the input."""
    FLAG = "flag"
    """True or false."""


class Fold(StrEnum):
    """How a stretch of layers is told in one row."""

    SUM = "sum"
    FIRST = "first"
    """As its first layer."""
    LAST = "last"
    """As its last layer."""
    NOTHING = "nothing"


class Line(NamedTuple):
    """A further line of the totals that follows from a quantity, such as FLOPs from MACs."""

    title: str
    measure: str | Measure
    """Of a measurement the value; None where the line says nothing."""
    unit: str = ""


class Quantity(NamedTuple):
    """One quantity of a report."""

    key: str
    """Its name in JSON, in rows, in ``--sort``, and below `expect` unless `total_key` or `group` say otherwise."""
    title: str
    """The title of its column."""
    doc: str
    """What it is, in a sentence."""
    measure: str | Measure
    """``module.function`` of this package, or a function itself: of a measurement a list with a value per node; for a
    part of a group, of what the group measures the part."""
    nature: Nature = Nature.COUNT
    unit: str = ""
    """`bytes`, or nothing for what is counted in powers of 1000."""
    fold: Fold = Fold.SUM
    total: str | Measure | None = None
    """Of a measurement the value for the network as a whole; where absent, the fold of all layers if it is a sum."""
    total_title: str = ""
    """In the block of totals; the column's title if empty."""
    total_key: str = ""
    """Its name among the totals and in `expect`, if it is another."""
    group: str = ""
    """The JSON object, and the key below `expect`, that it is a part of."""
    expected: bool = False
    """Whether `expect` knows it."""
    commands: tuple[str, ...] = ()
    """The reports that have it: in JSON, and in totals."""
    columns: tuple[str, ...] = ()
    """The reports whose table has it as a column."""
    untold: tuple[str, ...] = ()
    """The reports that have it, but not in the block of totals: another line tells it, or another command."""
    optional: bool = False
    """The column is left out where no row has anything to say in it."""
    shared: bool = False
    """The share of the total stands beside it, where rows are told as a paper does."""
    detail: bool = False
    """The column goes where there is no room for all: others nearly tell it."""
    further: tuple[Line, ...] = ()

    @property
    def word(self) -> str:
        """Its name among the totals and below `expect`."""
        return self.total_key or self.key


def function(measure: str | Measure) -> Measure:
    """A function of this package by its ``module.name``."""
    if not isinstance(measure, str):
        return measure
    module, _, name = measure.rpartition(".")
    return getattr(import_module(f"cnncalc.analyzers.{module}"), name)  # type: ignore[no-any-return]
