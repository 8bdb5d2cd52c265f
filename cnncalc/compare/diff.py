"""Two networks, layer by layer: what was added, removed and changed.

Layers are matched where they are equal, and their names are but for numbers: so an inserted layer, which renumbers
those after it, is one change.  What is left between equal neighbours is matched by name, then by kind and position.
A receptive field that only follows from changes before it is no change of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.params import count
from cnncalc.analyzers.quantities import asked
from cnncalc.analyzers.receptive_field import ReceptiveField, receptive_fields
from cnncalc.graph import Graph, Node
from cnncalc.layers.types import show
from cnncalc.records import NamedTuple
from cnncalc.values import known

TOTALS = ("params", "state", "macs", "peak_memory", "field")
"""The figures of the whole networks that are set side by side."""

MAX_ALIGNED = 20_000
"""Layers up to which two stretches are aligned by what they are; beyond, by their names alone."""

Pair = tuple[Any, Any]
"""A value of old and of new; None on the side where there is no layer."""


class Change(NamedTuple):
    """One layer that is not in both networks, or not the same."""

    change: str
    """`added`, `removed` or `changed`."""
    old: str | None
    new: str | None
    """Names; where only those differ and several layers share the difference, what is in front of it is left out."""
    fields: dict[str, Pair]
    """Fields that differ; `kind` and `from`, the layers that it takes, too."""
    output_shape: Pair
    params: Pair
    macs: Pair
    field: Pair
    """Sizes of the receptive field per axis."""

    def to_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it."""
        found = {**self._asdict(), "receptive_field": list(self.field)}
        del found["field"]
        found["fields"] = {name: list(pair) for name, pair in self.fields.items()}
        return found


class Difference(NamedTuple):
    """Two networks compared."""

    old: Graph
    new: Graph
    changes: list[Change]
    """In the order of the new network; what was removed stands where it was."""
    unchanged: int
    further: int
    """How many of the unchanged see another stretch of the input."""
    totals: dict[str, Pair]

    def to_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it, without the headers of the two networks."""
        return {
            "changes": [change.to_dict() for change in self.changes],
            "unchanged": self.unchanged,
            "totals": {name: list(pair) for name, pair in self.totals.items()},
        }


def diff(old: Graph, new: Graph) -> Difference:
    """What differs between two networks."""
    pairs = match(old.nodes, new.nodes)
    matched = {a: b for a, b in pairs if a is not None and b is not None}
    partner = Partners(matched, frozenset(matched.values()))
    before, after = _Side(old), _Side(new)
    changes: list[Change] = []
    unchanged = further = 0
    renamed: set[tuple[str, str]] = set()
    for place, other in pairs:
        change = _change(before, after, place, other, partner)
        if change is not None and change.change == "changed" and change.old != change.new and not _differs(change):
            short = _short(str(change.old), str(change.new))
            if short in renamed:
                unchanged += 1
                continue
            renamed.add(short)
            change = change._replace(old=short[0], new=short[1])
        if change is None:
            unchanged += 1
            assert place is not None
            assert other is not None
            further += before.sizes(place) != after.sizes(other)
        else:
            changes.append(change)
    return Difference(old, new, changes, unchanged, further, dict(zip(TOTALS, zip(_totals(old), _totals(new)))))


def _totals(graph: Graph) -> list[int | None]:
    """The figures of a whole network; what is known of lower bounds."""
    measured, quantities = Measurement(graph), asked()
    found = [measured.figure(quantities[key]) for key in TOTALS]
    return [None if value is None else known(value) for value in found]


class Partners(NamedTuple):
    """Which layers of both networks are matched, by position."""

    old: dict[int, int]
    """The new one's position by the old one's."""
    taken: frozenset[int]
    """Positions of new layers that have a partner."""


class _Side:
    """The figures of one of the two."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.fields: list[ReceptiveField | None] = receptive_fields(graph)

    def params(self, place: int) -> int | None:
        """Learned parameters of its own; None where it has none, or does not tell."""
        found = count(self.graph.nodes[place]).params
        return found if isinstance(found, int) else None

    def sizes(self, place: int) -> list[int] | None:
        """The field's size per axis."""
        field = self.fields[place]
        return [most for _, most in field.size] if field is not None and field.is_local else None


def _change(before: _Side, after: _Side, place: int | None, other: int | None, partner: Partners) -> Change | None:
    """The change of two matched layers, or of one alone; None where they are the same."""
    old = before.graph.nodes[place] if place is not None else None
    new = after.graph.nodes[other] if other is not None else None
    fields = _fields(before.graph, after.graph, old, new, partner) if old is not None and new is not None else {}

    def pair(of: Callable[[_Side, int], Any]) -> Pair:
        return (None if place is None else of(before, place), None if other is None else of(after, other))

    shapes = pair(lambda side, at: list(side.graph.nodes[at].operation.output))
    params = pair(lambda side, at: side.params(at))
    macs = pair(lambda side, at: side.graph.nodes[at].operation.macs)
    sizes = pair(lambda side, at: side.sizes(at))
    if old is None or new is None:
        change = "removed" if new is None else "added"
        names = (None if old is None else old.name, None if new is None else new.name)
        return Change(change, *names, fields, shapes, params, macs, sizes)
    found = Change("changed", old.name, new.name, fields, shapes, params, macs, sizes)
    return found if _differs(found) or _plain(old.name) != _plain(new.name) else None


