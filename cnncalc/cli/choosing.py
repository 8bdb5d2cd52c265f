"""The commands of a person who designs: does it fit, which of these, what did this change cost, how others count."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cnncalc.cli.flags import (
    As,
    Format,
    Input,
    MaxSteps,
    Output,
    Set,
    Spec,
    Specs,
    Top,
    Variant,
    assignment,
    check_counted_as,
    given,
    input_shapes,
    loaded,
    networks,
    no_spec,
    running,
    single,
)
from cnncalc.cli.help import examples
from cnncalc.cli.output import deliver, guarded
from cnncalc.diagnostics import UsageFault
from cnncalc.expansion.expand import MAX_STEPS
from cnncalc.values import BYTE_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnncalc.compare.selection import Selection
    from cnncalc.compare.sweep import Sweep
    from cnncalc.network import Network

BYTES = rf"(\d+(?:\.\d+)?)\s*({'|'.join(BYTE_UNITS)})?"

Dtype = Annotated[str, typer.Option(metavar="TYPE", help="Of numbers in memory: float32, float16, int8, …")]
Least = Annotated[str | None, typer.Option("--sort", metavar="KEY", help="The least first; +KEY: the most first.")]
Columns = Annotated[
    str | None, typer.Option("--columns", metavar="KEYS", help="Which figures to show: params,macs,macs / params.")
]
Where = Annotated[str | None, typer.Option(metavar="CONDITION", help="'params < 5 M and macs <= 600 M'.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    shown = examples(
        "cnncalc memory mobilenet_v2 --dtype int8 --budget 2MiB", "cnncalc memory resnet50 --training --batch 32"
    )
    app.command(epilog=shown)(memory)
    shown = examples(
        "cnncalc compare resnet18 resnet50",
        "cnncalc compare mobilenet_v1 --over width=0.25,0.5,1 --where 'params < 3 M'",
    )
    app.command(epilog=shown)(compare)
    shown = examples(
        "cnncalc diff resnet18 resnet34", "cnncalc diff HEAD:nets/mine.yaml nets/mine.yaml --fail-on 'macs > +2%'"
    )
    app.command(epilog=shown)(diff)
    app.command(epilog=examples("cnncalc conventions resnet50", "cnncalc conventions net.yaml --format json"))(
        conventions
    )
    app.command(epilog=examples("cnncalc formula vgg16 --in classes", "cnncalc formula mobilenet_v1 --in width"))(
        formula
    )
    app.command(epilog=examples("cnncalc sizes unet --range 100..600", "cnncalc sizes resnet50"))(sizes)
    shown = examples("cnncalc list --where 'params < 5 M' --sort macs", "cnncalc list --format csv -o networks.csv")
    app.command("list", epilog=shown)(list_)


@guarded
def memory(
    specs: Specs = None,
    dtype: Dtype = "float32",
    weights_dtype: Annotated[str | None, typer.Option(metavar="TYPE", help="Of weights, if it is another.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Samples at once: multiplies activations.")] = 1,
    reuse: Annotated[bool, typer.Option(help="Pointwise layers write over an input that nobody needs.")] = True,
    budget: Annotated[str | None, typer.Option(metavar="SIZE", help="Whether it fits, for example 256KiB.")] = None,
    training: Annotated[bool, typer.Option("--training", help="What a step of training keeps, too.")] = False,
    optimizer: Annotated[str | None, typer.Option(metavar="sgd|momentum|adam", help="For --training.")] = None,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Bytes that exist while each layer runs, and the peak."""
    from cnncalc.analyzers.training import held_by
    from cnncalc.tables.memory import tabulate

    if optimizer is not None and not training:
        raise typer.BadParameter("--optimizer is for --training")
    if format == "csv" and (weights_dtype is not None or optimizer is not None):
        raise typer.BadParameter("--weights-dtype and --optimizer are felt in the totals, which csv has not")
    limit = size_in_bytes(budget) if budget is not None else None
    _check_types(dtype, weights_dtype)
    learns = optimizer or "sgd"
    with given("--optimizer", learns):
        held_by(learns)
    every = list(loaded(networks(specs, variant, set_, input_, max_steps)))
    results = [network.memory(dtype, weights_dtype, batch, reuse, limit, training, learns) for network in every]

    def text() -> str:
        from cnncalc.render.json import documents, network_header

        return documents([{**network_header(result.graph), **result.to_dict()} for result in results])

    deliver(lambda: list(map(tabulate, results)), text, format, output)
    if any(result.budget is not None and not result.budget.fits for result in results):
        raise typer.Exit(1)


def size_in_bytes(text: str) -> int:
    """``256KiB`` as a number; raises `UsageFault`."""
    from fractions import Fraction

    from cnncalc.analyzers.memory import check_limit

    with given("--budget", text):
        found = re.fullmatch(BYTES, text.strip())
        if found is None:
            plain = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgG])[iI]?[bB]?", text.strip())
            help = f"write `{plain[1]}{plain[2].upper()}iB`" if plain else "for example `--budget 256KiB`"
            raise UsageFault("wrong-unit", f"`{text}` is no size", None, f"{help}; units are powers of 1024")
        limit = int(Fraction(found[1]) * BYTE_UNITS[found[2] or "B"])
        check_limit(limit)
    return limit


