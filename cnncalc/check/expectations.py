"""Expected figures against measured ones: a verdict for each, with its place and the edit that would make it true.

It takes typed expectations and a report; it knows no file system, and no other networks than the one at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.analyzers.quantities import QUANTITIES
from cnncalc.diagnostics import Diagnostic, Fault, Note, Span, SpecError, suggestion
from cnncalc.expansion.instance import Instance, located
from cnncalc.geometry import dims
from cnncalc.language.expectations import AxisFigures, Expectation, Figure, Quotient
from cnncalc.language.model import Value, ValueFault
from cnncalc.language.source import Located, Scalar, Sequence
from cnncalc.layers.types import SHAPE, show
from cnncalc.records import NamedTuple
from cnncalc.render.cells import size_in_bytes
from cnncalc.report import Report
from cnncalc.values import AtLeast, PerAxis, Range, Ratio, known


class Edit(NamedTuple):
    """Text in place of a stretch of one line: 1-based line and columns, `end` exclusive."""

    line: int
    start: int
    end: int
    text: str


class Verdict(NamedTuple):
    """One expected figure, and what it is."""

    what: str
    """`params`, `output`, `receptive_field.size`, …"""
    of: str
    """The output or layer that is meant; empty for the network as a whole."""
    expected: str
    actual: Any
    """A number, a shape as a list, a text such as ``7..9``, or None where there is none."""
    ok: bool
    difference: float | None
    """Of the expected number, as a share; None where none applies."""
    span: Span
    edits: tuple[Edit, ...] | None = ()
    """What makes it true; None where it is left to the author, as a limit is."""
    unit: str = ""
    """`bytes`, or nothing for counts."""

    def diagnostic(self, network: str, notes: tuple[Note, ...] = ()) -> Diagnostic:
        """The failure as a message at the place of the expectation."""
        whose = f"`{self.what}` of {f'`{self.of}` in ' if self.of else ''}{network}"
        actual = "not there" if self.actual is None else written(self.actual)
        if self.unit and isinstance(self.actual, int):
            actual = f"{size_in_bytes(self.actual)} ({actual} {self.unit})"
        change = f" ({percent(self.difference)})" if self.difference is not None else ""
        message = f"{whose} is {actual}, expected {self.expected}{change}"
        return Diagnostic("expectation", message, self.span, "", notes)


def written(actual: Any) -> str:
    """A measured value for people."""
    if isinstance(actual, list):
        return dims(tuple(actual))
    return f"{actual:,}" if isinstance(actual, int) else str(actual)


def percent(share: float) -> str:
    """``+6.27%``; a small one keeps a digit, a large one none behind the point."""
    if abs(share) >= 10:
        return f"{share:+,.0%}"
    return f"{share:+.2%}" if abs(share) >= 0.0001 or not share else f"{100 * share:+.1g}%"


def compare(expectation: Expectation, report: Report, instance: Instance) -> tuple[list[Verdict], list[Diagnostic]]:
    """A verdict for every figure of an expectation, and a message for each that names or means nothing."""
    comparison = _Comparison(report, instance)
    comparison.network(expectation)
    return comparison.found, comparison.problems


class _Comparison:
    """Compares with one report; figures are evaluated over the arguments of its setting."""

    def __init__(self, report: Report, instance: Instance) -> None:
        self.report = report
        self.instance = instance
        self.found: list[Verdict] = []
        self.problems: list[Diagnostic] = []

    def each(self, compare: Callable[..., None], *arguments: Any) -> None:
        """Compare one thing; what names or means nothing does not stop the others."""
        try:
            compare(*arguments)
        except SpecError as error:
            self.problems += error.diagnostics

    def network(self, expectation: Expectation) -> None:
        """The network as a whole, then its layers."""
        graph = self.report.graph
        for key, figure in expectation.figures.items():
            self.each(self.count, key, figure, self.report.total(key), "")
        outputs = {name: graph.shapes[number] for name, number in graph.outputs}
        for output, (span, value) in expectation.outputs.items():
            self.each(self.output, outputs, output, span, value)
        for key, axes in expectation.axes.items():
            self.each(self.field, key, axes, self.report.total(key), "")
        for layer, (span, expected) in expectation.layers.items():
            self.each(self.layer, layer, span, expected)

    def output(self, outputs: dict[str, tuple[int, ...]], name: str | None, span: Span, value: Value) -> None:
        """One of the tensors that leave the network, or the only one."""
        if name is None and len(outputs) > 1:
            help = f"write `{{{next(iter(outputs))}: …}}`"
            raise _fail("output", f"the network has {len(outputs)} outputs: name them", span, help)
        if name is not None and name not in outputs:
            help = suggestion(name, outputs) or f"outputs are {', '.join(f'`{known}`' for known in outputs)}"
            raise _fail("unknown-output", f"there is no output `{name}`", span, help)
        self.shape(value, outputs[name] if name is not None else next(iter(outputs.values())), name or "")

    def layer(self, name: str, span: Span, expectation: Expectation) -> None:
        """What a name of the file stands for: counts of its layers, shape and field of its result."""
        graph = self.report.graph
        try:
            tensor, layers, _ = graph.find(name)
        except Fault as fault:
            raise SpecError([fault.at(span)]) from None
        for key, figure in expectation.figures.items():
            self.each(self.count, key, figure, self.report.folded(QUANTITIES[key], layers), name)
        for _, value in expectation.outputs.values():
            self.each(self.shape, value, graph.shapes[tensor], name)
        result = graph.node(tensor)
        if result is None and expectation.axes:
            raise _fail("unknown-layer", f"`{name}` stands for an input, which sees itself", span)
        if result is not None:
            for key, axes in expectation.axes.items():
                self.each(self.field, key, axes, self.report.values(key)[result.place], name)

    def count(self, key: str, figure: Figure, measured: Any, of: str) -> None:
        """Parameters, MACs or bytes, of layers together; with an unknown part they are a lower bound."""
        total, bound = known(measured), isinstance(measured, AtLeast)
        ok, difference = self.judged(figure, (total, 1), (total, 1))
        if bound:
            ok = ok and figure.form in (">=", ">")
        edits = None if bound else replacement(figure, (total, 1), (total, 1))
        actual = f"at least {total:,}" if bound else total
        quantity = QUANTITIES[key]
        text, edits = self.text(figure), () if ok else edits
        verdict = Verdict(quantity.question, of, text, actual, ok, difference, figure.span, edits, quantity.unit)
        self.found.append(verdict)

    def shape(self, value: Value, shape: tuple[int, ...], of: str) -> None:
        """A tensor's shape, channels first."""
        try:
            expected = SHAPE.read(self.evaluated(value))
        except Fault as fault:
            raise SpecError([fault.of("`output`").at(value.span)]) from None
        ok = expected == shape
        edits = () if ok else list_replacement(value.node, [str(size) for size in shape])
        self.found.append(Verdict("output", of, dims(expected), list(shape), ok, None, value.span, edits))

    def field(self, key: str, axes: AxisFigures, value: PerAxis | None, of: str) -> None:
        """Size, stride or start, per axis of the input."""
        measured = [_ends(each) for each in value or ()]
        if not measured or (axes.listed and len(axes.figures) != len(measured)):
            code, message, help = _no_axes(key, axes, value)
            raise _fail(code, message, axes.node.span, help)
        figures = axes.figures if axes.listed else axes.figures * len(measured)
        judged = [self.judged(figure, *ends) for figure, ends in zip(figures, measured) if ends]
        ok = len(judged) == len(measured) and all(fits for fits, _ in judged)
        differences = [difference for fits, difference in judged if not fits and difference is not None]
        texts = [_range(ends) if ends else "none" for ends in measured]
        alike = len(set(texts)) == 1 and not axes.listed
        actual = texts[0] if alike else f"[{', '.join(texts)}]"
        shown = ", ".join(self.text(figure) for figure in axes.figures)
        self.found.append(
            Verdict(
                f"{QUANTITIES[key].group}.{key}",
                of,
                f"[{shown}]" if axes.listed else shown,
                int(actual) if actual.lstrip("-").isdecimal() else actual,
                ok,
                differences[0] if differences else None,
                axes.node.span,
                () if ok else _field_edits(axes, measured),
            )
        )

    # -- figures

    def judged(self, figure: Figure, low: Quotient, high: Quotient) -> tuple[bool, float | None]:
        """Whether all from `low` to `high` is admitted, and by what share of the expected number it is not."""
        env = self.instance.env
        try:
            interval, center = figure.interval(env), figure.center(env)
        except ValueFault as found:
            raise located(found, self.instance.origins, env) from None
        except Fault as fault:
            raise SpecError([fault.of("this figure").at(figure.span)]) from None
        side = interval.side(low) or interval.side(high)
        if side == 0:
            return True, None
        value, end = (low, interval.low) if side == -1 else (high, interval.high)
        nearest = center or end
        if nearest is None or nearest[0] == 0:
            return False, None
        expected = nearest[0] / nearest[1]
        return False, (value[0] / value[1] - expected) / abs(expected)

    def text(self, figure: Figure) -> str:
        """A figure as it is written; what an expression is worth, in its place."""
        value = figure.first.value
        if figure.form == "exact" and isinstance(value, Value):
            found = self.evaluated(value)
            return f"{int(found):,}" if found == int(found) else show(found)
        return figure.text

    def evaluated(self, value: Value) -> Any:
        """A value over the arguments of the setting; raises `SpecError`."""
        try:
            return value.evaluate(self.instance.env)
        except ValueFault as found:
            raise located(found, self.instance.origins, self.instance.env) from None


