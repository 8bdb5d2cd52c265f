"""Conditions and columns over networks: the language's expressions, with units behind numbers.

`params < 5 M and macs <= 600 M and field >= 200 and peak_memory <= 256 KiB`; `macs / params`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cnncalc.analyzers.quantities import asked
from cnncalc.analyzers.quantity import Quantity
from cnncalc.diagnostics import Source, Span, SpecError, suggestion
from cnncalc.language.expressions import Expression, compile_expression
from cnncalc.language.lexer import ExpressionFault, Token, tokens
from cnncalc.language.operators import FUNCTIONS
from cnncalc.records import NamedTuple
from cnncalc.values import BYTE_UNITS, UNITS

_BETWEEN = frozenset({"and", "or", "not", "if", "else", ","})
"""What parts an expression into comparisons."""
_WORDS = _BETWEEN | {"true", "false", "in"}
ALL_UNITS = UNITS | BYTE_UNITS
"""What may stand behind a number, by what it multiplies it with."""


class Formula(NamedTuple):
    """A compiled expression over the figures and the arguments of a network."""

    source: Source
    expression: Expression
    keys: tuple[str, ...]
    """The figures that it asks for."""

    @property
    def quantity(self) -> Quantity | None:
        """The quantity that it is and no more; None for one that is worked out from several, or for an argument."""
        return asked().get(self.source.text)

    def value(self, figures: Mapping[str, Any]) -> Any:
        """Its value for one network; None where a figure that it needs does not apply.  Raises `SpecError`."""
        if any(figures.get(key) is None for key in self.keys):
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


def formula(text: str, flag: str, arguments: Iterable[str] = (), whole: str = "", offset: int = 0) -> Formula:
    """The expression `text`, given with `flag`, over figures and `arguments`; raises `SpecError` with its place.

    `whole` is what was given, where the expression is a part of it that begins at `offset`.
    """
    source = Source(flag, text)
    known = list(dict.fromkeys((*asked(), *arguments)))
    try:
        found = tokens(text, ALL_UNITS)
        _check_names(found, known)
        _check_units(found)
        expression = compile_expression(text, units=ALL_UNITS)
    except ExpressionFault as fault:
        raise _located(fault, Source(flag, whole or text), offset) from None
    return Formula(source, expression, tuple(key for key in asked() if key in expression.names))


def condition(text: str, flag: str = "--where", arguments: Iterable[str] = ()) -> Formula:
    """As `formula`, for one that must be true or false of every network."""
    found = formula(text, flag, arguments)
    if not any(
        token.text in ("<", "<=", ">", ">=", "==", "!=", "in", "true", "false") for token in tokens(text, ALL_UNITS)
    ):
        raise _located(_no_condition(text), found.source)
    return found


def _no_condition(text: str) -> ExpressionFault:
    help = "compare it with something, for example `params < 5 M`"
    return ExpressionFault("no-condition", f"`{text}` is neither true nor false", 0, len(text), help)


def _located(fault: ExpressionFault, source: Source, offset: int = 0) -> SpecError:
    """The fault at its place in what was given, of which the expression begins at `offset`."""
    return SpecError([fault.at(Span(source, 1, offset + fault.start + 1, offset + fault.end + 1))])


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
        if token.text.lower() in _WORDS:
            help = f"write `{token.text.lower()}`"
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
            if token.text.lower() in _BETWEEN:  # in capitals, or it would not be taken for a unit
                help = f"write `{token.text.lower()}`"
                raise ExpressionFault("unknown-unit", f"unknown unit `{token.text}`", token.start, token.end, help)
            if token.text not in ALL_UNITS:
                listed = ", ".join(f"`{unit}`" for unit in ALL_UNITS)
                letter = "k" if token.text[0] in "kK" else token.text[0]
                counted = f"write `{letter}` of a count" if letter in UNITS else f"units are {listed}"
                size = f"{letter.upper()}iB"
                help = f"{counted}, `{size}` of bytes" if letter in UNITS and size in BYTE_UNITS else counted
                raise ExpressionFault("unknown-unit", f"unknown unit `{token.text}`", token.start, token.end, help)
            units.append(token)
        elif token.kind == "name":
            names.append(token.text)


def _check_unit(unit: Token, names: list[str]) -> None:
    quantities = [quantity for word, quantity in asked().items() if word in names]
    if not quantities or any(unit.text in quantity.units for quantity in quantities):
        return
    named = " and ".join(f"`{quantity.question}`" for quantity in quantities)
    help = f"units of {named} are {', '.join(f'`{known}`' for known in quantities[0].units)}"
    raise ExpressionFault(
        "wrong-unit", f"the unit `{unit.text}` does not belong to {named}", unit.start, unit.end, help
    )
