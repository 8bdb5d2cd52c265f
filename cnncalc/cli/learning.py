"""The commands of a person who begins: a spec to start from, the reference of the layer kinds, the editor's schema."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cnncalc.cli.flags import Output
from cnncalc.cli.help import examples
from cnncalc.cli.output import emit, guarded
from cnncalc.diagnostics import UsageFault


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog=examples("cnncalc init", "cnncalc init networks/mine.yaml"))(init)
    app.command(epilog=examples("cnncalc layers", "cnncalc layers conv"))(layers)
    app.command(epilog=examples("cnncalc schema -o cnncalc.schema.json", "cnncalc schema > cnncalc.schema.json"))(
        schema
    )


@guarded
def init(
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="Where to write it; nothing is overwritten.")
    ] = "net.yaml",
) -> None:
    """Write a commented spec to start from, that works."""
    from cnncalc.language.library import starter
    from cnncalc.writing import write

    if os.path.lexists(file):
        raise UsageFault("exists", f"`{file}` exists already", None, f"name another file: `cnncalc init {other(file)}`")
    write(file, starter().replace("net.yaml", file).encode())
    emit(f"wrote {file}; now try\n" + "".join(f"  cnncalc {line} {file}\n" for line in ("summary", "check")), None)


def other(file: str) -> str:
    """The first name like it that is free: ``net2.yaml``."""
    stem, suffix = os.path.splitext(file)
    number = 2
    while os.path.lexists(f"{stem}{number}{suffix}"):
        number += 1
    return f"{stem}{number}{suffix}"


@guarded
def layers(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="A layer kind.")] = None,
    output: Output = None,
) -> None:
    """The reference of the layer kinds and their arguments."""
    from cnncalc import reference
    from cnncalc.diagnostics import suggestion
    from cnncalc.layers import KINDS

    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(
            f"unknown layer kind {kind!r}; {suggestion(kind, KINDS) or '`cnncalc layers` lists them'}"
        )
    emit(reference.page(kind) if kind else reference.overview(), output)


@guarded
def schema(output: Output = None) -> None:
    """The JSON Schema of the spec language, for editors."""
    from cnncalc.schema import render

    emit(render(), output)
