"""The commands of a person who begins: a spec to start from, the reference of the layer kinds, the editor's schema."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cnncalc.cli.flags import FORMATS, Format, Output, choice
from cnncalc.cli.help import examples
from cnncalc.cli.output import deliver, emit, guarded, tell
from cnncalc.diagnostics import UsageFault


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog=examples("cnncalc init", "cnncalc init networks/mine.yaml"))(init)
    app.command(epilog=examples("cnncalc layers conv", "cnncalc layers --from pytorch"))(layers)
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
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[KIND]", help="A layer kind, or a form such as `repeat`; `blocks`: bundled ones too."),
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option("--from", metavar="FRAMEWORK", help="Its words: pytorch, keras, tensorflow, caffe, darknet."),
    ] = None,
    format: Format = "table",
    output: Output = None,
) -> None:
    """The reference of layer kinds, forms and bundled blocks, with examples; the words of another framework."""
    choice(format, FORMATS, "--format")
    if framework is not None:
        if kind is not None:
            raise typer.BadParameter("--from lists the words of a framework, and takes no KIND")
        words_of(framework, format, output)
    else:
        reference_of(kind, format, output)


def words_of(framework: str, format: str, output: str | None) -> None:
    """What a framework calls things, and what to write here."""
    from cnncalc.language.words import FRAMEWORKS
    from cnncalc.tables import words

    choice(framework, FRAMEWORKS, "--from")

    def text() -> str:
        from cnncalc.render.json import document

        return document(words.to_dict(framework))

    deliver(lambda: words.tabulate(framework), text, format, output)


def reference_of(kind: str | None, format: str, output: str | None) -> None:
    """The reference of one kind or form, or of all."""
    from cnncalc import examples, reference
    from cnncalc.language.advice import instead
    from cnncalc.language.words import absent, rows
    from cnncalc.layers import KINDS

    if kind is not None and kind not in KINDS and kind not in examples.SPEC_FORMS:
        meant = next((row.kind for row in rows(kind) if row.kind), "") if not absent(kind) else ""
        help = (
            f"`cnncalc layers {meant}` tells all" if meant else "" if instead(kind) else "`cnncalc layers` lists them"
        )
        said = "; ".join(filter(None, (f"unknown layer kind {kind!r}", instead(kind), help)))
        raise typer.BadParameter(said)
    if format == "json":
        from cnncalc.render.json import document

        kinds, forms = reference.to_dict(kind), examples.to_dict(kind)
        emit(document({"kinds": kinds, "forms": forms}), output)
    elif format == "table":
        tell(examples.told(kind), output)
    elif format == "markdown" and kind is None:
        emit(reference.markdown(), output)
    else:
        raise typer.BadParameter(f"the reference has no form {format}; table, json, and of all kinds markdown")


@guarded
def schema(output: Output = None) -> None:
    """The JSON Schema of the spec language, for editors."""
    from cnncalc.schema import render

    emit(render(), output)
