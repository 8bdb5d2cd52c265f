"""Making layers: equal arguments make a layer once."""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Fault, Note, SpecError, suggestion
from cnncalc.expansion.instance import notes
from cnncalc.expansion.scope import Where
from cnncalc.language.model import Call, Join, Value
from cnncalc.language.operators import TENSORS, Wire, Word, unknown_name
from cnncalc.language.source import Scalar
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer, make
from cnncalc.layers.types import Follower


class Made:
    """What a call appends, and its operations by input shapes."""

    __slots__ = ("kind", "layers", "lists", "sources", "written")

    def __init__(self, kind: type[Layer], sources: dict[str, Value], where: Where) -> None:
        self.kind = kind
        self.sources = sources
        """Each argument as it was written, in the call or in `defaults`."""
        origins = where.scope.origins
        self.written = {
            name: [Note("written", value.span), *notes(value.names, origins)] for name, value in sources.items()
        }
        self.layers: list[tuple[str, Layer]] = []
        """Suffixes of rows and layers, in a chain: ``("", conv), (".norm", batch_norm), (".act", relu)``."""
        self.lists: list[Any] = []
        """The lists that it was made for, kept alive: `Maker` knows them by identity."""


def admissible(kind: type[Layer], name: str, value: Value, where: Where) -> Any:
    """A value here; of a name whose value the field does not take, but for which it has a word, that word."""
    found = where.evaluate(value)
    type = kind.fields[name].type
    if not type.words or not value.names or isinstance(found, Word):
        return found
    try:
        type.read(found)
    except Fault:
        if (words := _as_words(value, type.words)) is not None:
            return words
    return found


def _as_words(value: Value, words: tuple[str, ...]) -> Any:
    """A bare word, or a list of such, as it is written; None where it is something else."""
    if value.items is not None:
        found = [_as_words(item, words) for item in value.items]
        return None if None in found else tuple(found)
    text = value.node.text if isinstance(value.node, Scalar) else ""
    return Word(text) if text in words else None


class Maker:
    """Makes what calls append, and remembers it."""

    def __init__(self) -> None:
        self.made: dict[Any, Made] = {}
        self.layers: dict[Layer, Layer] = {}

    def from_step(self, step: Call | Join, kind: type[Layer], where: Where) -> Made:
        """What a step of a known kind appends, with its arguments evaluated here; raises `SpecError`."""
        env = where.scope.env
        key: Any = (id(step), id(where.scope.instance))
        find = env[TENSORS]
        values = [env.get(name) if name[-1] != "." else find(name[:-1]) for name in step.names]
        if values:
            key = (*key, *map(_key, values))
        made = self.made.get(key)
        if made is None:
            arguments = {name: argument.value for name, argument in step.arguments.items()}
            made = self.made[key] = self.make(step, kind, arguments, where)
            made.lists = [value for value in values if isinstance(value, tuple)]
        return made

    def make(self, step: Call | Join, kind: type[Layer], arguments: dict[str, Value], where: Where) -> Made:
        """The layer of `kind` with these arguments over its defaults, and what follows it; raises `SpecError`."""
        defaults = where.scope.instance.defaults.get(kind.kind, {})
        made = Made(kind, {name: source for name, (_, source) in defaults.items()} | arguments, where)
        judged = {name: value.judged[0] for name, value in arguments.items() if value.judged is not None}
        values = {name: value for name, (value, _) in defaults.items() if name not in judged}
        for name, value in arguments.items():
            if name not in judged:
                values[name] = admissible(kind, name, value, where)
        try:
            layer = make(kind, values, judged)
        except Fault as fault:
            raise at_field(_misspelt(fault, kind, values, where), made, step, where) from None
        for suffix, part in layer.parts():
            made.layers.append((suffix, self.intern(part)))
            for role, follower in part.followers():
                made.layers.append((f"{suffix}.{role}", self.follower(follower, role, made, step, where)))
        return made

    def follower(self, follower: Follower, role: str, made: Made, step: Call | Join, where: Where) -> Layer:
        """What comes after a layer: its arguments over the defaults of its own kind; raises `SpecError`."""
        kind = follower.kind
        given = {name: value for name, (value, _) in where.scope.instance.defaults.get(kind, {}).items()}
        try:
            return self.intern(make(KINDS[kind], given | dict(follower.arguments)))
        except Fault as fault:
            help = f"give it in `defaults: {{{kind}: …}}`, or write `{kind}` as a step of its own"
            raise at_field(Fault(fault.code, fault.message, role, help), made, step, where) from None

    def intern(self, layer: Layer) -> Layer:
        return self.layers.setdefault(layer, layer)


def _misspelt(fault: Fault, kind: type[Layer], values: dict[str, Any], where: Where) -> Fault:
    """The fault of a word that a field does not take: often a misspelt name."""
    field = fault.field
    word = values.get(field) if field else None
    if not field or not isinstance(word, Word):
        return fault
    words = kind.fields[field].type.words
    if words or fault.help:
        return Fault(fault.code, fault.message, field, fault.help or suggestion(word, [*words, *where.scope.env]))
    message, help = unknown_name(word, where.scope.env)
    return Fault("unknown-name", message, field, help)


def at_field(fault: Fault, made: Made, step: Call | Join, where: Where) -> SpecError:
    """A layer's fault at the span of the field that it names, or of its step."""
    value = made.sources.get(fault.field or "")
    if value is None:
        return where.at(step.span, fault)
    return where.at_value(value, fault)


def _key(value: Any) -> Any:
    """What tells two arguments apart; 1, 1.0 and true are three, and a list is itself: to compare long ones is slow."""
    if type(value) is Wire:
        return value.shape
    return (type(value), id(value) if type(value) is tuple else value)
