"""Calls -> functions: block calls that are equal but for numbers become one function, the numbers its parameters.

Blocks that differ in optional stretches (a projection on a shortcut, an expansion) are one function with a flag, as
long as what follows is the same.  No text is written here, and no layer kind is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from cnncalc.convert.keras_out.calls import REQUIRED, Argument, Call, Expression, Sketch, identifier
from cnncalc.graph import Part

ABSENT: Any = object()
"""The value of an argument in a block that leaves the call out."""

LEAST = 3
"""Rows of a block that is worth a function."""


class Item(NamedTuple):
    """One statement of a body."""

    call: Call
    """Its name is without that of the block."""
    key: str
    """The same for the same statement in another body of the block."""
    flag: str = ""
    """The parameter on which it depends; empty where it is always there."""


class Body(NamedTuple):
    """The statements of one block call, or of the network."""

    name: str
    """The block call's own, as an identifier."""
    items: list[Item]
    inputs: tuple[int, ...]
    """The values from outside, in the order of their first use."""
    result: int


class Parameter(NamedTuple):
    """A parameter of a function."""

    name: str
    default: Any = REQUIRED


class Function(NamedTuple):
    """A function that builds a block."""

    name: str
    body: Body
    """The longest of its calls; arguments that differ from call to call are `Expression`s of parameters."""
    parameters: list[Parameter]
    bypass: dict[str, tuple[int, int]]
    """By flag: the value that the optional stretch leaves, and the value that stands for it without."""


def functions(sketch: Sketch) -> tuple[list[Function], Body]:
    """The functions of a network, those that others call first, and the body that builds it."""
    found: list[Function] = []
    calls: dict[int, Call] = {}
    parts = candidates(sketch)
    taken: set[str] = {"keras", "layers", "ops", *sketch.needed}
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


