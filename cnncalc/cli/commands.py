"""The commands: flags in, one call, a rendering, an exit code.

Exit codes: 0 done, 1 the spec is wrong or an expectation failed, 2 usage, 3 our bug, 130 interrupted.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncalc.cli import choosing
from cnncalc.cli.flags import (
    Batch,
    Depth,
    Format,
    Input,
    Layout,
    MaxSteps,
    Of,
    Output,
    Plain,
    Set,
    Sort,
    Spec,
    Specs,
    Top,
    Variant,
    choice,
    loaded,
    networks,
    single,
    view,
)
from cnncalc.cli.output import deliver, emit, guarded, reported
from cnncalc.diagnostics import SpecError, UsageFault
from cnncalc.expansion.expand import MAX_STEPS

if TYPE_CHECKING:
    from typer.models import CommandInfo

    from cnncalc.check.files import Checked, Task

app = typer.Typer(
    help="Exact shapes, parameters, MACs and receptive fields of convolutional networks.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


REPORT_FLAGS: dict[str, tuple[Any, Any]] = {
    "specs": (Specs, None),
    "variant": (Variant, None),
    "set_": (Set, None),
    "input_": (Input, None),
    "of": (Of, None),
    "batch": (Batch, 1),
    "depth": (Depth, None),
    "sort": (Sort, None),
    "top": (Top, None),
    "layout": (Layout, "nchw"),
    "format": (Format, "table"),
    "output": (Output, None),
    "max_steps": (MaxSteps, MAX_STEPS),
}
"""Names, types and defaults of the flags that the reports share; `of` is for receptive fields alone."""


NETWORK_FLAGS = ("specs", "variant", "set_", "input_", "max_steps")


def report_command(name: str, help: str, example: str, of: bool) -> None:
    """Register a command that prints a report of the networks on its line."""

    def run(**flags: Any) -> None:
        shown = view(*(flags[flag] for flag in ("batch", "depth", "sort", "top", "layout")))
        specs, variant, set_, input_, max_steps = (flags[flag] for flag in NETWORK_FLAGS)
        found = networks(specs, variant, set_, input_, max_steps, shown.channels_last)
        reported(name, found, shown, flags["format"], flags["output"], flags.get("of"))

    taken = {flag: entry for flag, entry in REPORT_FLAGS.items() if of or flag != "of"}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(flag, keyword, default=entry[1], annotation=entry[0]) for flag, entry in taken.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {flag: entry[0] for flag, entry in taken.items()}
    run.__doc__ = help
    app.command(name, epilog=f"For example: {example}")(guarded(run))


report_command(
    "summary",
    "Shapes, parameters and MACs of every layer, and the totals.",
    "cnncalc summary resnet50 --depth 2",
    of=True,
)
report_command(
    "shapes",
    "Output shapes, and the rows and columns that strides leave unread.",
    "cnncalc shapes vgg16 --input 3x320x320",
    of=False,
)
report_command(
    "params",
    "Learned parameters and state; regular against depthwise separable.",
    "cnncalc params mobilenet_v1 --sort params --top 10",
    of=False,
)
report_command(
    "rf",
    "Receptive fields: size, stride, start and center of what a unit sees.",
    "cnncalc rf alexnet",
    of=True,
)


@app.command(epilog="For example: cnncalc expand inception_module > flat.yaml")
@guarded
def expand(
    specs: Specs = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """The flat spec that the blocks expand to, itself a valid spec."""
    emit(single(networks(specs, variant, set_, input_, max_steps)).expand(), output)


@app.command("import", epilog="For example: cnncalc import resnet50.onnx -o resnet50.yaml")
@guarded
def import_(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A model file: .onnx, .keras, .json, .cfg.")],
    strict: Annotated[bool, typer.Option("--strict", help="1 if anything is opaque or not accounted for.")] = False,
    input_: Input = None,
    output: Output = None,
) -> None:
    """The flat spec of another program's model, with an account of every shape and weight."""
    from cnncalc.convert import FORMATS as FORMATS_IN
    from cnncalc.network import is_model

    if not is_model(source):
        suffixes = ", ".join(suffix for format in FORMATS_IN for suffix in format.suffixes)
        raise UsageFault("no-model", f"`{source}` is no model file", None, f"model files end in {suffixes}")
    network = single(networks([source], None, None, input_))
    account = network.account
    assert account is not None, "a model has an account"
    emit(network.expand(), output)
    sys.stderr.write("".join(f"{line}\n" for line in (*account.notes, account.sentence)))
    if strict and account.failures():
        raise SpecError(account.failures())