def _check_types(dtype: str, weights_dtype: str | None = None) -> None:
    """Raise `UsageFault` for a type of numbers that there is not."""
    from cnncalc.analyzers.memory import bits

    for flag, text in (("--dtype", dtype), ("--weights-dtype", weights_dtype)):
        if text is not None:
            with given(flag, text):
                bits(text)


@guarded
def compare(
    specs: Specs = None,
    every: Annotated[bool, typer.Option("--all", help="Every bundled network.")] = False,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="ARG=VALUES", help="width=0.5,1; depth=1..8; size=32..512..32; variant=*"),
    ] = None,
    where: Where = None,
    sort: Least = None,
    top: Top = None,
    front: Annotated[str | None, typer.Option(metavar="KEYS", help="What no other beats: macs,params,+field.")] = None,
    columns: Columns = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE.svg", help="Draw it: lines, or a scatter.")] = None,
    dtype: Dtype = "float32",
    counted_as: As = None,
    max_settings: Annotated[int, typer.Option(min=1, help="Limit on the settings of a sweep.")] = 100_000,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Networks side by side: several SPECs, all bundled ones, or one in many settings."""
    from cnncalc.analyzers.memory import Setting
    from cnncalc.compare import sweep
    from cnncalc.compare.processes import cores
    from cnncalc.compare.selection import selection
    from cnncalc.compare.settings import read_over

    _check_types(dtype)
    check_counted_as(counted_as)
    if plot is not None and not plot.endswith(".svg"):
        raise typer.BadParameter(f"--plot draws an SVG: write `--plot {os.path.splitext(plot)[0]}.svg`")
    swept = [read_over(text) for text in over or []]
    arguments = [each.name for each in swept]
    chosen = selection(columns, where, front, sort, top, arguments)
    names = _compared(specs, every, "variant" in arguments)
    fixed = [assignment(text, "--set", "ARG=VALUE") for text in set_ or []]
    inputs, opened = input_shapes(input_ or []), []
    for name in names:
        with running(name):
            opened.append(sweep.open_spec(name, variant, fixed, inputs))
    keys = chosen.keys(arguments)
    with _told("comparing") as told:
        found = sweep.compare(
            opened, swept, keys, Setting(dtype), max_settings, max_steps, cores(), told, every, counted_as
        )
    if plot is not None:
        _draw(found, chosen, plot)
    _deliver_sweep(found, chosen, format, output)


def _draw(found: Sweep, chosen: Selection, path: str) -> None:
    """Write the picture of a comparison."""
    from cnncalc.render.chart import render
    from cnncalc.tables.chart import chart
    from cnncalc.writing import write

    write(path, render(chart(found, chosen)).encode())


def _compared(specs: list[str] | None, every: bool, by_file: bool) -> list[str]:
    """The SPECs of a comparison; of all bundled ones the variants, or the files."""
    from cnncalc.language.library import bundled_files, network_names

    if every and specs:
        raise typer.BadParameter("--all is every bundled network: name SPECs, or --all")
    if every:
        return [os.path.splitext(os.path.basename(path))[0] for path in bundled_files()] if by_file else network_names()
    if not specs:
        raise no_spec("name a SPEC, or `--all`", "compare resnet18 resnet50")
    return specs


@contextmanager
def _told(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """What a sweep tells its progress to, on a terminal."""
    from cnncalc.render.progress import bar

    with bar(title) as progress:
        yield (lambda done, total: progress(done, total, "")) if progress is not None else None


def _deliver_sweep(found: Sweep, chosen: Selection, format: str, output: str | None) -> None:
    """The chosen rows in the form that was asked for; 130 where the sweep was interrupted."""
    from cnncalc.tables.comparison import sweep_to_dict, tabulate_sweep

    rows = chosen.of(found.rows)

    def text() -> str:
        from cnncalc.render.json import document

        return document(sweep_to_dict(found, rows, chosen.columns))

    deliver(lambda: [tabulate_sweep(found, rows, chosen.columns)], text, format, output)
    if found.interrupted:
        raise typer.Exit(130)


@guarded
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A SPEC, or REVISION:PATH of the git repository.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    fail_on: Annotated[
        str | None, typer.Option(metavar="LIMITS", help="Exit with 1 where one is met: 'macs > +2%, params > +10 k'.")
    ] = None,
    set_: Set = None,
    input_: Input = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """What was added, removed and changed between two networks, and what it costs."""
    from cnncalc.compare.diff import diff as difference
    from cnncalc.compare.failing import limits
    from cnncalc.tables.comparison import tabulate_diff

    limit = limits(fail_on) if fail_on is not None else []
    both = [_one_side(text, set_, input_, max_steps) for text in (old, new)]
    found = difference(both[0].graph, both[1].graph)

    def text() -> str:
        from cnncalc.render.json import document, network_header

        heads = {side: network_header(network.graph) for side, network in zip(("old", "new"), both)}
        return document({**heads, **found.to_dict()})

    deliver(lambda: [tabulate_diff(found, (old, new))], text, format, output)
    met = [each.text for each in limit if each.is_met(found.totals)]
    if met:
        typer.echo(f"fails: {', '.join(met)}", err=True)
        raise typer.Exit(1)


def _one_side(text: str, set_: list[str] | None, input_: list[str] | None, max_steps: int) -> Network:
    """The network of a SPEC, or of a file in a revision."""
    from cnncalc.compare.revisions import load_revision, split
    from cnncalc.network import build, runs_code

    at = None if runs_code(text) else split(text)
    if at is None:
        return single(networks([text], None, set_, input_, max_steps))
    arguments = dict(assignment(each, "--set", "ARG=VALUE") for each in set_ or [])
    return build(load_revision(*at), None, arguments, input_shapes(input_ or []), max_steps)


@guarded
def conventions(
    spec: Spec,
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """The same network as torchinfo, fvcore, thop, ptflops, PyTorch and Keras count it."""
    from cnncalc.tables.comparison import tabulate_conventions

    network = single(networks([spec], variant, set_, input_, max_steps))
    found = network.conventions()

    def text() -> str:
        from cnncalc.render.json import document, network_header

        tools = {each.tool: each.to_dict() for each in found}
        return document({**network_header(network.graph), "tools": tools})

    deliver(lambda: [tabulate_conventions(network.graph, found)], text, format, output)


@guarded
def formula(
    spec: Spec,
    arguments: Annotated[
        str, typer.Option("--in", metavar="ARGS", help="Arguments that are numbers, and size: width,size")
    ],
    of: Annotated[str, typer.Option("--of", metavar="KEYS", help="Which figures.")] = "params,macs",
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Figures as exact polynomials in arguments or the input's size, checked by building the network."""
    from cnncalc.tables.formulas import tabulate_formulas

    network = single(networks([spec], variant, set_, input_, max_steps))
    found = network.formula(*_listed(arguments, "--in"), of=_listed(of, "--of"))

    def text() -> str:
        from cnncalc.render.json import document, network_header

        formulas = {each.key: each.to_dict() for each in found}
        return document({**network_header(network.graph), "formulas": formulas})

    deliver(lambda: [tabulate_formulas(network.graph, found)], text, format, output)


