"""How each number came about: of one layer the formulas with its numbers put in, of a block or a network the sums."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.memory import FLOAT32, alive
from cnncalc.diagnostics import Fault, Note
from cnncalc.geometry import AXES, GLOBAL, Intervals, Transposed, Window, dims, elements
from cnncalc.graph import Node
from cnncalc.layers.base import Layer, Multiplies, Operation
from cnncalc.layers.types import show
from cnncalc.render.cells import short, size_in_bytes, written
from cnncalc.report import Report
from cnncalc.sums import Topic, of_block, of_network
from cnncalc.tables.report import described
from cnncalc.values import AtLeast, known


class Explanation:
    """All that can be said of one layer; as text the titles stand on the left, their lines beside them."""

    def __init__(self, topics: list[Topic]) -> None:
        self.topics = topics

    def to_dict(self) -> dict[str, list[str]]:
        """Lines by title."""
        return {topic.title.lower(): topic.lines for topic in self.topics}

    def __str__(self) -> str:
        wide = max(len(topic.title) for topic in self.topics)
        rows = [
            (topic.title if number == 0 else "", line)
            for topic in self.topics
            for number, line in enumerate(topic.lines)
        ]
        return "".join(f"{title:<{wide}}  {line}\n" for title, line in rows)


def explain(report: Report, name: str | None = None) -> Explanation:
    """All that can be said of the layer or block called `name` (or of its result), or of the network as a whole.

    Raises `Fault` for a name that nothing has.
    """
    if name is None:
        return Explanation([topic for topic in of_network(report) if topic.lines])
    found = report.graph.find(name)
    node, full = found.node, report.graph.resolved(name)
    if node is None:
        raise Fault("no-layer", f"`{name}` is an input: it has its shape and nothing to explain")
    if len(found.layers) > 1 and node.name != full:
        return Explanation([topic for topic in of_block(report, report.graph.rows_of(name), found) if topic.lines])
    return Explanation([topic for topic in _of_layer(report, node) if topic.lines])


def _of_layer(report: Report, node: Node) -> list[Topic]:
    operation = node.operation
    inputs = [f"{report.graph.tensor_name(tensor)}: {dims(report.graph.shapes[tensor])}" for tensor in node.inputs]
    return [
        Topic("Layer", [f"{node.name} ({node.kind})", *(f"also called {also}" for also in node.names)]),
        Topic("Input", inputs),
        Topic("Output", [f"{dims(operation.output)}", *_output_lines(operation)]),
        Topic("Parameters", _params_lines(report, node)),
        Topic("MACs", _macs_lines(operation)),
        Topic("Receptive field", _field_lines(report, node)),
        Topic("Alive", _alive_lines(report, node)),
        Topic("Written", _origin_lines(node)),
        Topic("Notes", [remark.text for remark in report.notes(node)]),
    ]


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


def _params_lines(report: Report, node: Node) -> list[str]:
    params, state = (report.values(key)[node.place] for key in ("params", "state"))
    if params is None or isinstance(params, AtLeast):
        return [] if params is None else ["not known"]
    lines = []
    for weight in node.operation.weights:
        kept = "" if weight.learned and not node.frozen else " (state)"
        factors = f"{dims(weight.shape)} = " if len(weight.shape) > 1 else ""
        lines.append(f"{weight.name}: {factors}{elements(weight.shape):,}{kept}")
    if node.shares is not None:
        lines.append(f"the weights of {node.shares.name}, counted there")
    else:
        lines.append(f"{params:,} learned{f', {state:,} state' if state else ''}")
    separable = known(report.values("separable_params")[node.place])
    if separable != params and node.shares is None:
        lines.append(f"depthwise separable instead: {separable:,} ({separable / params:.1%})")
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


def _field_lines(report: Report, node: Node) -> list[str]:
    """The field, and how it grew from the first input's; axes that grew alike share a line."""
    field = report.fields[node.place]
    if field is None:
        return ["sees nothing of this input"]
    lines = [written(described(field)) + (", and global paths" if field.is_global and field.is_local else "")]
    earlier = report.graph.node(node.inputs[0])
    before = report.fields[earlier.place] if earlier is not None else None
    reach = node.operation.reach
    grown: dict[str, list[str]] = {}
    if isinstance(reach, tuple) and field.is_local:
        for number, (axis, name) in enumerate(zip(reach, AXES[len(reach)])):
            low, high = before.size[number] if before else (1, 1)
            step = before.stride[number][0] if before else (1, 1)
            if isinstance(axis, Window) and low == high and step[1] == 1:
                grown.setdefault(_growth(axis, low, step[0]), []).append(name)
    return lines + [f"{' and '.join(axes)}: {line}" for line, axes in grown.items()]


def _alive_lines(report: Report, node: Node) -> list[str]:
    """What exists while the layer runs and why, a buffer a line."""
    setting = report.setting or FLOAT32
    buffers = alive(report.graph, node.place, setting)
    total = size_in_bytes(sum(buffer.bytes for buffer in buffers))
    lines = [f"{_named(buffer.tensors)}: {size_in_bytes(buffer.bytes)}, {buffer.reason}" for buffer in buffers]
    return [f"{total} in {setting.dtype}, while it runs", *lines]


MAX_NAMES = 4
"""Tensors of one buffer that are named."""


def _named(names: list[str]) -> str:
    """The first that a buffer was filled with, and the last ones: what it holds now."""
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{names[0]}, …, {', '.join(names[2 - MAX_NAMES :])}"


def _growth(axis: Window, size: int, stride: int) -> str:
    """How a window widens a field: size + (K - 1)*stride."""
    wider = size + (axis.extent - 1) * stride
    return (
        f"size + (K - 1)*stride = {size} + ({axis.extent} - 1)*{stride} = {wider}, "
        f"stride {stride}*{axis.stride} = {stride * axis.stride}"
    )


def _origin_lines(node: Node) -> list[str]:
    """The step in the file, the calls around it, and where each argument came from."""
    layer, origin = node.operation.layer, node.origin
    lines = []
    if origin is not None:
        line = origin.span.source.line(origin.span.line).strip()
        lines = [f"at {origin.span}{f': {line}' if line else ''}", *map(str, origin.notes())]
    written = node.written()
    return lines + [_argument_line(layer, name, written.get(name, [])) for name in layer.fields]


def _argument_line(layer: Layer, name: str, written: list[Note]) -> str:
    """``kernel: 3, written at vgg.yaml:17:17; `k` was given at vgg.yaml:4:9``."""
    value = getattr(layer, name)
    shown = "not given" if value is None or value == () else show(value)
    return f"{name}: {shown}, {'; '.join(map(str, written)) or 'its default'}"
