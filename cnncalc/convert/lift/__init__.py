"""Graph -> the spec that a person would write: the inverse of expansion.

    graph -fuse-> steps -reduce-> a chain with branches -blocks, loops-> items and blocks -write-> text

Lifting is never wrong: the text is expanded again, and must give the graph, in the normal form of `normal`.  Where it
does not, the rewrite that is to blame is found by bisection and left out; where that does not help, it stays flat.
"""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.convert.lift.blocks import BlockSearch
from cnncalc.convert.lift.fuse import steps_of
from cnncalc.convert.lift.loops import Compressor
from cnncalc.convert.lift.name import labels, tensor_names
from cnncalc.convert.lift.normal import partners
from cnncalc.convert.lift.reduce import one_by_one, reduced
from cnncalc.convert.lift.rewrites import Rewrites
from cnncalc.convert.lift.tree import every_list, taken_by_name
from cnncalc.convert.lift.write import Spec, write
from cnncalc.convert.spec_text import flat
from cnncalc.diagnostics import SpecError
from cnncalc.expansion.expand import MAX_STEPS, expand
from cnncalc.graph import Graph
from cnncalc.language.library import load_text
from cnncalc.layers import KINDS
from cnncalc.records import NamedTuple

LAYERS = frozenset(name for name, kind in KINDS.items() if not kind.joins)
"""What is repeated before blocks are sought; joins are not, since blocks begin with them."""

MANY = 20
"""Equal turns that are repeated as a group before blocks are sought: fewer may be what blocks are made of."""

MAX_LEFT_OUT = 3
"""Rewrites that are left out one by one; after that, all from the next wrong one on."""

Progress = Callable[[int, int, str], None]
"""Hears how many steps of the work are done, of how many, and which is next."""


class Lifted(NamedTuple):
    """A readable spec, and what has become of the graph's rows in it."""

    text: str
    names: dict[str, str]
    """The row's name in the text for every row of the graph that computes something, by its name there."""


def lift(graph: Graph, progress: Progress | None = None) -> Lifted:
    """The readable spec of a graph; the flat one where nothing shorter gives the same graph."""
    whole = flat(graph)
    rewrites = Rewrites()
    text = written(graph, rewrites, progress)
    names = rows_in(text, graph)
    left_out: frozenset[int] = frozenset()
    while names is None:
        wrong = first_wrong(graph, rewrites.count, left_out)
        if not wrong:
            break
        left_out |= {wrong}
        rewrites = Rewrites(None if len(left_out) <= MAX_LEFT_OUT else wrong - 1, left_out)
        text = written(graph, rewrites)
        names = rows_in(text, graph)
    if names is None or len(text) >= len(whole):
        return unlifted(graph)
    return Lifted(text, names)


def unlifted(graph: Graph) -> Lifted:
    """The flat spec, in which every row keeps its name."""
    return Lifted(flat(graph), {node.name: node.name for node in graph.nodes})


def first_wrong(graph: Graph, count: int, left_out: frozenset[int]) -> int:
    """The number of the first rewrite, of so many, with which the text is another graph; 0 if it is without any."""
    good, bad = 0, count
    if rows_in(written(graph, Rewrites(0)), graph) is None:
        return 0
    while bad - good > 1:
        middle = (good + bad) // 2
        if rows_in(written(graph, Rewrites(middle, left_out)), graph) is not None:
            good = middle
        else:
            bad = middle
    return bad


STAGES = ("layers", "branches", "repeats", "blocks", "loops", "text")


def written(graph: Graph, rewrites: Rewrites, progress: Progress | None = None) -> str:
    """The text that the allowed rewrites make of a graph."""

    def begin(stage: str) -> None:
        if progress is not None:
            progress(STAGES.index(stage), len(STAGES), stage)

    begin("layers")
    steps = steps_of(graph)
    begin("branches")
    items = reduced(steps) if rewrites.allow() else one_by_one(steps)
    outputs = [tensor for _, tensor in steps.outputs]
    leaving = [] if len(outputs) == 1 and items[-1].result == outputs[0] else steps.outputs
    begin("repeats")
    search = BlockSearch(items, [tensor for _, tensor in leaving], rewrites)
    early = Compressor(search.tokens, search.named, frozenset(), search.costs, rewrites)
    for here in every_list(items):
        early.repeats(here, LAYERS)
        early.groups(here, MANY)
    begin("blocks")
    blocks = search.search()
    begin("loops")
    late = Compressor(search.tokens, search.named, frozenset(block.name for block in blocks), search.costs, rewrites)
    late.compress(items)
    for block in blocks:
        late.compress(block.items, block)
    begin("text")
    called = labels(graph, items) if rewrites.allow() else {}
    wanted = taken_by_name(items) | search.leaving | called.keys()
    names = tensor_names(graph, steps, wanted, called, blocks, search.stands_for)
    fixed, inputs = steps.defaults, dict(graph.inputs)
    return write(Spec(graph.name, graph.source, inputs, blocks, items, leaving, frozenset(called), names, fixed))


def rows_in(text: str, graph: Graph) -> dict[str, str] | None:
    """The rows of a text by those of a graph; None where it expands to another one."""
    try:
        again = expand(load_text(text), {}, max_steps=max(MAX_STEPS, 4 * len(graph.nodes)))
    except SpecError:
        return None
    found = partners(graph, again)
    if found is None:
        return None
    rows = ((node.name, found.get(node.number)) for node in graph.nodes)
    return {name: again.tensor_name(tensor) for name, tensor in rows if tensor is not None}