Ends = tuple[Quotient, Quotient] | None
"""Least and greatest value on one axis; None where there is no value."""


def _fail(code: str, message: str, span: Span, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, span, help=help)])


def _no_axes(key: str, axes: AxisFigures, value: PerAxis | None) -> tuple[str, str, str]:
    """Code, message and help where a quantity does not have the axes that are expected."""
    if value is None:
        return "receptive-field", "this does not depend on the input", "leave `receptive_field` out"
    if not value:
        return "receptive-field", "the input is flat: it has no receptive field", "leave `receptive_field` out"
    count = f"{len(value)} spatial ax{'is' if len(value) == 1 else 'es'}"
    return "wrong-rank", f"`{key}` has {len(axes.figures)} entries for {count} of the input", "write one per axis"


def _ends(value: Any) -> Ends:
    """Least and greatest of a number, a ratio or a range."""
    if value is None:
        return None
    low, high = (value.low, value.high) if isinstance(value, Range) else (value, value)
    return _quotient(low), _quotient(high)


def _quotient(value: int | Ratio) -> Quotient:
    return (value, 1) if isinstance(value, int) else (value.numerator, value.denominator)


def _range(ends: tuple[Quotient, Quotient], between: str = "..") -> str:
    low, high = (str(n) if d == 1 else f"{n}/{d}" for n, d in ends)
    return low if low == high else f"{low}{between}{high}"


