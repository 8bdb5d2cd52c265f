"""How the numbers of a block, or of a network, add up from its rows, for `explain`; no terminal, no file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.geometry import dims
from cnncalc.graph import Found, Node
from cnncalc.records import NamedTuple
from cnncalc.render.cells import short, written
from cnncalc.report import Report
from cnncalc.tables.report import described
from cnncalc.values import AtLeast, known

MOST = 12
"""Rows of a sum that are told one by one."""
COSTLIEST = 3


class Topic(NamedTuple):
    """One quantity, and the lines that explain it."""

    title: str
    lines: list[str]


class Row(NamedTuple):
    """The layers of a stretch whose names go on alike: ``layer1.0``."""

    name: str
    nodes: list[Node]


def of_block(report: Report, name: str, found: Found) -> list[Topic]:
    """All that can be said of the block call, the repeat or the group called `name`."""
    graph = report.graph
    nodes = [graph.nodes[place] for place in found.layers]
    inside = {node.number for node in nodes}
    taken = [tensor for node in nodes for tensor in node.inputs if tensor not in inside]
    part = next((part for part in graph.parts if part.first == nodes[0].place and part.name == name), None)
    what = f"block `{part.block}`, " if part is not None and part.block else ""
    return [
        Topic("Block", [f"{name}: {what}{len(nodes):,} layers"]),
        Topic("Input", [f"{graph.tensor_name(each)}: {dims(graph.shapes[each])}" for each in dict.fromkeys(taken)]),
        Topic("Output", [dims(graph.shapes[found.tensor])]),
        *_sums(report, rows(nodes, name), nodes, found.tensor),
        Topic("Written", _origin_lines(nodes[0])),
    ]


def of_network(report: Report) -> list[Topic]:
    """All that can be said of the network's totals."""
    graph = report.graph
    title = f"{graph.name} ({graph.variant})" if graph.variant else graph.name
    field = report.field
    last = next((n for n in reversed(graph.nodes) if report.fields[n.place] is field), None)
    return [
        Topic("Network", [f"{title}: {len(graph.nodes):,} layers", *([graph.source] if graph.source else [])]),
        Topic("Input", [f"{name}: {dims(shape)}" for name, shape in graph.inputs]),
        Topic("Output", [f"{name}: {dims(graph.shapes[tensor])}" for name, tensor in graph.outputs]),
        *_sums(report, rows(graph.nodes, ""), graph.nodes, last.number if last is not None else None),
    ]


def rows(nodes: list[Node], name: str) -> list[Row]:
    """The layers by the next part of their names behind that of the block; every layer is in one row."""
    cut = len(name) + 1 if name else 0
    found: dict[str, list[Node]] = {}
    for node in nodes:
        inner = node.name[cut:].partition(".")[0] if node.name.startswith(f"{name}." if name else "") else node.name
        found.setdefault(f"{name}.{inner}" if name and inner != node.name else inner, []).append(node)
    return [Row(*entry) for entry in found.items()]


def _sums(report: Report, parts: list[Row], nodes: list[Node], result: int | None) -> list[Topic]:
    return [
        Topic("Shapes", _shape_lines(report, parts)),
        Topic("Parameters", _sum_lines(report, parts, "params", _params_total(report, nodes))),
        Topic("MACs", _sum_lines(report, parts, "macs", _macs_total(report, nodes))),
        Topic("Receptive field", _field_lines(report, parts, nodes, result) if result is not None else []),
        Topic("Costliest", _costliest(report, nodes)),
    ]


def _shape_lines(report: Report, parts: list[Row]) -> list[str]:
    """The result of every row; equal ones that follow each other together."""
    runs: list[tuple[str, list[str]]] = []
    for row in parts:
        shape = dims(row.nodes[-1].operation.output)
        if runs and runs[-1][0] == shape:
            runs[-1][1].append(row.name)
        else:
            runs.append((shape, [row.name]))
    lines = [f"{names[0] if len(names) == 1 else f'{names[0]} to {names[-1]}'}: {shape}" for shape, names in runs]
    return lines if len(lines) <= MOST else [*lines[: MOST - 1], f"and {len(lines) - MOST + 1} further shapes"]


