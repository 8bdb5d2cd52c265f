"""Shapes, weights, products, memory: a network is run in numbers, and each is compared with what is reported of it."""

from __future__ import annotations

from math import prod
from random import Random

from cnncalc.analyzers import params as param_counts
from cnncalc.analyzers.memory import numbers_alive
from cnncalc.executor.algebras import Bytes
from cnncalc.executor.fast import Fast, drawn
from cnncalc.executor.machine import Machine, run
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph, Node
from cnncalc.layers.memory import IN_PLACE, VIEW
from cnncalc.records import NamedTuple
from cnncalc.verify.fields import NOT_RUN, UNSEEN, Progress

PLAIN = 1_000_000
"""Products and results up to which a network also runs on the plain path."""


class Observed(NamedTuple):
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
    """How the receptive field was compared: one of the texts in `verify.fields`."""
    differences: list[str]

    @property
    def ran(self) -> bool:
        """Whether it was executed; an opaque layer gives a constant of its declared shape."""
        return self.field != NOT_RUN


def observe(graph: Graph, progress: Progress | None, processes: int) -> tuple[list[Observed], bool]:
    """Run the network in numbers: by the fast path at full size, and by the plain path too if it is small.

    Returns a line per layer, and whether the plain path ran; up to an output of another shape than reported.
    """
    generator = Random(graph.name)
    inputs = [Tensor(shape, generator.randbytes(prod(shape))) for _, shape in graph.inputs]
    machine, counts = Fast(drawn, processes), [param_counts.count(node) for node in graph.nodes]
    total = sum(node.operation.macs or 0 for node in graph.nodes)
    results = sum(prod(node.operation.output) for node in graph.nodes)
    plain = run(graph, Machine(Bytes(), drawn), inputs) if total + results <= PLAIN else None
    owned: dict[str, dict[tuple[str, str], int]] = {}
    layers = []
    held: list[int] = []
    shared = _Shared(graph, inputs)
    for (node, tensor), count, alive in zip(run(graph, machine, inputs, held), counts, numbers_alive(graph)):
        differences = [] if node.operation.layer.unknown else _compare(node, tensor, machine, count, owned)
        differences += shared.compare(node, tensor)
        if held[-1] != alive and tensor.shape == node.operation.output:
            differences.append(f"memory: {held[-1]:,} numbers were held, reported {alive:,} alive")
        if plain is not None and list(next(plain)[1].data) != list(tensor.data):
            differences.append("numbers: the plain and the fast path differ")
        learned, kept = (0, 0) if node.shares else _own(node, machine)
        layers.append(Observed(node.name, node.kind, tensor.shape, learned, kept, machine.made, UNSEEN, differences))
        if tensor.shape != node.operation.output:
            break  # what comes after it was made for another shape
        if progress is not None:
            progress(machine.algebra.products, total, node.name)
    return layers, plain is not None


class _Shared:
    """Results that are reported to be in their input's buffer, as a view of it or written over it."""

    def __init__(self, graph: Graph, inputs: list[Tensor]) -> None:
        self.last = {node.inputs[0]: node.place for node in graph.nodes if node.operation.layer.buffer == VIEW}
        """For every tensor that is viewed, the place of the last node that does."""
        self.viewed = dict(enumerate(inputs))

    def compare(self, node: Node, tensor: Tensor) -> list[str]:
        """What is wrong with that: a view is a stretch of its input, and what is written over it has its shape."""
        if node.number in self.last:
            self.viewed[node.number] = tensor
        rule = node.operation.layer.buffer
        if rule == IN_PLACE and tensor.shape != node.operation.inputs[0]:
            shape = dims(node.operation.inputs[0])
            return [f"memory: reported as written over its input, which has another shape: {shape}"]
        if rule != VIEW:
            return []
        source = self.viewed[node.inputs[0]]
        if self.last[node.inputs[0]] == node.place:
            del self.viewed[node.inputs[0]]
        is_stretch = bytes(tensor.data) in bytes(source.data)
        return [] if is_stretch else ["memory: reported as a view, but no stretch of its input"]


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
    if (learned, kept) != (count.params or 0, count.state or 0):
        reported = f"{count.params or 0:,} and {count.state or 0:,} of state"
        found.append(f"weights: read {learned:,} and {kept:,} of state, reported {reported}")
    return found


def _own(node: Node, machine: Machine) -> tuple[int, int]:
    """How many learned weights, and how many that are only kept, the node has just read."""
    read = machine.consumed
    kept = sum(size for (_, name), size in read.items() if node.frozen or name.startswith("running_"))
    return sum(read.values()) - kept, kept
