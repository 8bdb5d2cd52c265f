"""Graph -> steps: what vanishes in the normal form is left out, a layer with its norm and activation is one step."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.lift.followers import Followers, chosen_followers, follower_defaults, layer_of, words
from cnncalc.convert.lift.normal import Normal, rank_of
from cnncalc.convert.lift.spelling import loose_padding, spelled
from cnncalc.convert.lift.tree import CURRENT, Item
from cnncalc.convert.spec_text import Wires
from cnncalc.graph import Graph, Node
from cnncalc.records import NamedTuple


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
        if node.number in followers.leader:
            continue
        item = item_of(graph, node, followers, loose)
        here = inputs[node.number]
        taken[item.result] = here if node.operation.layer.joins else named(item, node, here, wires, roots)
        result[node.number] = item.result
        names[item.result] = node.name
        items.append(item)
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


def item_of(graph: Graph, node: Node, followers: Followers, loose: frozenset[str]) -> Item:
    """A node and what follows it as one step, which names no tensor yet."""
    operation = node.operation
    item = Item(node.kind, node.number, (operation.inputs or (operation.output,))[0][0], node.place)
    item.values = spelled(operation.layer, rank_of(operation), loose)
    item.frozen = node.frozen
    item.owner = None if node.shares is None else node.shares.number
    while (after := followers.after.get(item.result)) is not None:
        kind = layer_of(graph, after).kind
        role = next(role for role in operation.layer.following if kind in words(node.kind, role))
        item.values[role] = words(node.kind, role)[kind]
        item.result = after
    return item


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
        else:
            here = begun(here, ~value, normal, joined)
            joined[~value] = node.number
        inputs[node.number] = here
    return roots, inputs


def begun(here: tuple[int, ...], link: int, normal: Normal, joined: dict[int, int]) -> tuple[int, ...]:
    """The operands of a concatenation, the first of them replaced by an earlier one's result if that gives them all."""
    place: int | None = link
    for count in range(1, len(here)):
        assert place is not None, "every operand is a link, or several"
        place, operand = normal.links[place]
        if operand != normal.values[here[-count]]:
            break
        if place in joined:
            return (joined[place], *here[-count:])
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
