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

from cnncalc.cli import choosing, learning
from cnncalc.cli.flags import (
    As,
    Batch,
    Depth,
    Format,
    Full,
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
    count,
    loaded,
    networks,
    single,
    view,
)
from cnncalc.cli.help import Panels, examples
from cnncalc.cli.output import deliver, emit, guarded, reported, tell
from cnncalc.cli.terminal import width_of
from cnncalc.diagnostics import SpecError
from cnncalc.expansion.expand import MAX_STEPS

if TYPE_CHECKING:
    from typer.models import CommandInfo

    from cnncalc.check.files import Checked, Task
    from cnncalc.convert.lift import Lifted
    from cnncalc.network import Network
    from cnncalc.tables.table import View

app = typer.Typer(
    cls=Panels,
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
    "counted_as": (As, None),
    "batch": (Batch, 1),
    "full": (Full, False),
    "depth": (Depth, None),
    "sort": (Sort, None),
    "top": (Top, None),
    "layout": (Layout, "nchw"),
    "format": (Format, "table"),
    "output": (Output, None),
    "max_steps": (MaxSteps, MAX_STEPS),
}
"""Names, types and defaults of the flags that the reports share, but for those in `OWN_FLAGS`."""

OWN_FLAGS = {"of": ("summary", "rf"), "counted_as": ("summary",)}
"""The reports that have a flag which not all of them have."""


NETWORK_FLAGS = ("specs", "variant", "set_", "input_", "max_steps")
VIEW_FLAGS = ("full", "depth", "sort", "top", "layout", "format")


def report_command(name: str, help: str, *shown: str) -> None:
    """Register a command that prints a report of the networks on its line."""

    def run(**flags: Any) -> None:
        shown = view(*(flags[flag] for flag in VIEW_FLAGS))
        if flags.get("of") is not None and flags["format"] == "csv" and not has_fields(name, shown):
            raise typer.BadParameter(f"--of is for receptive fields, and {name} has no column of them: use rf")
        specs, variant, set_, input_, max_steps = (flags[flag] for flag in NETWORK_FLAGS)
        found = networks(specs, variant, set_, input_, max_steps, shown.channels_last)
        counting = flags["batch"], flags.get("counted_as")
        reported(name, found, shown, flags["format"], flags["output"], flags.get("of"), *counting)

    taken = {flag: entry for flag, entry in REPORT_FLAGS.items() if name in OWN_FLAGS.get(flag, (name,))}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(flag, keyword, default=default, annotation=kind) for flag, (kind, default) in taken.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {flag: kind for flag, (kind, _) in taken.items()}
    run.__doc__ = help
    app.command(name, epilog=examples(*shown))(guarded(run))


def has_fields(name: str, shown: View) -> bool:
    """Whether a column of a report is of receptive fields."""
    from cnncalc.analyzers.quantities import FIELD, QUANTITIES, columns
    from cnncalc.tables.rows import sort_key

    sorted_by = QUANTITIES.get(sort_key(shown.sort)) if shown.sort is not None else None
    return any(quantity.group == FIELD for quantity in (*columns(name), *([sorted_by] if sorted_by else [])))


report_command(
    "summary",
    "Shapes, parameters and MACs of every layer, and the totals.",
    "cnncalc summary resnet50 --depth 2",
    "cnncalc summary net.yaml --set width=32",
)
report_command(
    "shapes",
    "Output shapes, and the rows and columns that strides leave unread.",
    "cnncalc shapes vgg16 --input 320x320",
    "cnncalc shapes unet --layout nhwc",
)
report_command(
    "params",
    "Learned parameters and state; regular against depthwise separable.",
    "cnncalc params mobilenet_v1 --sort params --top 10",
    "cnncalc params resnet18 resnet34 --depth 1",
)
report_command(
    "rf",
    "Receptive fields: size, stride, start and center of what a unit sees.",
    "cnncalc rf alexnet",
    "cnncalc rf unet --format csv",
)


@app.command(
    epilog=examples(
        "cnncalc expand inception_module > flat.yaml", "cnncalc expand net.yaml --set width=32 -o flat.yaml"
    )
)
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


@app.command(
    "import", epilog=examples("cnncalc import resnet50.onnx -o resnet50.yaml", "cnncalc import model.keras --strict")
)
@guarded
def import_(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A model file, package.module:name, or a SPEC to lift.")
    ],
    flat: Annotated[bool, typer.Option("--flat", help="One step a layer, called as in the source.")] = False,
    names: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write there, as JSON, the row that each name has become.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="1 if anything is opaque or not accounted for.")] = False,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """The spec that a person would write, of a model of another program with an account, or of a flat spec."""
    network = single(networks([source], variant, set_, input_, max_steps))
    lifted = _lifted(network, flat)
    emit(lifted.text, output)
    if names is not None:
        from cnncalc.render.json import document

        emit(document({"rows": lifted.names}), names)
    account = network.account
    if account is None:
        return
    sys.stderr.write("".join(f"{line}\n" for line in (*account.notes, account.sentence)))
    if strict and account.failures():
        raise SpecError(account.failures())


SLOW = 500
"""Layers from which on lifting may take more than a second."""


def _lifted(network: Network, flat: bool) -> Lifted:
    """The readable spec, with a bar where that takes long; or the flat one."""
    from cnncalc.render.progress import bar

    if flat or len(network.graph.nodes) < SLOW:
        return network.lift(flat)
    with bar("lifting") as progress:
        return network.lift(progress=progress)


TARGETS = ("pytorch", "keras", "onnx")
"""What a network is written for."""


