"""Graph -> steps: what vanishes in the normal form is left out, a layer with its norm and activation is one step."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from cnncalc.convert.lift.normal import PER_AXIS, Normal, half, padding, pairs, per_axis, rank_of
from cnncalc.convert.lift.tree import CURRENT, Item
from cnncalc.convert.spec_text import Wires
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer
from cnncalc.layers.types import AMOUNT, NOTHING, PADDING


class Steps(NamedTuple):
    """A graph as steps that name their tensors."""

    items: list[Item]
    """In topological order; a join has no branches yet."""
    inputs: dict[int, tuple[int, ...]]
    """What each step takes, by its result."""
    outputs: list[tuple[str, int]]
    channels: list[int]
    """Of every tensor."""
    names: dict[int, str]
    """The source's name of the node that gives a tensor."""
    defaults: dict[str, dict[str, Any]]
    """Defaults that the norms and activations of steps need."""


def steps_of(graph: Graph) -> Steps:
    """The steps of a graph."""
    normal = Normal(graph)
    roots, inputs = operands(graph, normal)
    nodes = [node for node in graph.nodes if roots[node.number] == node.number]
    followers = chosen_followers(graph, nodes, roots, inputs)
    defaults = follower_defaults(graph, followers)
    loose = loose_padding(nodes)
    wires = Wires(graph)
    result = {node.number: node.number for node in nodes}
    items, taken, names = [], {}, {}
    for node in nodes:
        if node.number in followers:
            continue
        operation = node.operation
        item = Item(node.kind, node.number, (operation.inputs or (operation.output,))[0][0], node.place)
        item.values = spelled(operation.layer, rank_of(operation), loose)
        item.frozen = node.frozen
        item.owner = None if node.shares is None else node.shares.number
        last, here = node.number, inputs[node.number]
        while (after := followers.get(-last - 1)) is not None:
            kind = layer_of(graph, after).kind
            role = next(role for role in operation.layer.following if kind in words(node.kind, role))
            item.values[role] = words(node.kind, role)[kind]
            last = after
        item.result = result[node.number] = last
        names[last] = node.name
        if not operation.layer.joins:
            here = named(item, node, here, wires, roots)
        items.append(item)
        taken[last] = here
    for item in items:
        item.owner = None if item.owner is None else result[item.owner]
        item.sources = tuple([result.get(tensor, tensor) for tensor in item.sources])
        for name, tensors in item.references.items():
            item.references[name] = tuple([result.get(tensor, tensor) for tensor in tensors])
    taken = {number: tuple([result.get(tensor, tensor) for tensor in here]) for number, here in taken.items()}
    if not items:  # a list of steps is never empty
        nothing = Item("identity", len(graph.shapes), graph.shapes[0][0], 0)
        nothing.repeat = 0
        items, taken, names = [nothing], {nothing.result: (0,)}, {nothing.result: "identity"}
    outputs = [(name, result.get(roots[tensor], roots[tensor])) for name, tensor in graph.outputs]
    return Steps(items, taken, outputs, [shape[0] for shape in graph.shapes], names, defaults)


def operands(graph: Graph, normal: Normal) -> tuple[list[int], dict[int, tuple[int, ...]]]:
    """For every tensor the one that stands for it, and for every remaining node's result the tensors that it takes.

    A concatenation that begins as an earlier one takes that one's result.
    """
    roots = list(range(len(graph.shapes)))
    inputs: dict[int, tuple[int, ...]] = {}
    joined: dict[int, int] = {}
    for node in graph.nodes:
        value = normal.values[node.number]
        here = tuple([roots[tensor] for tensor in node.inputs])
        if value >= 0:
            roots[node.number] = value
        elif ~value in joined:
            roots[node.number] = joined[~value]
        elif len(here) > 1:
            inputs[node.number] = begun(here, ~value, normal, joined)
            joined[~value] = node.number
            continue
        else:
            roots[node.number] = here[0]
        inputs[node.number] = here
    return roots, inputs