def free(name: str, taken: set[str]) -> str:
    """A name that nothing else has yet."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found


# -- which block calls become function calls ---------------------------------------------------------------------------


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


# -- what bodies have in common ----------------------------------------------------------------------------------------


def shape_of(each: Body) -> tuple[Any, ...]:
    """What bodies of one function share: everything but the values of arguments."""
    known: dict[int, Any] = {value: place for place, value in enumerate(each.inputs)}
    found = []
    for item in each.items:
        call = item.call
        fixed = tuple(entry.value for entry in call.arguments) if call.callee == "[]" else ()
        keywords = tuple(entry.keyword for entry in call.arguments)
        operands = tuple(known[value] for value in call.inputs)
        found.append((item.key, call.callee, keywords, operands, call.name, call.shared, fixed))
        known[call.output] = item.key
    return (*found, known[each.result], len(each.inputs))


def grouped(bodies: Sequence[tuple[int, Body]]) -> list[list[tuple[int, Body]]]:
    """Bodies that can be one function, the longest first in each group."""
    equal: dict[Any, list[tuple[int, Body]]] = {}
    for number, each in bodies:
        equal.setdefault(shape_of(each), []).append((number, each))
    groups: list[list[tuple[int, Body]]] = []
    for members in sorted(equal.values(), key=lambda members: -len(members[0][1].items)):
        fitting = (group for group in groups if stretches([each for _, each in [*group, members[0]]]) is not None)
        group = next(fitting, None)
        if group is None:
            groups.append(list(members))
        else:
            group += members
    return groups


class Stretch(NamedTuple):
    """Consecutive items of the longest body that others leave out together."""

    start: int
    end: int
    leaves: Any
    """The key of the item whose value is used behind it."""
    instead: Any
    """The key (or number) of the value that is used without it."""
    present: tuple[bool, ...]
    """Whether each body has it."""


def stretches(bodies: Sequence[Body]) -> list[Stretch] | None:
    """What some bodies leave out of the first; None if they differ in more than that."""
    master = shape_of(bodies[0])
    lines, result = master[:-2], master[-2]
    places = {line[0]: place for place, line in enumerate(lines)}
    found: dict[tuple[int, int], tuple[Any, Any]] = {}
    absent: list[set[tuple[int, int]]] = []
    for each in bodies[1:]:
        other = shape_of(each)
        missing = omitted(lines, result, other, places)
        if missing is None or other[-1] != master[-1]:
            return None
        for run, exchange in missing.items():
            if found.setdefault(run, exchange) != exchange:
                return None
        absent.append(set(missing))
    runs = sorted(found)
    if any(before[1] >= after[0] for before, after in pairwise(runs)):
        return None
    return [Stretch(*run, *found[run], (True, *(run not in each for each in absent))) for run in runs]


def omitted(
    lines: Sequence[Any], result: Any, other: Sequence[Any], places: dict[Any, int]
) -> dict[tuple[int, int], tuple[Any, Any]] | None:
    """The stretches of `lines` that another body lacks, with the value that each leaves and what stands for it."""
    there = {line[0]: line for line in other[:-2]}
    order = [places.get(key, -1) for key in there]
    if order != sorted(order) or -1 in order:
        return None
    runs: list[tuple[int, int]] = []
    for place, line in enumerate(lines):
        if line[0] not in there:
            if runs and runs[-1][1] == place:
                runs[-1] = (runs[-1][0], place + 1)
            else:
                runs.append((place, place + 1))
    run_of = {lines[place][0]: run for run in runs for place in range(*run)}
    exchanged: dict[tuple[int, int], tuple[Any, Any]] = {}

    def agrees(mine: Any, theirs: Any) -> bool:
        run = run_of.get(mine)
        if run is None:
            return bool(mine == theirs)
        defined = theirs in places and places[theirs] < run[0]
        if not (isinstance(theirs, int) or defined):
            return False
        return exchanged.setdefault(run, (mine, theirs)) == (mine, theirs)

    for line in lines:
        same = there.get(line[0])
        if same is None:
            continue
        if (line[1], line[2], line[4:]) != (same[1], same[2], same[4:]) or len(line[3]) != len(same[3]):
            return None
        if not all(agrees(mine, theirs) for mine, theirs in zip(line[3], same[3])):
            return None
    if not agrees(result, other[-2]) or exchanged.keys() != set(runs):
        return None
    return exchanged


# -- parameters --------------------------------------------------------------------------------------------------------


def generalised(
    name: str, bodies: Sequence[Body], channels: dict[int, int]
) -> tuple[Function, list[tuple[Argument, ...]]]:
    """The function of bodies that `grouped` has put together, and the arguments of each call of it."""
    first = bodies[0]
    optional = stretches(bodies)
    assert optional is not None
    by_key = [{item.key: item for item in each.items} for each in bodies]
    values = Parameters([channels.get(each.inputs[0]) if each.inputs else None for each in bodies])
    flags: dict[tuple[bool, ...], str] = {}
    flag_of: dict[int, str] = {}
    for stretch in optional:
        flag = flags.get(stretch.present)
        if flag is None:
            stem = first.items[stretch.start].key.partition("/")[0].partition("_")[0].rstrip("0123456789")
            stem = "residual" if stem == "add" else stem
            flag = flags[stretch.present] = values.flag(f"has_{stem}", stretch.present)
        flag_of |= dict.fromkeys(range(stretch.start, stretch.end), flag)
    found: dict[tuple[int, int], Any] = {}
    slots = [(place, each) for place, item in enumerate(first.items) for each in range(len(item.call.arguments))]
    for place, each in sorted(slots, key=lambda slot: first.items[slot[0]].call.arguments[slot[1]].role == "padding"):
        item = first.items[place]
        vector = [keyed[item.key].call.arguments[each].value if item.key in keyed else ABSENT for keyed in by_key]
        found[place, each] = values.said(item, item.call.arguments[each], vector)
    values.named()
    written = []
    for place, item in enumerate(first.items):
        given = [
            argument._replace(value=values.written(found[place, each]))
            for each, argument in enumerate(item.call.arguments)
        ]
        written.append(Item(item.call._replace(arguments=tuple(given)), item.key, flag_of.get(place, "")))
    outputs: dict[Any, int] = {item.key: item.call.output for item in first.items} | dict(enumerate(first.inputs))
    bypass = {flag_of[s.start]: (outputs[s.leaves], outputs[s.instead]) for s in optional}
    made = Function(name, first._replace(items=written), values.parameters(), bypass)
    return made, [values.arguments(number) for number in range(len(bodies))]


class Place(Expression):
    """An expression of parameters that have no names yet: ``4 * {0}``."""


class Values:
    """What a parameter stands for in every call of its function."""

    def __init__(self, role: str, row: str, values: list[Any], name: str = "") -> None:
        self.role = role
        self.row = row
        """The row in which it stands first."""
        self.values = values
        self.name = name

    @property
    def default(self) -> Any:
        """The value of most calls, for what is no number of channels, or is absent from some calls."""
        if self.role == "flag":
            return False
        present = [value for value in self.values if value is not ABSENT]
        most = max(present, key=present.count)
        if len(present) < len(self.values) or (self.role != "filters" and 2 * present.count(most) >= len(present)):
            return most
        return REQUIRED


class Parameters:
    """The parameters of a function in the making."""

    def __init__(self, channels: list[Any]) -> None:
        self.channels = channels
        """The channels of each call's first input."""
        self.lists: list[Values] = []
        self.taken = {"inputs", "name"}

    def flag(self, name: str, present: tuple[bool, ...]) -> str:
        """A parameter that is true where a stretch is present."""
        found = free(name, self.taken)
        self.lists.append(Values("flag", "", list(present), found))
        return found

    def said(self, item: Item, argument: Argument, vector: list[Any]) -> Any:
        """A value that all calls share, or what says it by parameters; a new one if need be."""
        present = [value for value in vector if value is not ABSENT]
        if all(value == present[0] and type(value) is type(present[0]) for value in present):
            return present[0]
        role = argument.role or argument.keyword or "value"
        role = "filters" if role == "units" else role
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in present)
        for number, each in enumerate(self.lists):
            if each.role == role and agree(each.values, vector):
                each.values = [mine if mine is not ABSENT else other for mine, other in zip(each.values, vector)]
                return Place(f"{{{number}}}")
        if whole and role in ("filters", "padding", "groups", "stop", "start"):
            for text in self.derived(role, vector):
                return Place(text)
        self.lists.append(Values(role, item.key.partition("/")[0], list(vector)))
        return Place(f"{{{len(self.lists) - 1}}}")

    def derived(self, role: str, vector: list[Any]) -> Iterator[str]:
        """Whole numbers as multiples or parts of other parameters, or of the channels that come in."""
        for number, each in enumerate(self.lists):
            if role == "padding" and each.role == "kernel_size":
                if proportional(vector, each.values, lambda size: size // 2):
                    yield f"{{{number}}} // 2"
            elif role != "padding" and each.role == "filters":
                yield from ratios(vector, each.values, f"{{{number}}}")
        if role != "padding":
            if proportional(vector, self.channels, lambda channels: channels):
                yield "inputs.shape[-1]"
            yield from ratios(vector, self.channels, "inputs.shape[-1]")

    def named(self) -> None:
        """Give every parameter a name: its role, with its row where several have the role."""
        roles = [each.role for each in self.lists]
        for each in self.lists:
            if not each.name:
                name = each.role if roles.count(each.role) == 1 else f"{each.row}_{each.role}"
                each.name = free(name if name.isidentifier() else f"{each.role}_{each.row}", self.taken)

    def written(self, value: Any) -> Any:
        """An argument with the names of the parameters in it."""
        return Expression(value.format(*(each.name for each in self.lists))) if isinstance(value, Place) else value

    def parameters(self) -> list[Parameter]:
        """Those that must be given, then those with a default."""
        found = [Parameter(each.name, each.default) for each in self.lists]
        return sorted(found, key=lambda parameter: parameter.default is not REQUIRED)

    def arguments(self, number: int) -> tuple[Argument, ...]:
        """What the call of this number gives for them."""
        values = {each.name: each for each in self.lists}
        found = []
        for name, default in self.parameters():
            each = values[name]
            value = default if each.values[number] is ABSENT else each.values[number]
            found.append(Argument(value, "" if default is REQUIRED else name, default, each.role))
        return tuple(found)


def agree(values: list[Any], others: list[Any]) -> bool:
    """Whether lists are the same, wherever both have a value."""
    return all(mine == theirs or mine is ABSENT or theirs is ABSENT for mine, theirs in zip(values, others))


def proportional(vector: list[Any], values: list[Any], rule: Any) -> bool:
    """Whether a rule makes the one of the other, which must be there wherever the first is."""
    pairs = [(value, base) for value, base in zip(vector, values) if value is not ABSENT]
    return all(isinstance(base, int) and rule(base) == value for value, base in pairs)


def ratios(vector: list[Any], values: list[Any], name: str) -> Iterator[str]:
    """`vector` as a whole multiple of `values`, or as a whole part of it."""
    for factor in range(2, 9):
        if proportional(vector, values, lambda base, factor=factor: factor * base):
            yield f"{factor} * {name}"
    for divisor in (2, 3, 4, 8, 16):
        if proportional(vector, values, lambda base, divisor=divisor: base // divisor):
            yield f"{name} // {divisor}"
