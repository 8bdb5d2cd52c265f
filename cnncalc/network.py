"""A network that has been loaded, and the ways to load one: the public API's entry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cnncalc.diagnostics import Diagnostic, Fault, Source, Span, SpecError, suggestion
from cnncalc.expansion.expand import MAX_STEPS, expand
from cnncalc.expansion.instance import Given, variant_values
from cnncalc.geometry import Shape
from cnncalc.graph import Graph
from cnncalc.language.expressions import compile_expression
from cnncalc.language.lexer import ExpressionFault
from cnncalc.language.library import find, load_file, load_text
from cnncalc.language.model import File, Value, ValueFault
from cnncalc.language.source import Scalar
from cnncalc.report import Report

Arguments = Mapping[str, Any]
"""Values for a file's `args`: numbers, lists, booleans, or text in the spec's expression language."""


class ShownReport(Report):
    """A report that shows itself: as text, as plain data, and as a table in a notebook."""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, as ``--format json`` prints it."""
        from cnncalc.render.json import report_to_dict

        return report_to_dict(self)

    def __str__(self) -> str:
        from cnncalc.render.plain import render
        from cnncalc.tables.report import tabulate

        return render(tabulate(self))

    def _repr_html_(self) -> str:
        from cnncalc.render.html import render
        from cnncalc.tables.report import tabulate

        return render(tabulate(self))


class Network:
    """A network whose graph and shapes are known; each report is a method.

    >>> load("resnet50").params().totals.params
    25557032
    """

    def __init__(self, file: File, graph: Graph) -> None:
        self.file = file
        self.graph = graph

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def variant(self) -> str | None:
        return self.graph.variant

    def summary(self, of: str | None = None) -> ShownReport:
        """Shapes, parameters, MACs, and the network's receptive field."""
        return ShownReport(self.graph, "summary", of)

    def shapes(self) -> ShownReport:
        """Output shapes, and the rows and columns that a stride leaves unread."""
        return ShownReport(self.graph, "shapes")

    def params(self) -> ShownReport:
        """Learned parameters and state, and the parameters of the depthwise-separable what-if."""
        return ShownReport(self.graph, "params")

    def receptive_field(self, of: str | None = None) -> ShownReport:
        """Receptive fields towards the input `of` (the first if absent); raises `Fault` for an unknown input."""
        return ShownReport(self.graph, "rf", of)

    def __repr__(self) -> str:
        return f"<{self.name}{f' ({self.variant})' if self.variant else ''}: {len(self.graph.nodes):,} layers>"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def load(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
    max_steps: int = MAX_STEPS,
) -> Network:
    """The network of a spec file or of a bundled name such as ``resnet50``.

    `args` stand in for the file's (as ``--set``), `inputs` for its input shapes, channels first: a shape for the first
    input, or a mapping by name.  Raises `SpecError` for a wrong spec, `UnknownSpec` for a name that nothing has.
    """
    path, found = find(os.fspath(spec))
    return build(load_file(path), variant or found, args, inputs, max_steps)


def loads(
    text: str,
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
    max_steps: int = MAX_STEPS,
) -> Network:
    """The network of a spec given as text; as `load` else."""
    return build(load_text(text), variant, args, inputs, max_steps)


def build(
    file: File,
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
    max_steps: int = MAX_STEPS,
) -> Network:
    """The network of a parsed file; raises `SpecError`."""
    given = variant_values(file, variant) if variant else {}
    given |= {name: set_argument(file, name, value) for name, value in (args or {}).items()}
    shapes: dict[str, Shape] = {}
    if isinstance(inputs, Mapping):
        shapes = {name: tuple(shape) for name, shape in inputs.items()}
    elif inputs is not None:
        shapes = {next(iter(file.inputs), "input"): tuple(inputs)}
    graph = expand(file, given, variant, shapes, max_steps)
    return Network(file, graph)


def set_argument(file: File, name: str, value: Any) -> Given:
    """The value of one argument from outside; raises `SpecError` for an unknown name or a faulty expression."""
    if name not in file.args:
        known = ", ".join(f"`{known}`" for known in file.args)
        help = suggestion(name, file.args) or (f"arguments are {known}" if known else "this spec has no `args`")
        raise SpecError([Diagnostic("unknown-argument", f"{file.source.path} has no argument `{name}`", help=help)])
    source = Source(f"--set {name}", value if isinstance(value, str) else repr(value))
    span = Span(source, 1, 1, len(source.text) + 1)
    if not isinstance(value, str):
        return Given(_tuples(value), span)
    node = Scalar(value, span)
    try:
        expression = compile_expression(value, file)
        return Given(Value(node, expression.run, expression.names).evaluate({}), span)
    except ExpressionFault as fault:
        found: Fault = fault
        place = node.part(fault.start, fault.end)
    except ValueFault as fault:
        found, place = fault.fault, fault.span
    raise SpecError([Diagnostic(found.code, found.message, place, help=found.help)])


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value
