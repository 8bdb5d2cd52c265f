"""What can go wrong, and where: spans, origins, diagnostics and the errors that carry them.

Every station uses this module; it knows none of them.  It renders a diagnostic as text
because the text is the same on every output; colour is added in `render`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnncalc.records import NamedTuple


class Span(NamedTuple):
    """A stretch of one line of a source: 1-based line and columns, `end` exclusive; line 0 is the source as a whole."""

    source: Source
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}:{self.column}" if self.line else self.source.path


class Source:
    """A text, the path it is shown under, and the one that it was read from."""

    __slots__ = ("_lines", "location", "path", "text")

    def __init__(self, path: str, text: str, location: str = "") -> None:
        self.path = path
        self.text = text
        self.location = location or path
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """The source line of this 1-based number, without its line break."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""


class Link(NamedTuple):
    """One link of the chain from the file's layers down to a layer: a block call, or one turn of a repeat."""

    block: str
    """The block's name; empty for a group or a layer."""
    turn: int
    """From 0."""
    turns: int
    """1 where nothing is repeated."""
    span: Span
    outer: Link | None

    @property
    def what(self) -> str:
        """``in block `stem`, repeat 2 of 3, called`` or ``in repeat 2 of 3, written``."""
        turn = f"repeat {self.turn + 1} of {self.turns}"
        if not self.block:
            return f"in {turn}, written"
        return f"in block `{self.block}`, {turn}, called" if self.turns > 1 else f"in block `{self.block}`, called"


class Origin(NamedTuple):
    """Where a layer comes from: its step, and the chain of block calls around it."""

    span: Span
    call: Link | None

    def calls(self) -> list[Link]:
        """The block calls around the layer, innermost first."""
        chain = []
        call = self.call
        while call is not None:
            chain.append(call)
            call = call.outer
        return chain

    def notes(self) -> tuple[Note, ...]:
        """The same as notes for a message; single turns of groups and loops are left out."""
        found = [Note(call.what, call.span) for call in self.calls() if call.block or call.turns > 1]
        return tuple(found[:MAX_NOTES])


MAX_NOTES = 12


class Note(NamedTuple):
    """A further fact about a diagnostic, at a place of its own where it has one."""

    text: str
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.text} at {self.span}" if self.span else self.text


MAX_LINE = 160
"""Characters of a source line that are shown."""


class Diagnostic(NamedTuple):
    """One problem: a code, a message, the smallest span that signifies, facts, and what to do."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        head = f"{self.severity}[{self.code}]: {self.message}"
        return "\n".join([head, *self.body()])

    def body(self, widest: int = MAX_LINE) -> list[str]:
        """The lines below the head: place, source line with carets (so much of it), notes and help."""
        lines = []
        if self.span is not None:
            lines += excerpt(self.span, self.label, widest)
        lines += [f"note: {note}" for note in self.notes]
        if self.help:
            lines.append(f"help: {self.help}")
        return lines


def excerpt(span: Span, label: str = "", widest: int = MAX_LINE) -> list[str]:
    """The place, and the source line with carets below `span`; a line of more than `widest` is cut around it."""
    text = span.source.line(span.line)
    if not text:
        return [f"  --> {span}"]
    text = text.replace("\t", " ")
    start, end = span.column - 1, min(max(span.end, span.column + 1) - 1, len(text) + 1)
    if len(text) > widest:
        first = max(0, start - widest // 2)
        text = ("…" if first else "") + text[first : first + widest] + ("…" if first + widest < len(text) else "")
        shift = first - (1 if first else 0)
        start, end = start - shift, min(end - shift, len(text))
    gutter = " " * len(str(span.line))
    carets = " " * start + "^" * max(1, end - start)
    return [
        f"{gutter} --> {span}",
        f"{gutter} |",
        f"{span.line} | {text.rstrip()}",
        f"{gutter} | {carets}{' ' + label if label else ''}",
    ]


class Error(Exception):
    """Base of all that cnncalc raises on purpose; `diagnostics` says what is wrong, and where that is known."""

    exit_code = 1
    """What the command line ends with."""

    @property
    def diagnostics(self) -> list[Diagnostic]:
        raise AssertionError(f"{type(self).__name__} must say what is wrong")


class SpecError(Error):
    """The spec is wrong: one or more diagnostics, and the graph up to the failing layer if there is one.

    `partial` is the graph of the good layers when expansion failed midway, else None.
    """

    def __init__(self, diagnostics: list[Diagnostic], partial: Any = None) -> None:
        super().__init__("\n\n".join(map(str, diagnostics)))
        self._diagnostics = diagnostics
        self.partial = partial

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return self._diagnostics


class Fault(Error):
    """A problem whose place is not known where it is found: layers, graphs and expressions raise it.

    `field` names the argument at fault (None: the layer as a whole); `at` adds the place.
    """

    def __init__(self, code: str, message: str, field: str | None = None, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.help = help

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [self.at(None)]

    def of(self, what: str) -> Fault:
        """The same fault, said of something: ``the input`` before its message."""
        return Fault(self.code, f"{what} {self.message}", self.field, self.help)

    def at(
        self, place: Span | Origin | None, label: str = "", facts: tuple[Note, ...] = (), call: Link | None = None
    ) -> Diagnostic:
        """The fault at its place, with further facts, and the chain of block calls of the origin or of `call`.

        This is the one way from a fault to a diagnostic.
        """
        origin = place if isinstance(place, Origin) else Origin(place, call) if place is not None else None
        if origin is None:
            return Diagnostic(self.code, self.message, None, label, facts, self.help)
        return Diagnostic(self.code, self.message, origin.span, label, (*facts, *origin.notes()), self.help)


class UsageFault(Fault):
    """What was asked for does not exist: a network, a key, a code of a lint.  Nothing is wrong with a spec."""

    exit_code = 2
    place: Span | None = None
    """What was given, where that is known."""

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [self.at(self.place)]


def suggestion(name: str, candidates: Iterable[object]) -> str:
    """``did you mean `x`?`` for the closest of `candidates`, or ``""``; case and underscores do not count."""
    from difflib import get_close_matches  # an error path: not worth its import time at start-up

    known = {_plain(str(candidate)): str(candidate) for candidate in candidates}
    close = (near for near in get_close_matches(_plain(name), known, 5, 0.6) if is_slip(_plain(name), near))
    return next((f"did you mean `{known[near]}`?" for near in close), "")


def is_slip(written: str, meant: str) -> bool:
    """Whether one word may be a slip for another: a third of it is changed at most, their first halves agree, or one
    is in the other.

    Letters in common alone say little: `attn` is no `flatten`, `kernel` no `learned`.
    """
    if min(len(written), len(meant)) > 2 and (written in meant or meant in written):
        return True
    longest = max(len(written), len(meant))
    common = next((place for place, (a, b) in enumerate(zip(written, meant)) if a != b), min(len(written), len(meant)))
    return changes(written, meant) <= max(1, longest // 3) or (common >= 4 and 2 * common >= longest)


def changes(written: str, meant: str) -> int:
    """The fewest letters to add, leave out, replace or swap with their neighbour that make one word of another."""
    above: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(written, 1):
        last, above, row = above, row, [i]
        for j, other in enumerate(meant, 1):
            least = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and written[i - 2] == other:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]


def _plain(name: str) -> str:
    return name.lower().replace("_", "").removesuffix("2d").removesuffix("1d").removesuffix("3d")