@app.command(epilog="For example: cnncalc export resnet50 --to keras -o resnet50.py")
@guarded
def export(
    spec: Spec,
    to: Annotated[str, typer.Option(metavar="keras|onnx", help="Source for Keras, or an ONNX model.")],
    weights: Annotated[str | None, typer.Option(metavar="FILE", help="For onnx: as `run` reads them.")] = None,
    seed: Annotated[int, typer.Option(help="For onnx: what weights that no file gives are drawn from.")] = 0,
    opset: Annotated[int | None, typer.Option(help="For onnx: the version of its operators.")] = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """The network for another program."""
    choice(to, ("keras", "onnx"), "--to")
    if to == "keras" and (weights is not None or opset is not None):
        raise typer.BadParameter("--weights and --opset are for `--to onnx`")
    if to == "onnx" and output is None:
        raise typer.BadParameter("--to onnx needs `-o FILE`: a model is no text")
    network = single(networks([spec], variant, set_, input_, max_steps))
    if to == "keras":
        emit(network.to_keras_source(), output)
    elif output is not None:
        network.to_onnx(output, weights, seed, opset)


@app.command(epilog="For example: cnncalc explain alexnet conv1")
@guarded
def explain(
    spec: Spec,
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="A row, or a name of its result.")],
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    of: Of = None,
    format: Plain = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """How every number of one layer came about."""
    network = single(networks([spec], variant, set_, input_, max_steps))
    found = network.explain(layer, of)
    if format == "json":
        from cnncalc.render.json import document, network_header

        emit(document({**network_header(network.graph), **found.to_dict()}), output)
    else:
        emit(str(found), output)


@app.command("list", epilog="For example: cnncalc list")
@guarded
def list_(format: Format = "table", output: Output = None) -> None:
    """The bundled networks, with one line each."""
    from cnncalc.gallery import gallery
    from cnncalc.tables import gallery as tables

    found = gallery()

    def text() -> str:
        from cnncalc.render.cells import data
        from cnncalc.render.json import document

        rows = [{key: data(value) for key, value in tables.to_dict(entry).items()} for entry in found]
        return document({"networks": rows})

    deliver(lambda: [tables.tabulate(found)], text, format, output)


@app.command(epilog="For example: cnncalc layers conv")
def layers(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]", help="A layer kind, or a form such as `repeat`; `blocks` lists the bundled ones."
        ),
    ] = None,
    output: Output = None,
) -> None:
    """The reference of the language: layer kinds, modifiers and other forms, the bundled blocks; with examples."""
    from cnncalc import examples, reference
    from cnncalc.diagnostics import suggestion
    from cnncalc.layers import KINDS

    if kind is None:
        emit(reference.overview() + "\n" + examples.overview(), output)
    elif kind in KINDS:
        emit(examples.of_kind(kind), output)
    elif kind in examples.FORMS:
        emit(examples.of_form(kind) + (f"\n{examples.library()}" if kind == "blocks" else ""), output)
    else:
        help = suggestion(kind, [*KINDS, *examples.FORMS]) or "`cnncalc layers` lists them"
        raise typer.BadParameter(f"unknown layer kind {kind!r}; {help}")


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
    format: Plain = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Execute the network on data, in plain Python, and print the tensors that leave it."""
    from cnncalc.render import tensors

    found = single(networks([spec], variant, set_, input_, max_steps)).run(data, weights, seed, layer)
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
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Execute the network and compare every reported number with what happened; 1 if any differs."""
    from cnncalc.render.progress import bar
    from cnncalc.tables import verification as tables

    found = []
    for network in loaded(networks(_bundled_up_to(up_to) if every else specs, variant, set_, input_, max_steps)):
        with bar(network.name) as progress:
            found.append(network.verify(progress, os.cpu_count() or 1))
        if every:
            sys.stderr.write(f"{found[-1].title}: {'differs' if found[-1].differences else 'agrees'}\n")

    def text() -> str:
        from cnncalc.render.json import documents

        return documents([tables.to_dict(each) for each in found])

    if every and format == "table":
        emit("".join("\n".join([*tables.differing(each), each.sentence]) + "\n" for each in found), output)
    else:
        deliver(lambda: list(map(tables.tabulate, found)), text, format, output)
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
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Check files: they are valid, every analyzer runs, every expectation holds; and lints."""
    from cnncalc.check.files import check_all, find_tasks
    from cnncalc.render import findings
    from cnncalc.render.progress import bar

    choice(format, tuple(findings.FORMS), "--format")
    lints_fail = choice(fail_on, ("error", "lint"), "--fail-on") == "lint"
    if update and not paths:
        raise typer.BadParameter("--update takes PATHs: the bundled networks are not yours to change")
    tasks = find_tasks(paths or [], allow or (), max_steps)
    with bar("checking") as progress:
        results = check_all(tasks, jobs, progress)
    if update:
        results = updated(tasks, results)
    colour = output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    emit(findings.render(results, format, lints_fail, colour), output)
    if any(each.failures or (lints_fail and each.lints) for each in results):
        raise typer.Exit(1)


def updated(tasks: list[Task], results: list[Checked]) -> list[Checked]:
    """The results once measured values are written; what was written is said on stderr."""
    from cnncalc.check.update import update

    found = []
    for task, checked in zip(tasks, results):
        try:
            again, count = update(task, checked)
        except SpecError as error:
            again, count = checked._replace(problems=[*checked.problems, *error.diagnostics]), 0
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


choosing.add_to(app)


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
