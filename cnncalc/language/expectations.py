"""Expectations: the nodes below `expect` become typed objects; part of the language station.

Every figure is an interval: an exact value, the values that round to a figure (``4.09 G``), a limit (``<= 5 M``), a
range (``4 M .. 5 M``) or a tolerance (``300 M +- 1%``).  Nothing is measured here.
"""

from __future__ import annotations

import re
from typing import Any

from cnncalc.analyzers.quantities import GROUPS, QUANTITIES
from cnncalc.analyzers.quantity import Nature, Quantity
from cnncalc.diagnostics import Fault, Span, suggestion
from cnncalc.language.forms import FormReader, broken
from cnncalc.language.model import Argument, Value, ValueFault
from cnncalc.language.source import Located, Mapping, Scalar, Sequence
from cnncalc.layers.types import SHAPE, show
from cnncalc.records import NamedTuple
from cnncalc.values import BYTE_UNITS, UNITS

FURTHER_KEYS = ("layers", "with", "dtype")
"""What stands below `expect` beside quantities."""


def expected() -> dict[str, list[Quantity]]:
    """The quantities that can be expected, by the word for them: a single one, or the parts of a group."""
    found: dict[str, list[Quantity]] = {}
    for quantity in QUANTITIES.values():
        if quantity.expected:
            found.setdefault(quantity.group or quantity.question, []).append(quantity)
    return found


def entry_keys() -> tuple[str, ...]:
    """Every key of an entry below `expect`."""
    return (*expected(), *FURTHER_KEYS)


Quotient = tuple[int, int]
"""A number as numerator and denominator: exact, and cheaper to load than fractions."""


class Interval(NamedTuple):
    """The numbers that a figure admits; None is no bound, and an open bound is not itself admitted."""

    low: Quotient | None
    high: Quotient | None
    low_open: bool = False
    high_open: bool = False

    def side(self, value: Quotient) -> int:
        """-1 where a number lies below, 1 above, 0 within."""
        if self.low is not None:
            over = value[0] * self.low[1] - self.low[0] * value[1]
            if over < 0 or (over == 0 and self.low_open):
                return -1
        if self.high is not None:
            over = value[0] * self.high[1] - self.high[0] * value[1]
            if over > 0 or (over == 0 and self.high_open):
                return 1
        return 0


class Operand(NamedTuple):
    """A number in a figure: an expression, or a literal with a unit."""

    node: Scalar
    value: Value | Quotient
    step: Quotient | None = None
    """The worth of a rounded literal's last digit."""

    def number(self, env: Any) -> Quotient:
        """The number in this environment; raises `ValueFault`."""
        return ratio(self.value.evaluate(env)) if isinstance(self.value, Value) else self.value


class Figure(NamedTuple):
    """An expected number as it was written."""

    node: Scalar
    form: str
    """`exact`, `rounded`, `<=`, `>=`, `<`, `>`, `..` or `+-`."""
    first: Operand
    second: Operand | None = None
    percent: bool = False
    """The second operand is a share of the first."""

    @property
    def span(self) -> Span:
        """Where it is written."""
        return self.node.span

    @property
    def text(self) -> str:
        """As it is written."""
        return self.node.text

    def center(self, env: Any) -> Quotient | None:
        """The one number that is meant, from which a difference counts; None for a limit or a range."""
        return self.first.number(env) if self.form in ("exact", "rounded", "+-") else None

    def interval(self, env: Any) -> Interval:
        """The numbers that it admits; raises `ValueFault`, or `Fault` for a word or an empty range."""
        first = self.first.number(env)
        if self.first.step is not None and self.form == "rounded":
            half = (self.first.step[0], 2 * self.first.step[1])
            return Interval(_sum(first, half, -1), _sum(first, half), False, True)
        if self.second is not None:
            second = self.second.number(env)
            if self.form == "..":
                if first[0] * second[1] > second[0] * first[1]:
                    raise Fault("value", "is an empty range", None, "write the smaller number first")
                return Interval(first, second)
            share = (abs(first[0]) * second[0], first[1] * second[1] * 100) if self.percent else second
            return Interval(_sum(first, share, -1), _sum(first, share))
        low = first if self.form in ("exact", ">=", ">") else None
        high = first if self.form in ("exact", "<=", "<") else None
        return Interval(low, high, self.form == ">", self.form == "<")


