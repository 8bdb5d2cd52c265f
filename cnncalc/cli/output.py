"""What every command does with its results and its errors: the only place that prints."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from cnncalc.cli.flags import check_counted_as
from cnncalc.cli.terminal import width_of
from cnncalc.diagnostics import Diagnostic, Error, SpecError, UsageFault
from cnncalc.network import Network
from cnncalc.report import Report

if TYPE_CHECKING:
    from cnncalc.tables.table import Table, View


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into a message on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            spare_what_is_read(kwargs)
            command(*args, **kwargs)
            sys.stdout.flush()
        except Error as error:
            complain(error.diagnostics)
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


READ = ("spec", "specs", "source", "old", "new", "paths", "data", "weights")
"""What the commands call the files that they read."""
WRITTEN = {"output": "-o", "names": "--names", "plot": "--plot"}
"""What they call those that they write, and the flags that name them."""


def spare_what_is_read(given: dict[str, Any]) -> None:
    """Raise `UsageFault` where a file that a command is to read is also to be written over."""
    named = [text for name in READ for text in _listed(given.get(name))]
    parts = {part for text in named for part in (text, *text.rpartition(":")[::2])}  # net.py:Net, HEAD:net.yaml
    read = [part for part in parts if os.path.isfile(part)]
    for name, flag in WRITTEN.items():
        path = given.get(name)
        if not isinstance(path, str):
            continue
        beside = [f"{os.path.splitext(path)[0]}.safetensors"] if given.get("weights") else []
        for each in (path, *beside):
            if os.path.isfile(each) and any(os.path.samefile(each, other) for other in read):
                message = f"`{flag} {path}` would write over `{each}`, which is read"
                raise UsageFault("unwritable", message, None, "name another file; nothing was written")


def _listed(value: Any) -> list[str]:
    """The texts that a flag gives: none, one or several."""
    return [value] if isinstance(value, str) else list(value or ())


def complain(diagnostics: list[Diagnostic]) -> None:
    """Diagnostics on stderr, coloured on a terminal."""
    from cnncalc.render.findings.messages import render

    width = width_of(sys.stderr)
    colour = width is not None and not os.environ.get("NO_COLOR")
    sys.stderr.write("\n\n".join(render(diagnostic, colour, width) for diagnostic in diagnostics) + "\n")


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


def tell(text: str, output: str | None) -> None:
    """As `emit`, for text that people read: on a terminal its lines break between words."""
    width = width_of(sys.stdout) if output is None else None
    if width is not None:
        from cnncalc.render.layout import wrapped

        text = wrapped(text, width)
    emit(text, output)


def deliver(tables: Callable[[], list[Table]], text: Callable[[], str], format: str, output: str | None) -> None:
    """A result in the form that was asked for: `text` is its JSON, tables are drawn to the width of a terminal."""
    if format == "json":
        emit(text(), output)
        return
    made = tables()
    if format == "table" and output is None and sys.stdout.isatty() and all(len(t.lines) <= MOST_ROWS for t in made):
        draw(made)
    else:
        from cnncalc.render import render

        emit(render(made, format), output)


def draw(tables: list[Table]) -> None:
    """Tables on the terminal, in its width and its colours."""
    from cnncalc.render import rich

    rich.show(tables)


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
    further = len(warnings) - MAX_WARNINGS
    if further > 0:
        sys.stderr.write(f"\n{further:,} further warning{'s' * (further > 1)}; `cnncalc check` tells all\n")


MOST_ROWS = 5_000
"""Rows up to which a table is drawn in colour, which takes a while for each, and shown of a network that failed."""
MAX_WARNINGS = 20
"""Warnings that are told one by one beside a report."""


def show_partial(error: SpecError, command: str, shown: View) -> None:
    """The good rows up to a failing layer, and the failing one marked; no totals, which would be of a part only.

    Of a network that ran into a limit there are too many to be read, and none is shown.
    """
    from cnncalc.render import plain
    from cnncalc.tables.report import tabulate

    graph: Any = error.partial
    if not 0 < len(graph.nodes) <= MOST_ROWS:
        return
    table = tabulate(Report(graph, command), shown)
    rows = table._replace(totals=(), remarks=(), sentence=())
    draw([rows]) if sys.stdout.isatty() else emit(plain.render([rows]), None)
    failing = error.diagnostics[0]
    tell(f"\nFAILED at {failing.span}: {failing.message}\n\n", None)
    sys.stdout.flush()


def reported(
    command: str,
    every: Iterator[Network | Error],
    shown: View,
    format: str,
    output: str | None,
    of: str | None,
    batch: int,
    counted_as: str | None,
) -> None:
    """Report on every network; of a spec that fails midway the good rows in a table, and its errors at the end.

    `counted_as` is for the summary.
    """
    check_counted_as(counted_as)
    found = list(every)
    errors = [each for each in found if isinstance(each, Error)]
    setting = None
    if batch > 1:  # what else is loaded for the memory alone
        from cnncalc.analyzers.memory import Setting

        setting = Setting(batch=batch)
    good = [Report(each.graph, command, of, setting) for each in found if isinstance(each, Network)]
    if counted_as is not None:
        good = [each.summary(of, counted_as, batch) for each in found if isinstance(each, Network)]
    if not errors or (format == "table" and output is None):
        show(good, shown, format, output) if good else None
        for error in errors:
            if isinstance(error, SpecError) and error.partial is not None:
                show_partial(error, command, shown)
    if errors:
        raise SpecError([diagnostic for error in errors for diagnostic in error.diagnostics])
