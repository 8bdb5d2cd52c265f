"""Which norms and activations become arguments of the steps that they follow: a layer with them is one step."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer
from cnncalc.layers.types import NOTHING


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
