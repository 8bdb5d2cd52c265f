"""A diagnostic as text: coloured on a terminal, where colour is never the only carrier of meaning, and in its width."""

from __future__ import annotations

from cnncalc.diagnostics import MAX_LINE, Diagnostic
from cnncalc.render.layout import wrapped

STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m", "help": "\x1b[1;32m"}
PLACE = "\x1b[34m"
BOLD = "\x1b[1m"
RESET = "\x1b[0m"
INDENT = 2
"""Of what goes on in a further line."""


def render(diagnostic: Diagnostic, colour: bool = False, width: int | None = None) -> str:
    """Severity, code and message, then the place, the source line, notes and help; in lines of at most `width`."""
    head, lines = f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}", diagnostic.body()
    if width is not None:
        gutter = len(str(diagnostic.span.line)) + 3 if diagnostic.span is not None else 0
        lines = diagnostic.body(min(MAX_LINE, max(20, width - gutter - len("……"))))
        head = wrapped(head, width, INDENT)
        lines = [part for line in lines for part in _fitted(line, width)]
    if not colour:
        return "\n".join([head, *lines])
    style, prefix = STYLES[diagnostic.severity], f"{diagnostic.severity}[{diagnostic.code}]"
    return "\n".join([f"{style}{prefix}{RESET}{BOLD}{head[len(prefix) :]}{RESET}", *map(_coloured, lines)])


def _fitted(line: str, width: int) -> list[str]:
    """A line of the body in lines of at most `width`; what is said of the carets stands below them, if need be."""
    gutter, bar, rest = line.partition(" | ")
    if len(line) <= width or (bar and not rest.lstrip().startswith("^")):
        return [line]
    if not bar:
        return wrapped(line, width, INDENT).split("\n")
    carets, _, label = rest.rpartition("^")
    room = width - len(gutter) - len(bar) - INDENT
    below = wrapped(label.strip(), room).split("\n")
    return [f"{gutter}{bar}{carets}^", *(f"{gutter}{bar}{' ' * INDENT}{part}" for part in below)]


def _coloured(line: str) -> str:
    for word in ("note", "help"):
        if line.startswith(f"{word}: "):
            return f"{STYLES[word]}{word}{RESET}{line[len(word) :]}"
    gutter, bar, rest = line.partition(" |")
    if bar and set(rest.strip().partition(" ")[0]) == {"^"}:
        return f"{PLACE}{gutter}{bar}{RESET}{STYLES['error']}{rest}{RESET}"
    if bar or line.lstrip().startswith("-->"):
        return f"{PLACE}{gutter}{bar}{RESET}{rest}"
    return line
