"""Equal calls of a block are worked out once: a further one adds the rows of the first again, under its own names.

A block sees its arguments, the shapes that it takes and its file's `args`, and nothing else: calls for which these are
equal make the same rows.  Where a call stands (its rows' names, the chain of calls around it) is each one's own.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from cnncalc.diagnostics import Link, Origin, Span
from cnncalc.expansion.making import told_apart
from cnncalc.expansion.registry import Registry
from cnncalc.expansion.scope import Where
from cnncalc.graph import Graph, Mark, Stretch
from cnncalc.language.model import Block, Call
from cnncalc.language.names import MAX_ROW
from cnncalc.language.operators import Wire


class Worked:
    """A call that is being worked out, or has been."""

    __slots__ = ("given", "key", "link", "mark", "result", "steps", "stretch", "values")

    stretch: Stretch
    result: Wire
    link: Link
    given: list[tuple[str, Span, bool]]
    """Names that its steps have given, in full: at which place, and whether only a skipped step has."""

    def __init__(self, key: Hashable, mark: Mark, steps: int, values: list[Any]) -> None:
        self.key = key
        """What tells it apart."""
        self.mark = mark
        self.steps = steps
        """Those before it, while it is being worked out; then its own."""
        self.values = values
        """Its arguments, kept alive: lists are told apart by identity."""


class Again:
    """The calls that have been worked out in one expansion."""

    def __init__(self, graph: Graph, registry: Registry) -> None:
        self.graph = graph
        self.registry = registry
        self.worked: dict[Hashable, Worked] = {}

    def begin(
        self, step: Call, block: Block, inputs: tuple[Wire, ...], inner: Where, limits: tuple[int, int], steps: int
    ) -> Worked | None:
        """What tells a call apart whose arguments are bound; None for one that is always worked out by itself.

        `limits` are the nesting and the turns around it, by which its steps are bounded, `steps` those before it.
        """
        scope = inner.scope
        values = [scope.env[name] for name in block.args]
        if len({tensor.number for tensor in inputs}) < len(inputs) or Wire in set(map(type, values)):
            return None
        shapes = tuple([tensor.shape for tensor in inputs])
        key = (id(step), scope.chain, shapes, limits, *map(told_apart, values))
        return Worked(key, self.graph.mark(), steps, values)

    def copied(self, begun: Worked, inputs: tuple[Wire, ...], inner: Where, room: int) -> tuple[Wire, int] | None:
        """The result and the number of steps of a call whose rows have been added again; None where there is no equal
        one, where one of its names is taken, or where it would break a limit (`room` are the steps that are left)."""
        known = self.worked.get(begun.key)
        if known is None or known.steps > room:
            return None
        prefix, old = inner.scope.prefix, known.stretch.prefix
        if any(len(part.name) - len(old) + len(prefix) > MAX_ROW for part in known.stretch.parts):
            return None
        assert inner.call is not None
        links: dict[int, Link] = {id(known.link): inner.call}
        tensors = self.graph.again(
            known.stretch, prefix, [tensor.number for tensor in inputs], lambda origin: _moved(origin, links)
        )
        if tensors is None:
            return None
        for name, span, skipped in known.given:
            full = prefix + name[len(old) :]
            self.registry.given_at[full] = span
            if skipped:
                self.registry.skipped.add(full)
        return Wire(tensors(known.result.number), known.result.shape), known.steps

    def remember(self, begun: Worked, result: Wire, inputs: tuple[Wire, ...], inner: Where, steps: int) -> None:
        """Keep what a call has added, after `steps` steps in all."""
        assert inner.call is not None
        stretch = Stretch(self.graph, begun.mark, inner.scope.prefix, [tensor.number for tensor in inputs])
        given_at, skipped = self.registry.given_at, self.registry.skipped
        begun.stretch, begun.result, begun.link = stretch, result, inner.call
        begun.steps = steps - begun.steps
        begun.given = [(name, given_at[name], name in skipped) for name, _, _ in stretch.names if name in given_at]
        self.worked[begun.key] = begun


def _moved(origin: Origin | None, links: dict[int, Link]) -> Origin:
    """An origin within the chain of another call; `links` holds what stands for the links of the first."""
    assert origin is not None, "a file's layers have one"
    inside, link = [], origin.call
    while id(link) not in links:
        assert link is not None, "the call itself is known"
        inside.append(link)
        link = link.outer
    found = links[id(link)]
    for link in reversed(inside):
        found = links[id(link)] = link._replace(outer=found)
    return Origin(origin.span, found)
