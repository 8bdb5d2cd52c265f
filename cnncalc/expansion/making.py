"""Making layers: equal arguments make a layer once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cnncalc.diagnostics import Fault, Note, Span, SpecError, suggestion
from cnncalc.expansion.instance import notes
from cnncalc.expansion.scope import Where
from cnncalc.graph import MAX_KNOWN, Operations
from cnncalc.language.model import Call, Join, Value, admitted
from cnncalc.language.operators import TENSORS, Wire, Word, sized, unknown_name
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer, make
from cnncalc.layers.types import Follower

Written = dict[str, list[Note]]
"""Where each argument of a layer was written, and the names in it given their values."""


class Piece:
    """One layer of those that a call appends in a chain."""

    __slots__ = ("_names", "_plainly", "layer", "named", "sources", "suffix")

    def __init__(self, suffix: str, layer: Layer, sources: dict[str, Value], named: Value | None = None) -> None:
        self.suffix = suffix
        """What its row's name ends with: nothing, `.norm`, `.act`."""
        self.layer = layer
        self.sources = sources
        """Each of its arguments as it was written, in the call or in `defaults`."""
        self.named = named
        """The value that names it, where it follows another."""
        self._names = sorted({name for value in sources.values() for name in value.names})
        self._plainly = partial(self._written, {})

    def written(self, where: Where) -> Callable[[], Written]:
        """The places for a call that is made here, when they are asked for: equal values may have been given at
        different ones."""
        origins = where.scope.origins
        if not self._names:
            return self._plainly
        return partial(self._written, {name: origins[name] for name in self._names if name in origins})

    def _written(self, origins: dict[str, Span]) -> Written:
        return {
            name: [Note("written", value.span), *notes(value.names, origins)] for name, value in self.sources.items()
        }


class Made:
    """What a call appends, and its operations by input shapes."""

    __slots__ = ("kind", "layers", "lists", "sources")

    def __init__(self, kind: type[Layer], sources: dict[str, Value], where: Where) -> None:
        self.kind = kind
        self.sources = sources
        """Each argument as it was written, in the call or in `defaults`."""
        self.layers: list[Piece] = []
        """Itself, and what follows it."""
        self.lists: list[Any] = []
        """The lists that it was made for, kept alive: `Maker` knows them by identity."""


class Maker:
    """Makes what calls append, and remembers it; expansions of one file may share it, all others its operations."""

    def __init__(self, operations: Operations | None = None) -> None:
        self.made: dict[Any, Made] = {}
        self.operations = operations or Operations()

    def from_step(self, step: Call | Join, kind: type[Layer], where: Where) -> Made:
        """What a step of a known kind appends, with its arguments evaluated here; raises `SpecError`."""
        env = where.scope.env
        key: Any = (id(step), where.scope.instance.told_apart)
        find = env[TENSORS]
        values = [env.get(name) if name[-1] != "." else find(name[:-1]) for name in step.names]
        if values:
            key = (*key, *map(told_apart, values))
        made = self.made.get(key)
        if made is None:
            arguments = {name: argument.value for name, argument in step.arguments.items()}
            if len(self.made) >= MAX_KNOWN:
                self.made.clear()
            made = self.made[key] = self.make(step, kind, arguments, where)
            made.lists = [value for value in values if isinstance(value, tuple)]
        return made

    def make(self, step: Call | Join, kind: type[Layer], arguments: dict[str, Value], where: Where) -> Made:
        """The layer of `kind` with these arguments over its defaults, and what follows it; raises `SpecError`."""
        defaults = where.scope.instance.defaults.get(kind.kind, {})
        made = Made(kind, {name: source for name, (_, source) in defaults.items()} | arguments, where)
        judged = {name: source.judged[0] for name, source in made.sources.items() if source.judged is not None}
        values = {name: value for name, (value, _) in defaults.items() if name not in judged}
        for name, value in arguments.items():
            if name not in judged:
                values[name] = admitted(value, where.evaluate(value), kind.fields[name].type)
        try:
            layer = make(kind, values, judged)
        except Fault as fault:
            raise at_field(_misspelt(fault, kind, values, where), made.sources, step, where) from None
        for suffix, part in layer.parts():
            made.layers.append(Piece(suffix, self.intern(part), made.sources))
            for role, follower in part.followers():
                made.layers.append(self.follower(f"{suffix}.{role}", follower, role, made.sources[role], where))
        return made

    def follower(self, suffix: str, follower: Follower, role: str, call: Value, where: Where) -> Piece:
        """What comes after a layer: its arguments over the defaults of its own kind; raises `SpecError`."""
        kind = follower.kind
        defaults = where.scope.instance.defaults.get(kind, {})
        judged = {name: source.judged[0] for name, (_, source) in defaults.items() if source.judged is not None}
        judged |= dict(follower.arguments)
        given = {name: value for name, (value, _) in defaults.items() if name not in judged}
        sources = {name: value for name, (_, value) in defaults.items()}
        sources |= {name: call for name, _ in follower.arguments}
        sources |= {name: argument.value for name, argument in call.arguments.items()}
        try:
            layer = self.intern(make(KINDS[kind], given, judged))
        except Fault as fault:
            help = f"for example `{role}: {KINDS[kind].example}`, or give it in `defaults`"
            raise where.at_value(call, Fault(fault.code, fault.message, role, help)) from None
        return Piece(suffix, layer, sources, call)

    def intern(self, layer: Layer) -> Layer:
        return self.operations.layer(layer)


def _misspelt(fault: Fault, kind: type[Layer], values: dict[str, Any], where: Where) -> Fault:
    """The fault of a word that a field does not take: often a misspelt name."""
    field = fault.field
    word = values.get(field) if field else None
    if not field or not isinstance(word, Word):
        return fault
    if isinstance(where.scope.env.get(word), Wire):
        return Fault(fault.code, fault.message, field, sized(word))
    allowed = kind.fields[field].type.words
    if allowed or fault.help:
        from cnncalc.language import words  # those of other frameworks, only where something is wrong

        meant = words.word(word, allowed)
        help = f"write `{meant}`" if meant else words.absent(word) or fault.help
        return Fault(fault.code, fault.message, field, help or suggestion(word, [*allowed, *where.scope.env]))
    message, help = unknown_name(word, where.scope.env)
    return Fault("unknown-name", message, field, help)


def at_field(
    fault: Fault, sources: dict[str, Value], step: Call | Join, where: Where, named: Value | None = None
) -> SpecError:
    """A layer's fault at the span of the field that it names, of the value that names it, or of its step."""
    value = sources.get(fault.field or "", named)
    if value is None:
        return where.at(step.span, fault)
    return where.at_value(value, fault)


def told_apart(value: Any) -> Any:
    """What tells two arguments apart; 1, 1.0 and true are three, and a list is itself: to compare long ones is slow."""
    if type(value) is Wire:
        return value.shape
    if type(value) is Word:
        return (value, id(value.home))
    return (type(value), id(value) if type(value) is tuple else value)
