"""The names of tensors during expansion: given once in a scope, found by `from`, `share` and branches."""

from __future__ import annotations

from cnncalc.diagnostics import Note, Span, SpecError, suggestion
from cnncalc.expansion.scope import Where
from cnncalc.graph import MAX_SUGGESTED, Graph, Node
from cnncalc.language.model import Step, Template
from cnncalc.language.operators import Wire
from cnncalc.layers import KINDS

GIVE_TURNS_NAMES = "write `${}` in the name, so that every turn has its own"


class Registry:
    """What the scopes of a spec know of the graph's names: each is a scope's prefix, then the name."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.given_at: dict[str, Span] = {}
        self.skipped: set[str] = set()
        """Names that only a skipped step has given so far."""

    def give(self, text: str, x: Wire, name: Template | None, first: int, where: Where) -> None:
        """Name a result whose nodes begin at `first`; raises `SpecError` for a name that is taken, or is a number."""
        assert name is not None
        scope = where.scope
        full = scope.prefix + text
        if (full in self.given_at and full not in self.skipped) or text in scope.inputs or text == "x":
            raise self.taken(text, full, name, where)
        if text.isdecimal() and name.names:
            help = f"write a word before it: `layer{name.node.text}`"
            raise where.fail_at(name, "name", f"a layer cannot be called `{text}`: a number is no name", help)
        self.skipped.discard(full)
        self.given_at[full] = name.span
        self.graph.call(full, x.number, range(first, len(self.graph.nodes)))

    def give_skipped(self, text: str, x: Wire, step: Step, where: Where) -> None:
        """Let the name of a skipped step stand for its input, until an alternative step gives it again."""
        full = where.scope.prefix + text
        if full not in self.given_at:
            self.give(text, x, step.name, len(self.graph.nodes), where)
            self.skipped.add(full)

    def taken(self, text: str, full: str, name: Template, where: Where) -> SpecError:
        earlier = self.given_at.get(full)
        facts = (Note("first given", earlier),) if earlier else ()
        bound = where.scope.loops[-1][0] if where.scope.loops else ""
        help = ""
        if earlier == name.span:  # the same step, in another turn
            if "i" in where.scope.env and "i" not in where.scope.origins:
                help = GIVE_TURNS_NAMES.format("i")
            elif bound:
                help = GIVE_TURNS_NAMES.format(bound)
            else:
                help = "make the steps a block: its names are its own in every part"
        if earlier:
            message = f"the name `{text}` is given twice"
        elif text == "x":
            message = "`x` is the current tensor, and no name to give"
        elif text in where.scope.inputs:
            message = f"`{text}` is the name of an input here"
        else:
            message = f"`{text}` is the name of an earlier row already"
            rows = [node for node in self.graph.nodes if node.name == full]
            origin = rows[0].origin if rows else None
            facts = (Note("that row was written", origin.span),) if origin else ()
        return where.fail(name.span, "duplicate-name", message, help, facts=facts)

    def free(self, row: str) -> bool:
        """Take a row's name from a step that was skipped, if one has it; whether a row may be called so."""
        if row in self.skipped:
            self.graph.forget(row)
        return row not in self.graph.names

    def free_row(self, row: str, step: Step, where: Where) -> str:
        """`row`, or the next number where an automatic name is taken; raises `SpecError` where a given one is."""
        if self.free(row):
            return row
        if step.name is not None and step.repeat is None:
            raise self.taken(where.fill(step.name), row, step.name, where)
        return self.graph.free_name(row)

    def find(self, text: str, template: Template, x: Wire, where: Where, words: tuple[str, ...] = ()) -> Wire:
        """The tensor that a name stands for, `x` being the current one; raises `SpecError`.

        `words` are what could stand in place of a name there.
        """
        if text == "x":
            return x
        if text in where.scope.inputs:
            return where.scope.inputs[text]
        found = self.seen(where.scope.prefix, text)
        if found is None:
            raise self.unknown(text, template, where, words)
        return found

    def seen(self, prefix: str, text: str) -> Wire | None:
        """The tensor of a layer by the name that it has in the scope of this prefix; None if there is none."""
        number = self.graph.names.get(self.graph.resolved(prefix + text))
        return None if number is None else Wire(number, self.graph.shapes[number])

    def unknown(self, text: str, template: Template, where: Where, words: tuple[str, ...] = ()) -> SpecError:
        scope = where.scope
        here = len(scope.prefix)
        known = [name[here:] for name in self.graph.names if name.startswith(scope.prefix)]
        help = suggestion(text, [*words, *known[-MAX_SUGGESTED:], *scope.inputs, "x"])
        if text in KINDS or scope.instance.file.block(text):
            help = f"`{text}` is a layer kind or a block: in a branch write it as a step, `[{text}]`"
        elif scope.outer is not None and self.graph.resolved(scope.outer.prefix + text) in self.graph.names:
            help = "a block does not see its caller's names: give it `inputs`, and call it with `from`"
        elif text.lstrip("-").isdigit():
            help = "layers have names, not numbers: give it a `name`; without `from` a step takes the one before it"
        elif not help:
            given = [name[here:] for name in self.given_at if name.startswith(scope.prefix)]
            listed = ", ".join(f"`{name}`" for name in [*scope.inputs, *given][:12])
            help = f"a name is known after the step that gives it; names so far: {listed}"
        return where.fail_at(template, "unknown-layer", f"there is no layer or input `{text}` here", help)

    def weighted(self, text: str, template: Template, first: int, where: Where) -> list[Node]:
        """The nodes with weights of the layer or block call called `text`, before node `first`."""
        full = self.graph.resolved(where.scope.prefix + text)
        if full not in self.graph.names:
            raise self.unknown(text, template, where)
        nodes = [self.graph.nodes[place] for place in self.graph.find(full).layers if place < first]
        return [node for node in nodes if node.operation.weights]