@app.command(
    epilog=examples(
        "cnncalc export resnet50 --to pytorch -o resnet50.py", "cnncalc export net.yaml --to onnx -o net.onnx"
    )
)
@guarded
def export(
    spec: Spec,
    to: Annotated[str, typer.Option(metavar="|".join(TARGETS), help="Source for PyTorch or Keras, or an ONNX model.")],
    weights: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="As `run` reads them: into the model, or a .safetensors beside the source."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="What weights that no file gives are drawn from.")] = None,
    opset: Annotated[int | None, typer.Option(help="For onnx: the version of its operators.")] = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """The network for another program."""
    choice(to, TARGETS, "--to")
    weighted = weights is not None or seed is not None
    if to == "keras" and weighted:
        raise typer.BadParameter("--weights and --seed are for `--to onnx` and `--to pytorch`")
    if to != "onnx" and opset is not None:
        raise typer.BadParameter("--opset is for `--to onnx`")
    if output is None and (to == "onnx" or weighted):
        raise typer.BadParameter("a model and weights are no text: name a file with `-o FILE`")
    network = single(networks([spec], variant, set_, input_, max_steps))
    if to == "keras":
        emit(network.to_keras_source(), output)
    elif output is not None and to == "onnx":
        network.to_onnx(output, weights, seed or 0, opset)
    elif output is not None and weighted:
        network.to_torch_files(output, weights, seed or 0)
    else:
        emit(network.to_torch_source(), output)


@app.command(epilog=examples("cnncalc explain alexnet conv1", "cnncalc explain resnet50 layer1"))
@guarded
def explain(
    spec: Spec,
    layer: Annotated[str | None, typer.Argument(metavar="[LAYER]", help="A row, or a block; all if absent.")] = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    of: Of = None,
    format: Plain = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """How every number of one layer, of one block, or of the whole network came about."""
    from cnncalc.language.library import UnknownSpec, is_spec

    try:
        network = single(networks([spec], variant, set_, input_, max_steps))
    except UnknownSpec as fault:
        if layer is None and not fault.is_path:
            fault.help = f"a layer stands behind its network: `cnncalc explain resnet50 {spec}`; {fault.help}"
        elif layer is not None and is_spec(layer):
            fault.help = f"the network comes first: `cnncalc explain {layer} {spec}`"
        raise
    found = network.explain(layer, of)
    if format == "json":
        from cnncalc.render.json import document, network_header

        emit(document({**network_header(network.graph), **found.to_dict()}), output)
    else:
        tell(str(found), output)


@app.command(
    epilog=examples("cnncalc run notes_stride2 --data row.json", "cnncalc run net.yaml --data image.ppm --layer stage2")
)
@guarded
def run(
    spec: Spec,
    data: Annotated[str, typer.Option(metavar="FILE", help="The input: JSON, or a PGM or PPM image; - is stdin.")],
    weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="Weights: JSON by layer and tensor, or .safetensors.")
    ] = None,
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
    width = width_of(sys.stdout) if output is None else None
    emit(tensors.as_json(found) if format == "json" else tensors.as_text(found, width), output)


@app.command(epilog=examples("cnncalc verify lenet5", "cnncalc verify --all --up-to 100M"))
@guarded
def verify(
    specs: Specs = None,
    every: Annotated[bool, typer.Option("--all", help="Every bundled network, a line each.")] = False,
    up_to: Annotated[str | None, typer.Option(metavar="MACS", help="With --all: of at most so many MACs.")] = None,
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

    if every and specs:
        raise typer.BadParameter("--all is every bundled network: name SPECs, or --all")
    if up_to is not None and not every:
        raise typer.BadParameter("--up-to is for --all")
    most = count(up_to, "--up-to") if up_to is not None else None
    found = []
    for network in loaded(networks(_bundled_up_to(most) if every else specs, variant, set_, input_, max_steps)):
        with bar(network.name) as progress:
            found.append(network.verify(progress, os.cpu_count() or 1))
        if every:
            sys.stderr.write(f"{found[-1].title}: {'differs' if found[-1].differences else 'agrees'}\n")

    def text() -> str:
        from cnncalc.render.json import documents

        return documents([tables.to_dict(each) for each in found])

    if every and format == "table":
        tell("".join("\n".join([*tables.differing(each), each.sentence]) + "\n" for each in found), output)
    else:
        deliver(lambda: list(map(tables.tabulate, found)), text, format, output)
    if any(each.differences for each in found):
        raise typer.Exit(1)


def _bundled_up_to(most: int | None) -> list[str]:
    """The bundled networks of at most so many MACs."""
    from cnncalc.gallery import gallery

    return [entry.name for entry in gallery() if most is None or entry.macs <= most]


@app.command(epilog=examples("cnncalc check net.yaml", "cnncalc check networks/ --fail-on lint --format github"))
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
    width = width_of(sys.stdout) if output is None else None
    colour = width is not None and not os.environ.get("NO_COLOR")
    emit(findings.render(results, format, lints_fail, colour, width), output)
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


def version(asked: bool) -> None:
    if asked:
        from cnncalc import __version__

        print(f"cnncalc {__version__}")
        raise typer.Exit(0)


@app.callback(epilog=examples("cnncalc init", "cnncalc summary resnet50", "cnncalc shapes vgg.yaml --variant vgg16"))
def main_options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exact shapes, parameters, MACs and receptive fields of convolutional networks."""


choosing.add_to(app)
learning.add_to(app)


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
    gc.set_threshold(1_000_000)  # a graph is many small objects and no cycles: collecting takes a third of the time
    only_the_named_command()
    try:
        app(prog_name="cnncalc")
    finally:
        gc.freeze()  # the process ends: to look for cycles once more takes as long as a small network
