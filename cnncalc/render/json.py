"""The report as JSON: exact figures under the same keys in every command."""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Origin
from cnncalc.geometry import Shape
from cnncalc.report import Report, has_params

SCHEMA = 1


def report_to_dict(report: Report, channels_last: bool = False) -> dict[str, Any]:
    """The report as plain data: strings, numbers, lists and dictionaries."""
    return {
        **header(report, channels_last),
        "layers": layers(report, channels_last),
        "totals": totals(report, channels_last),
    }


def render(reports: list[Report], channels_last: bool = False) -> str:
    """One report as an object, several as a list; one layer a line."""
    import json

    encode = json.JSONEncoder(ensure_ascii=False).encode
    texts = []
    for report in reports:
        head = encode(header(report, channels_last))[:-1]
        rows = ",\n".join(map(encode, layers(report, channels_last)))
        texts.append(f'{head}, "layers": [\n{rows}\n], "totals": {encode(totals(report, channels_last))}}}')
    return texts[0] + "\n" if len(texts) == 1 else "[" + ",\n".join(texts) + "]\n"


def header(report: Report, channels_last: bool) -> dict[str, Any]:
    from cnncalc import __version__  # the package imports this module's callers

    graph = report.graph
    return {
        "cnncalc": __version__,
        "schema": SCHEMA,
        "name": graph.name,
        "variant": graph.variant,
        "input": {name: _shape(shape, channels_last) for name, shape in graph.inputs},
    }


def layers(report: Report, channels_last: bool) -> list[dict[str, Any]]:
    """One dictionary per layer, with the keys that the report's command has."""
    graph, parts = report.graph, report.parts
    names = [name for name, _ in graph.inputs] + [node.name for node in graph.nodes]
    with_shapes, with_params, with_macs, with_fields = (part in parts for part in ("shapes", "params", "macs", "rf"))
    shapes: dict[int, tuple[list[Any], Any]] = {}
    fields: dict[int, Any] = {}
    rows = []
    for index, node in enumerate(graph.nodes):
        operation = node.operation
        found = shapes.get(id(operation))
        if found is None:
            listed = [_shape(shape, channels_last) for shape in operation.inputs]
            found = shapes[id(operation)] = (listed, _shape(operation.output, channels_last))
        row: dict[str, Any] = {
            "name": node.name,
            "kind": operation.layer.kind,
            "inputs": [names[tensor] for tensor in node.inputs],
            "input_shapes": found[0],
            "output_shape": found[1],
        }
        if with_params:
            weighted = has_params(node)
            row["params"] = report.params[index].params if weighted else None
            row["state"] = report.params[index].state if weighted else None
        if with_macs:
            row["macs"] = report.macs[index]
        if with_params:
            row["separable_params"] = report.separable[index].params if weighted else None
        if with_fields:
            field = report.fields[index]
            if id(field) not in fields:
                fields[id(field)] = field_to_dict(field)
            row["receptive_field"] = fields[id(field)]
        if with_shapes:
            row["unread"] = report.unread(index)
        row["shares"] = node.shares.name if node.shares else None
        row["names"] = node.names
        row["notes"] = report.notes(index)
        row["at"] = _place(node.origin)
        rows.append(row)
    return rows


def totals(report: Report, channels_last: bool) -> dict[str, Any]:
    """The sums that the report's command has."""
    parts = report.parts
    found: dict[str, Any] = {}
    if "params" in parts:
        found |= {"params": report.totals.params, "state": report.totals.state}
    if "macs" in parts:
        found["macs"] = report.totals.macs
    if "params" in parts:
        found["separable_params"] = report.totals.separable_params
    graph = report.graph
    found["output"] = [_shape(graph.shapes[number], channels_last) for _, number in graph.outputs]
    if "rf" in parts:
        found["receptive_field"] = field_to_dict(report.field)
    found["lower_bound"] = report.lower_bound
    return found


def field_to_dict(field: Any) -> dict[str, Any] | None:
    """A receptive field under its keys; None where the input is not seen."""
    if field is None:
        return None
    return {
        "size": [low if low == high else {"min": low, "max": high} for low, high in field.size],
        "stride": [
            _fraction(low) if low == high else {"min": _fraction(low), "max": _fraction(high)}
            for low, high in field.stride
        ],
        "start": list(field.start),
        "center": [int(center) if center is not None and center == int(center) else center for center in field.center],
        "min_size": list(field.min_size),
        "global": field.is_global,
    }


def _place(origin: Origin | None) -> dict[str, Any] | None:
    """Where a layer is written; a model file has no lines."""
    if origin is None:
        return None
    span = origin.span
    return {"file": span.source.path, "line": span.line or None, "column": span.column or None}


def _fraction(ratio: tuple[int, int]) -> Any:
    return ratio[0] if ratio[1] == 1 else list(ratio)


def _shape(shape: Shape, channels_last: bool) -> list[int]:
    return [*shape[1:], shape[0]] if channels_last else list(shape)
