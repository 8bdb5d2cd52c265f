"""A file with its arguments given: what `args`, `defaults` and `import` are worth before the first step.

A variant and ``--set`` have spoken here; steps of the file see these values wherever they are called from.
"""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Diagnostic, Note, Span, SpecError, suggestion
from cnncalc.language.model import Argument, File, Value, ValueFault
from cnncalc.language.operators import BUDGET, MAX_WALKED


class Given:
    """A value and the place it was given at."""

    __slots__ = ("span", "value")

    def __init__(self, value: Any, span: Span) -> None:
        self.value = value
        self.span = span


class Instance:
    """A file and the values of its arguments; `imports` are instances of their own."""

    def __init__(self, file: File, given: dict[str, Given]) -> None:
        """Evaluate arguments in order, the given ones in place of defaults; raises `SpecError`."""
        self.file = file
        self.env: dict[str, Any] = {BUDGET: [MAX_WALKED]}
        self.origins: dict[str, Span] = {}
        for name, parameter in file.args.items():
            if name in given:
                self.env[name], self.origins[name] = given[name].value, given[name].span
            elif parameter.default is None:
                raise SpecError([_missing(file, name, parameter.span)])
            else:
                self.env[name], self.origins[name] = self.evaluate(parameter.default), parameter.default.span
        self.defaults = {
            kind: {name: (self.evaluate(argument.value), argument.value) for name, argument in arguments.items()}
            for kind, arguments in file.defaults.items()
        }
        values = [value for arguments in self.defaults.values() for value, _ in arguments.values()]
        self.told_apart = (id(file), repr(values))
        """What tells layers apart that are made from the same step with equal arguments."""
        self._imports: dict[str, Instance] = {}

    def evaluate(self, value: Value) -> Any:
        """A value in the scope of the file's arguments; raises `SpecError`."""
        try:
            return value.evaluate(self.env)
        except ValueFault as found:
            raise located(found, self.origins, self.env) from None

    def imported(self, alias: str) -> Instance:
        """The instance behind an import, its arguments evaluated over this file's."""
        if alias not in self._imports:
            entry = self.file.imports[alias]
            given = variant_values(entry.file, entry.variant) if entry.variant else {}
            for name, argument in entry.arguments.items():
                given[name] = Given(self.evaluate(argument.value), argument.value.span)
            self._imports[alias] = Instance(entry.file, given)
        return self._imports[alias]


def variant_values(file: File, variant: str) -> dict[str, Given]:
    """The arguments that a variant gives; raises `SpecError` for an unknown one."""
    arguments = file.variants.get(variant)
    if arguments is None:
        known = ", ".join(f"`{name}`" for name in list(file.variants)[:12])
        help = suggestion(variant, file.variants) or (
            f"variants are {known}" if known else "this spec has no `variants`"
        )
        raise SpecError([Diagnostic("unknown-variant", f"{file.source.path} has no variant `{variant}`", help=help)])
    return {name: _given(argument) for name, argument in arguments.items()}


def variant_like(file: File, given: dict[str, Given]) -> str | None:
    """The first variant whose arguments are all those of the file with these given; None if there is none."""
    here = _arguments(file, given)
    for variant in file.variants:
        try:
            if _arguments(file, variant_values(file, variant)) == here:
                return variant
        except SpecError:  # a variant that is broken, or leaves out what is required, is like no network
            continue
    return None


def _arguments(file: File, given: dict[str, Given]) -> dict[str, Any]:
    env = Instance(file, given).env
    return {name: env[name] for name in file.args}


def _given(argument: Argument) -> Given:
    try:
        return Given(argument.value.evaluate({}), argument.value.span)
    except ValueFault as found:
        raise located(found, {}, {}) from None


def _missing(file: File, name: str, span: Span) -> Diagnostic:
    known = ", ".join(f"`{variant}`" for variant in list(file.variants)[:12])
    help = f"choose a variant: {known}" if known else f"give it with `--set {name}=…`"
    return Diagnostic("missing-argument", f"the argument `{name}` is required and was not given", span, help=help)


def located(found: ValueFault, origins: dict[str, Span], env: dict[str, Any]) -> SpecError:
    """The error at the place of a faulty value, with the origin of each name in it."""
    return SpecError([found.fault.at(found.span, label(found.names, origins, env), notes(found.names, origins))])


def label(names: frozenset[str], origins: dict[str, Span], env: dict[str, Any]) -> str:
    """`` `k` is 7, `s` is 2 `` for the names in a faulty value that have one."""
    from cnncalc.layers.types import show

    known = sorted(name for name in names if name in origins)
    return ", ".join(f"`{name}` is {show(env[name])}" for name in known[:4] if name in env)


def notes(names: frozenset[str], origins: dict[str, Span]) -> tuple[Note, ...]:
    """Where each of the names was given its value."""
    return tuple(Note(f"`{name}` was given", origins[name]) for name in sorted(names) if name in origins)
