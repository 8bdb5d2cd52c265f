"""The normal form of a graph, and whether two graphs are the same in it.

What computes nothing vanishes: identities, joins of one input, reshapes of what is flat to what is flat, and those of a
single position that are taken back; nested concatenations are one; and nodes are compared by what they do, so that the
order of independent branches, names, and spellings that mean the same at every size (``padding: half``, ``1``,
``[[1, 1], [1, 1]]``) make no difference.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from cnncalc.geometry import elements
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer, Operation
from cnncalc.layers.types import AMOUNT, EXTRA, PADDING, SCALE, SIZES, SOME_EXTRA, SOME_SIZES

PER_AXIS = (SIZES, EXTRA, SCALE, SOME_SIZES, SOME_EXTRA)
"""Types of fields that take one number for all axes, or one for each."""

RESHAPING = ("flatten", "reshape")
"""Kinds whose results have the elements of what they take, in the same order."""

MAX_UNROLLED = 1_000_000
"""Operands of nested concatenations that are written out; beyond it a nested one stays an operand."""


def per_axis(value: Any, rank: int) -> Any:
    """A size per spatial axis, from one for all or one each."""
    return value if isinstance(value, tuple) or value is None else (value,) * rank


def pairs(value: Any, rank: int) -> Any:
    """Amounts before and after every axis, from any way to write them in numbers."""
    entries = value if isinstance(value, tuple) else (value,) * rank
    return tuple([entry if isinstance(entry, tuple) else (entry, entry) for entry in entries])


def half(layer: Any, rank: int) -> Any:
    """What ``padding: half`` is worth for this layer."""
    sizes, steps = per_axis(layer.kernel, rank), per_axis(layer.dilation, rank)
    return tuple([(step * (size - 1) // 2,) * 2 for size, step in zip(sizes, steps)])


def padding(layer: Any, rank: int) -> Any:
    """A layer's padding in pairs; a word only where it depends on the size of the input."""
    rule = layer.padding
    if rule == "half":
        return half(layer, rank)
    return rule if isinstance(rule, str) and rule != "valid" else pairs(0 if rule == "valid" else rule, rank)


def rank_of(operation: Operation) -> int:
    """Spatial axes of what a layer takes, or of what it gives if it takes nothing."""
    return len(operation.inputs[0] if operation.inputs else operation.output) - 1


def canonical(layer: Any, rank: int) -> tuple[Any, ...]:
    """What a layer is, in one spelling, on inputs of `rank` spatial axes."""
    found: list[Any] = [layer.kind]
    named = dict(layer.named())
    for name, field in layer.fields.items():
        value = getattr(layer, name)
        if name in layer.following or name in named:
            continue
        if name == "padding" and field.type is PADDING:
            value = padding(layer, rank)
        elif name == "stride" and value is None:
            value = per_axis(layer.kernel, rank)
        elif field.type is AMOUNT:
            value = pairs(value, rank)
        elif field.type in PER_AXIS:
            value = per_axis(value, rank)
        found.append(value)
    return tuple(found)


