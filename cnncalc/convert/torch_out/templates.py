"""Bodies of the same block become one template, whose numbers and optional parts its constructor's arguments decide.

The largest body gives the template its items; every other must be the same with some items left out, or it gets a
template of its own.  What is left out must let its input through, which `nn.Identity` does for a module.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from cnncalc.convert.torch_out.aligning import fit
from cnncalc.convert.torch_out.bodies import Body, Item, Ref, all_bodies, bodies_of, copied
from cnncalc.convert.torch_out.chains import is_chain
from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.leaf import Leaf, Param
from cnncalc.convert.torch_out.names import identifier
from cnncalc.convert.torch_out.sliding import uneven
from cnncalc.layers import names
from cnncalc.records import NamedTuple

ACTS = set(names("activation")) - {"prelu"}


class Slot(NamedTuple):
    """One value that a template's source holds: constant, or a matter of the instance."""

    key: tuple[Any, ...]
    unit: str
    values: tuple[Any, ...]
    """One per instance; None where the item is left out."""
    usual: bool
    """Whether every instance has what the module or class does by default."""
    keyword: bool


class Place:
    """An item of a template, and what each instance has there."""

    def __init__(self, item: Item, count: int) -> None:
        self.item = item
        self.members: list[Item | None] = [None] * count
        self.bypass = 0
        """Which of its inputs stands for it where it is left out."""
        self.attribute = ""

    @property
    def label(self) -> str:
        """Its row's name as an identifier."""
        return identifier(self.item.name)

    @property
    def present(self) -> tuple[bool, ...]:
        return tuple(member is not None for member in self.members)

    @property
    def optional(self) -> bool:
        return not all(self.present)

    @cached_property
    def apart(self) -> bool:
        """Whether its padding is a step of its own."""
        return any(member is not None and member.node is not None and uneven(member.node) for member in self.members)

    def leaf(self) -> Leaf:
        assert self.item.node is not None
        return describe(self.item.node, self.apart)


class Argument(NamedTuple):
    """An argument of a template's constructor."""

    name: str
    unit: str
    values: tuple[Any, ...]
    default: Any
    """`NEVER` where it has none."""


class Template:
    """One class of the export, and its instances."""

    def __init__(self, block: str, bodies: list[Body]) -> None:
        self.block = block
        self.bodies = bodies
        self.name = ""
        self.sequential = False
        """Whether it is an `nn.Sequential`."""
        self.instance: dict[int, int] = {}
        """The position of each body among the instances, by its identity."""
        self.places: list[Place] = []
        self.outputs: list[Ref] = []
        self.arguments: list[Argument] = []
        self.expressions: dict[tuple[Any, ...], Any] = {}
        """What stands in the source for each slot, by its key."""
        self.slots: dict[tuple[Any, ...], Slot] = {}

    @property
    def largest(self) -> Body:
        return max(self.bodies, key=lambda body: len(body.items))

    def given(self, body: Body) -> dict[str, Param]:
        """The arguments that make an instance."""
        place = self.instance[id(body)]
        return {
            argument.name: Param(argument.values[place], argument.unit, argument.default, keyword(argument))
            for argument in self.arguments
        }


def keyword(argument: Argument) -> bool:
    """Whether a call names the argument: numbers of channels alone go without."""
    return argument.unit != "channels"


