"""Raw values of reports and tables: numbers, and what is more than a number.  How they are written is for `render`."""

from __future__ import annotations

from typing import Any

from cnncalc.records import NamedTuple

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
"""Powers of 1000, by the letter after a count."""

BYTE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
"""Powers of 1024, by the word after a number of bytes."""


class AtLeast(NamedTuple):
    """A lower bound: a part of the sum is not known."""

    value: int


class Ratio(NamedTuple):
    """A number that need not be whole, in lowest terms."""

    numerator: int
    denominator: int


class Range(NamedTuple):
    """Least and greatest of what depends on the position; they differ."""

    low: Any
    high: Any


class Sizes(tuple[Any, ...]):
    """A shape: channels and spatial sizes, without the batch."""


class Compact(tuple[Any, ...]):
    """Sizes in running text: ``427x427``."""


class Shapes(tuple[Sizes, ...]):
    """The shapes of several tensors."""


class PerAxis(tuple[Any, ...]):
    """A value for every spatial axis."""


class Names(tuple[str, ...]):
    """Names of tensors, as they are seen from the layer in `block`."""

    block: str = ""


class Subtotal(NamedTuple):
    """The sum of rows that are told below it, and not to be added to them."""

    value: Any


class Share(NamedTuple):
    """So many tenths of a hundredth of a total."""

    tenths: int


class Bytes(NamedTuple):
    """So many bytes."""

    value: int


class Bar(NamedTuple):
    """A share of the most, drawn; `mark` stands behind it."""

    value: int
    most: int
    mark: str = ""


class Formula(NamedTuple):
    """A formula as text: in plain digits, and with thousands parted."""

    plain: str
    parted: str


class Change(NamedTuple):
    """What a value was, and what it is now."""

    old: Any
    new: Any


class Factor(NamedTuple):
    """A value as a multiple of another."""

    value: float


class Short(NamedTuple):
    """A count in its short form, in running text: ``25.56 M params``, ``4.09 GMACs``."""

    value: Any
    unit: str


class Described(tuple[tuple[str, Any], ...]):
    """Several values, each after a word of its own or none: ``427 x 427, stride 32 x 32``."""


Prose = tuple[Any, ...]
"""Running text in parts: text as it is, and values that are written as they stand in a table."""


def ratio(numerator: int, denominator: int) -> int | Ratio:
    """A quotient in lowest terms as a value: an integer where it is one."""
    return numerator if denominator == 1 else Ratio(numerator, denominator)


def ranged(low: Any, high: Any) -> Any:
    """A value, or the range of two that differ."""
    return low if low == high else Range(low, high)


def added(values: list[Any]) -> Any:
    """The sum of counts; None where none of them applies, a lower bound where one of them is."""
    counted = [value for value in values if value is not None]
    if not counted:
        return None
    if AtLeast not in set(map(type, counted)):
        return sum(counted)
    return AtLeast(sum(map(known, counted)))


def shares(values: list[int]) -> list[Share]:
    """The shares that counts have of their sum, rounded so that they add up to it."""
    total = sum(values)
    if not total:
        return [Share(0) for _ in values]
    found = [value * 1000 // total for value in values]
    greatest = sorted(range(len(values)), key=lambda place: -(values[place] * 1000 % total))
    for place in greatest[: 1000 - sum(found)]:
        found[place] += 1
    return list(map(Share, found))


def known(value: Any) -> int:
    """The known part of a count: of a lower bound what it is; 0 where the quantity does not apply."""
    return value.value if isinstance(value, AtLeast) else value or 0


def magnitude(value: Any) -> float:
    """What a value is sorted by: shapes by their elements, a range by its greatest; -1 where nothing applies."""
    if value is None:
        return -1.0
    if isinstance(value, AtLeast):
        return value.value
    if isinstance(value, Range):
        return magnitude(value.high)
    if isinstance(value, Ratio):
        return value.numerator / value.denominator
    if isinstance(value, Shapes):
        return sum(map(magnitude, value))
    if isinstance(value, (Sizes, PerAxis)):
        total = 1.0
        for size in value:
            total *= magnitude(size)
        return total
    return float(value)
