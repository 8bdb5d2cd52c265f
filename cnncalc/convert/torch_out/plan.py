"""An export before it is text: its templates, and the names of their attributes."""

from __future__ import annotations

import re
from typing import Any

from cnncalc.convert.torch_out.arguments import solve
from cnncalc.convert.torch_out.bodies import Body, all_bodies
from cnncalc.convert.torch_out.building import tree
from cnncalc.convert.torch_out.chains import dissolve, name_alike
from cnncalc.convert.torch_out.helpers import NAMES
from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.names import attribute, class_name
from cnncalc.convert.torch_out.templates import ACTS, Place, Template, Templates
from cnncalc.graph import Graph


class Plan:
    """An export before it is text: its templates, with names, attributes and arguments settled."""

    def __init__(self, graph: Graph) -> None:
        """Raises `SpecError` for what PyTorch cannot say."""
        self.modules = {describe(node).module for node in graph.nodes}
        self.graph = graph
        self.root = tree(graph)
        dissolve(all_bodies(self.root))
        name_alike(all_bodies(self.root))
        self.templates = Templates(self.root)
        taken = {*NAMES, *self.modules}
        name = class_name(graph.name, taken)
        for block, bodies in self.templates.order:
            made = self.templates.unify(block, bodies)
            for template in made:
                template.name = name if bodies[0] is self.root else class_name(block, taken)
                settle_attributes(template)
                solve(template, self.templates)
                share_attributes(template)
                self.templates.add(template)

    @property
    def class_name(self) -> str:
        """What the network's own class is called."""
        return self.templates.of[id(self.root)].name

    def names(self) -> dict[tuple[str, str], str]:
        """The state dict's name of every tensor of weights, by row and tensor, in the order of the rows."""
        found: dict[tuple[str, str], str] = {}
        pending: list[tuple[str, Any]] = [("", self.root)]
        while pending:
            prefix, entry = pending.pop()
            if isinstance(entry, Body):
                template = self.templates.of[id(entry)]
                instance = template.instance[id(entry)]
                members = [(place.attribute, place.members[instance]) for place in template.places]
                inner = [(f"{prefix}{name}", member) for name, member in members if member is not None]
            elif entry.shares is not None:
                continue
            elif entry.node is not None:
                if entry.node.shares is None:
                    for weight in entry.node.operation.weights:
                        found[entry.node.name, weight.name] = f"{prefix}.{weight.name}"
                continue
            elif entry.body is not None:
                inner = [(f"{prefix}.", entry.body)]
            else:
                inner = [(f"{prefix}.{step}", each) for step, each in enumerate(entry.chain)]
            pending += reversed(inner)
        return found


def is_module(place: Place) -> bool:
    """Whether an item is an attribute of its own."""
    return place.item.shares is None and (place.item.node is None or bool(describe(place.item.node).module))


def settle_attributes(template: Template) -> None:
    """Attributes called after the rows; of a chain, numbers."""
    taken: set[str] = set()
    for number, place in enumerate(template.places):
        if template.sequential:
            place.attribute = str(number)
        elif is_module(place):
            place.attribute = attribute(place.item.name, taken)


def share_attributes(template: Template) -> None:
    """Equal modules without weights, named by nobody, become one attribute that is called by its kind."""
    if template.sequential:
        return
    groups: dict[str, list[tuple[Any, Place]]] = {}
    for number, place in enumerate(template.places):
        node = place.item.node
        if node is None or node.operation.weights or not is_module(place) or place.optional or not unnamed(place):
            continue
        made = tuple((key[1:], expression.text) for key, expression in template.expressions.items() if key[0] == number)
        varies = node.kind in ACTS and any(key == ("module",) and "{" in text for key, text in made)
        groups.setdefault("activation" if varies else node.kind, []).append(((describe(node).module, made), place))
    taken = {place.attribute for place in template.places}
    for kind, members in groups.items():
        first = members[0][0]
        alike = [place for made, place in members if made == first]
        name = attribute(kind, taken - {place.attribute for place in alike})
        for place in alike:
            place.attribute = name
        taken.add(name)


def unnamed(place: Place) -> bool:
    """Whether a row is called by its kind and a number, or after the layer that it follows."""
    assert place.item.node is not None
    name = place.item.name
    kind = place.item.node.kind
    return kind in ACTS or name.endswith(".act") or re.fullmatch(rf"{kind}\d+(\.\d+)?", name) is not None
