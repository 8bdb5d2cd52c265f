"""The flags of the commands: what they are called, how they complete, and what they mean."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncalc.diagnostics import Error, Fault, Source, Span, SpecError, UsageFault, suggestion
from cnncalc.language.library import bundled_names, find_bundled
from cnncalc.network import Network, load, runs_code, variants
from cnncalc.render import DATA, FORMS
from cnncalc.values import UNITS

if TYPE_CHECKING:
    from cnncalc.tables.table import View

FORMATS = ("table", "json", *(form for form in FORMS if form != "table"))
LAYOUTS = ("nchw", "nhwc")
ALL = "*"
"""In place of a variant's name: every variant of the file."""


def complete_spec(incomplete: str) -> list[str]:
    """Bundled names that begin so; files complete by themselves."""
    return [name for name in bundled_names() if name.startswith(incomplete)]


def complete_variant(context: typer.Context, incomplete: str) -> list[str]:
    """Variants of the specs on the line, which an unfinished line has among its arguments."""
    from cnncalc.language.library import load_file

    given = [*(context.params.get("specs") or ()), *context.args]
    paths = [spec if os.path.isfile(spec) else (find_bundled(spec) or ("",))[0] for spec in given]
    try:
        return [name for path in paths if path for name in load_file(path).variants if name.startswith(incomplete)]
    except SpecError:  # a broken file has nothing to complete, and its errors no place on an unfinished line
        return []


Specs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SPEC...", help="A file, or a bundled name such as resnet50.", autocompletion=complete_spec),
]
Spec = Annotated[str, typer.Argument(metavar="SPEC", help="A file, or a bundled name.", autocompletion=complete_spec)]
Variant = Annotated[
    str | None, typer.Option(help="A variant of the file; '*' is all.", metavar="NAME", autocompletion=complete_variant)
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="ARG=VALUE", help="An argument of the file; repeatable.")
]
Input = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="[NAME=]3x320x320", help="Another input shape; 320x320 keeps the channels."),
]
Of = Annotated[str | None, typer.Option("--of", metavar="INPUT", help="The input whose receptive field is meant.")]
As = Annotated[str | None, typer.Option("--as", metavar="TOOL", help="Count MACs as another tool: fvcore, thop, …")]
Batch = Annotated[int, typer.Option(min=1, help="Samples at once: multiplies MACs.")]
Depth = Annotated[int | None, typer.Option(min=1, help="Open blocks down to this depth.")]
Full = Annotated[bool, typer.Option("--full", help="Every layer in a row of its own.")]
Sort = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Sort rows: name, kind, output, params, macs, size, …")
]
Top = Annotated[int | None, typer.Option(min=1, help="Show this many rows only.")]
Layout = Annotated[str, typer.Option(metavar="nchw|nhwc", help="Channels first, or last as in Keras.")]
PLAIN_FORMATS = ("table", "json")


WORDS = {"md": "markdown", "tex": "latex", "txt": "table", "text": "table", "channels_last": "nhwc", "tf": "tensorflow"}
"""What somebody may write for a word that a flag takes."""


def choice(value: str, allowed: tuple[str, ...], flag: str) -> str:
    if value not in allowed:
        meant = WORDS.get(value.lower(), "") or suggestion(value, allowed).partition("`")[2].partition("`")[0]
        help = f"; write `{meant}`" if meant in allowed else ""
        raise typer.BadParameter(f"{flag} takes {', '.join(allowed)}; got {value!r}{help}")
    return value


def _format(allowed: tuple[str, ...]) -> Any:
    """The flag of a form, judged before any work is done."""
    return typer.Option(
        "--format",
        "-f",
        metavar="|".join(allowed),
        help="What to print.",
        callback=lambda value: choice(value, allowed, "--format"),
    )


Format = Annotated[str, _format(FORMATS)]
Plain = Annotated[str, _format(PLAIN_FORMATS)]
Output = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead, whole or not at all.")
]
MaxSteps = Annotated[int, typer.Option("--max-steps", min=1, metavar="N", help="Limit on the steps of one network.")]