def begun(here: tuple[int, ...], link: int, normal: Normal, joined: dict[int, int]) -> tuple[int, ...]:
    """The operands of a concatenation, the first of them replaced by an earlier one's result if that gives them all."""
    rest: list[int] = []
    place: int | None = link
    while place is not None and len(rest) < len(here) - 1:
        place, operand = normal.links[place]
        if operand < 0 or operand != normal.values[here[-len(rest) - 1]]:
            return here
        rest.append(operand)
        if place is not None and place in joined and joined[place] != here[0]:
            return (joined[place], *here[len(here) - len(rest) :])
    return here


def named(item: Item, node: Node, here: tuple[int, ...], wires: Wires, roots: list[int]) -> tuple[int, ...]:
    """Give a step the tensors that it names; returns the one tensor that it follows, or nothing.

    That is what `from` takes, the latest of several; where it takes nothing so, the latest that a field names.
    """
    count = len(wires.sources(node))
    fields = {name: tuple([roots[tensor] for tensor in tensors]) for name, tensors in wires.named(node).items()}
    latest = max(here[:count] or [tensor for tensors in fields.values() for tensor in tensors], default=None)
    item.references = {name: current(tensors, latest) for name, tensors in fields.items()}
    if count > 1:
        item.sources = current(here[:count], latest)
    return () if latest is None else (latest,)


def current(tensors: tuple[int, ...], latest: int | None) -> tuple[int, ...]:
    """The tensors, with `CURRENT` for the latest."""
    return tuple([CURRENT if tensor == latest else tensor for tensor in tensors])


def chosen_followers(
    graph: Graph, nodes: list[Node], roots: list[int], inputs: dict[int, tuple[int, ...]]
) -> dict[int, int]:
    """The nodes that become the norm or activation of the step before them.

    Both ways: a follower's number leads to the node it follows, and ``-number - 1`` of that node to its follower.
    """
    uses: Counter[int] = Counter(tensor for node in nodes for tensor in inputs[node.number])
    uses.update(roots[tensor] for _, tensor in graph.outputs)
    takers = {inputs[node.number][0]: node for node in nodes if inputs[node.number]}
    found: dict[int, int] = {}
    for node in nodes:
        if node.number in found:
            continue
        last = node
        for role in node.operation.layer.following:
            after = takers.get(last.number)
            if after is None or uses[last.number] != 1:
                continue
            if (
                after.kind in words(node.kind, role)
                and len(after.inputs) == 1
                and (after.frozen == node.frozen or not weighty(after))
            ):
                found[after.number], found[-last.number - 1] = last.number, after.number
                last = after
    part_shared(graph, nodes, found)
    agree_on_layers(graph, found)
    return found


def weighty(node: Node) -> bool:
    return bool(node.operation.weights)


def undo(graph: Graph, found: dict[int, int], number: int) -> None:
    """Let a follower, and what follows it, be steps of their own."""
    before: int | None = found.get(number)
    if before is None:
        return
    while before is not None:
        after = found.pop(-before - 1, None)
        if after is not None:
            del found[after]
        before = after


def part_shared(graph: Graph, nodes: list[Node], found: dict[int, int]) -> None:
    """Part the followers with weights where steps share weights, unless all of them share all."""
    groups: dict[int, list[Node]] = {}
    for node in nodes:
        if node.shares is not None:
            groups.setdefault(node.shares.number, [node.shares]).append(node)
    for group in groups.values():
        after = [found.get(-node.number - 1) for node in group]
        norms = [graph.node(number) if number is not None else None for number in after]
        if any(node.number in found for node in group):
            if not all(node.number in found for node in group):
                for node in group:
                    undo(graph, found, node.number)
            continue
        heavy = [norm is not None and weighty(norm) for norm in norms]
        owner = norms[0]
        whole = all(heavy) and all(norm is not None and norm.shares is owner for norm in norms[1:])
        if any(heavy) and not whole:
            for number in after:
                if number is not None:
                    undo(graph, found, number)


def agree_on_layers(graph: Graph, found: dict[int, int]) -> None:
    """Keep, of each kind of follower, the layer that is most frequent: a word names one alone."""
    layers: dict[str, Counter[Layer]] = {}
    numbers = [number for number in found if number >= 0]
    for number in numbers:
        layer = layer_of(graph, number)
        layers.setdefault(layer.kind, Counter())[layer] += 1
    best = {kind: counter.most_common(1)[0][0] for kind, counter in layers.items()}
    for number in numbers:
        layer = layer_of(graph, number)
        if best[layer.kind] != layer:
            undo(graph, found, number)


