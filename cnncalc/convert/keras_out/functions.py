"""Calls -> functions: block calls that are equal but for numbers become one function, the numbers its parameters.

Blocks that differ in optional stretches (a projection on a shortcut, an expansion) are one function with a flag, as
long as what follows is the same.  No text is written here, and no layer kind is known.
"""

from __future__ import annotations

import builtins
from keyword import kwlist

from cnncalc.convert.keras_out.bodies import LEAST, Body, Function, Item, free
from cnncalc.convert.keras_out.calls import Call, Sketch, identifier
from cnncalc.convert.keras_out.likeness import grouped
from cnncalc.convert.keras_out.parameters import generalised
from cnncalc.graph import Part


def functions(sketch: Sketch, reserved: set[str]) -> tuple[list[Function], Body]:
    """The functions of a network, those that others call first, and the body that builds it.

    None has a `reserved` name, nor one of Python's own, which what else stands in the source may need.
    """
    found: list[Function] = []
    calls: dict[int, Call] = {}
    parts = candidates(sketch)
    taken = {*reserved, *kwlist, *dir(builtins)}
    for block in ordered(sketch, parts):
        bodies = {number: body(sketch, parts, calls, number) for number in parts if name_of(sketch, number) == block}
        groups = grouped(list(bodies.items()))
        several = len(groups) > 1
        for group in groups:
            if several and len(group) == 1:
                for number, _ in group:
                    parts.discard(number)
                continue
            members = [each for _, each in group]
            made, given = generalised(free(identifier(block), taken), members, sketch.channels())
            found.append(made)
            for (number, each), arguments in zip(group, given):
                calls[number] = Call(made.name, arguments, each.inputs, each.result, each.name)
    return found, body(sketch, parts, calls, None)


def name_of(sketch: Sketch, number: int) -> str:
    return sketch.graph.parts[number].block


def candidates(sketch: Sketch) -> set[int]:
    """Positions of the block calls that can be functions: long enough, of one result, and with layers of their own."""
    graph = sketch.graph
    inside: list[list[Call]] = [[] for _ in graph.nodes]
    for call in sketch.calls:
        inside[call.node].append(call)
    last: dict[int, int] = {}
    for call in sketch.calls:
        for value in call.inputs:
            last[value] = max(last.get(value, 0), call.node)
    for _, tensor in graph.outputs:
        last[sketch.values[tensor]] = len(graph.nodes)
    first = {call.output: call.node for call in sketch.calls}
    found = set()
    for number, part in enumerate(graph.parts):
        if not part.block or part.end - part.first < LEAST:
            continue
        nodes = graph.nodes[part.first : part.end]
        result = sketch.values[part.result]
        made = [call.output for node in nodes for call in inside[node.place]]
        alone = all(last.get(value, -1) < part.end for value in made if value != result)
        own = all(node.shares is None and node.place not in sketch.owners for node in nodes)
        named = all(node.name.startswith(f"{part.name}.") for node in nodes)
        if alone and own and named and part.first <= first.get(result, -1) < part.end:
            found.add(number)
    return found


def ordered(sketch: Sketch, parts: set[int]) -> list[str]:
    """The blocks, each after those that are called in it; those that would call themselves are no functions."""
    inner: dict[str, set[str]] = {name_of(sketch, number): set() for number in parts}
    for number in sorted(parts):
        around = outer(sketch, parts, number)
        if around is not None:
            inner[name_of(sketch, around)].add(name_of(sketch, number))
    found: list[str] = []
    while inner:
        ready = [name for name, names in inner.items() if names <= set(found)]
        if not ready:
            parts -= {number for number in parts if name_of(sketch, number) in inner}
            break
        found += ready
        for name in ready:
            del inner[name]
    return found


def outer(sketch: Sketch, parts: set[int], number: int) -> int | None:
    """The innermost of the parts around one."""
    part = sketch.graph.parts[number]
    for other in range(number + 1, len(sketch.graph.parts)):
        around = sketch.graph.parts[other]
        if around.first <= part.first and part.end <= around.end and other in parts:
            return other
        if around.first >= part.end:
            return None
    return None


def body(sketch: Sketch, parts: set[int], calls: dict[int, Call], number: int | None) -> Body:
    """The statements of a block call, or of the network, with calls of the functions inside it."""
    graph = sketch.graph
    whole = Part("", "", (), 0, 0, len(graph.nodes)) if number is None else graph.parts[number]
    prefix = identifier(f"{whole.name}.") if whole.name else ""
    inner = {
        graph.parts[other].first: other
        for other in sorted(calls, reverse=True)
        if other in parts
        and (number is None or other < number)
        and whole.first <= graph.parts[other].first
        and graph.parts[other].end <= whole.end
    }
    outermost: dict[int, int] = {}
    for other in sorted(inner.values()):
        outermost[graph.parts[other].first] = other  # those that come later are around those before
    by_node: dict[int, list[Call]] = {}
    for call in sketch.calls:
        if whole.first <= call.node < whole.end:
            by_node.setdefault(call.node, []).append(call)
    items: list[Item] = []
    place = whole.first
    while place < whole.end:
        if place in outermost:
            other = outermost[place]
            called = calls[other]
            name = called.name.removeprefix(prefix)
            items.append(Item(called._replace(name=name), name))
            place = graph.parts[other].end
            continue
        local = identifier(graph.nodes[place].name).removeprefix(prefix)
        for turn, call in enumerate(by_node.get(place, [])):
            items.append(Item(call._replace(name=call.name.removeprefix(prefix)), f"{local}/{turn}"))
        place += 1
    made = {item.call.output for item in items}
    inputs = dict.fromkeys(value for item in items for value in item.call.inputs if value not in made)
    return Body(
        prefix.removesuffix("_"), items, tuple(inputs), sketch.values[whole.result] if number is not None else 0
    )
