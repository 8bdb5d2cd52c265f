"""How each number of one layer came about: the formulas with this layer's numbers put in."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.diagnostics import Fault, Note, suggestion
from cnncalc.geometry import AXES, GLOBAL, Intervals, Transposed, Window, dims
from cnncalc.graph import Graph
from cnncalc.layers.base import Layer, Multiplies, Operation
from cnncalc.layers.types import show
from cnncalc.report import Report, has_params
from cnncalc.tables.report import field_text, short


class Topic(NamedTuple):
    """One quantity, and the lines that explain it."""

    title: str
    lines: list[str]


def explain(report: Report, name: str) -> list[Topic]:
    """All that can be said of the layer called `name` (its row, or a name for its result); raises `Fault`."""
    index = find(report.graph, name)
    node = report.graph.nodes[index]
    operation = node.operation
    inputs = [f"{report.graph.tensor_name(tensor)}: {dims(report.graph.shape(tensor))}" for tensor in node.inputs]
    topics = [
        Topic("Layer", [f"{node.name} ({node.kind})", *(f"also called {also}" for also in node.names)]),
        Topic("Input", inputs),
        Topic("Output", [f"{dims(operation.output)}", *_output_lines(operation)]),
        Topic("Parameters", _params_lines(report, index)),
        Topic("MACs", _macs_lines(operation)),
        Topic("Receptive field", _field_lines(report, index)),
        Topic("Written", _origin_lines(report, index)),
    ]
    notes = report.notes(index)
    return [topic for topic in topics if topic.lines] + ([Topic("Notes", notes)] if notes else [])


def find(graph: Graph, name: str) -> int:
    """The number of the layer with this row name, or whose result has this name; raises `Fault`."""
    for index, node in enumerate(graph.nodes):
        if node.name == name:
            return index
    for index, node in enumerate(graph.nodes):
        if name in node.names:
            return index
    names = [node.name for node in graph.nodes] + [name for node in graph.nodes for name in node.names]
    help = suggestion(name, names) or f"layers are {', '.join(f'`{known}`' for known in names[:8])}, …"
    raise Fault("unknown-layer", f"there is no layer `{name}`", None, help)


def _output_lines(operation: Operation) -> list[str]:
    """The output size per axis; axes that are computed alike share a line."""
    reach = operation.reach
    if not isinstance(reach, tuple):
        return ["one value sees every position"] if reach == GLOBAL and len(operation.inputs[0]) > 1 else []
    names = AXES[len(reach)]
    lines: dict[str, list[str]] = {}
    for axis, name, width, size in zip(reach, names, operation.inputs[0][1:], operation.output[1:]):
        lines.setdefault(_size_line(axis, width, size), []).append(name)
    return [f"{' and '.join(axes)}: {line}" for line, axes in lines.items()]


def _size_line(axis: Any, width: int, size: int) -> str:
    if isinstance(axis, Window):
        total = axis.before + axis.after
        kernel = str(axis.size)
        if axis.dilation > 1:
            kernel = f"{axis.extent} [= {axis.dilation}*({axis.size} - 1) + 1]"
        rounding = "rounded up" if axis.ceil else "rounded down"
        exact = (width + total - axis.extent) % axis.stride == 0
        return (
            f"(W + P - K)/S + 1 = ({width} + {total} - {kernel})/{axis.stride} + 1 = {size}"
            f"{'' if exact else f', {rounding}'} (padding {axis.before} before, {axis.after} after)"
        )
    if isinstance(axis, Transposed):
        total = axis.before + axis.after
        extra = f" + {axis.extra}" if axis.extra else ""
        return f"(W - 1)*S - P + K = ({width} - 1)*{axis.stride} - {total} + {axis.extent}{extra} = {size}"
    assert isinstance(axis, Intervals)
    return f"{width} -> {size}, a pattern of {axis.period} positions for every {axis.step} of the input"


def _params_lines(report: Report, index: int) -> list[str]:
    node = report.graph.nodes[index]
    if not has_params(node):
        return ["not known"] if "params" in node.operation.layer.unknown else []
    lines = []
    for weight in node.operation.weights:
        kept = "" if weight.learned and not node.frozen else " (state)"
        total = 1
        for size in weight.shape:
            total *= size
        factors = f"{dims(weight.shape)} = " if len(weight.shape) > 1 else ""
        lines.append(f"{weight.name}: {factors}{total:,}{kept}")
    count = report.params[index]
    if node.shares is not None:
        lines.append(f"the weights of {node.shares.name}, counted there")
    else:
        lines.append(f"{count.params:,} learned{f', {count.state:,} state' if count.state else ''}")
    separable = report.separable[index].params
    if separable != count.params and node.shares is None:
        lines.append(f"depthwise separable instead: {separable:,} ({separable / max(1, count.params):.1%})")
    return lines


def _macs_lines(operation: Operation) -> list[str]:
    if operation.macs is None:
        return ["not known"] if "macs" in operation.layer.unknown else []
    lines = [_product(product) for product in operation.layer.multiplies(operation.inputs, operation.output)]
    return [*lines, f"{operation.macs:,} MACs = {short(2 * operation.macs)} FLOPs"]


def _product(product: Multiplies) -> str:
    if product.per == "declaration":
        return f"{product.each:,} multiply-accumulates, as declared"
    return (
        f"{product.number:,} {product.per} elements x {product.each:,} multiply-accumulates each"
        f" = {product.number * product.each:,}"
    )


def _field_lines(report: Report, index: int) -> list[str]:
    """The field, and how it grew from the first input's; axes that grew alike share a line."""
    field = report.fields[index]
    if field is None:
        return ["sees nothing of this input"]
    lines = [field_text(field) + (", and global paths" if field.is_global and field.is_local else "")]
    node, count = report.graph.nodes[index], len(report.graph.inputs)
    before = report.fields[node.inputs[0] - count] if node.inputs[0] >= count else None
    reach = node.operation.reach
    grown: dict[str, list[str]] = {}
    if isinstance(reach, tuple) and field.is_local:
        for number, (axis, name) in enumerate(zip(reach, AXES[len(reach)])):
            low, high = before.size[number] if before else (1, 1)
            step = before.stride[number][0] if before else (1, 1)
            if isinstance(axis, Window) and low == high and step[1] == 1:
                grown.setdefault(_growth(axis, low, step[0]), []).append(name)
    return lines + [f"{' and '.join(axes)}: {line}" for line, axes in grown.items()]


def _growth(axis: Window, size: int, stride: int) -> str:
    """How a window widens a field: size + (K - 1)*stride."""
    wider = size + (axis.extent - 1) * stride
    return (
        f"size + (K - 1)*stride = {size} + ({axis.extent} - 1)*{stride} = {wider}, "
        f"stride {stride}*{axis.stride} = {stride * axis.stride}"
    )


def _origin_lines(report: Report, index: int) -> list[str]:
    """The step in the file, the calls around it, and where each argument came from."""
    node = report.graph.nodes[index]
    layer, span = node.operation.layer, node.origin.span
    lines = [f"at {span}: {span.source.line(span.line).strip()}", *map(str, node.origin.notes())]
    return lines + [_argument_line(layer, name, node.written.get(name, [])) for name in layer.fields]


def _argument_line(layer: Layer, name: str, written: list[Note]) -> str:
    """``kernel: 3, written at vgg.yaml:17:17; `k` was given at vgg.yaml:4:9``."""
    value = getattr(layer, name)
    shown = "not given" if value is None or value == () else show(value)
    return f"{name}: {shown}, {'; '.join(map(str, written)) or 'its default'}"
