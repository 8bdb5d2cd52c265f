"""Which norms and activations become arguments of the steps that they follow: a layer with them is one step."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from cnncalc.convert.lift.tree import most_frequent
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer
from cnncalc.layers.types import NOTHING
from cnncalc.records import NamedTuple


class Followers(NamedTuple):
    """Which nodes are the norm or activation of the step before them, both ways."""

    leader: dict[int, int]
    """The node that a follower follows, by their numbers."""
    after: dict[int, int]
    """The follower of a node."""

    def part(self, number: int) -> None:
        """Let a follower, and what follows it, be steps of their own."""
        after: int | None = number
        while after is not None and after in self.leader:
            del self.after[self.leader.pop(after)]
            after = self.after.get(after)


def chosen_followers(
    graph: Graph, nodes: list[Node], roots: list[int], inputs: dict[int, tuple[int, ...]]
) -> Followers:
    """The nodes that become the norm or activation of the step before them."""
    uses: Counter[int] = Counter(tensor for node in nodes for tensor in inputs[node.number])
    uses.update(roots[tensor] for _, tensor in graph.outputs)
    takers = {inputs[node.number][0]: node for node in nodes if inputs[node.number]}
    found = Followers({}, {})
    for node in nodes:
        if node.number in found.leader:
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
                found.leader[after.number], found.after[last.number] = last.number, after.number
                last = after
    part_shared(nodes, found)
    agree_on_layers(graph, found)
    return found


def weighty(node: Node) -> bool:
    return bool(node.operation.weights)


def part_shared(nodes: list[Node], found: Followers) -> None:
    """Part the followers with weights from steps that share weights, unless those share both, and with nobody else."""
    owners: dict[int | None, int] = {node.number: (node.shares or node).number for node in nodes if weighty(node)}
    before: dict[int | None, int] = {}
    """For each follower with weights the layer with weights that it follows."""
    after: dict[int | None, int] = {}
    for number in found.leader:
        leader = found.leader[number]
        while leader not in owners and leader in found.leader:
            leader = found.leader[leader]
        if number in owners and leader in owners:
            before[number], after[leader] = leader, number
    leaders: dict[int, set[int | None]] = {}
    followers: dict[int, set[int | None]] = {}
    for node, owner in owners.items():
        leaders.setdefault(owner, set()).add(owners.get(before.get(node)))
        followers.setdefault(owner, set()).add(owners.get(after.get(node)))
    for number in list(found.leader):
        if number in before and len(leaders[owners[number]]) + len(followers[owners[before[number]]]) > 2:
            found.part(number)


def agree_on_layers(graph: Graph, found: Followers) -> None:
    """Keep, of each kind of follower, the layer that is most frequent: a word names one alone."""
    layers: dict[str, list[Layer]] = {}
    for number in found.leader:
        layer = layer_of(graph, number)
        layers.setdefault(layer.kind, []).append(layer)
    best = {kind: most_frequent(given) for kind, given in layers.items()}
    for number in list(found.leader):
        layer = layer_of(graph, number)
        if best[layer.kind] != layer:
            found.part(number)


def layer_of(graph: Graph, number: int) -> Layer:
    node = graph.node(number)
    assert node is not None, "a follower is a node"
    return node.operation.layer


def follower_defaults(graph: Graph, found: Followers) -> dict[str, dict[str, Any]]:
    """The defaults that give every word the layer that it stands for."""
    defaults: dict[str, dict[str, Any]] = {}
    for number in found.leader:
        layer = layer_of(graph, number)
        given = {name: getattr(layer, name) for name in layer.fields}
        changed = {name: value for name, value in given.items() if value != layer.defaults.get(name)}
        if changed:
            defaults[layer.kind] = changed
    return defaults


@cache
def words(kind: str, role: str) -> dict[str, str]:
    """For a kind's field, the shortest word for every kind that may follow."""
    type_ = KINDS[kind].fields[role].type
    longest_first = sorted(type_.words, key=len, reverse=True)
    found = {type_.read(word).kind: word for word in longest_first}
    found.pop(NOTHING.kind)
    return found