def _total(report: Report, key: str, nodes: list[Node]) -> Any:
    values = report.values(key)
    counted = [values[node.place] for node in nodes if values[node.place] is not None]
    total = sum(map(known, counted))
    return AtLeast(total) if any(isinstance(value, AtLeast) for value in counted) else total


def _params_total(report: Report, nodes: list[Node]) -> Callable[[Any], str]:
    state = known(_total(report, "state", nodes))
    return lambda total: f"{written(total)} learned{f', {state:,} state' if state else ''}"


def _macs_total(report: Report, nodes: list[Node]) -> Callable[[Any], str]:
    return lambda total: f"{written(total)} MACs = {short(2 * known(total))} FLOPs"


def _sum_lines(report: Report, parts: list[Row], key: str, told: Callable[[Any], str]) -> list[str]:
    """What every row adds, the largest if they are many, and the sum."""
    shares = [(row.name, _total(report, key, row.nodes)) for row in parts]
    shares = [(name, share) for name, share in shares if known(share)]
    every = _total(report, key, [node for row in parts for node in row.nodes])
    if len(shares) <= 1:
        return [told(every)]
    shown = shares
    if len(shares) > MOST:
        largest = sorted(shares, key=lambda entry: -known(entry[1]))[: MOST - 1]
        shown = [entry for entry in shares if entry in largest]
    lines = [f"{name}: {written(share)}" for name, share in shown]
    if len(shown) < len(shares):
        rest = sum(known(share) for _, share in shares) - sum(known(share) for _, share in shown)
        lines.append(f"{len(shares) - len(shown)} further rows: {rest:,}")
    return [*lines, f"together {told(every)}"]


def _field_lines(report: Report, parts: list[Row], nodes: list[Node], result: int) -> list[str]:
    """The field at the end, and what every row adds to it on the path that sees most."""
    graph, fields = report.graph, report.fields
    end = graph.node(result)
    field = fields[end.place] if end is not None else None
    if field is None:
        return []
    lines = [written(described(field)) + (", and global paths" if field.is_global and field.is_local else "")]
    inside = {node.number: row.name for row in parts for node in row.nodes}
    grown: dict[str, int] = {}
    tensor = result
    while tensor in inside and field.is_local:
        node = graph.node(tensor)
        assert node is not None, "an input is in no row"
        here = _size(report, tensor)
        known_before = [(size, each) for each in node.inputs if (size := _size(report, each)) is not None]
        if here is None or not known_before or len(known_before) < len(node.inputs):
            return lines
        before, wide = max(known_before, key=lambda entry: entry[0])
        name = inside[tensor]
        grown[name] = grown.get(name, 0) + here - before
        tensor = wide
    terms = [(name, more) for name, more in reversed(grown.items()) if more]
    start = _size(report, tensor)
    if not terms or start is None:
        return lines
    if len(terms) > MOST:
        rest = terms[MOST - 1 :]
        terms = [*terms[: MOST - 1], (f"{len(rest)} further rows", sum(more for _, more in rest))]
    total = start + sum(more for _, more in terms)
    added = " + ".join(f"{more} ({name})" for name, more in terms)
    axis = "height" if len(field.size) == 2 else "first axis"
    return [*lines, f"{axis}: {start} (before) + {added} = {total}"]


def _size(report: Report, tensor: int) -> int | None:
    """The size of a tensor's field on the first axis: 1 of an input; None where it is none, or depends."""
    node = report.graph.node(tensor)
    if node is None:
        return 1
    field = report.fields[node.place]
    if field is None or not field.size or field.size[0][0] != field.size[0][1]:
        return None
    return int(field.size[0][0])


def _costliest(report: Report, nodes: list[Node]) -> list[str]:
    """The layers with most parameters, then those with most MACs, and their shares."""
    lines = []
    for key, unit in (("params", "parameters"), ("macs", "MACs")):
        values = report.values(key)
        total = sum(known(values[node.place]) for node in nodes)
        ordered = sorted(nodes, key=lambda node: -known(values[node.place]))[:COSTLIEST]
        for node in ordered:
            if value := known(values[node.place]):
                lines.append(f"{node.name}: {value:,} {unit} ({value / total:.1%})")
    return lines if len(nodes) > 1 else []


def _origin_lines(node: Node) -> list[str]:
    return list(map(str, node.origin.notes())) if node.origin is not None else []
