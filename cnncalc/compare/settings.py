"""Sweeps: what ``--over`` says, and the settings that it makes of a spec.

width=0.25,0.5,1   depth=1..8   size=32..512..32   variant=*   channels=[16,32],[32,64]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from cnncalc.diagnostics import Fault, Source, Span, SpecError, suggestion
from cnncalc.language.expressions import compile_expression
from cnncalc.language.lexer import ExpressionFault
from cnncalc.language.model import File
from cnncalc.language.names import IDENTIFIER
from cnncalc.records import NamedTuple

MAX_SETTINGS = 100_000
"""Settings that a sweep makes unless it is told otherwise."""


class Swept(NamedTuple):
    """One argument and the values that it takes."""

    name: str
    values: tuple[Any, ...]
    """Numbers, or text in the spec's expression language; empty for `*`: all there are."""
    source: Source

    def is_in(self, file: File) -> bool:
        """Whether a file has such an argument, or such variants."""
        if self.name == "variant" and self.name not in file.args:
            return bool(file.variants) and all(value in file.variants for value in self.values)
        return self.name in file.args or self.name == "size"

    def span(self) -> Span:
        """The place of its name."""
        return Span(self.source, 1, 1, len(self.name) + 1)


def read_over(text: str) -> Swept:
    """What one ``--over`` says; raises `SpecError` with the place of what is wrong."""
    source = Source("--over", text)
    name, equals, rest = text.partition("=")
    name = name.strip()
    if not equals or not IDENTIFIER.fullmatch(name):
        help = "for example `width=0.25,0.5,1`, `depth=1..8` or `variant=*`"
        raise _fail(source, 0, len(text), "wrong-form", f"`{text}` names no argument and its values", help)
    offset = text.index("=") + 1
    if rest.strip() == "*":
        return Swept(name, (), source)
    values: list[Any] = []
    for start, end in _parts(source, offset):
        values += _values(source, start, end)
    return Swept(name, tuple(dict.fromkeys(values)), source)


def _parts(source: Source, offset: int) -> Iterator[tuple[int, int]]:
    """The stretches between commas that stand in no bracket, without the blanks around them."""
    text, depth, first = source.text, 0, offset
    for place in range(offset, len(text) + 1):
        char = text[place] if place < len(text) else ","
        depth += (char in "[(") - (char in "])")
        if place == len(text) or (char == "," and depth == 0):
            part = text[first:place]
            start = first + len(part) - len(part.lstrip())
            if not part.strip():
                raise _fail(source, first, max(first + 1, place), "missing-value", "a value is missing here")
            yield start, start + len(part.strip())
            first = place + 1


def _values(source: Source, start: int, end: int) -> Sequence[Any]:
    """The values of one part: those of a range, or the part itself as text."""
    text = source.text[start:end]
    if ".." not in text:
        if _is_number(text):
            return [_number(text)]
        if source.text[:start].partition("=")[0].strip() not in ("variant", "size"):
            _check_expression(source, start, text)
        return [text]
    bounds = [bound.strip() for bound in text.split("..")]
    if len(bounds) > 3:
        raise _fail(
            source, start, end, "wrong-form", f"`{text}` is no range", "write `first..last` or `first..last..step`"
        )
    for bound, what in zip(bounds, ("beginning", "end", "step")):
        if not bound:
            help = "write `first..last` or `first..last..step`"
            raise _fail(source, start, end, "wrong-form", f"the range `{text}` has no {what}", help)
        if not _is_number(bound):
            place = source.text.index(bound, start)
            raise _fail(source, place, place + len(bound), "wrong-type", f"a range needs numbers, got `{bound}`")
    first, last = Fraction(bounds[0]), Fraction(bounds[1])
    step = Fraction(bounds[2]) if len(bounds) == 3 else Fraction(1)
    if len(bounds) < 3 and (last - first).denominator > 1:
        message = f"`{text}` goes in steps of 1, which miss its end"
        help = f"give the step: `{bounds[0]}..{bounds[1]}..{float(last - first) / 4:g}`"
        raise _fail(source, start, end, "value", message, help)
    if step <= 0 or last < first:
        message = f"the step of `{text}` is not above 0" if step <= 0 else f"the range `{text}` is empty"
        help = "write the smaller number first; `--sort` orders the rows"
        raise _fail(source, start, end, "value", message, help)
    count = (last - first) // step + 1
    if count > 10 * MAX_SETTINGS:
        raise _fail(source, start, end, "limit", f"the range `{text}` has {count:,} values")
    return [_plain(first + step * place) for place in range(count)]


