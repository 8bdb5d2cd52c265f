"""Memory at inference: which tensors exist while a layer runs, in bytes, and where most of them do.

A *scan* over the order of the table.  A buffer lives from the layer that fills it to the last use of any tensor in it;
the network's outputs are used at the end.  Views share their input's buffer; a layer that may write over its input
does so where nobody needs that later.  Which layers do so, each kind states (`Layer.buffer`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import elements
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.layers.memory import IN_PLACE, VIEW
from cnncalc.records import NamedTuple
from cnncalc.values import AtLeast

BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "int8": 8, "int4": 4}
"""Bits of a number, by its type."""

MAX_BATCH = 2**40
"""The largest batch that is looked for."""

CONVENTION = (
    "live: tensors that exist while a layer runs, its input and output included; views share a buffer, pointwise "
    "layers write over an input that nobody needs later"
)


class Setting(NamedTuple):
    """How numbers are held."""

    dtype: str = "float32"
    """The type of activations, a key of `BITS`."""
    weights_dtype: str | None = None
    """The type of weights; that of activations if None."""
    batch: int = 1
    reuse: bool = True
    """Whether layers that may write over their input do so."""
    optimizer: str = "sgd"
    """What learns in a step of training, by the name that `training` knows."""

    def activation(self, numbers: int) -> int:
        """Bytes of a tensor with so many numbers a sample."""
        return -(-numbers * self.batch * bits(self.dtype) // 8)

    def activations(self, each: Sequence[int]) -> list[int]:
        """Bytes of tensors with so many numbers a sample each."""
        wide = self.batch * bits(self.dtype)
        return [-(-numbers * wide // 8) for numbers in each]

    def weights(self, each: Iterable[int]) -> list[int]:
        """Bytes of so many weights each."""
        wide = bits(self.weights_dtype or self.dtype)
        return [-(-numbers * wide // 8) for numbers in each]


FLOAT32 = Setting()


CALLED = {
    "float64": "float64 double fp64 f64 64",
    "float32": "float32 float single fp32 f32 32",
    "float16": "float16 half fp16 f16 16",
    "bfloat16": "bfloat16 bf16",
    "int8": "int8 uint8 i8 u8 byte quint8 qint8 8",
    "int4": "int4 uint4 i4 u4 4",
}
"""What the types are called elsewhere; a module's name before them does not count."""


def bits(dtype: str) -> int:
    """The bits of a number of this type; raises `Fault` for an unknown one."""
    if dtype not in BITS:
        listed = ", ".join(f"`{known}`" for known in BITS)
        meant = next(
            (known for known, words in CALLED.items() if dtype.lower().rpartition(".")[2] in words.split()), ""
        )
        help = f"write `{meant}`" if meant else suggestion(dtype, BITS) or f"types: {listed}"
        raise Fault("unknown-dtype", f"there is no type `{dtype}`", None, help)
    return BITS[dtype]


class Memory(NamedTuple):
    """What a network takes at inference; lists have an entry per node."""

    setting: Setting
    output_bytes: list[int]
    live_bytes: list[int]
    peak_bytes: int
    peak_at: list[str]
    """The layers where it is reached."""
    weights_bytes: int
    """Learned weights and state, shared ones once."""
    lower_bound: bool
    """Whether a layer does not tell its weights."""


def memory(graph: Graph, setting: Setting = FLOAT32) -> Memory:
    """Live bytes of every node, and the peak; raises `Fault` for an unknown type or an impossible batch."""
    if setting.batch < 1:
        raise Fault("value", f"a batch has at least 1 sample, got {setting.batch}")
    buffers = buffers_of(graph, setting.reuse)
    live = _live(setting.activations(buffers.numbers), buffers, graph)
    peak = max(live)
    unknown = any("params" in node.operation.layer.unknown for node in graph.nodes)
    return Memory(
        setting,
        setting.activations([elements(node.operation.output) for node in graph.nodes]),
        live,
        peak,
        [node.name for node, bytes in zip(graph.nodes, live) if bytes == peak],
        weight_bytes(graph, setting),
        unknown,
    )


def weight_bytes(graph: Graph, setting: Setting) -> int:
    """Bytes of all weights, learned and kept; those of a node that shares are its owner's."""
    return sum(setting.weights(owned(graph)))


