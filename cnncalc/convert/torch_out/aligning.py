"""Whether one body is another with some items left out, and where its items stand there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.convert.torch_out.bodies import Body, Item, Ref
from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.sliding import uneven

MAX_ALIGNED = 250_000
"""Pairs of items that are compared to align two bodies."""


def fit(largest: Body, model: list[Any], body: Body, shape: list[Any], bypasses: dict[int, int]) -> list[int] | None:
    """The places of a body's items among the largest one's; None where it is no part of it."""
    if len(body.inputs) != len(largest.inputs):
        return None
    if len(model) * len(shape) > MAX_ALIGNED and model != shape:
        return None
    for late in (False, True):
        places = subsequence(model, shape, late)
        if places is not None and wired(largest, body, places, bypasses):
            return places
    return None


def wired(largest: Body, body: Body, places: list[int], bypasses: dict[int, int]) -> bool:
    """Whether a body takes the same tensors as the largest one, where what it lacks lets its input through."""
    position = {place: number for number, place in enumerate(places)}
    tried = dict(bypasses)
    resolved: dict[Ref, Ref] = {Ref(-1, output): Ref(-1, output) for output in range(len(body.inputs))}
    for number, item in enumerate(largest.items):
        if number in position:
            mine = body.items[position[number]]
            if [resolved.get(ref) for ref in item.inputs] != mine.inputs:
                return False
            for output in range(len(item.results)):
                resolved[Ref(number, output)] = Ref(position[number], output)
            continue
        if not omissible(item):
            return False
        if number not in tried:
            wanted = taken(largest, number, position, body)
            tried[number] = next((k for k, ref in enumerate(item.inputs) if resolved.get(ref) == wanted), 0)
        resolved[Ref(number)] = resolved[item.inputs[tried[number]]]
    if [resolved.get(ref) for ref in largest.outputs] != body.outputs:
        return False
    bypasses |= tried
    return True


def taken(largest: Body, number: int, position: dict[int, int], body: Body) -> Ref | None:
    """What a body takes where the largest one first takes the result of an item that the body lacks."""
    for place, mine in position.items():
        inputs = largest.items[place].inputs
        if Ref(number) in inputs:
            return body.items[mine].inputs[inputs.index(Ref(number))]
    return next((mine for ref, mine in zip(largest.outputs, body.outputs) if ref == Ref(number)), None)


def omissible(item: Item) -> bool:
    """Whether an instance can lack an item of its template."""
    if len(item.results) != 1 or item.shares is not None or item.gathers or item.parts:
        return False
    if item.node is not None:
        leaf = describe(item.node, uneven(item.node))
        return bool(leaf.joins) or leaf.chains
    return len(item.inputs) == 1


def subsequence(model: Sequence[Any], shape: Sequence[Any], late: bool) -> list[int] | None:
    """Where in `model` the entries of `shape` stand in order: as early, or as `late`, as they can; None if nowhere."""
    if late:
        found = subsequence(model[::-1], shape[::-1], False)
        return None if found is None else [len(model) - 1 - place for place in reversed(found)]
    places, at = [], 0
    for entry in shape:
        while at < len(model) and model[at] != entry:
            at += 1
        if at == len(model):
            return None
        places.append(at)
        at += 1
    return places
