"""Conditions and columns over networks: the language's expressions, with units behind numbers.

`params < 5 M and macs <= 600 M and field >= 200 and peak_memory <= 256 KiB`; `macs / params`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cnncalc.compare.measures import MEASURES, UNITS
from cnncalc.diagnostics import Source, Span, SpecError, suggestion
from cnncalc.language.expressions import Expression, compile_expression
from cnncalc.language.lexer import ExpressionFault, Token, tokens
from cnncalc.language.operators import FUNCTIONS

_BETWEEN = frozenset({"and", "or", "not", "if", "else", ","})
"""What parts an expression into comparisons."""
_WORDS = _BETWEEN | {"true", "false", "in"}


class Formula(NamedTuple):
    """A compiled expression over the figures and the arguments of a network."""

    source: Source
    expression: Expression
    keys: tuple[str, ...]
    """The figures that it asks for."""

    def value(self, figures: Mapping[str, Any]) -> Any:
        """Its value for one network; None where a figure that it needs does not apply.  Raises `SpecError`."""
        if any(figures.get(key, 0) is None for key in self.keys):
            return None
        try:
            return self.expression.run(figures)
        except ExpressionFault as fault:
            raise _located(fault, self.source) from None

    def holds(self, figures: Mapping[str, Any]) -> bool:
        """Whether it is true of a network; raises `SpecError` where it is neither true nor false."""
        found = self.value(figures)
        if found is None:
            return False
        if not isinstance(found, bool):
            raise _located(_no_condition(self.source.text), self.source)
        return found


def formula(text: str, flag: str, arguments: Iterable[str] = ()) -> Formula:
    """The expression `text`, given with `flag`, over figures and `arguments`; raises `SpecError` with its place."""
    source = Source(flag, text)
    known = [*MEASURES, *arguments]
    try:
        found = tokens(text, UNITS)
        _check_names(found, known)
        _check_units(found)
        expression = compile_expression(text, units=UNITS)
    except ExpressionFault as fault:
        raise _located(fault, source) from None
    return Formula(source, expression, tuple(key for key in MEASURES if key in expression.names))


def condition(text: str, flag: str = "--where", arguments: Iterable[str] = ()) -> Formula:
    """As `formula`, for one that must be true or false of every network."""
    found = formula(text, flag, arguments)
    if not any(
        token.text in ("<", "<=", ">", ">=", "==", "!=", "in", "true", "false") for token in tokens(text, UNITS)
    ):
        raise _located(_no_condition(text), found.source)
    return found


def _no_condition(text: str) -> ExpressionFault:
    help = "compare it with something, for example `params < 5 M`"
    return ExpressionFault("no-condition", f"`{text}` is neither true nor false", 0, len(text), help)


def _located(fault: ExpressionFault, source: Source) -> SpecError:
    """The fault at its place in what was given."""
    return SpecError([fault.at(Span(source, 1, fault.start + 1, fault.end + 1))])


def _check_names(found: list[Token], known: list[str]) -> None:
    """Raise `ExpressionFault` at the first name that is no figure and no argument."""
    for before, token, after in zip([None, *found], found, found[1:]):
        if token.kind != "name" or token.text in _WORDS or (before is not None and before.text == "."):
            continue
        if token.text in known or (before is not None and before.kind == "number"):
            continue
        if after.text == "(" and token.text in FUNCTIONS:
            continue
        if (before is not None and before.text in ("==", "!=")) or after.text in ("==", "!="):
            continue  # a word, such as an argument may be: `act == relu`
        listed = ", ".join(f"`{key}`" for key in known)
        help = suggestion(token.text, known) or f"quantities are {listed}"
        raise ExpressionFault("unknown-key", f"unknown quantity `{token.text}`", token.start, token.end, help)


def _check_units(found: list[Token]) -> None:
    """Raise `ExpressionFault` at a unit that is unknown, or that belongs to no quantity of its comparison."""
    units: list[Token] = []
    names: list[str] = []
    for before, token in zip([None, *found], found):
        if token.kind == "end" or token.text in _BETWEEN:
            for unit in units:
                _check_unit(unit, names)
            units, names = [], []
        elif token.kind == "name" and before is not None and before.kind == "number":
            if token.text not in UNITS:
                help = suggestion(token.text, UNITS) or f"units are {', '.join(f'`{unit}`' for unit in UNITS)}"
                raise ExpressionFault("unknown-unit", f"unknown unit `{token.text}`", token.start, token.end, help)
            units.append(token)
        elif token.kind == "name":
            names.append(token.text)


def _check_unit(unit: Token, names: list[str]) -> None:
    measures = [MEASURES[name] for name in names if name in MEASURES]
    if not measures or any(unit.text in measure.units for measure in measures):
        return
    named = " and ".join(f"`{measure.key}`" for measure in measures)
    help = f"units of {named} are {', '.join(f'`{known}`' for known in measures[0].units)}"
    raise ExpressionFault(
        "wrong-unit", f"the unit `{unit.text}` does not belong to {named}", unit.start, unit.end, help
    )
