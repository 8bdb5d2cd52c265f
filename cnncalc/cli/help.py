"""What ``--help`` says: the commands in panels, each with its whole sentence, and examples below."""

from __future__ import annotations

import shlex
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
SYNONYMS = {
    "summary": "show info print describe view analyze analyse macs flops stats count",
    "params": "parameters weights",
    "rf": "receptive_field receptive field fields",
    "shapes": "shape sizes output outputs",
    "memory": "mem ram",
    "explain": "why",
    "list": "ls models networks zoo",
    "check": "lint test validate",
    "layers": "kinds reference ops",
    "init": "new create start",
    "run": "forward predict execute",
    "import": "load convert from_onnx",
    "export": "to_onnx to_keras save",
}
"""Words for commands that somebody may try first."""


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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that a line begins with; a SPEC without one, or a word that is none, is answered with a line
        that works."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            ctx.fail(f"there is no command {name!r}; {self.instead(name, args[1:])}")
        return super().resolve_command(ctx, args)

    def instead(self, name: str, rest: list[str]) -> str:
        """What to write in place of a line that begins with a word that is no command."""
        from cnncalc.diagnostics import suggestion
        from cnncalc.language.library import is_spec

        if is_spec(name):
            return f"write `{shlex.join(['cnncalc', 'summary', name, *rest])}`"
        meant = next((command for command, words in SYNONYMS.items() if name.lower() in words.split()), "")
        near = meant or suggestion(name, self.commands).partition("`")[2].partition("`")[0]
        if near and (not rest or near != "summary" or is_spec(rest[0])):
            return f"write `{shlex.join(['cnncalc', near, *rest])}`"
        if rest and is_spec(rest[0]):
            return f"write `{shlex.join(['cnncalc', 'summary', *rest])}`"
        return "`cnncalc --help` lists the commands"


def sentence(command: Any) -> str:
    """The first paragraph of a command's help, without its full stop."""
    return " ".join((command.help or "").split("\n\n")[0].split()).rstrip(".")
