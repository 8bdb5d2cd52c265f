"""The executor against the analyzers: a network is run, and what was observed is compared with what is reported.

Four claims of every layer are compared: its output's shape, the weights that it reads, the products that it makes, and
the input positions that influence its units.  The executor gets all of these without the code that reports them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import lcm, prod
from random import Random
from typing import NamedTuple

from cnncalc.analyzers import params as param_counts
from cnncalc.analyzers.receptive_field import ReceptiveField, receptive_fields
from cnncalc.executor.algebras import Bytes
from cnncalc.executor.fast import Fast, drawn
from cnncalc.executor.machine import Machine, Tensor, run
from cnncalc.executor.sights import PADDED, Sight, Sights, periodic, regular, seen, span, unseen
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph, Node

Progress = Callable[[int, int, str], None]
"""Called after every layer: products made, or layers done, so far and in all, and the layer's name."""

PLAIN = 1_000_000
"""Products and results up to which a network also runs on the plain path."""
LONGEST = 32_768
"""Positions to which an axis is lengthened at most."""
MOST = 30_000_000
"""Positions of an axis, for all layers together, to which it is lengthened at most."""

EQUAL = "equal at all interior positions"
GLOBAL = "global"
FLAT = "without spatial axes"
UNSEEN = "not seeing the input"
NO_INTERIOR = "without enough interior positions"
UNEQUAL = "joining unequal strides, not compared"
NOT_RUN = "not run"
BEHIND = "behind a layer that is not run"


class Layer(NamedTuple):
    """What was observed of one layer, and where it differs from what is reported."""

    name: str
    kind: str
    shape: Shape
    params: int
    """Weights read that are its own and learned; shared ones are counted where they are owned."""
    state: int
    """Weights read that are its own and only kept."""
    products: int
    field: str
    """How the receptive field was compared: one of the texts above."""
    differences: list[str]

    @property
    def ran(self) -> bool:
        """Whether it was executed; an opaque layer gives a constant of its declared shape."""
        return self.field != NOT_RUN


class Verification(NamedTuple):
    """The comparison of a whole network."""

    title: str
    layers: list[Layer]
    plain: bool
    """Whether the plain path ran too."""
    lengthened: list[str]
    """Axes that were lengthened to have interior positions, and to how much."""

    @property
    def differences(self) -> list[tuple[str, str]]:
        """Layers, and in what they differ."""
        return [(layer.name, difference) for layer in self.layers for difference in layer.differences]

    @property
    def sentence(self) -> str:
        """What was run and compared; or how many layers differ."""
        wrong = len({name for name, _ in self.differences})
        if wrong:
            return f"{self.title}: {wrong} of the {len(self.layers)} layers that were executed differ from the report"
        params, state = sum(layer.params for layer in self.layers), sum(layer.state for layer in self.layers)
        products = sum(layer.products for layer in self.layers)
        shapes = sum(layer.ran for layer in self.layers)
        fields = Counter(layer.field for layer in self.layers)
        listed = ", ".join(f"{count:,} {field}" for field, count in fields.items())
        return (
            f"{self.title}: verified by execution: {shapes:,} output shapes, {params:,} parameters and "
            f"{state:,} of state, each read once, {products:,} products; receptive fields: {listed}"
        )

    @property
    def remarks(self) -> list[str]:
        """How it was run."""
        ways = "8-bit integers with whole weights; norms, gates, averages and smooth activations rounded to 8 bits"
        found = [f"run at full size in {ways}{', by the plain and the fast path' if self.plain else ''}"]
        if self.lengthened:
            found.append(f"dependency sets also at {', '.join(self.lengthened)}, for interior positions")
        return found


def verify(graph: Graph, progress: Progress | None = None, processes: int = 1) -> Verification:
    """Run a network and compare it, layer by layer, with what the analyzers report; up to an output of another shape.

    `processes` share the large convolutions.  Raises `Fault` for a pattern of positions beyond the limits.
    """
    layers, plain = _numbers(graph, progress, processes)
    lengthened = []
    if layers and layers[-1].shape != graph.nodes[len(layers) - 1].operation.output:
        return Verification(_title(graph), layers, plain, [])
    for number, (name, shape) in enumerate(graph.inputs):
        results, sizes = Fields(graph, number, progress).compare()
        for place, (field, differences) in enumerate(results):
            layer = layers[place]
            text = field if layer.field == UNSEEN else layer.field
            layers[place] = layer._replace(field=text, differences=layer.differences + differences)
        if sizes != shape[1:]:
            lengthened.append(f"{name} {dims(sizes)}")
    return Verification(_title(graph), layers, plain, lengthened)


