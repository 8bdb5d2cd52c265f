"""A table in a given width: which columns stay, how wide they are, and where their cells break.

Columns go in the order of their `drop`; then names break at dots and text between words, then names at underscores, and
then the last columns go.  A number is never cut, nor a word, unless a single one is wider than the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cnncalc.records import NamedTuple
from cnncalc.render.cells import written
from cnncalc.tables.table import KIND, ORIGIN, Line, Table
from cnncalc.values import Change, Compact, Described, Names, PerAxis, Shapes, Sizes

INDENT = "  "
LEAST = 8
"""The width that a column of text keeps, even if words have to break."""


class Layout(NamedTuple):
    """How a table is laid out: the places of its columns, their widths, and the gap between them."""

    columns: list[int]
    widths: list[int]
    gap: int = 2
    dropped: tuple[str, ...] = ()
    """The titles of the columns that there is no room for."""
    narrow: bool = False
    """Whether shapes are written without spaces."""


class Cell(NamedTuple):
    """One cell in one line of text."""

    text: str
    """Padded to the width of its column."""
    column: int
    """Its place among the columns of the table."""


def layout(table: Table, available: int | None = None) -> Layout:
    """The layout of a table, in so many characters if they are limited."""
    every = list(range(len(table.columns)))
    natural = [_natural(table, column, False) for column in every]
    if available is None or _total(natural, 2) <= available:
        return Layout(every, natural)
    natural = [_natural(table, column, True) for column in every]
    least = [_least(table, column) for column in every]
    kept = _kept(table, natural, least, available)
    gap = 2 if _total([least[at] for at in kept], 2) <= available else 1
    if _total([least[at] for at in kept], gap) > available:  # rather a name broken in its words than a line
        least = [_least(table, column, UNDERSCORE) for column in every]
        while len(kept) > 2 and _total([least[at] for at in kept], gap) > available:
            kept = kept[:-1]
    if _total([least[at] for at in kept], gap) > available:
        least = [_least(table, column, ANYWHERE) for column in every]
    widths = [natural[at] for at in kept]
    firm = [least[at] if table.columns[at].drop == ORIGIN else natural[at] for at in kept]
    for limits in (firm, [least[at] for at in kept]):  # what might as well have gone breaks first
        _shrink(widths, limits, _total(widths, gap) - available)
    dropped = tuple(dict.fromkeys(table.columns[at].title for at in every if at not in kept))
    return Layout(kept, widths, gap, dropped, True)


def _kept(table: Table, natural: list[int], least: list[int], available: int) -> list[int]:
    """The columns that stay when others have gone by their ranks: while nothing but names of origins breaks, and the
    last of them only where words would have to."""
    kept = list(range(len(natural)))
    for rank in sorted({column.drop for column in table.columns if column.drop}):
        breaking = [rank == KIND or table.columns[at].drop == ORIGIN for at in kept]
        needed = [least[at] if breaks else natural[at] for at, breaks in zip(kept, breaking)]
        if _total(needed, 1 if rank == KIND else 2) <= available:
            break
        kept = [at for at in kept if table.columns[at].drop != rank]
    return kept


def _total(widths: list[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _natural(table: Table, column: int, narrow: bool) -> int:
    """The width that a column has if nothing breaks."""
    texts = [len(indent) + len(text(value, narrow)) for indent, value in _values(table, column)]
    return max([len(table.columns[column].title), *texts])


def _least(table: Table, column: int, further: str = "") -> int:
    """The width that no word, name or number of a column exceeds; those of text broken `further` where it is given."""
    words = [len(word) for word in table.columns[column].title.split()]
    for indent, value in _values(table, column):
        parts = pieces(value, True)
        if further and _is_text(value):
            parts = [each for part in parts for each in re.findall(further, part)]
        words += [len(indent) + len(part.rstrip()) for part in parts]
    return max(words, default=0)


UNDERSCORE = r"[^_]+_?|_"
ANYWHERE = f".{{1,{LEAST}}}"
"""What text is made of that has to break inside its words."""


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, Names, Described))


def _values(table: Table, column: int) -> Iterator[tuple[str, Any]]:
    """The values of a column, with what their lines begin with."""
    for line in table.lines:
        yield INDENT * line.depth if column == 0 else "", line.cells[column]


def text(value: Any, narrow: bool) -> str:
    """A written value; where there is little room ``64x112x112``."""
    several = isinstance(value, (Sizes, PerAxis)) and (isinstance(value, Sizes) or len(set(value)) > 1)
    return written(Compact(value) if narrow and several else value)


def _shrink(widths: list[int], limits: list[int], excess: int) -> None:
    """Take as many characters from the columns, always from the one that can best spare them."""
    for _ in range(excess):
        spare = [width - limit for width, limit in zip(widths, limits)]
        most = max(spare)
        if most <= 0:
            return
        widths[spare.index(most)] -= 1


def pieces(value: Any, narrow: bool) -> list[str]:
    """The written value in parts that are not broken; of text the words, of names what stands between dots."""
    if isinstance(value, Change):
        return [f"{text(value.old, narrow)} ", f"-> {text(value.new, narrow)}"]
    if isinstance(value, Shapes) and len(value) > 1:
        return re.findall(r"[^,]+(?:, |$)", written(value))
    if _is_text(value):
        return split(written(value))
    first, to, last = text(value, narrow).partition(" to ")
    return [f"{first} ", f"to {last}"] if to else [first]


def split(text: str) -> list[str]:
    """Text in words, and in what stands between the dots and slashes of names and paths; no number is split."""
    return re.findall(PIECE, text)[:-1] or [text]


PIECE = r"(?:[^ ./]|(?<![^ ])[./]|[./](?=[ ./])|(?<=\d)[./](?=\d)| x (?=[\d,]+$))*(?:[./](?! )| +|$)"
"""Up to a space, or to a dot or slash that stands inside a name; ``x 5`` stays with what is there so often."""


def folded(parts: list[str], width: int) -> list[str]:
    """Parts in lines of at most `width`; a part that is wider is broken after an underscore, or anywhere."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        rest = lines[-1] + part
        while len(rest.rstrip()) > width:
            cut = rest.rfind("_", 0, width) + 1 or width
            lines[-1], rest = rest[:cut], rest[cut:]
            lines.append("")
        lines[-1] = rest
    return [line.rstrip() for line in lines]


