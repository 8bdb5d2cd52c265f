"""What ``--help`` says: the commands in panels, each with its whole sentence, and examples below."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from cnncalc.cli.terminal import width_of

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
    "shapes": "shape output outputs",
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
OPTIONS = {
    "--input": "-i -s --size --shape --input-size --input-shape --resolution --image-size --img-size",
    "--batch": "-b --batch-size --bs",
    "--depth": "-d --level --max-depth",
    "--output": "--out --save --file",
    "--set": "--arg --args --param --define -D",
    "--version": "-v -V version",
    "-f json": "--json json",
    "-f csv": "--csv csv",
    "-f markdown": "--markdown --md",
    "-f latex": "--latex --tex",
    "-f html": "--html",
}
"""Options, and words that somebody may try for them."""
UsageError: Any = typer.BadParameter.__bases__[0]
"""What is raised where a line cannot be read; typer brings it along."""


@contextmanager
def said_well() -> Iterator[None]:
    """What is wrong with a line, with what to write in its place, and broken between words on a terminal."""
    try:
        yield
    except UsageError as error:
        if type(error).show is not UsageError.show:
            raise  # the help, where nothing was asked for
        text = advised(error)
        width = width_of(sys.stderr)
        if width is not None:
            from cnncalc.render.layout import wrapped

            text = wrapped(f"Error: {text}", width, 2).removeprefix("Error: ")
        raise UsageError(text, error.ctx) from None


def advised(error: Any) -> str:
    """The message of a wrong line, for an option that is none with the one that is meant, where the command has it."""
    asked = getattr(error, "option_name", "")
    for option, words in OPTIONS.items():
        has = any(option.split()[0] in parameter.opts for parameter in error.ctx.command.params) if error.ctx else False
        if has and asked in words.split():
            return f"{error.message}; write `{option}`"
    return str(error.format_message())


def examples(*lines: str) -> str:
    """The end of a command's help: its examples, a line each (a text with `\\b` is not wrapped)."""
    return "\n".join(["\b", "For example:", *(f"  {line}" for line in lines)])


class Panels(TyperGroup):
    """The group of all commands."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """As typer's, with what is wrong said well."""
        with said_well():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """As typer's, with what is wrong said well."""
        with said_well():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the panels."""
        return [name for names in PANELS.values() for name in names if name in self.commands]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section for each panel, with the first sentence of every command wrapped at words, never cut."""
        wide = max(map(len, self.commands))
        for panel, names in PANELS.items():
            with formatter.section(panel):
                formatter.write_dl([(f"{name:<{wide}}", sentence(self.commands[name])) for name in names])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that a line begins with; a SPEC without one, or a word that is none, is answered with a line
        that works."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            ctx.fail(f"there is no command {name!r}; {self.instead(name, args[1:])}")
        return super().resolve_command(ctx, args)

    def instead(self, name: str, rest: list[str]) -> str:
        """What to write in place of a line that begins with a word that is no command."""
        import shlex

        from cnncalc.diagnostics import suggestion
        from cnncalc.language.library import is_spec

        if name == "help":
            return f"write `{shlex.join(['cnncalc', *(word for word in rest[:1] if word in self.commands), '--help'])}`"
        if name == "version":
            return "write `cnncalc --version`"
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
