"""Many networks side by side: every setting of every spec is built and measured; a row each.

A spec is parsed once however many settings it is built in.  The settings run on all cores in a fixed order; what does
not build is a row that says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.memory import FLOAT32, bits
from cnncalc.analyzers.memory import Setting as MemorySetting
from cnncalc.analyzers.quantities import asked
from cnncalc.analyzers.receptive_field import Memo, ReceptiveField, alone
from cnncalc.compare.conventions import check_tool, counting
from cnncalc.compare.processes import Progress, side_by_side
from cnncalc.compare.resizing import Resizer, is_resizable
from cnncalc.compare.settings import MAX_SETTINGS, Setting, Swept, count, settings
from cnncalc.compare.writings import written
from cnncalc.diagnostics import Diagnostic, Error, Fault, UsageFault
from cnncalc.expansion.expand import MAX_STEPS, expand
from cnncalc.expansion.instance import Given, variant_values
from cnncalc.expansion.making import Maker
from cnncalc.geometry import Shape
from cnncalc.graph import Graph
from cnncalc.language.library import find, load_file
from cnncalc.language.model import File
from cnncalc.network import check_argument, is_model, load_model, set_argument
from cnncalc.records import NamedTuple
from cnncalc.values import AtLeast, known

MAX_RESIZERS = 16
"""Settings whose graph is kept, to make it again at other sizes."""


class Spec(NamedTuple):
    """A parsed spec, and what is given for all of its settings."""

    name: str
    """As it was asked for."""
    file: File | None
    """None for another program's model, whose `graph` is known and has no settings."""
    variant: str | None = None
    args: tuple[tuple[str, Any], ...] = ()
    inputs: tuple[tuple[str, Shape], ...] = ()
    """Shapes in place of the file's, by input."""
    graph: Graph | None = None

    def count(self, over: Sequence[Swept]) -> int:
        """How many settings there are; raises `SpecError`, or `UsageFault` for a model, which has none."""
        if self.file is not None:
            return count(self.file, over)
        if over:
            help = "sweep over specs: `cnncalc import` makes one of it"
            raise UsageFault("no-arguments", f"{self.name} is a model file: it has nothing to sweep over", None, help)
        return 1

    def has(self, over: Sequence[Swept]) -> bool:
        """Whether all that is swept over is there."""
        return self.file is not None and all(each.is_in(self.file) for each in over)

    def settings(self, over: Sequence[Swept]) -> Iterator[Setting]:
        """All settings, in order."""
        return iter((Setting((), None, (), None),)) if self.file is None else settings(self.file, self.variant, over)


class Row(NamedTuple):
    """One network: how it was built, and its figures, or why it was not."""

    spec: str
    variant: str | None
    settings: dict[str, Any]
    """What was swept, by name."""
    inputs: dict[str, Shape]
    figures: dict[str, Any]
    """By the words of `asked`, those that were asked for; None where one does not apply."""
    receptive_field: ReceptiveField | None
    lower_bound: tuple[str, ...]
    """Figures with an unknown part."""
    error: Diagnostic | None = None

    @property
    def known(self) -> dict[str, Any]:
        """What conditions, fronts and sorting ask: figures, and the swept arguments over them."""
        return self.figures | self.settings


class Sweep(NamedTuple):
    """All rows in order; fewer than `total` where it was interrupted."""

    rows: list[Row]
    total: int
    """Of the settings that were asked for."""
    left_out: tuple[str, ...] = ()
    """Specs that have not what is swept over, where those are left out."""
    counted_as: str | None = None
    """The tool by whose convention MACs are counted, if it is not ours."""

    @property
    def interrupted(self) -> bool:
        return len(self.rows) < self.total


def open_spec(
    name: str,
    variant: str | None = None,
    args: Sequence[tuple[str, Any]] = (),
    inputs: Mapping[str, Shape] | Shape | None = None,
) -> Spec:
    """The parsed spec of a path or a bundled name, or a model.

    `inputs` are shapes by name, or one for the first input.  Raises `SpecError`, `UnknownSpec`, or `Fault` for the name
    of an argument that it does not have.
    """
    if is_model(name):
        return Spec(name, None, graph=load_model(name, variant, dict(args), inputs).graph)
    path, found = find(name)
    file = load_file(path)
    for argument, _ in args:
        check_argument(file, argument)
    if inputs is not None and not isinstance(inputs, Mapping):
        inputs = {next(iter(file.inputs), "input"): inputs}
    return Spec(name, file, variant or found, tuple(args), tuple((inputs or {}).items()))


