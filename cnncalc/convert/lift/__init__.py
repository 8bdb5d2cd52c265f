"""Graph -> the spec that a person would write: the inverse of expansion.

    graph -fuse-> steps -reduce-> a chain with branches -blocks, loops-> items and blocks -write-> text

Lifting is never wrong: the text is expanded again, and must give the graph, in the normal form of `normal`.  Where it
does not, the rewrite that is to blame is found by bisection and left out.
"""

from __future__ import annotations

from cnncalc.convert.lift.blocks import BlockSearch
from cnncalc.convert.lift.fuse import steps_of
from cnncalc.convert.lift.loops import Compressor
from cnncalc.convert.lift.name import tensor_names
from cnncalc.convert.lift.normal import same
from cnncalc.convert.lift.reduce import one_by_one, reduced
from cnncalc.convert.lift.rewrites import Rewrites
from cnncalc.convert.lift.tree import every_list
from cnncalc.convert.lift.write import Spec, taken_by_name, write
from cnncalc.convert.spec_text import flat
from cnncalc.diagnostics import SpecError
from cnncalc.expansion.expand import MAX_STEPS, expand
from cnncalc.graph import Graph
from cnncalc.language.library import load_file, load_text
from cnncalc.layers import KINDS

LAYERS = frozenset(name for name, kind in KINDS.items() if not kind.joins)
"""What is repeated before blocks are sought; joins are not, since blocks begin with them."""


MAX_LEFT_OUT = 8
"""Rewrites that are left out one by one; after that, all from the next wrong one on."""


def lift(graph: Graph) -> str:
    """The readable spec of a graph; the flat one where nothing shorter gives the same graph."""
    left_out: frozenset[int] = frozenset()
    rewrites = Rewrites()
    text = written(graph, rewrites)
    while not gives(text, graph):
        good, bad = 0, rewrites.count
        if not gives(written(graph, Rewrites(0)), graph):
            return flat(graph)
        while bad - good > 1:
            middle = (good + bad) // 2
            if gives(written(graph, Rewrites(middle, left_out)), graph):
                good = middle
            else:
                bad = middle
        left_out |= {bad}
        rewrites = Rewrites(None if len(left_out) <= MAX_LEFT_OUT else good, left_out)
        text = written(graph, rewrites)
    whole = flat(graph)
    return text if len(text) <= len(whole) else whole


def written(graph: Graph, rewrites: Rewrites) -> str:
    """The text that the allowed rewrites make of a graph."""
    steps = steps_of(graph)
    items = reduced(steps) if rewrites.allow() else one_by_one(steps)
    outputs = [tensor for _, tensor in steps.outputs]
    shown = [] if len(outputs) == 1 and items[-1].result == outputs[0] else outputs
    wanted = taken_by_name(items) | set(shown)
    search = BlockSearch(items, wanted, rewrites)
    early = Compressor(search.tokens, wanted, frozenset(), search.costs, rewrites)
    for here in every_list(items):
        early.repeats(here, LAYERS)
    blocks = search.search()
    late = Compressor(search.tokens, wanted, frozenset(block.name for block in blocks), search.costs, rewrites)
    late.compress(items)
    for block in blocks:
        late.compress(block.items, block)
    names = tensor_names(graph, steps, wanted, [block.name for block in blocks])
    inputs = dict(graph.inputs)
    return write(Spec(graph.name, graph.source, inputs, blocks, items, shown, names, steps.defaults))


def gives(text: str, graph: Graph) -> bool:
    """Whether a text expands to this graph."""
    try:
        return same(graph, expand(load_text(text), {}, max_steps=max(MAX_STEPS, 4 * len(graph.nodes))))
    except SpecError:
        return False


def import_flat(path: str) -> str:
    """The readable spec of the spec at `path`; raises `SpecError`, or `OSError` for a file that cannot be read."""
    return lift(expand(load_file(path), {}))