class AxisFigures(NamedTuple):
    """A figure for every axis, or one figure for all of them."""

    node: Located
    figures: tuple[Figure, ...]
    listed: bool


class Expectation:
    """What must hold of a network, or of one layer; `given` is another setting of the file's arguments."""

    __slots__ = ("axes", "dtype", "figures", "given", "layers", "outputs", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.given: dict[str, Argument] = {}
        self.figures: dict[str, Figure] = {}
        """Counts, by the quantity's key."""
        self.outputs: dict[str | None, tuple[Span, Value]] = {}
        """Shapes by output; None is the only one, or a layer's."""
        self.axes: dict[str, AxisFigures] = {}
        """Figures per axis, by the quantity's key: `size`, `stride` and `start` of the receptive field."""
        self.layers: dict[str, tuple[Span, Expectation]] = {}
        self.dtype: Scalar | None = None
        """The type of the numbers whose bytes are expected, if it is not that of `memory`."""

    @property
    def expects_bytes(self) -> bool:
        """Whether some figure depends on the type of numbers."""
        own = any(QUANTITIES[key].unit == "bytes" for key in self.figures)
        return own or any(entry.expects_bytes for _, entry in self.layers.values())


Expectations = dict[str | None, list[Expectation]]
"""By variant; None holds for every setting that is checked."""


def ratio(value: Any) -> Quotient:
    """An expression's value as a ratio; a decimal that is a simple fraction counts as one.  Raises `Fault`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        help = "a unit stands after a number: `4.09 G`" if isinstance(value, str) else ""
        raise Fault("wrong-type", f"needs a number, got `{show(value)}`", None, help)
    if isinstance(value, int):
        return value, 1
    for denominator in range(1, 65):
        nearest = round(value * denominator)
        if abs(value * denominator - nearest) < 1e-9:
            return nearest, denominator
    return value.as_integer_ratio()


def _sum(a: Quotient, b: Quotient, sign: int = 1) -> Quotient:
    return a[0] * b[1] + sign * b[0] * a[1], a[1] * b[1]


# -- reading -----------------------------------------------------------------------------------------------------------

_LIMIT = re.compile(r"(<=|>=|<|>)\s*")
_RANGE = re.compile(r"\s*\.\.\s*")
_TOLERANCE = re.compile(r"\s*\+-\s*")
_PERCENT = re.compile(r"\s*%\s*$")
_LITERAL = re.compile(r"(-?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?\s*([A-Za-z]*)")
_STRANGE_UNIT = re.compile(r"[\d.,]+\s*([A-Za-z]\w*)")


def read_expectations(reader: FormReader, node: Located) -> Expectations:
    """What stands below `expect`: an entry, a list of entries, or either of them per variant."""
    variants, known = reader.result.variants, entry_keys()
    if not isinstance(node, Mapping) or not variants:
        return {None: _entries(reader, node, "`expect`")}
    if any(key in known for key in node.entries) and not any(key in variants for key in node.entries):
        return {None: _entries(reader, node, "`expect`")}
    found: Expectations = {}
    for name, (key, value) in node.entries.items():
        if name in variants:
            found[name] = _entries(reader, value, f"what variant `{name}` is expected to have")
        elif name in known:
            message = f"`{name}` stands beside variants"
            reader.report("unknown-variant", message, key.span, "write it below each variant that it holds for")
        else:
            listed = ", ".join(f"`{variant}`" for variant in list(variants)[:12])
            help = suggestion(name, [*variants, *known]) or f"variants are {listed}"
            reader.report("unknown-variant", f"`expect` names `{name}`, which is no variant", key.span, help)
    return found


def _entries(reader: FormReader, node: Located, what: str) -> list[Expectation]:
    if isinstance(node, Sequence):
        return [_entry(reader, item, what, True) for item in node.items]
    return [_entry(reader, node, what, True)]


def _entry(reader: FormReader, node: Located, what: str, whole: bool) -> Expectation:
    """One set of expectations, of the network as a `whole` or of a layer."""
    entry = Expectation(node.span)
    quantities = expected()
    allowed = (*quantities, *FURTHER_KEYS) if whole else tuple(quantities)
    found = reader.entries(node, what, allowed, "for example `{params: 1.5 M, output: [1000]}`")
    if isinstance(node, Mapping) and not node.entries:
        reader.report("empty", f"{what} is empty", node.span, "for example `{params: 1.5 M, output: [1000]}`")
    for name, (_, value) in found.items():
        if name == "layers":
            for layer, (key, inner) in reader.entries(value, "`layers`", help="write `{layer: {…}}`").items():
                what_layer = f"what layer `{layer}` is expected to have"
                entry.layers[layer] = (key.span, _entry(reader, inner, what_layer, False))
        elif name == "with":
            entry.given = reader.arguments(value, "`with`", reader.result.args)
        elif name == "dtype":
            entry.dtype = _dtype(reader, value)
        elif quantities[name][0].nature == Nature.SHAPE:
            entry.outputs = _outputs(reader, value, whole)
        elif quantities[name][0].nature == Nature.AXES:
            entry.axes |= _axes(reader, value, name, [part.key for part in quantities[name]])
        else:
            figure = read_figure(reader, value, f"`{name}`", whole=True, units=quantities[name][0].units)
            if figure is not None:
                entry.figures[quantities[name][0].key] = figure
    if entry.dtype is not None and not entry.expects_bytes and not reader.problems:
        help = "write it beside a figure of memory, such as `peak_memory`"
        reader.report("unused-dtype", "`dtype` stands beside no bytes", entry.dtype.span, help)
    return entry


def _dtype(reader: FormReader, node: Located) -> Scalar | None:
    """The type of numbers; None where there is none (reported)."""
    from cnncalc.analyzers.memory import bits

    if not isinstance(node, Scalar):
        reader.report("wrong-form", "`dtype` is the type of numbers", node.span, "for example `dtype: int8`")
        return None
    before = len(reader.problems)
    _check(reader, node.span, lambda: bits(node.text), "")
    return node if len(reader.problems) == before else None


def _outputs(reader: FormReader, node: Located, named: bool) -> dict[str | None, tuple[Span, Value]]:
    """A shape, or a mapping of output names to shapes."""
    if isinstance(node, Mapping) and named:
        pairs: list[tuple[str | None, Span, Located]]
        pairs = [(name, key.span, shape) for name, (key, shape) in node.entries.items()]
    else:
        pairs = [(None, node.span, node)]
    found: dict[str | None, tuple[Span, Value]] = {}
    for name, span, shape in pairs:
        before = len(reader.problems)
        value = reader.value(shape)
        if value.constant and len(reader.problems) == before:
            _check(reader, shape.span, lambda value=value: SHAPE.read(value.evaluate({})), "`output` ")
        found[name] = (span, value)
    return found


def _axes(reader: FormReader, node: Located, name: str, parts: list[str]) -> dict[str, AxisFigures]:
    """Figures per axis: of the group's main part, or a mapping of several."""
    entries: dict[str, Located] = {GROUPS[name].main if name in GROUPS else name: node}
    if isinstance(node, Mapping):
        allowed = reader.entries(node, f"`{name}`", parts, "for example `{size: 427, stride: 32}`")
        entries = {part: value for part, (_, value) in allowed.items()}
    found = {}
    for part, value in entries.items():
        listed = isinstance(value, Sequence)
        items = value.items if isinstance(value, Sequence) else [value]
        figures = [read_figure(reader, item, f"`{part}`", whole=part != "stride") for item in items]
        found[part] = AxisFigures(value, tuple(figure for figure in figures if figure is not None), listed)
    return found


def read_figure(
    reader: FormReader, node: Located, what: str, whole: bool, units: dict[str, int] = UNITS
) -> Figure | None:
    """A number or a limit; None where there is none (reported)."""
    if not isinstance(node, Scalar):
        reader.report("wrong-form", f"{what} is a number or a limit", node.span, "for example `1.5 M`, or `<= 5 M`")
        return None
    before = len(reader.problems)
    figure = _figure(reader, node, what, units)
    if len(reader.problems) > before:
        return None
    operands = [operand for operand in (figure.first, figure.second) if operand is not None]
    if all(operand.value.constant for operand in operands if isinstance(operand.value, Value)):
        if whole and figure.form == "exact":
            _check(reader, node.span, lambda: _whole(figure.first.number({})), f"{what} ")
        else:
            _check(reader, node.span, lambda: figure.interval({}), f"{what} ")
    return figure if len(reader.problems) == before else None


def _figure(reader: FormReader, node: Scalar, what: str, units: dict[str, int]) -> Figure:
    text = node.text
    limit, between, within = _LIMIT.match(text), _RANGE.search(text), _TOLERANCE.search(text)

    def operand(start: int, end: int) -> Operand:
        return _operand(reader, node, (start, end), what, units)

    if limit:
        return Figure(node, limit[1], operand(limit.end(), len(text)))
    if between:
        return Figure(node, "..", operand(0, between.start()), operand(between.end(), len(text)))
    if within:
        percent = _PERCENT.search(text)
        end = percent.start() if percent else len(text)
        first = operand(0, within.start())
        return Figure(node, "+-", first, operand(within.end(), end), percent is not None)
    first = operand(0, len(text))
    return Figure(node, "exact" if first.step is None else "rounded", first)


def _operand(reader: FormReader, node: Scalar, place: tuple[int, int], what: str, units: dict[str, int]) -> Operand:
    """A literal with a unit or thousands separators, else an expression."""
    start, end = place
    text = node.text[start:end]
    span = node.part(start, end)
    part = Scalar(text, span, node.plain, 0 if span.end - span.column == len(text) else None)
    literal = _LITERAL.fullmatch(text)
    if literal and (literal[4] in units or (not literal[4] and "," in literal[2])):
        sign, digits, decimals, unit = literal[1], literal[2].replace(",", ""), literal[3] or "", literal[4]
        scale, worth = 10 ** len(decimals), units.get(unit, 1)
        value = int(digits + decimals) * worth
        return Operand(part, (-value if sign else value, scale), (worth, scale) if unit or decimals else None)
    strange = _STRANGE_UNIT.fullmatch(text)
    if strange and not re.fullmatch(r"[\d.]+[eE]\d+|\d+(x\d+)+", text):
        _strange_unit(reader, strange[1], node.part(start + strange.start(1), end), what, units)
        return Operand(part, Value(part, broken, frozenset()))
    return Operand(part, reader.value(part))


def _strange_unit(reader: FormReader, unit: str, span: Span, what: str, units: dict[str, int]) -> None:
    """Report a unit that is none, or none of what is expected."""
    folded = {known.lower(): known for known in units}.get(unit.lower())
    listed = [f"`{known}`" for known in units][:4]
    help = f"write `{folded}`" if folded else f"units are {', '.join(listed[:-1])} and {listed[-1]}"
    if unit in UNITS or unit in BYTE_UNITS:
        reader.report("wrong-unit", f"the unit `{unit}` does not belong to {what}", span, help)
    else:
        reader.report("unknown-unit", f"unknown unit `{unit}`", span, help)


def _whole(number: Quotient) -> None:
    if number[0] % number[1]:
        raise Fault("wrong-type", "needs a whole number", None, "a rounded figure has a unit: `4.09 G`")


def _check(reader: FormReader, span: Span, run: Any, prefix: str) -> None:
    """Report what is wrong with a value that has no names in it."""
    try:
        run()
    except ValueFault as found:
        reader.report(found.fault.code, found.fault.message, found.span, found.fault.help)
    except Fault as fault:
        reader.report(fault.code, prefix + fault.message, span, fault.help)
