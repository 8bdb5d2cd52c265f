"""Where a step stands during expansion: what it can see, where its rows are named, and who called it."""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Call as CallLink
from cnncalc.diagnostics import Diagnostic, Note, Origin, Span, SpecError, suggestion
from cnncalc.expansion.instance import Instance, label, located, notes
from cnncalc.language.model import Block, Template, Value, ValueFault
from cnncalc.language.operators import Tensor
from cnncalc.layers.types import BOOLEANS, show


class Place:
    """Where rows are named: a prefix, and how many of each kind it holds so far."""

    __slots__ = ("counts", "prefix")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.counts: dict[str, int] = {}

    def label(self, kind: str) -> str:
        """`conv1`, `conv2`, … for this kind."""
        number = self.counts.get(kind, 0) + 1
        self.counts[kind] = number
        return f"{kind}{number}"


class Scope:
    """What the steps of a file or of one block call can see."""

    __slots__ = ("block", "depth", "env", "inputs", "instance", "origins", "outer", "prefix")

    def __init__(self, instance: Instance, prefix: str, outer: Scope | None, block: Block | None = None) -> None:
        self.instance = instance
        self.block = block
        self.prefix = prefix
        """Prefix of the names given here."""
        self.outer = outer
        self.depth: int = outer.depth + 1 if outer else 0
        self.env: dict[str, Any] = dict(instance.env)
        self.origins: dict[str, Span] = dict(instance.origins)
        self.inputs: dict[str, Tensor] = {}

    def calls(self, block: Block) -> bool:
        """Whether this is a call of `block`, or within one."""
        scope: Scope | None = self
        while scope is not None:
            if scope.block is block:
                return True
            scope = scope.outer
        return False

    def bind(self, name: str, value: Any, span: Span) -> None:
        """Give a name its value in this scope, and remember where it came from."""
        self.env[name] = value
        self.origins[name] = span

    def bind_input(self, name: str, tensor: Tensor) -> None:
        """Give an input its name: steps may take it, expressions may ask for its sizes."""
        self.inputs[name] = self.env[name] = tensor


class Where:
    """The place of a step: its scope, the place of its rows, and the chain of calls around it."""

    __slots__ = ("call", "place", "scope")

    def __init__(self, scope: Scope, place: Place, call: CallLink | None) -> None:
        self.scope = scope
        self.place = place
        self.call = call

    def within(self, call: CallLink) -> Where:
        """The same place, in a further turn or call."""
        return Where(self.scope, self.place, call)

    def evaluate(self, value: Value) -> Any:
        """A value here; raises `SpecError`."""
        try:
            return value.evaluate(self.scope.env)
        except ValueFault as found:
            raise self.located(found) from None

    def fill(self, template: Template) -> str:
        """A name here; raises `SpecError`."""
        if template.constant is not None:
            return template.constant
        try:
            return template.fill(self.scope.env)
        except ValueFault as found:
            raise self.located(found) from None

    def located(self, found: ValueFault) -> SpecError:
        diagnostic = located(found, self.scope.origins, self.scope.env)
        return SpecError([diagnostic._replace(notes=(*diagnostic.notes, *chain(self.call, found.span)))])

    def truth(self, value: Value) -> bool:
        """A condition's value; a word or a list is neither true nor false."""
        found = self.evaluate(value)
        if isinstance(found, (bool, int, float)):
            return bool(found)
        help = BOOLEANS.get(str(found).lower(), "")
        if isinstance(found, str) and not help:
            help = suggestion(found, self.scope.env)
        raise self.fail_at(value, "wrong-type", f"a condition is true or false, got `{show(found)}`", help)

    def fail(
        self,
        span: Span,
        code: str,
        message: str,
        help: str = "",
        names: frozenset[str] = frozenset(),
        facts: tuple[Note, ...] = (),
    ) -> SpecError:
        """The error at a place, with what `names` are worth there and the chain of calls."""
        origins, env = self.scope.origins, self.scope.env
        facts = (*notes(names, origins), *facts, *chain(self.call, span))
        return SpecError([Diagnostic(code, message, span, label(names, origins, env), facts, help)])

    def fail_at(self, value: Value | Template, code: str, message: str, help: str = "") -> SpecError:
        """The error at a value or a name."""
        return self.fail(value.span, code, message, help, value.names)


def chain(call: CallLink | None, span: Span) -> tuple[Note, ...]:
    """The calls around a place, innermost first."""
    return Origin(span, call).notes()


def in_turns(call: CallLink | None) -> bool:
    """Whether the innermost link is one turn of several."""
    return call is not None and call.turns > 1