def _check_expression(source: Source, start: int, text: str) -> None:
    """Raise `SpecError` where a value is no expression of a spec."""
    try:
        compile_expression(text, File(source))
    except ExpressionFault as fault:
        parts = text.split(":")
        slices = len(parts) in (2, 3) and all(map(_is_number, parts))
        help = f"a range is `{'..'.join(parts)}`" if slices else fault.help
        raise _fail(source, start + fault.start, start + fault.end, fault.code, fault.message, help) from None


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdecimal() and text[-1] != "." and len(text) < 40


def _number(text: str) -> Any:
    return _plain(Fraction(text))


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _fail(source: Source, start: int, end: int, code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Fault(code, message, None, help).at(Span(source, 1, start + 1, end + 1))])


# -- settings of a file ------------------------------------------------------------------------------------------------


class Setting(NamedTuple):
    """One way to build a file: what was swept, by name, as it is shown; and what that means."""

    shown: tuple[tuple[str, Any], ...]
    variant: str | None
    args: tuple[tuple[str, Any], ...]
    size: tuple[int, ...] | None
    """Spatial sizes of the first input; one for all axes, or one each."""


def settings(file: File, variant: str | None, over: Sequence[Swept]) -> Iterator[Setting]:
    """All combinations of what is swept, the last varying first; raises `SpecError` for what the file does not have."""
    values = [_of(file, swept) for swept in over]
    for chosen in product(*values):
        shown = tuple((swept.name, value) for swept, value in zip(over, chosen))
        args, size, named = [], None, variant
        for swept, value in zip(over, chosen):
            if swept.name in file.args:
                args.append((swept.name, value))
            elif swept.name == "size":
                size = _size(swept, value)
            else:
                named = str(value)
        yield Setting(shown, named, tuple(args), size)


def count(file: File, over: Sequence[Swept]) -> int:
    """How many settings there are; raises as `settings`."""
    return prod(len(_of(file, swept)) for swept in over)


def _of(file: File, swept: Swept) -> Sequence[Any]:
    """The values that are swept over in this file."""
    if swept.name in file.args or swept.name == "size":
        if not swept.values:
            fault = Fault("wrong-form", f"`{swept.name}=*` has no end", None, "give values, or a range with an end")
            raise SpecError([fault.at(swept.span())])
        return swept.values
    if swept.name == "variant":
        for value in swept.values:
            if value not in file.variants:
                fault = Fault("unknown-variant", f"{file.source.path} has no variant `{value}`", None)
                fault.help = suggestion(str(value), file.variants)
                raise SpecError([fault.at(swept.span())])
        if not file.variants:
            fault = Fault("unknown-variant", f"{file.source.path} has no variants")
            raise SpecError([fault.at(swept.span())])
        return swept.values or tuple(file.variants)
    names = dict.fromkeys((*file.args, "size", "variant"))
    help = suggestion(swept.name, names) or f"it can be swept over {', '.join(f'`{name}`' for name in names)}"
    fault = Fault("unknown-argument", f"{file.source.path} has no argument `{swept.name}`", None, help)
    raise SpecError([fault.at(swept.span())])


def _size(swept: Swept, value: Any) -> tuple[int, ...]:
    """A size of the first input: one number for all axes, or as many as there are, with `x` between them."""
    sizes = str(value).split("x")
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        help = "for example `size=224` or `size=224x320`"
        raise SpecError([Fault("wrong-type", f"`{value}` is no size", None, help).at(swept.span())])
    return tuple(map(int, sizes))
