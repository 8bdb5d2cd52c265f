"""Memory of a training step: what is kept for the backward pass, gradients, and what the optimizer holds.

A *scan*, beside `memory`: each kind states what it keeps (`Layer.keeping`).  A tensor that several keep counts once, at
the first of them, by its buffer: views share one.  Activations are out of place here, as PyTorch's autograd has them.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.analyzers.memory import FLOAT32, Setting, bits, largest, weight_bytes, weights_of
from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import elements
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.layers.memory import VIEW, Kept

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

    def to_dict(self) -> dict[str, object]:
        """The totals, as ``--format json`` prints them."""
        return {
            "weights_bytes": self.weights_bytes,
            "kept_bytes": self.kept_total,
            "gradient_bytes": self.gradient_bytes,
            "optimizer_bytes": self.optimizer_bytes,
        }


def training(graph: Graph, setting: Setting = FLOAT32, optimizer: str = "sgd") -> Training:
    """What a step of training takes; raises `Fault` for an unknown optimizer, type or an impossible batch."""
    if optimizer not in OPTIMIZERS:
        listed = ", ".join(f"`{known}`" for known in OPTIMIZERS)
        help = suggestion(optimizer, OPTIMIZERS) or f"optimizers: {listed}"
        raise Fault("unknown-optimizer", f"there is no optimizer `{optimizer}`", None, help)
    if setting.batch < 1:
        raise Fault("value", f"a batch has at least 1 sample, got {setting.batch}")
    bits(setting.dtype)
    shares = kept(graph)
    rows = [None if share is None else share.bytes(setting) for share in shares]
    learned = [node.operation for node in graph.nodes if node.shares is None and not node.frozen]
    gradients = setting.weight(sum(weights_of(operation)[0] for operation in learned))
    unknown = None in rows or any("params" in node.operation.layer.unknown for node in graph.nodes)
    total = sum(row for row in rows if row is not None)
    return Training(rows, total, weight_bytes(graph, setting), gradients, OPTIMIZERS[optimizer] * gradients, unknown)


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
        whole = sum(map(setting.activation, self.buffers)) + setting.activation(self.numbers)
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
    if "output" in keeping.tensors:
        found.append(node.number)
    if "factors" in keeping.tensors:  # the gradient of one is made with all the others
        asking = [place for place, tensor in enumerate(node.inputs) if gradient[tensor]]
        found += [tensor for place, tensor in enumerate(node.inputs) if any(other != place for other in asking)]
    return found


def largest_batch(graph: Graph, setting: Setting, optimizer: str, limit: int) -> int:
    """The largest batch whose step of training is within so many bytes; 0 where a single sample is not."""
    fixed = training(graph, setting._replace(batch=1), optimizer)
    shares = [share for share in kept(graph) if share is not None]

    def needed(batch: int) -> int:
        each = setting._replace(batch=batch)
        return fixed.bytes - fixed.kept_total + sum(share.bytes(each) for share in shares)

    return largest(needed, limit)
