"""Expression text -> tokens; spellings that other languages read otherwise are refused here."""

from __future__ import annotations

import re
from collections.abc import Container

from cnncalc.diagnostics import Fault
from cnncalc.records import NamedTuple


class ExpressionFault(Fault):
    """A fault in ``text[start:end]`` of an expression."""

    def __init__(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(code, message, None, help)
        self.start = start
        self.end = end


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"\s+|(?P<dims>\d+(?:x\d+)+(?![\w.]))|(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<op>//|\*\*|==|!=|<=|>=|[-+*/%<>()\[\],.])"
)


def tokens(text: str, units: Container[str] = ()) -> list[Token]:
    """The tokens of an expression, with an `end` token last; a number may have one of the `units` right behind it."""
    found = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad_character(text, position)
        if match.lastgroup:
            found.append(Token(match.lastgroup, match[0], position, match.end()))
        if match.lastgroup in ("number", "dims"):
            _check_number(text, match, units)
        position = match.end()
    found.append(Token("end", "the end", len(text), len(text) + 1))
    return found


def _bad_character(text: str, position: int) -> ExpressionFault:
    char = text[position]
    help = {
        "$": "`$name` belongs in names of layers; here write the name alone",
        "=": "compare with `==`",
        "!": "write `not` or `!=`",
        "&": "write `and`",
        "|": "write `or`",
        "^": "a power is `**`",
        ":": "YAML 1.1 reads such a thing as a time; write the number or the word itself",
        "{": "write the expression alone: it needs no braces; a list is `[a, b]`",
        "~": "nothing is `none` here",
        "'": "words need no quotes",
        '"': "words need no quotes",
    }.get(char, "")
    return ExpressionFault("syntax", f"`{char}` has no meaning in an expression", position, position + 1, help)


def _check_number(text: str, match: re.Match[str], units: Container[str]) -> None:
    """Refuse spellings that other languages read as octal, hexadecimal or grouped numbers."""
    rest = re.match(r"\w+", text[match.end() :])
    if rest and rest[0] in units:
        rest = None
    whole = match[0] + (rest[0] if rest else "")
    end = match.start() + len(whole)
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", whole):
        help = f"write `{int(whole, 16)}`"
        raise ExpressionFault("number", f"`{whole}` is not a number", match.start(), end, help)
    if rest:
        plain = whole.replace("_", "")
        help = f"write `{plain}`" if plain.isdigit() else "a name cannot begin with a digit"
        from cnncalc.values import UNITS

        worth = next((worth for unit, worth in UNITS.items() if unit.lower() == rest[0].lower()), 0)
        if worth and match[0].isdigit():
            help = f"a size has no unit: write `{int(match[0]) * worth}`"
        raise ExpressionFault("number", f"`{whole}` is not a number", match.start(), end, help)
    if re.match(r"0\d", whole):
        help = f"write `{whole.lstrip('0') or '0'}`"
        raise ExpressionFault("number", f"`{whole}` has a leading zero", match.start(), end, help)
