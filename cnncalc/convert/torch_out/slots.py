"""Every value in a template's source: which are the same for all instances, `arguments` finds."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.torch_out.bodies import Item, copied
from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.leaf import Param
from cnncalc.convert.torch_out.pointwise import INPLACE
from cnncalc.convert.torch_out.templates import ACTS, Place, Slot, Template, Templates


def slots(template: Template, templates: Templates) -> list[Slot]:
    """Every value in a template's source, in the order in which it stands there."""
    found: list[Slot] = []
    for number, place in enumerate(template.places):
        if place.item.shares is None:
            described = [None if member is None else item_params(member, place, templates) for member in place.members]
            found += collected((number,), described)
    return found


def collected(key: tuple[Any, ...], described: list[dict[tuple[Any, ...], Param] | None]) -> list[Slot]:
    """One slot for each argument that the instances have."""
    named: dict[tuple[Any, ...], Param] = {}
    for params in described:
        if params is not None:
            named = {**named, **params} if len(params) <= len(named) else {**params, **named}
    made = []
    for name, param in named.items():
        mine = [None if params is None else params.get(name) for params in described]
        usual = all(each is None or each.value == each.default for each in mine)
        values = tuple(None if each is None else each.value for each in mine)
        made.append(Slot((*key, *name), param.unit, values, usual, param.keyword))
    return made


def item_params(item: Item, place: Place, templates: Templates) -> dict[tuple[Any, ...], Param]:
    """The arguments of an item, by their keys within it."""
    if item.parts:
        inner = copied(item)
        inner.parts = 0
        own: dict[tuple[Any, ...], Param] = {("parts",): Param(item.parts, "heads")}
        return own | item_params(inner, place, templates)
    if item.node is not None:
        leaf = describe(item.node, place.apart)
        params = {(name,): param for name, param in leaf.params.items() if name != INPLACE}
        if item.node.kind in ACTS and not params:
            params = {("module",): Param(leaf.module, "module")}
        return params
    if item.body is not None:
        return {(name,): param for name, param in templates.values(item).items()}
    if templates.runs_alike(item):
        first, *rest = item.chain
        found = {("first", name): param for name, param in templates.values(first).items()}
        if rest:
            found |= {("rest", name): param for name, param in templates.values(rest[0]).items()}
        return {**found, ("count",): Param(len(item.chain), "count")}
    return {
        (step, *name): param
        for step, each in enumerate(item.chain)
        for name, param in item_params(each, Place(each, 1), templates).items()
    }