def _listed(text: str, flag: str) -> list[str]:
    """The names in a list with commas; raises `UsageFault` where one is missing."""
    found = [name.strip() for name in text.split(",")]
    if "" in found:
        raise UsageFault(
            "missing-value", f"`{flag} {text}` lacks a name", None, f"for example `{flag} {text.strip(', ')}`"
        )
    return found


@guarded
def sizes(
    spec: Spec,
    range_: Annotated[str, typer.Option("--range", metavar="FIRST..LAST", help="Which sizes are tried.")] = "1..1024",
    variant: Variant = None,
    set_: Set = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Input sizes that build, those that waste no pixel and misalign nothing, and what they give."""
    from cnncalc.compare import sizes as trying
    from cnncalc.compare.processes import cores
    from cnncalc.compare.sweep import open_spec
    from cnncalc.tables.formulas import tabulate_sizes

    fixed = [assignment(text, "--set", "ARG=VALUE") for text in set_ or []]
    opened, tried = open_spec(spec, variant, fixed), _range(range_)
    with _told("trying sizes") as told:
        found = trying.sizes(opened, tried, max_steps, cores(), told)

    def text() -> str:
        from cnncalc.render.json import document

        return document({"spec": opened.name, "variant": opened.variant, **found.to_dict()})

    deliver(lambda: [tabulate_sizes(opened.name, found)], text, format, output)


def _range(text: str) -> tuple[int, int]:
    """First and last of ``1..1024``; raises `UsageFault`."""
    first, dots, last = text.partition("..")
    if not dots or not first.strip().isdecimal() or not last.strip().isdecimal() or len(text) > 40:
        raise UsageFault("wrong-form", f"`{text}` is no range of sizes", None, "for example `--range 1..1024`")
    return int(first), int(last)


@guarded
def list_(
    where: Where = None,
    sort: Least = None,
    top: Top = None,
    columns: Columns = None,
    format: Format = "table",
    output: Output = None,
) -> None:
    """The bundled networks, with one line each."""
    from cnncalc.compare.selection import selection
    from cnncalc.gallery import COLUMNS, gallery
    from cnncalc.tables import gallery as tables

    chosen = selection(columns or COLUMNS, where, None, sort, top)
    found = gallery(chosen)

    def text() -> str:
        from cnncalc.render.cells import data
        from cnncalc.render.json import document

        rows = [{key: data(value) for key, value in tables.to_dict(entry, chosen.columns).items()} for entry in found]
        return document({"networks": rows})

    deliver(lambda: [tables.tabulate(found, chosen.columns)], text, format, output)
