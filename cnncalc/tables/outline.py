"""Graph -> outline: the network as its paper's table shows it, fused rows below headings of blocks, equal turns once.

A convolution or a join with the normalisation and the activation that follow it is one row; a block is a heading over
its rows; turns that are equal in all that is shown are one, and counted.  Nothing is formatted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cnncalc.geometry import Transposed, Window
from cnncalc.graph import Graph, Node
from cnncalc.layers import MODULES
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.records import NamedTuple

MOST_ROWS = 32
"""Rows up to which blocks are opened, the outermost and the first first."""

FUSED = ("normalisation", "activation")
AFTER = {kind: FUSED.index(family) for family, _, kinds in MODULES for kind in kinds if family in FUSED}
"""What may follow in one row, and in which order."""
FOLLOWED = ("convolution", "dense", "join", "normalisation")
BEFORE = {kind for family, _, kinds in MODULES for kind in kinds if family in FOLLOWED}
"""What something may follow in one row."""

Sign = Callable[[int], Any]
"""Of a node's place what is shown of it: equal for nodes that look alike."""


class Stretch(NamedTuple):
    """The layers of one row, and how the row stands among the others."""

    name: str
    places: list[int]
    kind: str = ""
    """What it is; empty for a single layer of its kind, and for a mere number of layers."""
    label: str = ""
    """Its name below its headings: ``.conv1``, ``.1 to .5``."""
    depth: int = 0
    """Headings above it."""
    heading: bool = False
    """Whether it is a heading: its layers stand in the rows below it, too."""


class Entry:
    """One row of an outline, or a heading over further rows."""

    __slots__ = ("block", "inner", "kind", "name", "opened", "places", "times", "turns")

    kind: tuple[str, int]
    """What it is, and how many of that; empty where its rows differ."""

    def __init__(self, name: str, places: list[int], block: str = "") -> None:
        self.name = name
        self.places = places
        """Positions of the nodes in it, of one turn after the other."""
        self.block = block
        """The block that was called here; empty for a row of layers, or a mere prefix."""
        self.inner: list[Entry] = []
        """What stands below it; empty for a row."""
        self.turns = 1
        """Turns with its name's last number that it stands for, itself included."""
        self.times = 1
        """Equal stretches of layers that it stands for: its turns, and those around it."""
        self.opened = False


def outline(graph: Graph, sign: Sign, depth: int | None = None) -> list[Stretch]:
    """The rows of a network below their headings, opened down to `depth`, or as far as `MOST_ROWS` allow.

    Turns of equal layers, wired alike, whose nodes have equal signs are one row with the nodes of all of them.
    """
    entries = _tree(graph, _rows(graph))
    _join_turns(graph, entries, sign)
    _count(entries)
    _name_kinds(graph, entries)
    if depth is None:
        _open_while_there_is_room(entries)
    else:
        _open_to(entries, depth)
    return list(_shown(entries))


def fused(graph: Graph, depth: int | None = None) -> list[Stretch]:
    """The rows of a network without headings, every turn for itself, and blocks below `depth` as one."""
    entries = _rows(graph)
    if depth is not None:
        entries = _open_to(_tree(graph, entries), depth)
    _name_kinds(graph, entries)
    return [Stretch(entry.name, entry.places, _written(entry.kind), entry.name) for entry in entries]


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(graph: Graph) -> list[Entry]:
    """The nodes in order, those that follow a layer in its row."""
    takers = graph.takers()
    leaving = {tensor for _, tensor in graph.outputs}
    rows: list[Entry] = []
    last: Node | None = None
    for node in graph.nodes:
        if last is not None and _follows(last, node, takers, leaving, rows[-1].name):
            rows[-1].places.append(node.place)
        else:
            rows.append(Entry(node.name, [node.place]))
        last = node
    return rows


def _follows(last: Node, node: Node, takers: list[list[Node]], leaving: set[int], row: str) -> bool:
    """Whether a node stands in the row of the one before it: it alone takes its result, and has its place there."""
    kind = node.operation.layer.kind
    if kind not in AFTER or node.inputs != (last.number,):
        return False
    around = node.name.rpartition(".")[0]
    if around == row:
        return True  # the layer's own norm or act
    before = last.operation.layer.kind
    if before not in BEFORE or len(takers[last.number]) > 1 or last.number in leaving:
        return False
    return around == row.rpartition(".")[0] and (before not in AFTER or AFTER[kind] > AFTER[before])