def _title(graph: Graph) -> str:
    variant = f" ({graph.variant})" if graph.variant else ""
    inputs = ", ".join("x".join(map(str, shape)) for _, shape in graph.inputs)
    return f"{graph.name}{variant} @ {inputs}"


# -- shapes, weights, products -----------------------------------------------------------------------------------------


def _numbers(graph: Graph, progress: Progress | None, processes: int) -> tuple[list[Layer], bool]:
    """Run the network in numbers: by the fast path at full size, and by the plain path too if it is small."""
    generator = Random(graph.name)
    inputs = [Tensor(shape, generator.randbytes(prod(shape))) for _, shape in graph.inputs]
    machine, counts = Fast(drawn, processes), param_counts.params(graph)
    total = sum(node.operation.macs or 0 for node in graph.nodes)
    results = sum(prod(node.operation.output) for node in graph.nodes)
    plain = run(graph, Machine(Bytes(), drawn), inputs) if total + results <= PLAIN else None
    owned: dict[str, dict[tuple[str, str], int]] = {}
    layers = []
    for (node, tensor), count in zip(run(graph, machine, inputs), counts):
        differences = [] if node.operation.layer.unknown else _compare(node, tensor, machine, count, owned)
        if plain is not None and list(next(plain)[1].data) != list(tensor.data):
            differences.append("numbers: the plain and the fast path differ")
        learned, kept = (0, 0) if node.shares else _own(node, machine)
        layers.append(Layer(node.name, node.kind, tensor.shape, learned, kept, machine.made, UNSEEN, differences))
        if tensor.shape != node.operation.output:
            break  # what comes after it was made for another shape
        if progress is not None:
            progress(machine.algebra.products, total, node.name)
    return layers, plain is not None


def _compare(
    node: Node,
    tensor: Tensor,
    machine: Machine,
    count: param_counts.Count,
    owned: dict[str, dict[tuple[str, str], int]],
) -> list[str]:
    """In what the shape, the weights and the products of a layer differ from what is reported."""
    found = []
    if tensor.shape != node.operation.output:
        found.append(f"output shape: executed {dims(tensor.shape)}, reported {dims(node.operation.output)}")
    if machine.made != (node.operation.macs or 0):
        found.append(f"products: made {machine.made:,}, reported {node.operation.macs or 0:,} MACs")
    read = machine.consumed
    if node.shares is not None:
        if read != owned.get(node.shares.name, {}) or count.params or count.state:
            found.append(f"weights: other than those of `{node.shares.name}`, which it shares")
        return found
    owned[node.name] = read
    learned, kept = _own(node, machine)
    if (learned, kept) != (count.params, count.state):
        reported = f"{count.params:,} and {count.state:,} of state"
        found.append(f"weights: read {learned:,} and {kept:,} of state, reported {reported}")
    return found


def _own(node: Node, machine: Machine) -> tuple[int, int]:
    """How many learned weights, and how many that are only kept, the node has just read."""
    read = machine.consumed
    kept = sum(size for (_, name), size in read.items() if node.frozen or name.startswith("running_"))
    return sum(read.values()) - kept, kept


# -- receptive fields --------------------------------------------------------------------------------------------------

Result = tuple[str, list[str]]
"""How a receptive field was compared, and the differences found."""


