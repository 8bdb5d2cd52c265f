"""The same network as other tools count it, and the bridge from our figures to theirs.

A convention is a table of what a tool counts of each kind of layer, as if it were one module of its kind, in a few
terms.  What a network's own source writes otherwise is data beside it (`writings`): some tools see modules, some the
functions that these call.  The tables were checked against what the tools print (tests/frameworks/conventions.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.analyzers.measurement import Counting, Measurement
from cnncalc.compare.writings import Form, Writing, form_of
from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import elements
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation
from cnncalc.layers.windows import per_axis
from cnncalc.records import NamedTuple
from cnncalc.values import AtLeast


class Terms:
    """What a tool may count of one layer, as numbers."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        first = operation.inputs[0] if operation.inputs else ()
        self.x = elements(first) if first else 0
        """Elements of the input."""
        self.o = elements(operation.output)
        """Elements of the output."""
        self.macs = operation.macs or 0
        self.rank = len(first) - 1
        """How many spatial axes there are."""
        self.positions = prod(operation.output[1:])
        self.learned = sum(elements(weight.shape) for weight in operation.weights if weight.learned)
        """Parameters, those that are shared at every use."""

    @property
    def bias(self) -> int:
        """An addition for each output element, where there is a bias."""
        return self.o if self.operation.layer.bias else 0

    def argument(self, name: str) -> Any:
        """The value of one of the layer's arguments."""
        return getattr(self.operation.layer, name)


Count = Callable[[Terms], int]
"""What is counted of one layer."""

Counts = dict[str, dict[str, Count]]
"""By kind of layer, what is counted in each part of the total."""


def each(kinds: str, **parts: Count) -> Counts:
    """The same parts for several kinds."""
    return dict.fromkeys(kinds.split(), parts)


class Tool(NamedTuple):
    """What one tool counts."""

    label: str
    """What it calls the figure."""
    version: str
    """With which the table was checked."""
    modules: Counts
    """Of the modules that it knows."""
    functions: Counts
    """Of the functions that modules call, or that stand in place of a module."""
    exact: bool = False
    """Whether it knows a module by its very class, and not what is derived from it."""
    factor: int = 1
    notes: tuple[str, ...] = ()
    """Known deviations."""


def _macs(terms: Terms) -> int:
    return terms.macs


def _bias(terms: Terms) -> int:
    return terms.bias


def _x(terms: Terms) -> int:
    return terms.x


def _o(terms: Terms) -> int:
    return terms.o


def _learned(terms: Terms) -> int:
    return terms.learned


def _times(factor: int, plain: int) -> Count:
    """So many for each input element: of a norm that has learned factors, and of one without."""
    return lambda terms: terms.x * (factor if terms.learned else plain)


def _on_planes(count: Count) -> Count:
    """What is counted on two spatial axes alone."""
    return lambda terms: count(terms) if terms.rank == 2 else 0


def _transposed(terms: Terms) -> int:
    """What a transposed convolution has more, or less, by output positions than by input positions."""
    kernel = sum(elements(weight.shape) for weight in terms.operation.weights if weight.name == "weight")
    return kernel * terms.positions - terms.macs


def _unseen(terms: Terms) -> int:
    """Convolutions whose padding is the word `same` run by another operator."""
    unstrided = set(per_axis(terms.argument("stride"), terms.rank, "stride")) == {1}
    return -terms.macs if terms.argument("padding") == "same" and unstrided else 0


def _upsampled(nearest: int, linear: dict[int, int]) -> Count:
    """So many for each output element, by the interpolation and the number of axes."""

    def count(terms: Terms) -> int:
        return terms.o * (nearest if terms.argument("mode") == "nearest" else linear.get(terms.rank, 0))

    return count


def _shares(terms: Terms) -> int:
    """The softmax of attention: a value for each head, query and key."""
    operation = terms.operation
    products = operation.layer.multiplies(operation.inputs, operation.output)
    return sum(product.number for product in products if product.per == "pair") * int(terms.argument("heads"))


CONVOLUTIONS = "conv depthwise_conv"
WEIGHTED = f"{CONVOLUTIONS} conv_transpose linear"
MEANS = "adaptive_avg_pool global_avg_pool"
POOLS = f"max_pool avg_pool adaptive_max_pool global_max_pool {MEANS}"