def compare(
    specs: Sequence[Spec],
    over: Sequence[Swept] = (),
    keys: Sequence[str] = ("params", "macs", "peak_memory", "field"),
    memory: MemorySetting = FLOAT32,
    max_settings: int = MAX_SETTINGS,
    max_steps: int = MAX_STEPS,
    processes: int = 1,
    progress: Progress | None = None,
    lenient: bool = False,
    counted_as: str | None = None,
) -> Sweep:
    """The figures `keys` of every spec in every setting, the settings of a spec together, in their order.

    Specs that have not what is swept over are left out, if it is `lenient`; `counted_as` names the tool by whose
    convention MACs are counted.  Raises `SpecError` for what cannot be
    swept over, `Fault` for too many settings.  An interruption keeps what is done.
    """
    bits(memory.dtype)
    if counted_as is not None:
        check_tool(counted_as)
    given = specs
    if lenient:
        specs = [spec for spec in given if spec.has(over)]
        if not specs:
            names = " and ".join(f"`{swept.name}`" for swept in over)
            raise UsageFault("unknown-argument", f"none of {len(given):,} networks has {names}")
    left_out = tuple(spec.name for spec in given if spec not in specs)
    total = sum(spec.count(over) for spec in specs)
    if total > max_settings:
        message = f"{total:,} settings are more than {max_settings:,}"
        raise Fault("limit", message, None, f"sweep over fewer, or raise the limit with `--max-settings {total}`")
    tasks = [(spec, setting) for spec in specs for setting in spec.settings(over)]
    rows: list[Row] = []
    measure = Measurer(keys, memory, max_steps, counted_as)
    try:
        for row in side_by_side(measure, tasks, processes, progress):
            rows.append(row)
    except KeyboardInterrupt:
        pass
    return Sweep(rows, total, left_out, counted_as)


class Measurer:
    """Builds and measures one setting after another; remembers what the next may share."""

    def __init__(
        self, keys: Sequence[str], memory: MemorySetting, max_steps: int, counted_as: str | None = None
    ) -> None:
        quantities = asked()
        self.quantities = {key: quantities[key] for key in keys}
        self.memory = memory
        self.max_steps = max_steps
        self.counted_as = counted_as
        self.resizers: dict[Any, Resizer | None] = {}
        self.memo: Memo = {}
        self.makers: dict[int, Maker] = {}
        """By the identity of a file, which the specs keep alive."""

    def __call__(self, task: tuple[Spec, Setting]) -> Row:
        """The row of one setting."""
        spec, setting = task
        shown = dict(setting.shown)
        try:
            graph = self.build(spec, setting)
            measured = Measurement(graph, None, self.memory, self.memo)
            if self.counted_as is not None:
                source = written(spec.file.source.location) if spec.file is not None else ()
                measured.counting = counting(graph, self.counted_as, source)
            found = {key: measured.figure(quantity) for key, quantity in self.quantities.items()}
            field = measured.once(alone) if "field" in found else None
        except Error as error:
            return Row(spec.name, setting.variant, shown, {}, {}, None, (), error.diagnostics[0])
        lower = tuple(key for key, value in found.items() if isinstance(value, AtLeast))
        figures = {key: None if value is None else known(value) for key, value in found.items()}
        return Row(spec.name, setting.variant, shown, dict(graph.inputs), figures, field, lower)

    def build(self, spec: Spec, setting: Setting) -> Graph:
        """The graph of a setting; raises `SpecError`."""
        file = spec.file
        if file is None:
            assert spec.graph is not None, "a model has its graph"
            return spec.graph
        shapes = dict(spec.inputs)
        key = (id(file), setting.variant, setting.args, spec.args, spec.inputs)
        if setting.size is not None:
            first = next(iter(file.inputs), "input")
            resizer = self.resizers[key] if key in self.resizers else self.resizer(key, spec, setting)
            known = resizer.graph.inputs[0][1] if resizer else shapes.get(first)
            if known is None:
                known = self.expanded(spec, setting, shapes).inputs[0][1]
            shapes[first] = (known[0], *_spread(setting.size, len(known) - 1))
            if resizer is not None:
                inputs = [shapes.get(name, shape) for name, shape in resizer.graph.inputs]
                graph = resizer.graph_of(inputs)
                if graph is not None:
                    return graph
        return self.expanded(spec, setting, shapes)

    def expanded(self, spec: Spec, setting: Setting, shapes: dict[str, Shape]) -> Graph:
        """The graph of a setting by its text; raises `SpecError`."""
        file = spec.file
        assert file is not None, "a model has its graph"
        if id(file) not in self.makers:
            if len(self.makers) >= MAX_RESIZERS:
                self.makers.clear()
            self.makers[id(file)] = Maker()
        maker = self.makers[id(file)]
        return expand(file, self.given(spec, setting), setting.variant, shapes, self.max_steps, maker=maker)

    def resizer(self, key: Any, spec: Spec, setting: Setting) -> Resizer | None:
        """What makes the graph of a setting at other sizes; None where the spec has to be expanded for each."""
        found = None
        assert spec.file is not None, "a model has one size"
        if is_resizable(spec.file):
            try:
                found = Resizer(self.expanded(spec, setting, dict(spec.inputs)))
            except Error:
                found = None  # it may be that the spec's own size does not build, and that asked for does
        if len(self.resizers) >= MAX_RESIZERS:
            self.resizers.clear()
        self.resizers[key] = found
        return found

    def given(self, spec: Spec, setting: Setting) -> dict[str, Given]:
        """The arguments of a setting: the variant's, those given for all, and the swept ones over them."""
        assert spec.file is not None, "a model takes no arguments"
        given = variant_values(spec.file, setting.variant) if setting.variant else {}
        for name, value in (*spec.args, *setting.args):
            given[name] = set_argument(spec.file, name, value)
        return given


def _spread(size: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A size for every axis; raises `Fault` where their number is another."""
    if len(size) == 1:
        return size * rank
    if len(size) != rank:
        raise Fault("wrong-rank", f"`size` has {len(size)} entries for an input with {rank} spatial axes")
    return size
