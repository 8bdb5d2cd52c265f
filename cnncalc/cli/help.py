"""What ``--help`` says: the commands in panels, each with its whole sentence, and examples below."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

MEASURE, CHOOSE, CONVERT, PROVE, LEARN = "Measure", "Choose", "Convert", "Prove", "Learn"
PANELS: dict[str, tuple[str, ...]] = {
    MEASURE: ("summary", "shapes", "params", "rf", "memory", "explain"),
    CHOOSE: ("compare", "diff", "conventions", "formula", "sizes", "list"),
    CONVERT: ("import", "export", "expand"),
    PROVE: ("check", "verify", "run"),
    LEARN: ("layers", "schema", "init"),
}
"""Every command, in the order in which a person may need it."""


def examples(*lines: str) -> str:
    """The end of a command's help: its examples, a line each (a text with `\\b` is not wrapped)."""
    return "\n".join(["\b", "For example:", *(f"  {line}" for line in lines)])


class Panels(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the panels."""
        known = list(self.commands)
        ordered = [name for names in PANELS.values() for name in names if name in self.commands]
        return ordered + [name for name in known if name not in ordered]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section for each panel, with the first sentence of every command wrapped at words, never cut."""
        wide = max(map(len, self.commands))
        for panel, names in PANELS.items():
            rows = [(f"{name:<{wide}}", sentence(self.commands[name])) for name in names if name in self.commands]
            if rows:
                with formatter.section(panel):
                    formatter.write_dl(rows)


def sentence(command: Any) -> str:
    """The first paragraph of a command's help, without its full stop."""
    return " ".join((command.help or "").split("\n\n")[0].split()).rstrip(".")