def _differs(change: Change) -> bool:
    """Whether more than a name, or what follows from other changes, is another."""
    return bool(change.fields) or any(a != b for a, b in (change.output_shape, change.params, change.macs))


def _fields(old: Graph, new: Graph, a: Node, b: Node, partner: Partners) -> dict[str, Pair]:
    """The fields in which two layers differ, their kind, and what they take."""
    found: dict[str, Pair] = {}
    mine, theirs = a.operation.layer, b.operation.layer
    if a.kind != b.kind:
        found["kind"] = (a.kind, b.kind)
    for name in {**mine.fields, **theirs.fields}:
        pair = (getattr(mine, name, None), getattr(theirs, name, None))
        if pair[0] != pair[1] and name in mine.fields and name in theirs.fields:
            found[name] = (show(pair[0]), show(pair[1])) if name in mine.following else pair
    if a.frozen != b.frozen:
        found["learned"] = (not a.frozen, not b.frozen)
    if (a.shares and a.shares.name) != (b.shares and b.shares.name):
        found["share"] = (a.shares and a.shares.name, b.shares and b.shares.name)
    if _rewired(old, new, a, b, partner):
        found["from"] = ([old.tensor_name(t) for t in a.inputs], [new.tensor_name(t) for t in b.inputs])
    return found


def _rewired(old: Graph, new: Graph, a: Node, b: Node, partner: Partners) -> bool:
    """Whether two layers take tensors that are not each other's, where both have a partner."""
    if len(a.inputs) != len(b.inputs):
        return True
    for mine, theirs in zip(a.inputs, b.inputs):
        x, y = old.node(mine), new.node(theirs)
        if x is None and y is None:
            if mine != theirs:
                return True
        elif (
            x is not None
            and y is not None
            and y.place in partner.taken
            and partner.old.get(x.place, y.place) != y.place
        ):
            return True
    return False


# -- matching ----------------------------------------------------------------------------------------------------------


def match(old: Sequence[Node], new: Sequence[Node]) -> list[tuple[int | None, int | None]]:
    """Positions of old and new layers that are the same; None where one has no counterpart."""
    gaps = [(range(len(old)), range(len(new)))]
    found: list[tuple[int | None, int | None]] = []
    for key in (
        lambda node: (_plain(node.name), node.operation.layer),
        lambda node: node.name,
        lambda node: (_plain(node.name), node.kind),
        lambda node: node.kind,
    ):
        found, gaps = _aligned(old, new, gaps, key, found)
    for a, b in gaps:
        found += [(place, None) for place in a] + [(None, place) for place in b]
    return _in_order(found)


Gaps = list[tuple[range, range]]


def _aligned(
    old: Sequence[Node],
    new: Sequence[Node],
    gaps: Gaps,
    key: Callable[[Node], Hashable],
    found: list[tuple[int | None, int | None]],
) -> tuple[list[tuple[int | None, int | None]], Gaps]:
    """The pairs of each gap whose keys are equal, and the gaps that are left between them."""
    from difflib import SequenceMatcher

    left: Gaps = []
    for a, b in gaps:
        keys: dict[Hashable, int] = {}
        mine = [keys.setdefault(key(old[place]), len(keys)) for place in a]
        theirs = [keys.setdefault(key(new[place]), len(keys)) for place in b]
        blocks = _equal_blocks(mine, theirs, SequenceMatcher)
        at = (0, 0)
        for x, y, size in blocks:
            left.append((a[at[0] : x], b[at[1] : y]))
            found += zip(a[x : x + size], b[y : y + size])
            at = (x + size, y + size)
        left.append((a[at[0] :], b[at[1] :]))
    return found, [gap for gap in left if gap[0] or gap[1]]


def _equal_blocks(a: list[int], b: list[int], matcher: Any) -> list[tuple[int, int, int]]:
    """Stretches that are equal: what both begin and end with, and an alignment of what is between."""
    first = 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    last = 0
    while last < min(len(a), len(b)) - first and a[-1 - last] == b[-1 - last]:
        last += 1
    middle = []
    inner, other = a[first : len(a) - last], b[first : len(b) - last]
    if inner and other and len(inner) + len(other) <= MAX_ALIGNED:
        blocks = matcher(None, inner, other, autojunk=False).get_matching_blocks()
        middle = [(x + first, y + first, size) for x, y, size in blocks if size]
    return [block for block in ((0, 0, first), *middle, (len(a) - last, len(b) - last, last)) if block[2]]


def _in_order(pairs: list[tuple[int | None, int | None]]) -> list[tuple[int | None, int | None]]:
    """The pairs in the order of new, what is in old alone before what followed it there."""
    alone = sorted(a for a, b in pairs if b is None and a is not None)
    found: list[tuple[int | None, int | None]] = []
    at = 0
    for b, a in sorted(((b, a) for a, b in pairs if b is not None), key=lambda pair: pair[0]):
        while a is not None and at < len(alone) and alone[at] < a:
            found.append((alone[at], None))
            at += 1
        found.append((a, b))
    return found + [(place, None) for place in alone[at:]]


def _plain(name: str) -> str:
    """A name without its numbers: those that are given by counting change with what stands before."""
    return re.sub(r"\d+", "0", name)


def _short(old: str, new: str) -> tuple[str, str]:
    """Two names without the parts behind the last dots that are equal."""
    a, b = old.split("."), new.split(".")
    while len(a) > 1 and len(b) > 1 and a[-1] == b[-1]:
        a.pop()
        b.pop()
    return ".".join(a), ".".join(b)
