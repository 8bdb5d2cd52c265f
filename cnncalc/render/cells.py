"""How a raw value is written, whatever the form of the table: the one place that turns numbers into text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.values import (
    BYTE_UNITS,
    UNITS,
    AtLeast,
    Bar,
    Bytes,
    Change,
    Compact,
    Described,
    Factor,
    Formula,
    Names,
    PerAxis,
    Prose,
    Range,
    Ratio,
    Shapes,
    Share,
    Short,
    Sizes,
    Subtotal,
)

BAR = 24
"""Characters of the longest bar."""

MAX_NAMES = 12
"""Inputs that a cell lists."""


def written(value: Any) -> str:
    """A value for people: thousands separators, ``64 x 112 x 112``, `-` for what does not apply."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return WRITERS[type(value)](value)


def _axes(value: PerAxis) -> str:
    return _size(value[0]) if len(set(value)) == 1 else " x ".join(map(_size, value))


def _sizes(value: tuple[Any, ...], between: str = " x ") -> str:
    """``64 x 112 x 112``; what depends on the position by its least and its greatest, ``188 x 188 to 204 x 204``."""
    if any(isinstance(size, Range) for size in value):
        ends = zip(*((size.low, size.high) if isinstance(size, Range) else (size, size) for size in value))
        return " to ".join(between.join(map(_size, end)) for end in ends)
    return between.join(map(_size, value)) or "-"


def _size(value: Any) -> str:
    """A size among others: without separators, as everybody writes 4096 x 1 x 1."""
    return str(value) if isinstance(value, int) else written(value)


def _shapes(value: Shapes) -> str:
    return _sizes(value[0]) if len(value) == 1 else ", ".join(raw(shape) for shape in value)


def _range(value: Range) -> str:
    return f"{_size(value.low)}..{_size(value.high)}"


def _names(value: Names) -> str:
    inside = f"{value.block}."
    block = len(value.block) if value.block else 0
    names = [name[block:] if block and name.startswith(inside) else name for name in value[:MAX_NAMES]]
    more = [f"and {len(value) - MAX_NAMES:,} more"] if len(value) > MAX_NAMES else []
    return ", ".join(names + more)


def _described(value: Described) -> str:
    text = ""
    for word, each in value:
        if isinstance(each, str):
            text += f" ({each})" if each else ""
        else:
            text += f"{', ' if text else ''}{f'{word} ' if word else ''}{written(each)}"
    return text


def _short(value: Short) -> str:
    bound = "at least " if isinstance(value.value, AtLeast) else ""
    text = short(value.value.value if bound else value.value)
    prefix = text if text[-1].isalpha() and value.unit in ("MACs", "FLOPs") else f"{text} "
    return f"{bound}{prefix}{value.unit}"


WRITERS: dict[type, Callable[[Any], str]] = {
    AtLeast: lambda value: f">= {value.value:,}" if value.value else "?",
    Ratio: lambda value: f"{value.numerator}/{value.denominator}",
    Range: _range,
    Subtotal: lambda value: f"[{written(value.value)}]",
    Share: lambda value: f"{value.tenths // 10}.{value.tenths % 10}",
    PerAxis: _axes,
    Sizes: _sizes,
    Compact: lambda value: _sizes(value, "x"),
    Shapes: _shapes,
    Names: _names,
    Described: _described,
    Short: _short,
    Bytes: lambda value: size_in_bytes(value.value),
    Bar: lambda value: f"{'#' * round(BAR * value.value / max(1, value.most))} {value.mark}".rstrip(),
    Change: lambda value: f"{written(value.old)} -> {written(value.new)}",
    Factor: lambda value: f"x {value.value:.3g}",
    Formula: lambda value: value.parted,
}
"""By the type of a value: a lower bound of nothing is unknown."""


def prose(parts: Prose) -> str:
    """Running text with its values written."""
    return "".join(map(written, parts))


def raw(value: Any) -> str:
    """A value for programs: plain digits, ``64x112x112``, `?` for what is not known."""
    if value is None or value is False:
        return ""
    if isinstance(value, AtLeast):
        return str(value.value or "?")
    if isinstance(value, Bytes):
        return str(value.value)
    if isinstance(value, Bar):
        return value.mark
    if isinstance(value, Change):
        return f"{raw(value.old)} -> {raw(value.new)}"
    if isinstance(value, Factor):
        return f"{value.value:.6g}"
    if isinstance(value, Formula):
        return value.plain
    if isinstance(value, Names):
        return " ".join(value)
    if isinstance(value, Shapes):
        return " ".join(map(raw, value))
    if isinstance(value, (Sizes, PerAxis)):
        return "x".join(map(raw, value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else written(value)


def data(value: Any) -> Any:
    """A value for JSON: numbers, lists, ``{"min": …, "max": …}``; null for what does not apply or is not known."""
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, AtLeast):
        return value.value or None
    if isinstance(value, Range):
        return {"min": data(value.low), "max": data(value.high)}
    return [each if type(each) is int else data(each) for each in value]


def brief(value: Any, unit: str) -> str:
    """The short form of a total, nothing where it is short already."""
    bound = "at least " if isinstance(value, AtLeast) else ""
    number = value.value if isinstance(value, AtLeast) else value
    if not isinstance(number, int) or isinstance(number, bool):
        return ""
    if unit == "bytes":
        return bound + size_in_bytes(number)
    return bound + short(number) if number >= 1_000 else ""


def short(value: int) -> str:
    """``25.56 M``: powers of 1000, two decimals; small numbers as they are."""
    for unit, size in reversed(UNITS.items()):
        if value >= size:
            return f"{value / size:.2f} {unit}"
    return str(value)


def size_in_bytes(count: int) -> str:
    """Bytes in KiB, MiB or GiB."""
    unit, size = next(((u, s) for u, s in reversed(BYTE_UNITS.items()) if count >= s > 1), ("KiB", BYTE_UNITS["KiB"]))
    return f"{count / size:,.2f} {unit}"
