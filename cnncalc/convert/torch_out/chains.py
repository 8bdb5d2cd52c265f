"""Bodies that are no more than a chain: which of them are classes, and which are written where they stand."""

from __future__ import annotations

from cnncalc.convert.torch_out.bodies import Body, Item, Ref, chains
from cnncalc.convert.torch_out.kinds import describe

MAX_INLINE = 3
"""Layers of a chain that is written where it is used, and not as a class."""


def is_chain(body: Body) -> bool:
    """Whether a body is an `nn.Sequential`: one tensor through one module after the other."""
    before = Ref(-1)
    for place, item in enumerate(body.items):
        if item.inputs != [before] or item.shares is not None or not chains(item):
            return False
        before = Ref(place)
    return len(body.inputs) == 1 and body.outputs == [before]


def dissolve(bodies: list[Body]) -> None:
    """Let calls of short chains, and of chains that are called once, be chains in place of classes; chains of layers
    within a chain are part of it."""
    calls: dict[str, int] = {}
    for body in bodies:
        calls[body.block] = calls.get(body.block, 0) + 1
    mixed = {body.block for body in bodies if not body.name or not is_chain(body)}
    for body in bodies:
        if body.block not in mixed:
            body.items = flat(body.items)
            body.outputs = [Ref(len(body.items) - 1)]
    for body in bodies:
        for item in [each for outer in body.items for each in [outer, *outer.chain]]:
            inner = item.body
            if inner is None or not is_chain(inner):
                continue
            short = len(inner.items) <= MAX_INLINE and all(each.node is not None for each in inner.items)
            rare = len(inner.items) < MAX_INLINE or calls[inner.block] <= MAX_INLINE
            if calls[inner.block] == 1 or (short and rare):
                item.body, item.chain = None, inner.items


def flat(items: list[Item]) -> list[Item]:
    """A chain's items with the layers of chains of layers among them."""
    found: list[Item] = []
    for item in items:
        inner = item.chain if item.chain and all(each.node is not None for each in item.chain) else [item]
        for each in inner:
            each.inputs = [Ref(len(found) - 1)]
            found.append(each)
    return found


MIN_ALIKE = 3
"""Chains of the same layers from which on they are calls of a class."""

COUNTED = ("", "", "double", "triple")


def name_alike(bodies: list[Body]) -> None:
    """Make a class of chains of layers that are equal but for numbers, and stand in several places."""
    groups: dict[tuple[str, ...], list[Item]] = {}
    for body in bodies:
        for item in body.items:
            layers = [each.node for each in item.chain if each.node is not None]
            convolutions = [node for node in layers if node.kind in ("conv", "depthwise_conv", "linear")]
            if len(layers) == len(item.chain) and 1 < len(convolutions) < len(COUNTED) and item.shares is None:
                kinds = tuple(f"{node.kind} {describe(node).module}" for node in layers)
                groups.setdefault(kinds, []).append(item)
    for items in groups.values():
        if len(items) < MIN_ALIKE or any(node.shares is not None for item in items for node in item.weighted()):
            continue
        for item in items:
            first, last = item.chain[0].node, item.chain[-1].node
            assert first is not None
            assert last is not None
            count = sum(
                each.node is not None and each.node.kind in ("conv", "depthwise_conv", "linear") for each in item.chain
            )
            made = Body(first.name, f"{COUNTED[count]}_{first.kind}", first.place, last.place + 1, bodies[0].shapes)
            made.inputs, made.results = list(first.inputs), [last.number]
            made.items = flat(item.chain)
            made.outputs = [Ref(len(made.items) - 1)]
            item.body, item.chain = made, []