PRODUCTS = "attention operator_attention matmul"
"""Products of tensors, as functions that multiply matrices.

PyTorch's multi-head attention is a module with functions of its own: `attention_projection`, `fused_attention`; in
`operator_attention` the first of two products, half of the MACs, is written with `@`.
"""
FUSED = "it does not see PyTorch's own function for attention"

TOOLS: dict[str, Tool] = {
    "torchinfo": Tool(
        "Total mult-adds",
        "1.8.0",
        each(CONVOLUTIONS, macs=_macs, bias=_bias)
        | each("conv_transpose", macs=_macs, bias=_bias, by_output_positions=_transposed)
        | each("linear", macs=_macs, weights_once=lambda terms: terms.learned - terms.macs)
        | each("batch_norm layer_norm group_norm instance_norm prelu", weights_once=_learned),
        {},
        notes=("it counts the weights of all but convolutions once, however many positions there are",),
    ),
    "fvcore": Tool(
        "flops",
        "0.1.5.post20221221",
        {},
        each("linear conv_transpose attention_projection", macs=_macs)
        | each(CONVOLUTIONS, macs=_macs, unseen=_unseen)
        | each("batch_norm", norms=_times(2, 1))
        | each("layer_norm group_norm instance_norm", norms=_times(5, 4))
        | each(MEANS, pools=_on_planes(_x))
        | each("upsample", upsampling=_on_planes(_upsampled(1, {2: 4})))
        | each(PRODUCTS, macs=_macs),
        notes=("it calls multiply-accumulates flops", "it does not see convolutions with `padding='same'`", FUSED),
    ),
    "thop": Tool(
        "MACs",
        "0.1.1",
        each(f"{CONVOLUTIONS} linear", macs=_macs)
        | each("conv_transpose", macs=_macs, by_output_positions=_transposed)
        | each("batch_norm layer_norm instance_norm", norms=_times(4, 2))
        | each("prelu", activations=_x)
        | each("softmax", activations=lambda terms: terms.positions * (3 * terms.operation.inputs[0][0] - 1))
        | each("avg_pool", pools=_o)
        | each(MEANS, pools=lambda terms: terms.x + terms.o)
        | each("upsample", upsampling=_upsampled(1, {1: 5, 2: 11})),
        {},
        exact=True,
        notes=("it does not see functions, such as a `mean` in place of a pool", "it does not know group norms"),
    ),
    "ptflops_pytorch": Tool(
        "Computational complexity (MACs), PyTorch backend",
        "0.7.5",
        each(WEIGHTED, macs=_macs, bias=_bias)
        | each("batch_norm group_norm instance_norm", norms=_times(2, 1))
        | each("layer_norm", norms=_x)
        | each("relu relu6 leaky_relu elu prelu gelu", activations=_o)
        | each(POOLS, pools=_x)
        | each("upsample", upsampling=_o),
        each("relu elu prelu gelu silu softmax", activations=_o)
        | each(POOLS, pools=_x)
        | each("upsample", upsampling=_o)
        | each("attention", macs=_macs, activations=_shares)
        | each("operator_attention", macs=lambda terms: terms.macs // 2, activations=_shares)
        | each("matmul", macs=_macs)
        | each("attention_projection", macs=_macs, bias=_bias)
        | each("fused_attention", macs=_macs, activations=lambda terms: _shares(terms) + terms.o),
        exact=True,
        notes=("it counts a module and the function that it calls, so that pools and most activations count twice",),
    ),
    "ptflops_aten": Tool(
        "Computational complexity (MACs), ATen backend",
        "0.7.5",
        {},
        each(f"{WEIGHTED} attention_projection", macs=_macs, bias=_bias) | each(PRODUCTS, macs=_macs),
        notes=(FUSED,),
    ),
    "torch_flop_counter": Tool(
        "FlopCounterMode, total flops",
        "2.13.0",
        {},
        each(WEIGHTED, macs=_macs) | each(PRODUCTS, macs=_macs),
        factor=2,
        notes=("a multiplication and an addition are two", "it sees nothing of PyTorch's own multi-head attention"),
    ),
}
"""The tools, by the name that ``--as`` takes."""


class Convention(NamedTuple):
    """One tool's total, and what it consists of."""

    tool: str
    label: str
    version: str
    value: int
    parts: dict[str, int]
    """From our MACs, or parameters, on; they add up to the value."""
    notes: tuple[str, ...] = ()
    """Known deviations of the tool, and what this network's own source writes otherwise."""

    def to_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it."""
        return {"label": self.label, "value": self.value, "parts": self.parts}


def conventions(graph: Graph, written: Sequence[Writing] = ()) -> list[Convention]:
    """The totals of all tools; `written` is what the network's own source writes otherwise."""
    return [_total(name, graph, written) for name in TOOLS] + [keras(graph)]


def keras(graph: Graph) -> Convention:
    """What Keras calls the parameters: it counts what is only kept, too."""
    measured = Measurement(graph)
    found = {key: _known(measured.total(key)) for key in ("params", "state")}
    return Convention("keras", "Total params", "3.15.1", sum(found.values()), found)


def counting(graph: Graph, tool: str, written: Sequence[Writing] = ()) -> Counting:
    """What a tool counts in place of our MACs; raises `Fault` for an unknown tool."""
    values = by_layer(graph, tool, written)
    found = _total(tool, graph, written)
    text = f"MACs: what {tool} {found.version} counts, and calls `{found.label}`"
    return Counting(tool, values, found.value, "; ".join((text, *found.notes)))


def check_tool(tool: str) -> None:
    """Raise `Fault` where no tool is called so."""
    if tool not in TOOLS:
        listed = ", ".join(f"`{name}`" for name in TOOLS)
        help = suggestion(tool, TOOLS) or f"conventions are {listed}"
        raise Fault("unknown-convention", f"there is no convention `{tool}`", None, help)


def by_layer(graph: Graph, tool: str, written: Sequence[Writing] = ()) -> list[int]:
    """What a tool counts of every node; raises `Fault` for an unknown tool.

    What a source has beside the layers of the graph is in the total alone.
    """
    check_tool(tool)
    factor = TOOLS[tool].factor
    return [factor * sum(_counted(TOOLS[tool], node, written).values()) for node in graph.nodes]


def _total(name: str, graph: Graph, written: Sequence[Writing]) -> Convention:
    tool = TOOLS[name]
    parts = {"macs": _known(Measurement(graph).total("macs"))}
    missing = 0
    for node in graph.nodes:
        found = _counted(tool, node, written)
        missing += found.pop("macs", 0) - (node.operation.macs or 0)
        for part, number in found.items():
            parts[part] = parts.get(part, 0) + number
    if missing:
        parts["not_seen"] = missing
    for writing in written:
        if writing.beside is not None:
            for part, number in _of_kind(tool, *writing.beside).items():
                parts[part] = parts.get(part, 0) + number
    if tool.factor != 1:
        parts["additions"] = (tool.factor - 1) * sum(parts.values())
    parts = {part: number for part, number in parts.items() if number or part == "macs"}
    notes = (*tool.notes, *(writing.text for writing in written))
    if _known(Measurement(graph).total("product_macs") or 0) and "attention" not in tool.functions:
        notes = (*notes, "it does not count products of tensors, as in attention")
    return Convention(name, tool.label, tool.version, sum(parts.values()), parts, notes)


def _counted(tool: Tool, node: Node, written: Sequence[Writing]) -> dict[str, int]:
    """What a tool counts of one node, by part."""
    form, kind = form_of(node, written)
    return _of_kind(tool, kind, node.operation, form)


def _of_kind(tool: Tool, kind: str, operation: Operation, form: Form = Form.MODULE) -> dict[str, int]:
    """What a tool counts of an operation as a kind, in the form that it is written in."""
    if form == Form.ABSENT:
        return {}
    terms = Terms(operation)
    found: dict[str, int] = {}
    seen = []
    if form == Form.MODULE or (form == Form.DERIVED and not tool.exact):
        seen.append(tool.modules)
    if form != Form.METHOD:
        seen.append(tool.functions)
    for counts in seen:
        for part, count in counts.get(kind, {}).items():
            found[part] = found.get(part, 0) + count(terms)
    return found


def _known(value: Any) -> int:
    return value.value if isinstance(value, AtLeast) else int(value)