# -- edits -------------------------------------------------------------------------------------------------------------


def replacement(figure: Figure, low: Quotient, high: Quotient) -> tuple[Edit, ...] | None:
    """The edit that writes a measured number in the form of the figure; None for limits and ranges."""
    if figure.form not in ("exact", "rounded", "+-"):
        return None
    node = figure.first.node if figure.form == "+-" else figure.node
    if low != high:
        return _at(figure.node, _range((low, high), " .. "))
    text = _range((low, high))
    if "," in node.text and low[1] == 1:
        text = f"{low[0]:,}"
    if figure.first.step is not None and low[1] == 1:
        worth, scale = figure.first.step
        digits = (2 * low[0] * scale + worth) // (2 * worth)
        if digits:
            whole, decimals = divmod(abs(digits), scale)
            places = len(str(scale)) - 1
            sign = "-" if digits < 0 else ""
            unit = node.text.rstrip().lstrip("-0123456789., ")
            text = f"{sign}{whole}{f'.{decimals:0{places}}' if places else ''} {unit}"
    return _at(node, text)


def _field_edits(axes: AxisFigures, measured: list[Ends]) -> tuple[Edit, ...] | None:
    """One figure where it holds for all axes, else a list."""
    known = [ends for ends in measured if ends is not None]
    if len(known) < len(measured):
        return None
    if not axes.listed:
        figure = axes.figures[0]
        if len(set(known)) == 1:
            return replacement(figure, *known[0])
        allowed = figure.form in ("exact", "rounded")
        return _at(figure.node, f"[{', '.join(_range(ends, ' .. ') for ends in known)}]") if allowed else None
    parts = [replacement(figure, *ends) for figure, ends in zip(axes.figures, known)]
    return None if any(part is None for part in parts) else tuple(edit for part in parts if part for edit in part)


def list_replacement(node: Located, texts: list[str]) -> tuple[Edit, ...] | None:
    """The edits that put other entries into a list, entry by entry where their number stays."""
    if isinstance(node, Scalar):
        return _at(node, f"[{', '.join(texts)}]")
    items = node.items if isinstance(node, Sequence) else []
    if len(items) == len(texts) and all(isinstance(item, Scalar) for item in items):
        parts = [_at(item, text) for item, text in zip(items, texts) if isinstance(item, Scalar) and item.text != text]
        return None if any(part is None for part in parts) else tuple(edit for part in parts if part for edit in part)
    span = node.span
    line = span.source.line(span.line)
    end = line.find("]", span.column)
    inside = line[span.column : end]
    if line[span.column - 1 : span.column] != "[" or end < 0 or any(char in inside for char in "[{\"'#"):
        return None
    return (Edit(span.line, span.column, end + 2, f"[{', '.join(texts)}]"),)


def _at(node: Scalar, text: str) -> tuple[Edit, ...] | None:
    """The edit of a scalar; None where escapes or line breaks hide its columns."""
    span = node.span
    old = span.source.line(span.line)[span.column - 1 : span.end - 1]
    if old.strip("\"'") != node.text:
        return None
    return (Edit(span.line, span.column, span.end, text),)
