"""The commands of a person who designs: does it fit, which of these, what did this change cost, how others count."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated

import typer

from cnncalc.cli.flags import (
    Format,
    Input,
    MaxSteps,
    Output,
    Set,
    Spec,
    Specs,
    Variant,
    assignment,
    input_shapes,
    loaded,
    networks,
    running,
    single,
)
from cnncalc.cli.output import deliver, guarded
from cnncalc.diagnostics import UsageFault
from cnncalc.expansion.expand import MAX_STEPS

if TYPE_CHECKING:
    from cnncalc.compare.sweep import Row
    from cnncalc.network import Network

COLUMNS = "params,macs,peak_memory,field"
BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="For example: cnncalc memory mobilenet_v2 --dtype int8 --budget 2MiB")(memory)
    app.command(epilog="For example: cnncalc compare mobilenet_v1 --over width=0.25..1..0.25 --where 'params < 3 M'")(
        compare
    )
    app.command(epilog="For example: cnncalc diff HEAD:nets/mine.yaml nets/mine.yaml --fail-on 'macs > +2%'")(diff)
    app.command(epilog="For example: cnncalc conventions resnet50")(conventions)


@guarded
def memory(
    specs: Specs = None,
    dtype: Annotated[str, typer.Option(metavar="TYPE", help="Of activations: float32, float16, int8, …")] = "float32",
    weights_dtype: Annotated[str | None, typer.Option(metavar="TYPE", help="Of weights, if it is another.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Samples at once: multiplies activations.")] = 1,
    reuse: Annotated[bool, typer.Option(help="Pointwise layers write over an input that nobody needs.")] = True,
    budget: Annotated[str | None, typer.Option(metavar="SIZE", help="Whether it fits, for example 256KiB.")] = None,
    training: Annotated[bool, typer.Option("--training", help="What a step of training keeps, too.")] = False,
    optimizer: Annotated[str, typer.Option(metavar="sgd|momentum|adam", help="For --training.")] = "sgd",
    variant: Variant = None,
    set_: Set = None,
    input_: Input = None,
    format: Format = "table",
    output: Output = None,
    max_steps: MaxSteps = MAX_STEPS,
) -> None:
    """Bytes that exist while each layer runs, and the peak."""
    from cnncalc.tables.memory import tabulate

    limit = size_in_bytes(budget) if budget is not None else None
    every = list(loaded(networks(specs, variant, set_, input_, max_steps)))
    results = [network.memory(dtype, weights_dtype, batch, reuse, limit, training, optimizer) for network in every]

    def text() -> str:
        from cnncalc.render.json import documents, network_header

        return documents([{**network_header(result.graph), **result.to_dict()} for result in results])

    deliver(lambda: list(map(tabulate, results)), text, format, output)
    if any(result.budget is not None and not result.budget.fits for result in results):
        raise typer.Exit(1)


def size_in_bytes(text: str) -> int:
    """``256KiB`` as a number; raises `UsageFault`."""
    from cnncalc.compare.measures import BYTES as UNITS

    found = BYTES.fullmatch(text.strip())
    if found is None:
        raise UsageFault("wrong-unit", f"`{text}` is no size", None, "for example `--budget 256KiB`")
    return int(float(found[1]) * UNITS[found[2] or "B"])


@guarded
def compare(
    specs: Specs = None,
    every: Annotated[bool, typer.Option("--all", help="Every bundled network.")] = False,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="ARG=VALUES", help="width=0.5,1; depth=1..8; size=32..512..32; variant=*"),
    ] = None,
    where: Annotated[str | None, typer.Option(metavar="CONDITION", help="'params < 5 M and macs <= 600 M'.")] = None,
    sort: Annotated[str | None, typer.Option(metavar="KEY", help="The least first; +KEY: the most first.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Show this many rows only.")] = None,
    front: Annotated[str | None, typer.Option(metavar="KEYS", help="What no other beats: macs,params,+field.")] = None,
    columns: Annotated[str, typer.Option(metavar="KEYS", help="Which figures to show.")] = COLUMNS,
    dtype: Annotated[str, typer.Option(metavar="TYPE", help="For memory: float32, float16, int8, …")] = "float32",
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
    from cnncalc.compare.conditions import condition
    from cnncalc.compare.fronts import aims, ordered
    from cnncalc.compare.fronts import front as best
    from cnncalc.compare.settings import read_over
    from cnncalc.language.library import network_names
    from cnncalc.render.progress import bar
    from cnncalc.tables.comparison import rows_to_dict, tabulate_rows

    swept = [read_over(text) for text in over or []]
    arguments = [each.name for each in swept]
    shown = [aim.key for aim in aims(columns)]
    asked = condition(where, "--where", arguments) if where is not None else None
    wanted = aims(front, arguments) if front is not None else []
    order = aims(sort, arguments)[0] if sort is not None else None
    needed = [*shown, *(asked.keys if asked else ()), *(aim.key for aim in wanted), *([order.key] if order else [])]
    keys = [key for key in dict.fromkeys(needed) if key not in arguments]
    names = network_names() if every else specs
    if not names:
        raise UsageFault("no-spec", "name a SPEC, or `--all`", None, "for example `cnncalc compare resnet18 resnet50`")
    given = [assignment(text, "--set", "ARG=VALUE") for text in set_ or []]
    inputs = input_shapes(input_ or [])
    opened = []
    for name in names:
        with running(name):
            opened.append(sweep.open_spec(name, variant, given, inputs))
    memory_setting = Setting(dtype)
    with bar("comparing") as progress:
        report = (lambda done, total: progress(done, total, "")) if progress is not None else None
        found = sweep.compare(
            opened, swept, keys, memory_setting, "sgd", max_settings, max_steps, os.cpu_count() or 1, report
        )
    rows: list[Row] = list(found.rows)
    if asked is not None:
        rows = [row for row in rows if row.error is None and asked.holds(row.known)]
    if wanted:
        rows = [row for row in rows if row.error is None]
        rows = [rows[place] for place in best([row.known for row in rows], wanted)]
    if order is not None:
        rows = [rows[place] for place in ordered([row.known for row in rows], order)]
    rows = rows[:top] if top is not None else rows

    def text() -> str:
        from cnncalc.render.json import document

        return document(rows_to_dict(rows))

    deliver(lambda: [tabulate_rows(rows, shown, found.total)], text, format, output)


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