@once_per_operation
def described(operation: Operation) -> str:
    """What a layer is, and its main arguments: ``conv 3x3/2``, ``max_pool 2x2/2``, ``conv 3x3, 32 groups``."""
    layer, reach = operation.layer, operation.reach
    text = layer.kind
    axes = [axis for axis in reach if isinstance(axis, (Window, Transposed))] if isinstance(reach, tuple) else []
    if layer.strided:
        text += f" {'x'.join([str(axis.size) for axis in axes])}"
        strides = [axis.stride for axis in axes]
        if strides != [1] * len(strides):
            text += f"/{'x'.join(map(str, strides[:1] if len(set(strides)) == 1 else strides))}"
        dilation = max([axis.dilation for axis in axes])
        if dilation > 1:
            text += f", dilation {dilation}"
    return f"{text}, {layer.groups} groups" if layer.groups > 1 else text


# -- blocks ------------------------------------------------------------------------------------------------------------


def _tree(graph: Graph, rows: Iterable[Entry]) -> list[Entry]:
    """Rows below the headings that their names begin with; a heading over a single row is left out."""
    blocks = {part.name: part.block for part in graph.parts}
    top: list[Entry] = []
    path: list[Entry] = []
    for row in rows:
        prefixes = _prefixes(row.name)
        depth = 0
        while depth < len(path) and depth < len(prefixes) and path[depth].name == prefixes[depth]:
            depth += 1
        del path[depth:]
        for prefix in prefixes[depth:]:
            heading = Entry(prefix, [], blocks.get(prefix, ""))
            (path[-1].inner if path else top).append(heading)
            path.append(heading)
        (path[-1].inner if path else top).append(row)
        for heading in path:
            heading.places += row.places
    pending = list(top)
    while pending:
        entry = pending.pop()
        while len(entry.inner) == 1:
            only = entry.inner[0]
            entry.inner, entry.block, entry.name = only.inner, only.block or entry.block, only.name
        if not entry.inner:
            entry.block = ""
        pending += entry.inner
    return top


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _join_turns(graph: Graph, entries: list[Entry], sign: Sign) -> None:
    """Make neighbours that are equal turns of one repeat one entry, from the inside out."""
    groups: list[list[Entry]] = [entries]
    for group in groups:  # grows while it is walked over: outer groups before inner ones
        groups += [entry.inner for entry in group if entry.inner]
    signs: dict[int, Any] = {}
    for group in reversed(groups):
        for entry in group:
            signs[id(entry)] = _entry_sign(graph, entry, sign, signs)
        joined: list[Entry] = []
        for entry in group:
            before = joined[-1] if joined else None
            if before is not None and _is_next_turn(before, entry) and signs[id(before)] == signs[id(entry)]:
                _add_turn(before, entry)
            else:
                joined.append(entry)
        group[:] = joined


def _entry_sign(graph: Graph, entry: Entry, sign: Sign, signs: dict[int, Any]) -> Any:
    """What is equal for equal turns: layers with their shapes, how far back their inputs lie, and what is shown."""
    if entry.inner:
        cut = len(entry.name)
        inner = [(below.name[cut:], below.turns, signs[id(below)]) for below in entry.inner]
        return (entry.block, tuple(inner))
    nodes = [graph.nodes[place] for place in entry.places]
    return tuple(
        [
            (id(node.operation), tuple([node.number - tensor for tensor in node.inputs]), sign(node.place))
            for node in nodes
        ]
    )


def _is_next_turn(before: Entry, entry: Entry) -> bool:
    """Whether the last part of a name is the number after that of the turns before."""
    stem, _, number = entry.name.rpartition(".")
    first_stem, _, first = before.name.rpartition(".")
    return (
        bool(stem)
        and stem == first_stem
        and number.isdecimal()
        and first.isdecimal()
        and int(number) == int(first) + before.turns
    )


def _add_turn(before: Entry, entry: Entry) -> None:
    """Let an entry stand for one more turn, and so all entries in it."""
    before.turns += 1
    pairs = [(before, entry)]
    while pairs:
        ours, theirs = pairs.pop()
        ours.places += theirs.places
        pairs += zip(ours.inner, theirs.inner)


