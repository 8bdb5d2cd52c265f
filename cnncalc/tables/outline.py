"""Report -> outline: the network as its paper's table shows it, fused rows below headings of blocks, equal turns once.

A convolution or a join with the normalisation and the activation that follow it is one row; a block is a heading over
its rows; turns that are equal in all that is shown are one, and counted.  Nothing is formatted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cnncalc.geometry import Transposed, Window
from cnncalc.graph import Graph, Node
from cnncalc.layers import FAMILIES
from cnncalc.layers.base import Operation

MOST_ROWS = 30
"""Rows up to which blocks are opened, the outermost and the first first."""

AFTER = {kind.kind: place for place, family in enumerate(("normalisation", "activation")) for kind in FAMILIES[family]}
"""What may follow in one row, and in which order."""
BEFORE = {kind.kind for family in ("convolution", "dense", "join", "normalisation") for kind in FAMILIES[family]}
"""What something may follow in one row."""


class Entry:
    """One row of an outline, or a heading over further rows."""

    def __init__(self, name: str, places: list[int], block: str = "") -> None:
        self.name = name
        self.places = places
        """Positions of the nodes in it, of all turns."""
        self.block = block
        """The block that was called here; empty for a row of layers, or a mere prefix."""
        self.inner: list[Entry] = []
        """What stands below it; empty for a row."""
        self.turns = 1
        """Equal turns that it stands for, itself included."""
        self.opened = False

    @property
    def once(self) -> list[int]:
        """The nodes of its first turn."""
        return self.places[: len(self.places) // self.turns]


class Shown(NamedTuple):
    """One row as it is shown: at a depth, as a heading or not."""

    entry: Entry
    depth: int
    heading: bool


def outline(graph: Graph, alike: Callable[[Entry], Any], depth: int | None) -> list[Shown]:
    """The rows of a network, opened down to `depth`, or as far as `MOST_ROWS` allow.

    Turns whose rows have equal `alike` are one row, with the nodes of all of them.
    """
    entries = _tree(graph, _rows(graph))
    _count_turns(graph, entries, alike)
    if depth is None:
        _open_while_there_is_room(entries)
    else:
        _open_to(entries, depth)
    return list(_shown(entries, 0))


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(graph: Graph) -> list[Entry]:
    """The nodes in order, those that follow a layer in its row."""
    takers = graph.takers()
    leaving = {tensor for _, tensor in graph.outputs}
    rows: list[Entry] = []
    for node in graph.nodes:
        last = graph.nodes[rows[-1].places[-1]] if rows else None
        if last is not None and _follows(graph, last, node, takers, leaving, rows[-1]):
            rows[-1].places.append(node.place)
        else:
            rows.append(Entry(node.name, [node.place]))
    return rows


def _follows(graph: Graph, last: Node, node: Node, takers: list[list[Node]], leaving: set[int], row: Entry) -> bool:
    """Whether a node stands in the row of the one before it: it alone takes its result, and has its place there."""
    if node.kind not in AFTER or node.inputs != (last.number,):
        return False
    if node.name.rpartition(".")[0] == row.name:
        return True  # the layer's own norm or act
    if last.kind not in BEFORE or len(takers[last.number]) > 1 or last.number in leaving:
        return False
    same_block = node.name.rpartition(".")[0] == row.name.rpartition(".")[0]
    return same_block and (last.kind not in AFTER or AFTER[node.kind] > AFTER[last.kind])


def described(operation: Operation) -> str:
    """What a layer is, and its main arguments: ``conv 3x3/2``, ``max_pool 2x2/2``, ``conv 3x3, 32 groups``."""
    layer, reach = operation.layer, operation.reach
    text = layer.kind
    if layer.strided and isinstance(reach, tuple):
        axes = [axis for axis in reach if isinstance(axis, (Window, Transposed))]
        text += f" {'x'.join(str(axis.size) for axis in axes)}"
        strides = {axis.stride for axis in axes}
        if strides != {1}:
            text += f"/{'x'.join(str(stride) for stride in ([*strides] if len(strides) == 1 else _strides(axes)))}"
        dilation = max(axis.dilation for axis in axes)
        if dilation > 1:
            text += f", dilation {dilation}"
    groups = getattr(layer, "groups") if "groups" in layer.fields else 1  # noqa: B009  # a field of some kinds
    return f"{text}, {groups} groups" if groups > 1 else text


def _strides(axes: list[Window | Transposed]) -> list[int]:
    return [axis.stride for axis in axes]


def kind_of(graph: Graph, entry: Entry) -> str:
    """``conv 3x3/2 + batch_norm + relu``, or the block's name."""
    if entry.inner:
        return entry.block
    first, *others = [graph.nodes[place] for place in entry.once]
    return " + ".join([described(first.operation), *(node.kind for node in others)])