class Fields:
    """The dependency sets of one input against the reported receptive fields."""

    def __init__(self, graph: Graph, number: int, progress: Progress | None = None) -> None:
        self.graph, self.number, self.progress = graph, number, progress
        name, shape = graph.inputs[number]
        self.sizes = shape[1:]
        self.reported = receptive_fields(graph, name)
        self.zeros = not any(_reads_around(node) for node in graph.nodes)

    def compare(self) -> tuple[list[Result], Shape]:
        """A result per layer, and the sizes at which the last of them were found.

        A layer without interior positions is looked at again on axes lengthened by multiples of the total stride,
        which keeps every padding; where a layer does not grow with them, it stays without any.
        """
        results, before = list[Result](), []
        for node, sight in self.sights(self.sizes):
            before.append(sight._replace(axes=sight.axes and ()))  # what it sees is not held
            result = self.result(node, sight, len(results))
            if sight.shape != node.operation.output and not node.operation.layer.unknown:
                result[1].append(f"dependency sets: for {dims(sight.shape)}, reported {dims(node.operation.output)}")
            results.append(result)
        pending = [place for place, (field, _) in enumerate(results) if field == NO_INTERIOR]
        sizes = self.lengthened()
        if not pending or sizes == self.sizes:
            return results, self.sizes
        for place, (node, sight) in enumerate(self.sights(sizes)):
            if results[place][0] == NO_INTERIOR and _grown(before[place], sight):
                field, differences = self.result(node, sight, place)
                results[place] = field, results[place][1] + differences
            if place == pending[-1]:
                break
        return results, sizes

    def sights(self, sizes: Shape) -> Iterator[tuple[Node, Sight]]:
        """Every node with its dependency sets, on axes of these sizes."""
        inputs = []
        for number, (_, shape) in enumerate(self.graph.inputs):
            inputs.append(seen((shape[0], *sizes)) if number == self.number else unseen(shape))
        for place, (node, sight) in enumerate(run(self.graph, Sights(), inputs), 1):  # type: ignore[arg-type]
            if self.progress is not None:
                self.progress(place, len(self.graph.nodes), f"{node.name}, {dims(sizes)}")
            yield node, sight  # type: ignore[misc]

    def lengthened(self) -> Shape:
        """Sizes on which layers have interior positions; those of the input where that would be too long."""
        local = [field for field in self.reported if field is not None and field.is_local]
        sizes = []
        for axis, size in enumerate(self.sizes):
            step = lcm(*(stride[0] for field in local for stride in field.stride[axis]))
            widest = max((field.size[axis][1] for field in local), default=0)
            longer = size + step * (widest // step + 4)
            sizes.append(longer if longer <= min(LONGEST, MOST // max(1, len(self.graph.nodes))) else size)
        return tuple(sizes)

    def result(self, node: Node, sight: Sight, place: int) -> Result:
        """One layer's dependency sets against its receptive field."""
        field = self.reported[place]
        if node.operation.layer.unknown:
            return NOT_RUN, []
        if sight.is_unknown:
            return BEHIND, []
        seeing = sight.axes is not None or sight.is_global
        if field is None or not seeing:
            same = field is None and not seeing
            return UNSEEN, [] if same else ["receptive field: only one of execution and report sees the input"]
        if (field.is_local, field.is_global) != (sight.axes is not None, sight.is_global):
            return GLOBAL, ["receptive field: local and global paths differ from those that were executed"]
        if sight.axes is None:
            return GLOBAL, []
        if not sight.axes:
            return FLAT, []
        if any(low != high for low, high in field.stride):
            return UNEQUAL, []
        found: list[tuple[bool, list[str]]] = []
        for axis, sets in enumerate(sight.axes):
            figures = [(field.size[at], field.stride[at], field.start[at]) for at in (max(0, axis - 1), axis)]
            if axis and sets is sight.axes[axis - 1] and figures[0] == figures[1] and not found[-1][1]:
                continue  # as on the axis before
            found.append(self.on_axis(sets, field, axis, sight.is_uneven))
        told = EQUAL if all(complete for complete, _ in found) else NO_INTERIOR
        return told, [text for _, differences in found for text in differences]

    def on_axis(self, sets: list[int], field: ReceptiveField, axis: int, uneven: bool) -> tuple[bool, list[str]]:
        """Whether there were interior positions to tell size, start and stride; and the differences."""
        (least, most), start = field.size[axis], field.start[axis]
        spans = {unit: span(positions) for unit, positions in enumerate(sets)}
        inner = {unit: found for unit, found in spans.items() if found and not sets[unit] & PADDED}
        step, period = field.stride[axis][0]
        if not uneven and period == 1 and start is not None:
            return regular(spans, inner, step, start, most, axis, self.zeros)
        return periodic(inner, (step, period), start, (least, most), axis)


def _grown(before: Sight, after: Sight) -> bool:
    """Whether a tensor has grown on every axis, as one of a declared size does not, nor its joins with others."""
    same = (before.axes is None, before.is_global) == (after.axes is None, after.is_global)
    return same and all(new > old for old, new in zip(before.shape[1:], after.shape[1:]))


def _reads_around(node: Node) -> bool:
    """Whether a layer's padding holds values of the input, from wherever."""
    return node.operation.layer.border in ("replicate", "reflect", "circular")
