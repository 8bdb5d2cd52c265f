"""What a quantity is: everything that rows, columns, totals, expectations and documentation ask of one.

A quantity names the function that measures it; the function's module is loaded when the quantity is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cnncalc.records import NamedTuple
from cnncalc.values import BYTE_UNITS, UNITS

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
    MOST = "most"
    """The greatest of its layers."""
    NOTHING = "nothing"


class Line(NamedTuple):
    """A further line of the totals that follows from a quantity, such as FLOPs from MACs."""

    title: str
    measure: str | Measure
    """Of a measurement the value; None where the line says nothing."""
    unit: str = ""


class Figure(NamedTuple):
    """The one number of a network that a quantity is asked for by."""

    word: str
    """In `expect`, in conditions, and in the columns of a comparison."""
    title: str
    """Of such a column."""
    measure: str | Measure | None = None
    """Of a measurement the number; the total if absent."""


class Quantity(NamedTuple):
    """One quantity of a report."""

    key: str
    """Its name in JSON, rows and ``--sort``; elsewhere too, unless `total_key`, `group` or `figure` say another."""
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
    """Of a measurement the value for the network as a whole; where absent, the sum of all layers or the greatest."""
    total_title: str = ""
    """In the block of totals; the column's title if empty."""
    total_key: str = ""
    """Its name among the totals, if it is another."""
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
    figure: Figure | None = None
    """What networks are compared by, if it is not just the total under its own name."""

    @property
    def word(self) -> str:
        """Its name among the totals."""
        return self.total_key or self.key

    @property
    def question(self) -> str:
        """The word for it below `expect`, in conditions and in the columns of a comparison."""
        return self.figure.word if self.figure is not None else self.word

    @property
    def is_asked(self) -> bool:
        """Whether networks can be compared by it: it is one number of them."""
        return self.figure is not None or (self.nature == Nature.COUNT and not self.group)

    @property
    def units(self) -> dict[str, int]:
        """What may stand behind a number that it is compared with."""
        return BYTE_UNITS if self.unit == "bytes" else UNITS


@cache
def function(measure: str | Measure) -> Measure:
    """A function of this package by its ``module.name``."""
    if not isinstance(measure, str):
        return measure
    module, _, name = measure.rpartition(".")
    return getattr(import_module(f"cnncalc.analyzers.{module}"), name)  # type: ignore[no-any-return]