class Normal:
    """What every tensor of a graph is in normal form: a root tensor, or a chain of them behind each other.

    `values` holds for each tensor a root's number, or, below 0, that of a link: ``~link`` for ``links[link]``, which is
    the link before it (or None) and one more operand.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: list[int] = list(range(len(graph.inputs)))
        self.links: list[tuple[int | None, int]] = []
        self._known: dict[tuple[int | None, int], int] = {}
        self._unrolled = 0
        self.kept: list[Node] = []
        """The nodes that are left, in order."""
        uses = Counter(tensor for node in graph.nodes for tensor in node.inputs)
        uses.update(tensor for _, tensor in graph.outputs)
        for node in graph.nodes:
            if self.kept and uses[self.kept[-1].number] == 1 and undoes(node, self.kept[-1]):
                flattened = self.kept.pop()
                self.values[flattened.number] = self.values[flattened.inputs[0]]
                self.values.append(self.values[flattened.number])
                continue
            inputs = [self.values[tensor] for tensor in node.inputs]
            layer = node.operation.layer
            if layer.kind == "identity" or (layer.joins and len(inputs) == 1) or is_flat(node):
                self.values.append(inputs[0])
            elif is_chained(layer):
                self.values.append(~self.chain(inputs))
            else:
                self.values.append(node.number)
                self.kept.append(node)

    def chain(self, operands: list[int]) -> int:
        """The link of a concatenation, its nested ones written out."""
        link: int | None = None
        for operand in operands:
            if operand >= 0 or self._unrolled > MAX_UNROLLED:
                link = self.link(link, operand)
            elif link is None:
                link = ~operand
            else:
                for entry in self.entries(~operand):
                    link = self.link(link, entry)
        assert link is not None, "a join takes at least one input"
        return link

    def link(self, before: int | None, operand: int) -> int:
        """The number of a link; equal ones are made once."""
        self._unrolled += 1
        key = (before, operand)
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self.links)
            self.links.append(key)
        return number

    def entries(self, link: int | None) -> list[int]:
        """The operands up to a link, in order."""
        found = []
        while link is not None:
            link, operand = self.links[link]
            found.append(operand)
        return found[::-1]


def undoes(node: Node, before: Node) -> bool:
    """Whether a single position becomes what it was before the flattening, or reshaping, that the node follows."""
    shape = node.operation.output
    return (
        node.kind in RESHAPING
        and before.kind in RESHAPING
        and node.inputs == (before.number,)
        and shape == before.operation.inputs[0]
        and elements(shape[1:]) == 1
    )


def is_chained(layer: Layer) -> bool:
    """Whether it puts channels behind channels, so that what it takes may be such a chain itself."""
    return layer.kind == "concat" and layer == KINDS["concat"]()


def is_flat(node: Node) -> bool:
    """Whether a node flattens, or reshapes to itself, what is flat already, or a single position."""
    operation = node.operation
    same = node.kind in RESHAPING and operation.output == operation.inputs[0]
    return same and elements(operation.output[1:]) == 1


def partners(first: Graph, second: Graph) -> dict[int, int] | None:
    """The second graph's tensor for each of the first's that is more than an input or another; None unless they are
    one network: node by node of equal kind, fields, shapes, wiring, sharing and freezing."""
    comparison = _Comparison(Normal(first), Normal(second))
    return comparison.tensors() if comparison.holds() else None


class _Comparison:
    """Pairs the nodes of two graphs, from the outputs back: inputs have an order, so that there is one way to."""

    def __init__(self, first: Normal, second: Normal) -> None:
        self.first, self.second = first, second
        self.partner: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.linked: dict[int, int] = {}
        """Links of the first by those of the second, which are the same."""

    def holds(self) -> bool:
        mine, theirs = self.first.graph, self.second.graph
        if [shape for _, shape in mine.inputs] != [shape for _, shape in theirs.inputs]:
            return False
        if len(mine.inputs) > 1 and mine.inputs != theirs.inputs:
            return False
        if len(mine.outputs) > 1 and [name for name, _ in mine.outputs] != [name for name, _ in theirs.outputs]:
            return False
        ends = [self.first.values[tensor] for _, tensor in mine.outputs]
        others = [self.second.values[tensor] for _, tensor in theirs.outputs]
        if not self.pair(ends, others):
            return False
        unused = [value for value in self.unused(self.first) if value not in self.partner]
        if not self.pair(unused, [value for value in self.unused(self.second) if value not in self.taken]):
            return False
        paired = [node for node in self.first.kept if node.number in self.partner]
        return len(paired) == len(self.first.kept) == len(self.second.kept) and self.shares(paired)

    def tensors(self) -> dict[int, int]:
        """The second's tensor for each node's of the first, where there is one for it alone."""
        chains: dict[int, int] = {}
        for tensor, value in enumerate(self.second.values):
            if value < 0:
                chains.setdefault(~value, tensor)
        found = {}
        for node in self.first.graph.nodes:
            value = self.first.values[node.number]
            if value == node.number:
                found[value] = self.partner[value]
            elif value < 0 and (chain := self.linked.get(~value)) in chains:
                found[node.number] = chains[chain]
        return found

    def unused(self, side: Normal) -> list[int]:
        """What nothing takes, and no output is."""
        graph = side.graph
        used = {tensor for node in graph.nodes for tensor in node.inputs} | {tensor for _, tensor in graph.outputs}
        return [side.values[node.number] for node in graph.nodes if node.number not in used]

    def pair(self, mine: list[int], theirs: list[int]) -> bool:
        """Pair values, and all that they depend on; False where that cannot be."""
        if len(mine) != len(theirs):
            return False
        pending = list(zip(mine, theirs))
        while pending:
            value, other = pending.pop()
            if value < 0 or other < 0:
                if value >= 0 or other >= 0:
                    return False
                if self.linked.get(~value) != ~other:
                    self.linked[~value] = ~other
                    (before, operand), (also, against) = self.first.links[~value], self.second.links[~other]
                    if (before is None) != (also is None):
                        return False
                    pending.append((operand, against))
                    if before is not None and also is not None:
                        pending.append((~before, ~also))
                continue
            if value in self.partner or other in self.taken:
                if self.partner.get(value) != other or self.taken.get(other) != value:
                    return False
                continue
            self.partner[value], self.taken[other] = other, value
            node, match = self.first.graph.node(value), self.second.graph.node(other)
            if node is None or match is None:
                if node is not match or value != other:
                    return False
                continue
            if not self.equal(node, match):
                return False
            pending += zip(
                [self.first.values[tensor] for tensor in node.inputs],
                [self.second.values[tensor] for tensor in match.inputs],
            )
        return True

    def equal(self, node: Node, other: Node) -> bool:
        """Whether two nodes do the same."""
        mine, theirs = node.operation, other.operation
        rank = rank_of(mine)
        return (
            mine.inputs == theirs.inputs
            and mine.output == theirs.output
            and node.frozen == other.frozen
            and canonical(mine.layer, rank) == canonical(theirs.layer, rank)
        )

    def shares(self, paired: list[Node]) -> bool:
        """Whether the same nodes use the same weights."""
        owners: dict[int, int] = {}
        back: dict[int, int] = {}
        for node in paired:
            other = self.second.graph.node(self.partner[node.number])
            assert other is not None, "an input is paired with an input"
            mine, theirs = (node.shares or node).number, (other.shares or other).number
            if owners.setdefault(mine, theirs) != theirs or back.setdefault(theirs, mine) != mine:
                return False
        return True