# -- blocks ------------------------------------------------------------------------------------------------------------


def _tree(graph: Graph, rows: list[Entry]) -> list[Entry]:
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
    return [_without_single(entry) for entry in top]


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _without_single(entry: Entry) -> Entry:
    """An entry whose headings over single rows are those rows."""
    pending = [entry]
    while pending:
        each = pending.pop()
        while len(each.inner) == 1:
            only = each.inner[0]
            each.inner, each.block = only.inner, only.block or each.block
            if not only.inner:
                each.name = only.name
        pending += each.inner
    return entry


def _count_turns(graph: Graph, entries: list[Entry], alike: Callable[[Entry], Any]) -> None:
    """Join neighbours that are equal turns of one repeat, from the inside out."""
    order: list[list[Entry]] = [entries]
    for group in order:  # grows while it is walked over: outer groups before inner ones
        order += [entry.inner for entry in group if entry.inner]
    signs: dict[int, Any] = {}
    for group in reversed(order):
        for entry in group:
            inner = tuple([(signs[id(below)], below.turns) for below in entry.inner])
            signs[id(entry)] = (alike(entry), _wiring(graph, entry) if not entry.inner else (), inner)
        joined: list[Entry] = []
        for entry in group:
            before = joined[-1] if joined else None
            if before is not None and _is_next_turn(before, entry) and signs[id(before)] == signs[id(entry)]:
                before.places += entry.places
                before.turns += 1
            else:
                joined.append(entry)
        group[:] = joined


def _is_next_turn(before: Entry, entry: Entry) -> bool:
    """Whether the last part of a name is the number after that of the turns before."""
    stem, _, number = entry.name.rpartition(".")
    first_stem, _, first = before.name.rpartition(".")
    turns = number.isdecimal() and first.isdecimal() and int(number) == int(first) + before.turns
    return bool(stem) and stem == first_stem and turns


def _wiring(graph: Graph, entry: Entry) -> tuple[Any, ...]:
    """How far back the inputs of a row's layers lie, and how the layers are set: equal for equal turns."""
    nodes = [graph.nodes[place] for place in entry.places]
    return tuple([(node.operation.layer, *(node.number - tensor for tensor in node.inputs)) for node in nodes])


# -- opening -----------------------------------------------------------------------------------------------------------


def _open_to(entries: list[Entry], depth: int) -> None:
    level = entries
    for _ in range(depth - 1):
        for entry in level:
            entry.opened = bool(entry.inner)
        level = [below for entry in level for below in entry.inner]


def _open_while_there_is_room(entries: list[Entry]) -> None:
    """Open whole levels while the rows stay few, then the first blocks of the next level."""
    level, rows = entries, len(entries)
    while level:
        more = sum(len(entry.inner) for entry in level)
        if rows + more > MOST_ROWS:
            break
        for entry in level:
            entry.opened = bool(entry.inner)
        level, rows = [below for entry in level for below in entry.inner], rows + more
    seen: set[str] = set()
    for entry in level:
        if entry.inner and rows + len(entry.inner) <= MOST_ROWS and entry.block not in seen:
            entry.opened = True
            seen.add(entry.block)
            rows += len(entry.inner)


def _shown(entries: list[Entry], depth: int) -> Iterator[Shown]:
    pending = [Shown(entry, depth, False) for entry in reversed(entries)]
    while pending:
        row = pending.pop()
        yield row._replace(heading=row.entry.opened)
        if row.entry.opened:
            pending += [Shown(below, row.depth + 1, False) for below in reversed(row.entry.inner)]