def owned(graph: Graph) -> list[int]:
    """How many weights every node owns, learned and kept; 0 where it shares another's."""
    found = []
    for node in graph.nodes:
        learned, kept = weights_of(node.operation)
        found.append(learned + kept if node.shares is None else 0)
    return found


@once_per_operation
def weights_of(operation: Operation) -> tuple[int, int]:
    """How many weights of an operation are learned, and how many are only kept."""
    sizes = [(elements(each.shape), each.learned) for each in operation.weights]
    learned = sum(size for size, learns in sizes if learns)
    return learned, sum(size for size, _ in sizes) - learned


def numbers_alive(graph: Graph, reuse: bool = True) -> list[int]:
    """How many numbers of a sample exist while each node runs."""
    buffers = buffers_of(graph, reuse)
    return _live(buffers.numbers, buffers, graph)


def peak_elements(graph: Graph, reuse: bool = True) -> int:
    """The most numbers of a sample that exist at once."""
    return max(numbers_alive(graph, reuse))


# -- quantities --------------------------------------------------------------------------------------------------------


def of(measured: Measurement) -> Memory:
    """What the network under measurement takes, in its setting."""
    return memory(measured.graph, measured.setting or FLOAT32)


def output_bytes(measured: Measurement) -> list[Any]:
    """Bytes of every node's output."""
    return list(measured.once(of).output_bytes)


def live_bytes(measured: Measurement) -> list[Any]:
    """Bytes that exist while every node runs."""
    return list(measured.once(of).live_bytes)


def weights_bytes(measured: Measurement) -> list[Any]:
    """Bytes of the weights that every node owns; a lower bound of nothing where it does not tell."""
    setting = measured.setting or FLOAT32
    return untold(measured, setting.weights(owned(measured.graph)))


def untold(measured: Measurement, values: list[Any]) -> list[Any]:
    """The values of every node, with a lower bound of nothing where it does not tell its weights."""
    nodes = measured.graph.nodes
    return [AtLeast(0) if "params" in node.operation.layer.unknown else value for node, value in zip(nodes, values)]


# -- buffers -----------------------------------------------------------------------------------------------------------


class Buffers(NamedTuple):
    """The buffers of a graph, by number."""

    numbers: list[int]
    """How many numbers of a sample each holds."""
    last: list[int]
    """The place of the last node that needs it."""
    of: list[int]
    """The buffer of every tensor."""


def buffers_of(graph: Graph, reuse: bool) -> Buffers:
    """Which buffer every tensor is in, how large each is, and until when it is needed."""
    used = last_places(graph)
    sizes: dict[tuple[int, ...], int] = {}
    numbers, last, of = [], [], []
    for tensor, (_, shape) in enumerate(graph.inputs):
        numbers.append(elements(shape))
        last.append(used[tensor])
        of.append(tensor)
    for node in graph.nodes:
        operation, until = node.operation, used[node.number]
        rule = operation.layer.buffer
        if rule == VIEW:
            buffer = of[node.inputs[0]]
            last[buffer] = max(last[buffer], until)
        elif rule == IN_PLACE and reuse and last[buffer := of[node.inputs[0]]] <= node.place:
            last[buffer] = until
        else:
            buffer = len(numbers)
            size = sizes.get(operation.output)
            if size is None:
                size = sizes[operation.output] = elements(operation.output)
            numbers.append(size)
            last.append(until)
        of.append(buffer)
    return Buffers(numbers, last, of)


def last_places(graph: Graph) -> list[int]:
    """For every tensor the place of the last node that takes it: that of its own if none does, one behind the last
    node for an output of the network, below 0 for an input that nobody takes."""
    inputs = len(graph.inputs)
    found = [tensor - inputs for tensor in range(len(graph.shapes))]
    for tensor, place in graph.last_use().items():
        found[tensor] = place
    for _, tensor in graph.outputs:
        found[tensor] = len(graph.nodes)
    return found


def _live(sizes: list[int], buffers: Buffers, graph: Graph) -> list[int]:
    """The sum of the sizes of all buffers that exist while each node runs."""
    of, last, inputs = buffers.of, buffers.last, len(graph.inputs)
    running = sum(size for size, until in zip(sizes[:inputs], last) if until >= 0)
    seen, found = inputs, []
    for node in graph.nodes:
        own, place = of[node.number], node.place
        if own == seen:
            seen += 1
            running += sizes[own]
        found.append(running)
        if last[own] <= place:
            running -= sizes[own]
        for buffer in {of[tensor] for tensor in node.inputs}:
            if buffer != own and last[buffer] <= place:
                running -= sizes[buffer]
    return found