def layer_of(graph: Graph, number: int) -> Layer:
    node = graph.node(number)
    assert node is not None, "a follower is a node"
    return node.operation.layer


def follower_defaults(graph: Graph, found: dict[int, int]) -> dict[str, dict[str, Any]]:
    """The defaults that give every word the layer that it stands for."""
    defaults: dict[str, dict[str, Any]] = {}
    for number in found:
        if number >= 0:
            layer = layer_of(graph, number)
            given = {name: getattr(layer, name) for name in layer.fields}
            changed = {name: value for name, value in given.items() if value != layer.defaults.get(name)}
            if changed:
                defaults[layer.kind] = changed
    return defaults


WORDS: dict[tuple[str, str], dict[str, str]] = {}
"""For a kind's field, the shortest word for every kind that may follow."""


def words(kind: str, role: str) -> dict[str, str]:
    found = WORDS.get((kind, role))
    if found is None:
        type_ = KINDS[kind].fields[role].type
        longest_first = sorted(type_.words, key=len, reverse=True)
        found = WORDS[kind, role] = {type_.read(word).kind: word for word in longest_first}
        found.pop(NOTHING.kind)
    return found


# -- spelling ----------------------------------------------------------------------------------------------------------


def spelled(layer: Any, rank: int, loose: frozenset[str]) -> dict[str, Any]:
    """The arguments of a layer that its kind's defaults do not give, as one would write them."""
    written = {}
    item_named = dict(layer.named())
    if layer.inverts:
        return {}
    for name, field in layer.fields.items():
        value = getattr(layer, name)
        if name in layer.following or name in item_named:
            continue
        if field.type is PADDING:
            value = spelled_padding(layer, rank, loose)
        elif name == "stride" and value is not None and name in layer.defaults and layer.defaults[name] is None:
            same = per_axis(value, rank) == per_axis(layer.kernel, rank)
            value = None if same else single(per_axis(value, rank))
        elif field.type is AMOUNT:
            value = simple_pairs(pairs(value, rank))
        elif field.type in PER_AXIS and isinstance(value, tuple) and len(value) == rank and layer.takes[1]:
            value = single(value)
        if name not in layer.defaults or value != layer.defaults[name]:
            written[name] = value
    return written


def single(values: tuple[Any, ...]) -> Any:
    """The value that all are, or the values."""
    return values[0] if values and all(value == values[0] for value in values) else values


def simple_pairs(amounts: tuple[tuple[int, int], ...]) -> Any:
    """Pairs as one number, one per axis, or as they are."""
    if any(before != after for before, after in amounts):
        return amounts
    return single(tuple([before for before, _ in amounts]))


def spelled_padding(layer: Any, rank: int, loose: frozenset[str]) -> Any:
    """Padding as a word where one says it: `half` for convolutions, which people write `k//2`; numbers for pools."""
    amounts = padding(layer, rank)
    if isinstance(amounts, str):
        return amounts
    nothing = all(pair == (0, 0) for pair in amounts)
    words = layer.padding == "half" or bool(layer.following)
    if words and amounts == half(layer, rank) and not (nothing and layer.kind in loose):
        return "half"
    return "valid" if nothing else simple_pairs(amounts)


def loose_padding(nodes: list[Node]) -> frozenset[str]:
    """The kinds for whose 1x1 kernels `valid` is the better word: no wider one of them is padded by half."""
    padded = set()
    kinds = set()
    for node in nodes:
        layer: Any = node.operation.layer
        field = layer.fields.get("padding")
        if field is not None and field.type is PADDING:
            rank = rank_of(node.operation)
            kinds.add(layer.kind)
            amounts = padding(layer, rank)
            if any(pair != (0, 0) for pair in amounts if not isinstance(amounts, str)) and amounts == half(layer, rank):
                padded.add(layer.kind)
    return frozenset(kinds - padded)
