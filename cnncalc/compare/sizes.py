"""Which input sizes a network takes: which build, and which of them waste nothing.

A size is clean where every strided window reaches the last pixel of what it slides over, and no two branches join
with their centers apart or in unequal strides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.analyzers.memory import FLOAT32
from cnncalc.analyzers.notes import MISALIGNED, UNEQUAL
from cnncalc.analyzers.receptive_field import receptive_fields
from cnncalc.analyzers.shapes import reads_all
from cnncalc.compare.processes import Progress, side_by_side
from cnncalc.compare.settings import Setting
from cnncalc.compare.sweep import Measurer, Spec
from cnncalc.diagnostics import Error, Fault, SpecError, UsageFault
from cnncalc.expansion.expand import MAX_STEPS
from cnncalc.geometry import Shape
from cnncalc.graph import Graph
from cnncalc.records import NamedTuple

MAX_SIZES = 100_000
"""Sizes that are tried at most."""


class Size(NamedTuple):
    """What one input size comes to."""

    size: int
    """Of every spatial axis of the first input."""
    outputs: tuple[Shape, ...]
    """Shapes of what leaves the network; empty where it does not build."""
    clean: bool
    waste: str
    """Why it is not clean: the first layer that leaves a pixel unread, or whose branches do not fit; else why it does
    not build."""


class Progression(NamedTuple):
    """Sizes in a closed form: each of `firsts`, and from there by `step`, up to the end of what was tried."""

    firsts: tuple[int, ...]
    step: int

    @property
    def text(self) -> str:
        """``188 + 16*k``; of several ``{63, 64, 65} + 32*k``."""
        firsts = ", ".join(map(str, self.firsts))
        firsts = firsts if len(self.firsts) == 1 else f"{{{firsts}}}"
        return f"{firsts} + {self.step}*k" if self.step > 1 else f"{firsts} + k"

    def to_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it; `firsts` are there where they are several."""
        several = {"firsts": list(self.firsts)} if len(self.firsts) > 1 else {}
        return {"first": self.firsts[0], "step": self.step, **several}


MAX_FIRSTS = 32
"""Sizes of one period that a closed form lists."""


class Sizes(NamedTuple):
    """What the sizes of a range come to."""

    tried: tuple[int, int]
    every: list[Size]

    @property
    def builds(self) -> list[tuple[int, int]]:
        """The sizes that build, as stretches from first to last."""
        found: list[tuple[int, int]] = []
        for each in self.every:
            if each.outputs:
                if found and found[-1][1] == each.size - 1:
                    found[-1] = (found[-1][0], each.size)
                else:
                    found.append((each.size, each.size))
        return found

    @property
    def clean(self) -> list[Size]:
        """The sizes that waste nothing."""
        return [each for each in self.every if each.clean]

    @property
    def progression(self) -> Progression | None:
        """The clean sizes in a closed form, which holds for all that was tried; None where they have none."""
        return progression([each.size for each in self.clean], self.tried[1])

    def to_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it."""
        form = self.progression
        return {
            "range": list(self.tried),
            "builds": [list(stretch) for stretch in self.builds],
            "clean": None if form is None else form.to_dict(),
            "clean_sizes": [each.size for each in self.clean],
            "outputs": {str(each.size): [list(shape) for shape in each.outputs] for each in self.shown},
        }

    @property
    def shown(self) -> list[Size]:
        """The sizes whose outputs are told: those that are clean, or all that build where none is."""
        return self.clean or [each for each in self.every if each.outputs]


def progression(sizes: Sequence[int], last: int) -> Progression | None:
    """The closed form of sizes that repeat themselves at one distance, twice at least, until nothing more fits below
    `last`; None where they do not."""
    for count in range(1, min(MAX_FIRSTS, len(sizes) // 3) + 1):
        step = sizes[count] - sizes[0]
        regular = all(after - before == step for before, after in zip(sizes, sizes[count:]))
        if regular and sizes[-count] + step > last:
            return Progression(tuple(sizes[:count]), step)
    return None


def sizes(
    spec: Spec,
    tried: tuple[int, int],
    max_steps: int = MAX_STEPS,
    processes: int = 1,
    progress: Progress | None = None,
) -> Sizes:
    """What the sizes of a range come to.

    Raises `SpecError` where none of them builds, `Fault` for a flat input, `UsageFault` for a range that is none.
    """
    first, last = tried
    if not 1 <= first <= last:
        raise UsageFault("value", f"`{first}..{last}` is no range of sizes", None, "for example `1..1024`")
    if last - first >= MAX_SIZES:
        raise UsageFault("limit", f"`{first}..{last}` has more than {MAX_SIZES:,} sizes")
    if spec.file is None:
        raise UsageFault("no-arguments", f"{spec.name} is a model file: it has one size", None, "`import` it first")
    judge = _Judge(max_steps)
    tasks = [(spec, Setting((), spec.variant, (), (size,))) for size in range(first, last + 1)]
    every = list(side_by_side(judge, tasks, processes, progress))
    if not any(each.outputs for each in every):
        raise SpecError(judge.error(tasks[-1]))
    return Sizes(tried, every)


class _Judge:
    """Builds a spec at one size after the other, and tells what it comes to."""

    def __init__(self, max_steps: int) -> None:
        self.builder = Measurer((), FLOAT32, max_steps)

    def __call__(self, task: tuple[Spec, Setting]) -> Size:
        assert task[1].size is not None, "it is asked about a size"
        (size,) = task[1].size
        try:
            graph = self.builder.build(*task)
        except Error as error:
            return Size(size, (), False, error.diagnostics[0].message)
        if len(graph.inputs[0][1]) == 1:
            raise Fault("no-spatial-axes", f"the input `{graph.inputs[0][0]}` is flat: it has no size")
        outputs = tuple(graph.shapes[tensor] for _, tensor in graph.outputs)
        waste = wasted(graph)
        return Size(size, outputs, not waste, waste)

    def error(self, task: tuple[Spec, Setting]) -> list[Any]:
        """What is wrong at a size that does not build."""
        try:
            self.builder.build(*task)
        except Error as error:
            return error.diagnostics
        return []


def wasted(graph: Graph) -> str:
    """The first layer that leaves a pixel unread, or whose branches are not aligned, in words; empty where all fits."""
    for node in graph.nodes:
        if not reads_all(node.operation):
            return f"`{node.name}` leaves pixels unread"
    for node, field in zip(graph.nodes, receptive_fields(graph)):
        for note in field.notes if field is not None else ():
            if note.code in (MISALIGNED, UNEQUAL):
                return f"`{node.name}` joins what is not aligned"
    return ""