def networks(
    specs: list[str] | None,
    variant: str | None,
    set_: list[str] | None,
    input_: list[str] | None,
    max_steps: int,
    channels_last: bool = False,
) -> Iterator[Network | Error]:
    """The networks that the flags name, one by one, or what is wrong with one; raises `UsageFault` without a SPEC."""
    if not specs:
        raise no_spec("name a SPEC: a file, or a bundled network", "summary resnet50")
    arguments = dict(assignment(text, "--set", "ARG=VALUE") for text in set_ or [])
    inputs = input_shapes(input_ or [])
    before: tuple[str, Network] | None = None
    for spec in specs:
        try:
            chosen = variants(spec) if variant == ALL else (variant,)
        except UsageFault:
            raise
        except Error as error:
            yield error
            continue
        for each in chosen:
            try:
                with running(spec):
                    network = load(spec, each, arguments, inputs, max_steps, channels_last)
            except UsageFault as fault:
                if before is not None and spec in before[1].graph.names:
                    fault.help = f"for one layer write `cnncalc explain {before[0]} {spec}`"
                raise
            except Error as error:
                yield error
            else:
                before = spec, network
                yield network


def no_spec(message: str, example: str) -> UsageFault:
    """Nothing to work on was named."""
    help = f"for example `cnncalc {example}`; `cnncalc list` lists the bundled networks"
    return UsageFault("no-spec", message, None, help)


@contextmanager
def running(spec: str) -> Iterator[None]:
    """While a SPEC is loaded: where that runs code, stderr says so before it does, and gets what the code prints."""
    if not runs_code(spec):
        yield
        return
    sys.stderr.write(f"runs the code of {spec.rpartition(':')[0]}\n")
    with redirect_stdout(sys.stderr):
        yield


def loaded(found: Iterator[Network | Error]) -> Iterator[Network]:
    """The networks of a command that cannot go on without one; raises `SpecError`."""
    for network in found:
        if isinstance(network, Error):
            raise network
        yield network


def single(found: Iterator[Network | Error]) -> Network:
    """The one network of a command that takes one; raises `SpecError`."""
    network, *others = loaded(found)
    if others:
        raise typer.BadParameter("this command takes one network: one SPEC, in one variant")
    return network


@contextmanager
def given(flag: str, text: str) -> Iterator[None]:
    """What is wrong with the value of a flag, said at the value: a `Fault` becomes a `UsageFault` with its place."""
    try:
        yield
    except Fault as fault:
        found = UsageFault(fault.code, fault.message, None, fault.help)
        found.place = Span(Source(flag, text), 1, 1, len(text) + 1)
        raise found from None


def check_counted_as(tool: str | None) -> None:
    """Raise `UsageFault` where ``--as`` names no tool."""
    if tool is not None:
        from cnncalc.compare.conventions import check_tool

        with given("--as", tool):
            check_tool(tool)


def count(text: str, flag: str) -> int:
    """A number of things, such as ``1000000``, ``1,000,000`` or ``1 M``; raises `UsageFault`."""
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})?", text.strip().replace(",", ""))
    if found is None:
        with given(flag, text):
            raise Fault("number", f"`{text}` is no count", None, f"for example `{flag} 100M`")
    from fractions import Fraction  # which no other flag needs

    return int(Fraction(found[1]) * UNITS.get(found[2], 1))


def assignment(text: str, flag: str, form: str) -> tuple[str, str]:
    """Name and value of ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise typer.BadParameter(f"{flag} takes {form}; got {text!r}")
    return name.strip(), value.strip()


def input_shapes(texts: list[str]) -> Any:
    """Shapes by input name, or one shape for the first input."""
    named: dict[str, tuple[int, ...]] = {}
    single = None
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.lower().replace(" ", "").split("x"))
        except ValueError:
            plain = re.fullmatch(r"[\[(]?\s*\d+(?:\s*[,*×;/ ]\s*\d+)*\s*[\])]?", sizes)
            help = f"; write `{name}{equals}{'x'.join(re.findall(r'[0-9]+', sizes))}`" if plain else ""
            raise typer.BadParameter(f"--input takes a shape such as 3x320x320; got {text!r}{help}") from None
        if len(shape) > 5 or any(not 0 < size < 2**31 for size in shape):
            limits = f"at most 5 sizes from 1 to {2**31 - 1:,}"
            raise typer.BadParameter(f"--input takes a shape such as 3x320x320, of {limits}; got {text!r}")
        if equals:
            named[name] = shape
        else:
            single = shape
    if single is not None and named:
        raise typer.BadParameter("--input names either every input or none")
    return named or single


def view(full: bool, depth: int | None, sort: str | None, top: int | None, layout: str, format: str) -> View:
    """What the flags ask of a report's rows; data is flat whatever a table shows."""
    from cnncalc.tables.rows import sort_key
    from cnncalc.tables.table import View

    if full and depth is not None:
        raise typer.BadParameter("--full shows every layer, --depth folds them: choose one")
    if sort is not None:
        sort_key(sort)
    channels_last = choice(layout, LAYOUTS, "--layout") == "nhwc"
    return View(full or choice(format, FORMATS, "--format") in DATA, depth, sort, top, channels_last)
