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
        bodies = {number: body(sketch, calls, number) for number in parts if name_of(sketch, number) == block}
        groups = grouped(list(bodies.items()))
        several = len(groups) > 1
        for group in groups:
            if several and len(group) == 1:
                continue
            members = [each for _, each in group]
            made, given = generalised(free(identifier(block), taken), members, sketch.channels())
            found.append(made)
            for (number, each), arguments in zip(group, given):
                calls[number] = Call(made.name, arguments, each.inputs, each.result, each.name)
    return found, body(sketch, calls, None)


def name_of(sketch: Sketch, number: int) -> str:
    return sketch.graph.parts[number].block


def candidates(sketch: Sketch) -> set[int]:
    """Positions of the block calls that can be functions: long enough, of one result, and with layers of their own."""
    graph = sketch.graph
    inside = by_node(sketch)
    last: dict[int, int] = {}
    for call in sketch.calls:
        last |= dict.fromkeys((call.output, *call.inputs), call.node)
    last |= {sketch.values[tensor]: len(graph.nodes) for _, tensor in graph.outputs}
    found = set()
    for number, part in enumerate(graph.parts):
        if not part.block or part.end - part.first < LEAST:
            continue
        nodes = graph.nodes[part.first : part.end]
        result = sketch.values[part.result]
        made = [call.output for node in nodes for call in inside[node.place]]
        alone = all(last[value] < part.end for value in made if value != result)
        own = all(node.shares is None and node.place not in sketch.owners for node in nodes)
        named = all(node.name.startswith(f"{part.name}.") for node in nodes)
        if alone and own and named and result in made:
            found.add(number)
    return found


def by_node(sketch: Sketch) -> list[list[Call]]:
    """The calls of every node."""
    found: list[list[Call]] = [[] for _ in sketch.graph.nodes]
    for call in sketch.calls:
        found[call.node].append(call)
    return found


def ordered(sketch: Sketch, parts: set[int]) -> list[str]:
    """The blocks, each after those that are called in it; those that would call themselves are no functions."""
    inner: dict[str, set[str]] = {name_of(sketch, number): set() for number in parts}
    around: list[int] = []
    for number in sorted(parts, reverse=True):  # parts come after those inside them
        while around and sketch.graph.parts[around[-1]].first >= sketch.graph.parts[number].end:
            around.pop()
        if around:
            inner[name_of(sketch, around[-1])].add(name_of(sketch, number))
        around.append(number)
    found: list[str] = []
    while ready := [name for name, names in inner.items() if names <= set(found)]:
        found += ready
        for name in ready:
            del inner[name]
    return found


def body(sketch: Sketch, calls: dict[int, Call], number: int | None) -> Body:
    """The statements of a block call, or of the network, with calls of the functions inside it."""
    graph = sketch.graph
    whole = Part("", "", (), graph.outputs[0][1], 0, len(graph.nodes)) if number is None else graph.parts[number]
    prefix = identifier(f"{whole.name}.") if whole.name else ""
    outermost = {graph.parts[other].first: other for other in sorted(calls)}  # the last of those that begin there
    inside = by_node(sketch)
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
        for turn, call in enumerate(inside[place]):
            items.append(Item(call._replace(name=call.name.removeprefix(prefix)), f"{local}/{turn}"))
        place += 1
    made = {item.call.output for item in items}
    inputs = dict.fromkeys(value for item in items for value in item.call.inputs if value not in made)
    return Body(prefix.removesuffix("_"), items, tuple(inputs), sketch.values[whole.result])