# -- one layer, and a budget -------------------------------------------------------------------------------------------


class Alive(NamedTuple):
    """One buffer that exists while a layer runs, and why."""

    tensors: list[str]
    """The names of the tensors in it: the first filled it, the others are views, or were written over it."""
    bytes: int
    reason: str

    def to_dict(self) -> dict[str, object]:
        """As ``--format json`` prints it."""
        return {"tensors": self.tensors, "bytes": self.bytes, "reason": self.reason}


def alive(graph: Graph, place: int, setting: Setting = FLOAT32) -> list[Alive]:
    """The buffers that exist while the node at `place` runs, in the order in which they were filled."""
    buffers = buffers_of(graph, setting.reuse)
    members: dict[int, list[int]] = {}
    for tensor, buffer in enumerate(buffers.of):
        members.setdefault(buffer, []).append(tensor)
    inputs, here = len(graph.inputs), graph.nodes[place]
    needs: dict[int, list[int]] = {}
    for node in graph.nodes[place:]:
        for tensor in node.inputs:
            needs.setdefault(tensor, []).append(node.place)
    leaving = {tensor for _, tensor in graph.outputs}
    found = []
    for buffer, tensors in members.items():
        made = [tensor for tensor in tensors if tensor - inputs <= place]
        if not made or buffers.last[buffer] < place:
            continue
        names = [graph.tensor_name(tensor) for tensor in made]
        reason = _reason(graph, here, tensors, needs, leaving)
        found.append(Alive(names, setting.activation(buffers.numbers[buffer]), reason))
    return found


def _reason(graph: Graph, here: Node, tensors: list[int], needs: dict[int, list[int]], leaving: set[int]) -> str:
    """Why the buffer of these tensors exists while a node runs."""
    if here.number in tensors:
        before = [tensor for tensor in tensors if tensor in here.inputs]
        if not before:
            return "its output"
        return "its input and output" if here.operation.layer.buffer == VIEW else "its input, which it writes over"
    if any(tensor in here.inputs for tensor in tensors):
        return "its input"
    if later := sorted({place for tensor in tensors for place in needs.get(tensor, [])}):
        return f"needed by `{graph.nodes[later[0]].name}`" + (f" and {len(later) - 1} more" if later[1:] else "")
    assert leaving.intersection(tensors), "a buffer that is alive is needed"
    return "an output of the network"


class Budget(NamedTuple):
    """Whether what a network takes fits into so many bytes."""

    bytes: int
    spare: int
    """What is left, at inference at the peak; below 0 where it does not fit."""
    exceeded_at: list[str]
    """The layers that do not fit; none for what does not belong to single layers."""
    largest_batch: int
    """0 where a single sample does not fit."""

    @property
    def fits(self) -> bool:
        return self.spare >= 0

    def to_dict(self) -> dict[str, object]:
        """As ``--format json`` prints it."""
        return {"fits": self.fits, **self._asdict()}


def budget(graph: Graph, setting: Setting, limit: int) -> Budget:
    """How a network fits into `limit` bytes of activations; raises `Fault` for a limit below 1."""
    check_limit(limit)
    found = memory(graph, setting)
    exceeded = [node.name for node, live in zip(graph.nodes, found.live_bytes) if live > limit]
    buffers = buffers_of(graph, setting.reuse)

    def needed(batch: int) -> int:
        each = setting._replace(batch=batch)
        return max(_live(each.activations(buffers.numbers), buffers, graph))

    return Budget(limit, limit - found.peak_bytes, exceeded, largest(needed, limit))


def check_limit(limit: int) -> None:
    """Raise `Fault` where a budget is of nothing."""
    if limit < 1:
        raise Fault("value", f"a budget is at least 1 byte, got {limit:,}")


def largest(needed: Callable[[int], int], limit: int) -> int:
    """The largest number of samples, at most 2**40, whose bytes, which grow with it, are within a limit."""
    low, high = 0, 1
    while high <= MAX_BATCH and needed(high) <= limit:
        low, high = high, min(2 * high, MAX_BATCH + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if needed(middle) <= limit else (low, middle)
    return low
