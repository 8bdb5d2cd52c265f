"""The command line: flags in, one call, a rendering, an exit code; the only module that prints or exits.

Exit codes: 0 done, 1 the spec is wrong or an expectation failed, 2 usage, 3 our bug, 130 interrupted.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncalc.diagnostics import Diagnostic, Fault, SpecError
from cnncalc.library import UnknownSpec, bundled_names, find_bundled
from cnncalc.network import Network, load
from cnncalc.report import Report

if TYPE_CHECKING:
    from cnncalc.check import Checked, Task
    from typer.models import CommandInfo

    from cnncalc.tables import View

app = typer.Typer(
    help="Exact shapes, parameters, MACs and receptive fields of convolutional networks.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FORMATS = ("table", "json", "csv", "markdown")
LAYOUTS = ("nchw", "nhwc")


def complete_spec(incomplete: str) -> list[str]:
    """Bundled names that begin so; files complete by themselves."""
    return [name for name in bundled_names() if name.startswith(incomplete)]


def complete_variant(context: typer.Context, incomplete: str) -> list[str]:
    """Variants of the spec on the line."""
    specs = context.params.get("specs") or context.params.get("spec") or []
    found = []
    for spec in [specs] if isinstance(specs, str) else specs:
        path = spec if os.path.isfile(spec) else (find_bundled(spec) or (None,))[0]
        if path:
            from cnncalc.library import load_file

            found += [name for name in load_file(path).variants if name.startswith(incomplete)]
    return found


Specs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SPEC...", help="A file, or a bundled name such as resnet50.", autocompletion=complete_spec),
]
Spec = Annotated[str, typer.Argument(metavar="SPEC", help="A file, or a bundled name.", autocompletion=complete_spec)]
Variant = Annotated[
    str | None, typer.Option(help="A variant of the file.", metavar="NAME", autocompletion=complete_variant)
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="ARG=VALUE", help="An argument of the file; repeatable.")
]
Input = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="[NAME=]3x320x320", help="Another input shape, channels first; repeatable."),
]
Of = Annotated[str | None, typer.Option("--of", metavar="INPUT", help="The input whose receptive field is meant.")]
Batch = Annotated[int, typer.Option(min=1, help="Batch size, for the heading; counts stay per sample.")]
Depth = Annotated[int | None, typer.Option(min=1, help="Fold blocks below this depth into subtotals.")]
Sort = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Sort rows: name, kind, output, params, macs, size, …")
]
Top = Annotated[int | None, typer.Option(min=1, help="Show this many rows only.")]
Layout = Annotated[str, typer.Option(metavar="nchw|nhwc", help="Channels first, or last as in Keras.")]
Format = Annotated[str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="What to print.")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead, whole or not at all.")
]
MaxSteps = Annotated[int, typer.Option("--max-steps", min=1, metavar="N", help="Limit on the steps of one network.")]
DEFAULT_MAX_STEPS = 200_000


# -- around every command ----------------------------------------------------------------------------------------------


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into a message on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except SpecError as error:
            complain(error.diagnostics)
            raise typer.Exit(1) from None
        except Fault as fault:
            complain([Diagnostic(fault.code, fault.message, help=fault.help)])
            raise typer.Exit(1) from None
        except UnknownSpec as unknown:
            complain([Diagnostic("unknown-spec", str(unknown), help=unknown.help)])
            if not unknown.is_path:
                list_names()
            raise typer.Exit(2) from None
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
    from cnncalc.render.messages import render

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


def list_names() -> None:
    names = ", ".join(bundled_names())
    sys.stderr.write(f"\nbundled networks: {names}\n`cnncalc list` describes them\n")


def choice(value: str, allowed: tuple[str, ...], flag: str) -> str:
    if value not in allowed:
        raise typer.BadParameter(f"{flag} takes {', '.join(allowed)}; got {value!r}")
    return value


# -- reading flags -----------------------------------------------------------------------------------------------------


def networks(
    specs: list[str] | None,
    variant: str | None,
    set_: list[str] | None,
    input_: list[str] | None,
    max_steps: int = DEFAULT_MAX_STEPS,
) -> Iterator[Network | SpecError]:
    """The networks that the flags name, one by one, or what is wrong with one; without a SPEC, exit 2."""
    if not specs:
        sys.stderr.write("name a SPEC: a file, or a bundled network\n")
        list_names()
        raise typer.Exit(2)
    arguments = dict(_assignment(text, "--set", "ARG=VALUE") for text in set_ or [])
    inputs = _inputs(input_ or [])
    for spec in specs:
        try:
            yield load(spec, variant, arguments, inputs, max_steps)
        except SpecError as error:
            yield error


def loaded(found: Iterator[Network | SpecError]) -> Iterator[Network]:
    """The networks of a command that cannot go on without one; raises `SpecError`."""
    for network in found:
        if isinstance(network, SpecError):
            raise network
        yield network


def single(found: Iterator[Network | SpecError]) -> Network:
    """The one network of a command that takes one; raises `SpecError`."""
    network, *others = loaded(found)
    if others:
        raise typer.BadParameter("this command takes one SPEC")
    return network


def _assignment(text: str, flag: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise typer.BadParameter(f"{flag} takes {form}; got {text!r}")
    return name.strip(), value.strip()


def _inputs(texts: list[str]) -> Any:
    """Shapes by input name, or one shape for the first input."""
    named: dict[str, tuple[int, ...]] = {}
    single = None
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.lower().replace(" ", "").split("x"))
        except ValueError:
            raise typer.BadParameter(f"--input takes a shape such as 3x320x320; got {text!r}") from None
        if not 1 <= len(shape) <= 4 or any(not 0 < size < 2**31 for size in shape):
            raise typer.BadParameter(f"--input takes one to four sizes above 0; got {text!r}")
        if equals:
            named[name] = shape
        else:
            single = shape
    if single is not None and named:
        raise typer.BadParameter("--input names either every input or none")
    return named or single


def view(batch: int, depth: int | None, sort: str | None, top: int | None, layout: str) -> View:
    from cnncalc.tables import SORTS, View

    if sort is not None:
        choice(sort, SORTS, "--sort")
    return View(batch, depth, sort, top, choice(layout, LAYOUTS, "--layout") == "nhwc")


# -- writing -----------------------------------------------------------------------------------------------------------


def emit(text: str, output: str | None) -> None:
    """Print text, or write it to a file whole or not at all."""
    if output is None:
        sys.stdout.write(text)
        return
    folder = os.path.dirname(os.path.abspath(output))
    draft = os.path.join(folder, f".{os.path.basename(output)}.{os.getpid()}")
    try:
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, output)
    except OSError as error:
        if os.path.exists(draft):
            os.remove(draft)
        message = f"{output}: cannot be written: {(error.strerror or str(error)).lower()}"
        raise SpecError([Diagnostic("unwritable", message)]) from None


def show(reports: list[Report], shown: View, format: str, output: str | None) -> None:
    """Reports in the form that was asked for, then their warnings."""
    if format == "json":
        from cnncalc.render import json

        emit(json.render(reports, shown.channels_last), output)
    else:
        _show_tables(reports, shown, format, output)
    for report in reports:
        if report.warnings:
            complain(report.warnings[:20])


def _show_tables(reports: list[Report], shown: View, format: str, output: str | None) -> None:
    from cnncalc.tables import tabulate

    tables = [tabulate(report, shown) for report in reports]
    if format == "csv":
        from cnncalc.render import csv

        emit(csv.render(tables), output)
    elif format == "markdown":
        from cnncalc.render import markdown

        emit("\n".join(map(markdown.render, tables)), output)
    elif output is None and sys.stdout.isatty() and all(len(table.rows) <= 5_000 for table in tables):
        from cnncalc.render import rich

        for number, table in enumerate(tables):
            print() if number else None
            rich.show(table)
    else:
        from cnncalc.render import plain

        emit("\n".join(map(plain.render, tables)), output)


def show_partial(error: SpecError, command: str, shown: View) -> None:
    """The good rows up to a failing layer, and the failing one marked; no totals, which would be of a part only."""
    from cnncalc.render import plain
    from cnncalc.tables import tabulate

    graph: Any = error.partial
    if not graph.nodes:
        return
    table = tabulate(Report(graph, command), shown)
    sys.stdout.write(plain.render(table._replace(totals=[], remarks=[], sentence="")))
    failing = error.diagnostics[0]
    sys.stdout.write(f"\nFAILED at {failing.span}: {failing.message}\n\n")
    sys.stdout.flush()


def reported(
    command: str,
    every: Iterator[Network | SpecError],
    shown: View,
    format: str,
    output: str | None,
    of: str | None = None,
) -> None:
    """Report on every network; of a spec that fails midway the good rows in a table, and its errors at the end."""
    choice(format, FORMATS, "--format")
    found = list(every)
    errors = [each for each in found if isinstance(each, SpecError)]
    good = [Report(each.graph, command, of) for each in found if isinstance(each, Network)]
    if not errors or format == "table":
        show(good, shown, format, output) if good else None
        for error in errors:
            if error.partial is not None and output is None:
                show_partial(error, command, shown)
    if errors:
        raise SpecError([diagnostic for error in errors for diagnostic in error.diagnostics])


# -- commands ----------------------------------------------------------------------------------------------------------


@app.command(epilog="For example: cnncalc summary resnet50 --depth 2")
@guarded
def summary(
    specs: Specs = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    of: Of = None,
    batch: Batch = 1,
    depth: Depth = None,
    sort: Sort = None,
    top: Top = None,
    layout: Layout = "nchw",
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = DEFAULT_MAX_STEPS,
) -> None:
    """Shapes, parameters and MACs of every layer, and the totals."""
    shown = view(batch, depth, sort, top, layout)
    reported("summary", networks(specs, variant, set_, input_, max_steps), shown, format, output, of)


@app.command(epilog="For example: cnncalc shapes vgg16 --input 3x320x320")
@guarded
def shapes(
    specs: Specs = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    batch: Batch = 1,
    depth: Depth = None,
    sort: Sort = None,
    top: Top = None,
    layout: Layout = "nchw",
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = DEFAULT_MAX_STEPS,
) -> None:
    """Output shapes, and the rows and columns that strides leave unread."""
    shown = view(batch, depth, sort, top, layout)
    reported("shapes", networks(specs, variant, set_, input_, max_steps), shown, format, output)


@app.command(epilog="For example: cnncalc params mobilenet_v1 --sort params --top 10")
@guarded
def params(
    specs: Specs = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    batch: Batch = 1,
    depth: Depth = None,
    sort: Sort = None,
    top: Top = None,
    layout: Layout = "nchw",
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = DEFAULT_MAX_STEPS,
) -> None:
    """Learned parameters and state; regular against depthwise separable."""
    shown = view(batch, depth, sort, top, layout)
    reported("params", networks(specs, variant, set_, input_, max_steps), shown, format, output)


@app.command(epilog="For example: cnncalc rf alexnet")
@guarded
def rf(
    specs: Specs = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    of: Of = None,
    batch: Batch = 1,
    depth: Depth = None,
    sort: Sort = None,
    top: Top = None,
    layout: Layout = "nchw",
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = DEFAULT_MAX_STEPS,
) -> None:
    """Receptive fields: size, stride, start and center of what a unit sees."""
    shown = view(batch, depth, sort, top, layout)
    reported("rf", networks(specs, variant, set_, input_, max_steps), shown, format, output, of)


@app.command(epilog="For example: cnncalc expand inception_module > flat.yaml")
@guarded
def expand(
    specs: Specs = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    output: Output = None,
    max_steps: MaxSteps = DEFAULT_MAX_STEPS,
) -> None:
    """The flat spec that the blocks expand to, itself a valid spec."""
    from cnncalc.render import spec

    network = single(networks(specs, variant, set_, input_, max_steps))
    emit(spec.render(network.graph), output)


@app.command(epilog="For example: cnncalc explain alexnet conv1")
@guarded
def explain(
    spec: Spec,
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="A row, or a name of its result.")],
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    of: Of = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="table|json", help="What to print.")] = "table",
    output: Output = None,
) -> None:
    """How every number of one layer came about."""
    from cnncalc.explain import explain as explained
    from cnncalc.render import explanation

    choice(format, ("table", "json"), "--format")
    network = single(networks([spec], variant, set_, input_))
    topics = explained(Report(network.graph, "summary", of), layer)
    emit(explanation.as_json(topics) if format == "json" else explanation.as_text(topics), output)


@app.command("list", epilog="For example: cnncalc list")
@guarded
def list_(format: Format = "table", output: Output = None) -> None:
    """The bundled networks, with one line each."""
    from cnncalc.gallery import gallery
    from cnncalc.render import listing

    emit(listing.render(gallery(), choice(format, FORMATS, "--format")), output)


@app.command(epilog="For example: cnncalc layers conv")
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


@app.command(epilog="For example: cnncalc run notes_stride2 --data row.json")
@guarded
def run(
    spec: Spec,
    data: Annotated[str, typer.Option(metavar="FILE", help="The input: JSON, or a PGM or PPM image; - is stdin.")],
    weights: Annotated[str | None, typer.Option(metavar="FILE", help="Weights in JSON, by layer and tensor.")] = None,
    seed: Annotated[int, typer.Option(help="What weights that no file gives are drawn from.")] = 0,
    layer: Annotated[str | None, typer.Option(metavar="LAYER", help="The result of this layer instead.")] = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="table|json", help="What to print.")] = "table",
    output: Output = None,
) -> None:
    """Execute the network on data, in plain Python, and print the tensors that leave it."""
    from cnncalc.executor.session import outputs
    from cnncalc.render import tensors

    choice(format, ("table", "json"), "--format")
    found = outputs(single(networks([spec], variant, set_, input_)).graph, data, weights, seed, layer)
    emit(tensors.as_json(found) if format == "json" else tensors.as_text(found), output)


@app.command(epilog="For example: cnncalc verify alexnet resnet18, or cnncalc verify --all --up-to 100000000")
@guarded
def verify(
    specs: Specs = None,
    every: Annotated[bool, typer.Option("--all", help="Every bundled network, a line each.")] = False,
    up_to: Annotated[int | None, typer.Option(metavar="MACS", help="With --all: of at most so many MACs.")] = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="table|json", help="What to print.")] = "table",
    output: Output = None,
    max_steps: MaxSteps = DEFAULT_MAX_STEPS,
) -> None:
    """Execute the network and compare every reported number with what happened; 1 if any differs."""
    from cnncalc.render import verification
    from cnncalc.render.progress import bar
    from cnncalc.verify import verify as verified

    choice(format, ("table", "json"), "--format")
    names = _bundled_up_to(up_to) if every else specs
    found = []
    for network in loaded(networks(names, variant, set_, input_, max_steps)):
        with bar(network.name) as progress:
            found.append(verified(network.graph, progress, os.cpu_count() or 1))
        if every:
            sys.stderr.write(f"{found[-1].title}: {'differs' if found[-1].differences else 'agrees'}\n")
    emit(verification.as_json(found) if format == "json" else verification.as_text(found, brief=every), output)
    if any(each.differences for each in found):
        raise typer.Exit(1)


def _bundled_up_to(most: int | None) -> list[str]:
    """The bundled networks of at most so many MACs."""
    from cnncalc.gallery import gallery

    return [entry.name for entry in gallery() if most is None or entry.macs <= most]


@app.command(epilog="For example: cnncalc check architectures/ --fail-on lint --format github")
@guarded
def check(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="Files, folders, globs, bundled names; all bundled.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option(metavar="CODE", help="A lint to leave out; repeatable.")] = None,
    fail_on: Annotated[str, typer.Option(metavar="error|lint", help="What makes the exit code 1.")] = "error",
    update: Annotated[bool, typer.Option("--update", help="Write measured values into `expect`.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; a core each if absent.")] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="table|json|junit|github|sarif", help="What to print.")
    ] = "table",
    output: Output = None,
) -> None:
    """Check files: they are valid, every analyzer runs, every expectation holds; and lints."""
    from cnncalc.check import check_all
    from cnncalc.render import checks
    from cnncalc.render.progress import bar

    choice(format, checks.FORMATS, "--format")
    lints_fail = choice(fail_on, ("error", "lint"), "--fail-on") == "lint"
    tasks = check_tasks(paths, allow, update)
    with bar("checking") as progress:
        results = check_all(tasks, jobs, progress)
    if update:
        results = updated(tasks, results)
    colour = output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    emit(checks.render(results, format, lints_fail, colour), output)
    if any(each.failures or (lints_fail and each.lints) for each in results):
        raise typer.Exit(1)


def check_tasks(paths: list[str] | None, allow: list[str] | None, update: bool) -> list[Task]:
    """The files that `check` is asked for."""
    from cnncalc.check import find_tasks
    from cnncalc.spec.lint import LINTS

    if update and not paths:
        raise typer.BadParameter("--update takes PATHs: the bundled networks are not yours to change")
    return find_tasks(paths or [], frozenset(choice(code, tuple(LINTS), "--allow") for code in allow or []))


def updated(tasks: list[Task], results: list[Checked]) -> list[Checked]:
    """The results once measured values are written; what was written is said on stderr."""
    from cnncalc.update import update

    found = []
    for task, checked in zip(tasks, results):
        again, count = update(task, checked)
        found.append(again)
        if count:
            sys.stderr.write(f"updated {checked.path}: {count} figure{'s' if count > 1 else ''}\n")
    return found


@app.command(epilog="For example: cnncalc schema > cnncalc.schema.json")
@guarded
def schema(output: Output = None) -> None:
    """The JSON Schema of the spec language, for editors."""
    from cnncalc.schema import render

    emit(render(), output)


def version(asked: bool) -> None:
    if asked:
        from cnncalc import __version__

        print(f"cnncalc {__version__}")
        raise typer.Exit(0)


@app.callback(
    epilog="For example: cnncalc summary resnet50, cnncalc shapes vgg.yaml --variant vgg16, cnncalc rf alexnet"
)
def main_options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exact shapes, parameters, MACs and receptive fields of convolutional networks."""


def only_the_named_command() -> None:
    """Leave typer the one command that is called: to build all of them takes it longer than we take for a network."""
    named = [command for command in app.registered_commands if sys.argv[1:2] == [command_name(command)]]
    if named:
        app.registered_commands = named


def command_name(command: CommandInfo) -> str:
    """The word that calls a command."""
    return command.name or (command.callback.__name__ if command.callback else "")


def main() -> None:
    """The entry point."""
    gc.set_threshold(100_000)  # a graph is many small objects and no cycles: collecting takes a third of the time
    only_the_named_command()
    app(prog_name="cnncalc")
