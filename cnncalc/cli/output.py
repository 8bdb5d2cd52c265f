"""What every command does with its results and its errors: the only place that prints."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from cnncalc.cli.flags import list_names
from cnncalc.diagnostics import Diagnostic, Error, SpecError
from cnncalc.language.library import UnknownSpec
from cnncalc.network import Network
from cnncalc.report import Report

if TYPE_CHECKING:
    from cnncalc.tables.table import Table, View


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into a message on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except Error as error:
            complain(error.diagnostics)
            if isinstance(error, UnknownSpec) and not error.is_path:
                list_names()
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as bug:  # the last resort: a short report in place of a traceback
            report_bug(bug)
            raise typer.Exit(3) from None

    return run


def complain(diagnostics: list[Diagnostic]) -> None:
    """Diagnostics on stderr, coloured on a terminal."""
    from cnncalc.render.findings.messages import render

    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    sys.stderr.write("\n\n".join(render(diagnostic, colour) for diagnostic in diagnostics) + "\n")


def report_bug(bug: Exception) -> None:
    import traceback

    from cnncalc import __version__

    frame = traceback.extract_tb(bug.__traceback__)[-1]
    sys.stderr.write(
        f"cnncalc {__version__} has a bug: {type(bug).__name__}: {bug}\n"
        f"  at {os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}\n"
        "please report it with the spec and the command\n"
    )


def emit(text: str, output: str | None) -> None:
    """Print text, or write it to a file: a regular one whole or not at all, anything else through."""
    if output is None:
        sys.stdout.write(text)
        return
    from cnncalc.writing import write

    write(output, text.encode("utf-8"))


def deliver(tables: Callable[[], list[Table]], text: Callable[[], str], format: str, output: str | None) -> None:
    """A result in the form that was asked for: `text` is its JSON, tables are drawn to the width of a terminal."""
    if format == "json":
        emit(text(), output)
        return
    made = tables()
    if format == "table" and output is None and sys.stdout.isatty() and all(len(t.lines) <= 5_000 for t in made):
        from cnncalc.render import rich

        rich.show(made)
    else:
        from cnncalc.render import render

        emit(render(made, format), output)


def show(reports: list[Report], shown: View, format: str, output: str | None) -> None:
    """Reports in the form that was asked for, then their warnings."""

    def tables() -> list[Table]:
        from cnncalc.tables.report import tabulate

        return [tabulate(report, shown) for report in reports]

    def text() -> str:
        from cnncalc.render import json

        return json.render(reports, shown)

    deliver(tables, text, format, output)
    warnings = [warning for report in reports for warning in report.warnings]
    if warnings:
        complain(warnings[:MAX_WARNINGS])
    if len(warnings) > MAX_WARNINGS:
        sys.stderr.write(f"\n{len(warnings) - MAX_WARNINGS:,} further warnings; `cnncalc check` tells all\n")


MAX_WARNINGS = 20
"""Warnings that are told one by one beside a report."""


def show_partial(error: SpecError, command: str, shown: View) -> None:
    """The good rows up to a failing layer, and the failing one marked; no totals, which would be of a part only."""
    from cnncalc.render import plain
    from cnncalc.tables.report import tabulate

    graph: Any = error.partial
    if not graph.nodes:
        return
    table = tabulate(Report(graph, command), shown)
    sys.stdout.write(plain.render([table._replace(totals=(), remarks=(), sentence=())]))
    failing = error.diagnostics[0]
    sys.stdout.write(f"\nFAILED at {failing.span}: {failing.message}\n\n")
    sys.stdout.flush()


def reported(
    command: str,
    every: Iterator[Network | Error],
    shown: View,
    format: str,
    output: str | None,
    of: str | None = None,
) -> None:
    """Report on every network; of a spec that fails midway the good rows in a table, and its errors at the end."""
    found = list(every)
    errors = [each for each in found if isinstance(each, Error)]
    good = [Report(each.graph, command, of) for each in found if isinstance(each, Network)]
    if not errors or (format == "table" and output is None):
        show(good, shown, format, output) if good else None
        for error in errors:
            if isinstance(error, SpecError) and error.partial is not None:
                show_partial(error, command, shown)
    if errors:
        raise SpecError([diagnostic for error in errors for diagnostic in error.diagnostics])