# -- what they are -----------------------------------------------------------------------------------------------------


def _count(entries: list[Entry]) -> None:
    """How many times everything is there; a heading over equal turns alone stands for them itself."""
    pending = [(entry, 1) for entry in entries]
    while pending:
        entry, times = pending.pop()
        entry.times = times * entry.turns
        while len(entry.inner) == 1:
            only = entry.inner[0]
            entry.inner, entry.block = only.inner, entry.block or only.block
            entry.times *= only.turns
        if not entry.inner:
            entry.block = ""
        pending += [(below, entry.times) for below in entry.inner]


def _name_kinds(graph: Graph, entries: Iterable[Entry]) -> None:
    """Say of every entry what it is: ``conv 3x3/2 + batch_norm + relu``, a block's name, or what all its rows are."""
    order = list(entries)
    for entry in order:  # grows while it is walked over
        order += entry.inner
    for entry in reversed(order):
        if not entry.inner:
            first, *others = [graph.nodes[place] for place in entry.places[: len(entry.places) // entry.times]]
            entry.kind = (" + ".join([described(first.operation), *[node.kind for node in others]]), entry.times)
        elif entry.block:
            entry.kind = (entry.block, entry.times)
        else:
            texts = {below.kind[0] for below in entry.inner}
            count = sum(below.kind[1] for below in entry.inner)
            entry.kind = (texts.pop() if len(texts) == 1 else "", count)


def _written(kind: tuple[str, int]) -> str:
    """``bottleneck x 3``, ``(conv 3x3 + relu) x 2``."""
    text, count = kind
    if not text or count == 1:
        return text
    return f"({text}) x {count:,}" if " + " in text else f"{text} x {count:,}"


# -- opening -----------------------------------------------------------------------------------------------------------


def _open_to(entries: list[Entry], depth: int) -> list[Entry]:
    """Open the levels above `depth`; returns what then has nothing open below it, in order."""
    found = []
    pending = [(entry, 1) for entry in reversed(entries)]
    while pending:
        entry, level = pending.pop()
        if entry.inner and level < depth:
            entry.opened = True
            pending += [(below, level + 1) for below in reversed(entry.inner)]
        else:
            found.append(entry)
    return found


def _open_while_there_is_room(entries: list[Entry]) -> None:
    """Open whole levels while the rows stay few, then the first block of each kind."""
    level, rows = entries, len(entries)
    while level:
        worth = [entry for entry in level if _is_worth_opening(entry)]
        more = sum(len(entry.inner) for entry in worth)
        if rows + more > MOST_ROWS:
            break
        for entry in worth:
            entry.opened = True
        level, rows = [below for entry in worth for below in entry.inner], rows + more
    seen: set[tuple[str, str]] = set()
    while level:
        for entry in level:
            kind, fits = (entry.kind[0], entry.block), rows + len(entry.inner) <= MOST_ROWS
            if fits and kind[0] and kind not in seen and _is_worth_opening(entry):
                entry.opened = True
                seen.add(kind)
                rows += len(entry.inner)
        level = [below for entry in level if entry.opened for below in entry.inner]


def _is_worth_opening(entry: Entry) -> bool:
    """Whether what stands below says more than how many of what there are: a block, or layers that differ."""
    return bool(entry.inner) and not (not entry.block and entry.kind[0] and not any(e.inner for e in entry.inner))


def _shown(entries: list[Entry]) -> Iterator[Stretch]:
    pending = [(entry, 0, "") for entry in reversed(entries)]
    while pending:
        entry, depth, above = pending.pop()
        yield Stretch(entry.name, entry.places, _written(entry.kind), _label(entry, above), depth, entry.opened)
        if entry.opened:
            pending += [(below, depth + 1, entry.name) for below in reversed(entry.inner)]


def _label(entry: Entry, above: str) -> str:
    """The name below its heading, ``.conv1``; of several turns the first and the last: ``.1 to .5``."""
    label = entry.name[len(above) :]
    if entry.turns == 1:
        return label
    stem, _, first = label.rpartition(".")
    return f"{label} to {stem}.{int(first) + entry.turns - 1}"
