"""Where a step stands during expansion: what it can see, where its rows are named, and who called it."""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Fault, Link, Note, Span, SpecError, suggestion
from cnncalc.expansion.instance import Instance, label, notes
from cnncalc.language.model import Block, Template, Value, ValueFault
from cnncalc.language.operators import Wire
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

    __slots__ = ("block", "chain", "depth", "env", "inputs", "instance", "loops", "origins", "outer", "prefix")

    def __init__(self, instance: Instance, prefix: str, outer: Scope | None, block: Block | None = None) -> None:
        self.instance = instance
        self.block = block
        self.prefix = prefix
        """Prefix of the names given here."""
        self.outer = outer
        self.depth: int = outer.depth + 1 if outer else 0
        self.chain: tuple[int, ...] = (*(outer.chain if outer else ()), id(block), id(instance))
        """The blocks that are being called, and the instances that they see."""
        self.env: dict[str, Any] = dict(instance.env)
        self.origins: dict[str, Span] = dict(instance.origins)
        self.inputs: dict[str, Wire] = {}
        self.loops: list[list[str]] = []
        """The names that the loops around bind, the innermost last."""

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

    def bind_input(self, name: str, tensor: Wire) -> None:
        """Give an input its name: steps may take it, expressions may ask for its sizes."""
        self.inputs[name] = self.env[name] = tensor


class Where:
    """The place of a step: its scope, the place of its rows, and the chain of calls around it."""

    __slots__ = ("call", "place", "scope")

    def __init__(self, scope: Scope, place: Place, call: Link | None) -> None:
        self.scope = scope
        self.place = place
        self.call = call

    def within(self, call: Link) -> Where:
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
        """A faulty value's error, with the chain of calls."""
        return self.at(found.span, found.fault, found.names)

    def truth(self, value: Value) -> bool:
        """A condition's value; a word or a list is neither true nor false."""
        found = self.evaluate(value)
        if isinstance(found, (bool, int, float)):
            return bool(found)
        help = BOOLEANS.get(str(found).lower(), "")
        if isinstance(found, str) and not help:
            help = suggestion(found, self.scope.env)
        raise self.fail_at(value, "wrong-type", f"a condition is true or false, got `{show(found)}`", help)

    def at(
        self, span: Span, fault: Fault, names: frozenset[str] = frozenset(), facts: tuple[Note, ...] = ()
    ) -> SpecError:
        """A fault at a place here, with what `names` are worth and the chain of calls."""
        origins, env = self.scope.origins, self.scope.env
        return SpecError([fault.at(span, label(names, origins, env), (*notes(names, origins), *facts), self.call)])

    def at_value(self, value: Value | Template, fault: Fault) -> SpecError:
        """A fault at a value or a name."""
        return self.at(value.span, fault, value.names)

    def fail(self, span: Span, code: str, message: str, help: str = "", facts: tuple[Note, ...] = ()) -> SpecError:
        """What is wrong at a place here."""
        return self.at(span, Fault(code, message, None, help), facts=facts)

    def fail_at(self, value: Value | Template, code: str, message: str, help: str = "") -> SpecError:
        """What is wrong with a value or a name."""
        return self.at_value(value, Fault(code, message, None, help))
