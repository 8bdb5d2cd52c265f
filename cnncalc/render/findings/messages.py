"""A diagnostic as text: coloured on a terminal, where colour is never the only carrier of meaning."""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic

STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m", "help": "\x1b[1;32m"}
PLACE = "\x1b[34m"
BOLD = "\x1b[1m"
RESET = "\x1b[0m"


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """Severity, code and message, then the place, the source line, notes and help."""
    if not colour:
        return str(diagnostic)
    style = STYLES[diagnostic.severity]
    head = f"{style}{diagnostic.severity}[{diagnostic.code}]{RESET}{BOLD}: {diagnostic.message}{RESET}"
    return "\n".join([head, *map(_coloured, diagnostic.body())])


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