def head(table: Table, laid: Layout) -> list[list[Cell]]:
    """The titles, in as many lines as they need."""
    texts = [folded(split(table.columns[at].title), width) for at, width in zip(laid.columns, laid.widths)]
    return _aligned(table, laid, texts)


def rows(table: Table, laid: Layout) -> Iterator[tuple[Line, list[list[Cell]]]]:
    """Every line of the table, with the lines of text that it takes."""
    for line in table.lines:
        texts = []
        for at, width in zip(laid.columns, laid.widths):
            indent = INDENT * line.depth if at == 0 else ""
            value, room = line.cells[at], width - len(indent)
            whole = text(value, laid.narrow)
            parts = [whole] if len(whole) <= room else folded(pieces(value, laid.narrow), room)
            texts.append([indent + part for part in parts])
        yield line, _aligned(table, laid, texts)


def _aligned(table: Table, laid: Layout, texts: list[list[str]]) -> list[list[Cell]]:
    found = []
    for number in range(max(map(len, texts), default=0)):
        cells = []
        for at, width, lines in zip(laid.columns, laid.widths, texts):
            part = lines[number] if number < len(lines) else ""
            cells.append(Cell(part.rjust(width) if table.columns[at].numeric else part.ljust(width), at))
        found.append(cells)
    return found


def wrapped(running: str, width: int, indent: int = 0) -> str:
    """Running text in lines of at most `width`, broken between words.

    What goes on stands `indent` further in; behind a word and two spaces, as in a list of terms, it stands there.
    """
    return "\n".join(part for line in running.split("\n") for part in _wrapped_line(line, width, indent))


def _wrapped_line(line: str, width: int, indent: int) -> list[str]:
    if len(line) <= width:
        return [line]
    term = re.match(r" *\S.*? {2,}(?=\S)| {2,}(?=\S)", line)
    inner = term.end() if term is not None and term.end() <= width // 2 else indent
    first, rest = (line[:inner], line[inner:]) if term is not None and inner == term.end() else ("", line)
    lines = folded(re.findall(r"\S+ *", rest), width - inner)
    return [(first if number == 0 else " " * inner) + part for number, part in enumerate(lines)]
