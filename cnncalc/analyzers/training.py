"""Memory of a training step: what is kept for the backward pass, gradients, and what the optimizer holds.

A *scan*, beside `memory`: each kind states what it keeps (`Layer.keeping`).  A tensor that several keep counts once, at
the first of them, by its buffer: views share one.  Activations are out of place here, as PyTorch's autograd has them.
"""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.memory import (
    FLOAT32,
    Budget,
    Setting,
    bits,
    check_limit,
    largest,
    untold,
    weight_bytes,
    weights_of,
)
from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import elements
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.layers.memory import VIEW, Kept
from cnncalc.records import NamedTuple
from cnncalc.values import AtLeast, added

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Numbers that an optimizer holds for each learned one."""


class Training(NamedTuple):
    """What a step of training takes; `kept_bytes` has an entry per node, None where a layer does not tell."""

    kept_bytes: list[int | None]
    kept_total: int
    weights_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    lower_bound: bool
    """Whether a layer does not tell what it keeps, or its weights."""

    @property
    def bytes(self) -> int:
        """All of it: what is kept, weights, gradients and the optimizer's numbers."""
        return self.kept_total + self.weights_bytes + self.gradient_bytes + self.optimizer_bytes


def held_by(optimizer: str) -> int:
    """How many numbers an optimizer holds for each learned one; raises `Fault` for an unknown optimizer."""
    if optimizer not in OPTIMIZERS:
        listed = ", ".join(f"`{known}`" for known in OPTIMIZERS)
        help = suggestion(optimizer, OPTIMIZERS) or f"optimizers: {listed}"
        raise Fault("unknown-optimizer", f"there is no optimizer `{optimizer}`", None, help)
    return OPTIMIZERS[optimizer]


def training(graph: Graph, setting: Setting = FLOAT32) -> Training:
    """What a step of training takes; raises `Fault` for an unknown optimizer, type or an impossible batch."""
    held = held_by(setting.optimizer)
    if setting.batch < 1:
        raise Fault("value", f"a batch has at least 1 sample, got {setting.batch}")
    bits(setting.dtype)
    shares = kept(graph)
    rows = [None if share is None else share.bytes(setting) for share in shares]
    gradients = sum(gradients_of(graph, setting))
    unknown = None in rows or any("params" in node.operation.layer.unknown for node in graph.nodes)
    total = sum(row for row in rows if row is not None)
    return Training(rows, total, weight_bytes(graph, setting), gradients, held * gradients, unknown)


def gradients_of(graph: Graph, setting: Setting) -> list[int]:
    """Bytes of the gradients of what every node owns and learns."""
    learned = [0 if node.shares is not None or node.frozen else weights_of(node.operation)[0] for node in graph.nodes]
    return setting.weights(learned)


# -- quantities --------------------------------------------------------------------------------------------------------


def of(measured: Measurement) -> Training:
    """What a step of training takes of the network under measurement, in its setting."""
    return training(measured.graph, measured.setting or FLOAT32)


def kept_bytes(measured: Measurement) -> list[Any]:
    """Bytes that every node adds to what is kept; a lower bound of nothing where it does not tell."""
    return [AtLeast(0) if share is None else share for share in measured.once(of).kept_bytes]


def gradient_bytes(measured: Measurement) -> list[Any]:
    """Bytes of the gradients of what every node owns; a lower bound of nothing where it does not tell."""
    return untold(measured, gradients_of(measured.graph, measured.setting or FLOAT32))


def optimizer_bytes(measured: Measurement) -> list[Any]:
    """Bytes that the optimizer holds for what every node owns."""
    held = held_by((measured.setting or FLOAT32).optimizer)
    return [value if isinstance(value, AtLeast) else held * value for value in measured.values("gradient_bytes")]


PARTS = ("kept_bytes", "weights_bytes", "gradient_bytes", "optimizer_bytes")
"""What a step of training takes, by the keys of its quantities."""


def training_bytes(measured: Measurement) -> list[Any]:
    """All bytes of a step of training, by node."""
    return [added(list(each)) for each in zip(*map(measured.values, PARTS))]


def all_training_bytes(measured: Measurement) -> Any:
    """Those of the network."""
    return added([measured.total(key) for key in PARTS])


# -- what is kept ------------------------------------------------------------------------------------------------------


class Share(NamedTuple):
    """What one node adds to what is kept, by how it grows."""

    buffers: tuple[int, ...]
    """Numbers of a sample in each buffer that it is the first to keep."""
    numbers: int = 0
    each: int = 0
    """Bytes of a sample, whatever the type."""
    once: int = 0

    def bytes(self, setting: Setting) -> int:
        """Its bytes for a batch."""
        whole = sum(setting.activations((*self.buffers, self.numbers)))
        return whole + self.each * setting.batch + self.once


NOTHING = Share(())


def kept(graph: Graph) -> list[Share | None]:
    """What every node adds to what is kept for the backward pass; None where a layer does not tell."""
    inputs = len(graph.inputs)
    buffers = list(range(inputs))
    gradient = [False] * inputs
    """For every tensor, whether a gradient is asked of it."""
    numbers = [elements(shape) for _, shape in graph.inputs]
    """Of a sample, for every buffer."""
    counted: set[int] = set()
    found: list[Share | None] = []
    for node in graph.nodes:
        operation = node.operation
        keeping = keeping_of(operation)
        if operation.layer.buffer == VIEW and keeping == NONE:
            buffers.append(buffers[node.inputs[0]])
        else:
            buffers.append(len(numbers))
            numbers.append(elements(operation.output))
        learns = _learns(node)
        flows = learns or any(gradient[tensor] for tensor in node.inputs)
        gradient.append(flows)
        if not flows:
            found.append(NOTHING)
        elif keeping is None:
            found.append(None)
        elif keeping.for_weights and not learns:
            found.append(NOTHING)
        else:
            kept = {buffers[tensor] for tensor in _tensors(node, keeping, gradient)} - counted
            counted |= kept
            whole = tuple([numbers[buffer] for buffer in sorted(kept)])
            found.append(Share(whole, keeping.numbers, keeping.bytes, keeping.once))
    return found


NONE = Kept()


@once_per_operation
def keeping_of(operation: Operation) -> Kept | None:
    """What an operation keeps."""
    return operation.layer.keeping(operation.inputs, operation.output)


def _learns(node: Node) -> bool:
    """Whether a gradient is asked of a node's weights, be they its own or another's."""
    owner = node.shares or node
    return not owner.frozen and weights_of(owner.operation)[0] > 0


def _tensors(node: Node, keeping: Kept, gradient: list[bool]) -> list[int]:
    """The tensors that a node keeps whole."""
    found = []
    if "input" in keeping.tensors:
        found.append(node.inputs[0])
    if "inputs" in keeping.tensors:
        found += node.inputs
    if "output" in keeping.tensors:
        found.append(node.number)
    if "factors" in keeping.tensors:  # the gradient of one is made with all the others
        asking = [place for place, tensor in enumerate(node.inputs) if gradient[tensor]]
        found += [tensor for place, tensor in enumerate(node.inputs) if any(other != place for other in asking)]
    return found


def budget(graph: Graph, setting: Setting, limit: int) -> Budget:
    """How a step of training fits into `limit` bytes, all of it; raises `Fault` for a limit below 1."""
    check_limit(limit)
    found = training(graph, setting)
    shares = [share for share in kept(graph) if share is not None]

    def needed(batch: int) -> int:
        each = setting._replace(batch=batch)
        return found.bytes - found.kept_total + sum(share.bytes(each) for share in shares)

    return Budget(limit, limit - found.bytes, [], largest(needed, limit))
