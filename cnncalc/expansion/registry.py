"""The names of tensors during expansion: given once in a scope, found by `from`, `share` and branches."""

from __future__ import annotations

from cnncalc.diagnostics import Fault, Note, Span, SpecError, suggestion
from cnncalc.expansion.scope import Scope, Where, in_turns
from cnncalc.graph import Graph, Node
from cnncalc.language.model import Step, Template
from cnncalc.language.operators import Tensor
from cnncalc.layers import KINDS

MAX_SUGGESTED = 2_000
"""Names, the latest, among which a misspelt one is looked for."""

GIVE_TURNS_NAMES = "write `$i` in the name, so that every turn has its own"


class Registry:
    """Full names (a scope's prefix, then the name) and the tensors behind them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tensors: dict[str, int] = {name: number for number, (name, _) in enumerate(graph.inputs)}
        self.given_at: dict[str, Span] = {}
        self.skipped: set[str] = set()
        """Names that only a skipped step has given so far."""
        self.ranges: dict[str, tuple[int, int]] = {}
        """First and last+1 node of a named step."""
        self.aliases: dict[str, str] = {}
        """A call's full name -> prefix of its rows, where they differ."""

    def give(self, text: str, x: Tensor, step: Step, first: int, where: Where) -> None:
        """Name the result of a step whose nodes begin at `first`; raises `SpecError` for a name that is taken."""
        assert step.name is not None
        scope = where.scope
        full = scope.prefix + text
        if (full in self.given_at and full not in self.skipped) or text in scope.inputs or text == "x":
            raise self.taken(text, full, step.name, where)
        self.skipped.discard(full)
        self.given_at[full] = step.name.span
        self.ranges[full] = (first, len(self.graph.nodes))
        self.result_of(full, x)

    def give_skipped(self, text: str, x: Tensor, step: Step, where: Where) -> None:
        """Let the name of a skipped step stand for its input, until an alternative step gives it again."""
        full = where.scope.prefix + text
        if full not in self.given_at:
            self.give(text, x, step, len(self.graph.nodes), where)
            self.skipped.add(full)

    def result_of(self, full: str, x: Tensor) -> None:
        """Let a full name stand for a tensor, and tell its node."""
        earlier = self.tensors.get(full)
        self.tensors[full] = x.number
        count = len(self.graph.inputs)
        if earlier is not None and earlier >= count:
            old = self.graph.nodes[earlier - count]
            old.names = tuple([name for name in old.names if name != full])
        if x.number >= count:
            node = self.graph.nodes[x.number - count]
            if node.name != full and full not in node.names:
                node.names = (*node.names, full)

    def taken(self, text: str, full: str, name: Template, where: Where) -> SpecError:
        earlier = self.given_at.get(full)
        facts = (Note("first given", earlier),) if earlier else ()
        help = GIVE_TURNS_NAMES if in_turns(where.call) else ""
        if earlier:
            message = f"the name `{text}` is given twice"
        elif text == "x":
            message = "`x` is the current tensor, and no name to give"
        elif text in where.scope.inputs:
            message = f"`{text}` is the name of an input here"
        else:
            message = f"`{text}` is the name of an earlier row already"
            rows = [node for node in self.graph.nodes if node.name == full]
            facts = (Note("that row was written", rows[0].origin.span),) if rows else ()
        return where.fail(name.span, "duplicate-name", message, help, facts=facts)

    def alias(self, full: str, prefix: str) -> None:
        """Remember where the rows of a named call stand, if that differs from its name."""
        if full != prefix:
            self.aliases[full] = prefix

    def free_row(self, row: str, step: Step, where: Where) -> str:
        """`row`, or the next number where an automatic name is taken; raises `SpecError` where a given one is."""
        if row not in self.tensors or row in self.skipped:
            return row
        if step.name is not None and step.repeat is None:
            raise self.taken(where.fill(step.name), row, step.name, where)
        base = row.rstrip("0123456789")
        number = int(row[len(base) :] or 1)
        while f"{base}{number}" in self.tensors:
            number += 1
        return f"{base}{number}"

    def find(self, text: str, template: Template, x: Tensor, where: Where) -> Tensor:
        """The tensor that a name stands for, `x` being the current one; raises `SpecError`."""
        if text == "x":
            return x
        if text in where.scope.inputs:
            return where.scope.inputs[text]
        number = self.tensors.get(self.full_name(text, where.scope))
        if number is None:
            raise self.unknown(text, template, where)
        return Tensor(number, self.graph.shape(number))

    def full_name(self, text: str, scope: Scope) -> str:
        """The full name behind a name in this scope."""
        return self.resolved(scope.prefix + text)

    def resolved(self, full: str) -> str:
        """The full name that a tensor has, through calls whose rows have another prefix."""
        if full in self.tensors or not self.aliases:
            return full
        cut = full.rfind(".")
        while cut > 0:
            if full[:cut] in self.aliases:
                moved = self.aliases[full[:cut]] + full[cut:]
                if moved in self.tensors:
                    return moved
            cut = full.rfind(".", 0, cut)
        return full

    def unknown(self, text: str, template: Template, where: Where) -> SpecError:
        scope = where.scope
        here = len(scope.prefix)
        known = [name[here:] for name in self.tensors if name.startswith(scope.prefix)]
        help = suggestion(text, [*known[-MAX_SUGGESTED:], *scope.inputs, "x"])
        if text in KINDS or scope.instance.file.block(text):
            help = f"`{text}` is a layer kind or a block: in a branch write it as a step, `[{text}]`"
        elif scope.outer is not None and self.full_name(text, scope.outer) in self.tensors:
            help = "a block does not see its caller's names: give it `inputs`, and call it with `from`"
        elif not help:
            given = [name[here:] for name in self.given_at if name.startswith(scope.prefix)]
            listed = ", ".join(f"`{name}`" for name in [*scope.inputs, *given][:12])
            help = f"a name is known after the step that gives it; names so far: {listed}"
        return where.fail_at(template, "unknown-layer", f"there is no layer or input `{text}` here", help)

    def part(self, name: str) -> tuple[int, list[int]]:
        """The tensor behind a name of the file, and the numbers of the layers that it covers; raises `Fault`.

        They are those of the step with this name; of a row, those whose names begin with ``name.``, and itself.
        """
        full = self.resolved(name)
        if full not in self.tensors:
            raise Fault("unknown-layer", f"there is no layer `{name}`", None, suggestion(name, self.tensors))
        if full in self.ranges:
            return self.tensors[full], list(range(*self.ranges[full]))
        row = self.aliases.get(full, full) + "."
        nodes = self.graph.nodes
        return self.tensors[full], [i for i, node in enumerate(nodes) if f"{node.name}.".startswith(row)]

    def weighted(self, text: str, template: Template, first: int, where: Where) -> list[Node]:
        """The nodes with weights of the layer or block call called `text`, before node `first`."""
        full = self.full_name(text, where.scope)
        if full in self.ranges:
            start, end = self.ranges[full]
            nodes = self.graph.nodes[start:end]
        elif full in self.tensors:
            prefix = self.aliases.get(full, full) + "."
            nodes = [node for node in self.graph.nodes[:first] if f"{node.name}.".startswith(prefix)]
        else:
            raise self.unknown(text, template, where)
        return [node for node in nodes if node.operation.weights]