class Templates:
    """All templates of an export, and the one that each body belongs to."""

    def __init__(self, root: Body) -> None:
        self.of: dict[int, Template] = {}
        self.ordered: list[Template] = []
        """Those that others call first."""
        bodies = all_bodies(root)
        blocks: dict[str, list[Body]] = {}
        names = distinct(bodies)
        for body in bodies:
            blocks.setdefault(names[id(body)], []).append(body)
        order = TopologicalSorter(
            {
                block: [*dict.fromkeys(names[id(inner)] for body in members for inner in called(body))]
                for block, members in blocks.items()
            }
        )
        self.order = [(block, blocks[block]) for block in order.static_order()]

    def add(self, template: Template) -> None:
        self.ordered.append(template)
        for body in template.bodies:
            self.of[id(body)] = template

    # -- what makes two items one

    def signature(self, item: Item) -> Any:
        """What an item is, but for numbers."""
        if item.shares is not None:
            return ("shares", item.shares)
        if item.parts:
            inner = copied(item)
            inner.parts = 0
            return ("parts", self.signature(inner))
        if item.node is not None:
            node = item.node
            leaf = describe(node)
            kept = tuple((name, param.value) for name, param in leaf.params.items() if param.unit in ("word", "number"))
            if node.kind in ACTS and leaf.module and not kept:
                return ("act",)
            return (node.kind, leaf[:1], leaf[2:], item.constants, len(item.tensors), tuple(leaf.params), kept)
        if item.body is not None:
            return ("call", id(self.of[id(item.body)]), len(item.results))
        if self.runs_alike(item):
            return ("run", item.gathers, id(self.of[id(item.chain[0].body)]))
        return ("chain", item.gathers, tuple(map(self.signature, item.chain)))

    def runs_alike(self, item: Item) -> bool:
        """Whether a chain calls one template, and all its calls but the first are equal."""
        calls = [self.of.get(id(each.body)) for each in item.chain]
        if None in calls or len(set(map(id, calls))) > 1:
            return False
        later = [self.values(each) for each in item.chain[1:]]
        return all(values == later[0] for values in later)

    def values(self, item: Item) -> dict[str, Param]:
        assert item.body is not None
        return self.of[id(item.body)].given(item.body)

    # -- templates

    def unify(self, block: str, bodies: list[Body]) -> list[Template]:
        """The templates of a block's bodies: one, where the bodies allow it."""
        remaining = sorted(bodies, key=lambda body: -len(body.items))
        found = []
        while remaining:
            template = self.template(block, remaining)
            found.append(template)
            taken = set(map(id, template.bodies))
            remaining = [body for body in remaining if id(body) not in taken]
            template.bodies.sort(key=lambda body: body.first)
            self.populate(template)
            self.group(template)
        return found

    def template(self, block: str, bodies: list[Body]) -> Template:
        """The template of the largest body, with all others that fit it."""
        largest = bodies[0]
        model = [self.signature(item) for item in largest.items]
        found = Template(block, [largest])
        bypasses: dict[int, int] = {}
        fits: dict[Any, list[int] | None] = {}
        self.aligned: dict[int, list[int]] = {id(largest): list(range(len(largest.items)))}
        for body in bodies[1:]:
            shape = (
                tuple(map(self.signature, body.items)),
                tuple(tuple(item.inputs) for item in body.items),
                tuple(body.outputs),
                len(body.inputs),
            )
            if shape not in fits:
                fits[shape] = fit(largest, model, body, list(shape[0]), bypasses)
            places = fits[shape]
            if places is not None:
                found.bodies.append(body)
                self.aligned[id(body)] = places
        self.bypasses = bypasses
        return found

    def populate(self, template: Template) -> None:
        """Give a template its places, with what every instance has there."""
        largest = template.largest
        model = next(body for body in template.bodies if self.aligned[id(body)] == list(range(len(largest.items))))
        template.places = [Place(item, len(template.bodies)) for item in model.items]
        template.outputs = model.outputs
        for number, bypass in self.bypasses.items():
            template.places[number].bypass = bypass
        for instance, body in enumerate(template.bodies):
            template.instance[id(body)] = instance
            for item, number in zip(body.items, self.aligned[id(body)]):
                template.places[number].members[instance] = item
        plain = is_chain(model) and not any(item.chain for item in model.items)
        template.sequential = plain and model.name != "" and not any(place.apart for place in template.places)

    def group(self, template: Template) -> None:
        """Make one optional chain of optional modules that follow each other in the same instances."""
        places = template.places
        uses = Counter(ref for place in places for ref in place.item.inputs)
        uses.update(template.outputs)
        runs: list[list[int]] = []
        for number, place in enumerate(places):
            follows = number > 0 and place.item.inputs == [Ref(number - 1)] and uses[Ref(number - 1)] == 1
            if follows and single(place) and single(places[number - 1]) and place.present == places[number - 1].present:
                runs[-1].append(number)
            else:
                runs.append([number])
        if len(runs) == len(places) or template.sequential:
            return
        moved = {Ref(number): Ref(place) for place, run in enumerate(runs) for number in run}
        template.places = [merged([places[number] for number in run]) for run in runs]
        for place in template.places:
            place.item.inputs = [moved.get(ref, ref)._replace(output=ref.output) for ref in place.item.inputs]
            if place.item.shares is not None:
                place.item.shares = moved[Ref(place.item.shares)].item
        template.outputs = [moved.get(ref, ref)._replace(output=ref.output) for ref in template.outputs]


def distinct(bodies: list[Body]) -> dict[int, str]:
    """For every body its block's name, with a mark where it holds one of the same name (of another file)."""
    names: dict[int, str] = {}
    inside: dict[int, set[str]] = {}
    for body in reversed(bodies):
        within = {name for inner in called(body) for name in (names[id(inner)], *inside[id(inner)])}
        name = body.block
        while name in within:
            name += "_"
        names[id(body)], inside[id(body)] = name, within
    return names


def called(body: Body) -> list[Body]:
    """The bodies that a body calls itself."""
    return [inner for item in body.items if item.shares is None for inner in bodies_of(item)]


def single(place: Place) -> bool:
    """Whether an item is an optional module of one layer."""
    return place.optional and place.item.node is not None and not place.leaf().joins


def merged(places: list[Place]) -> Place:
    """One place for several that are a chain."""
    if len(places) == 1:
        first = places[0]
        made = Place(copied(first.item), 0)
        made.members, made.bypass = first.members, first.bypass
        return made
    made = Place(chained([place.item for place in places]), 0)
    for members in zip(*(place.members for place in places)):
        present = [member for member in members if member is not None]
        made.members.append(chained(present) if present else None)
    return made


def chained(items: list[Item]) -> Item:
    """Items as one chain, called after the first."""
    made = Item(items[0].name, items[0].tensors, items[-1].results)
    made.inputs, made.chain = items[0].inputs, items
    return made
