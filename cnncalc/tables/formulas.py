"""A network's figures as formulas, and the input sizes that it takes, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from cnncalc.compare.formulas import Formula
from cnncalc.compare.sizes import Size, Sizes
from cnncalc.graph import Graph
from cnncalc.tables.table import Column, Line, Table, Total
from cnncalc.values import Formula as Text
from cnncalc.values import Shapes, ranged
from cnncalc.values import Sizes as Shape

MAX_VALUES = 12
"""Settings that are listed one by one."""

MAX_STRETCHES = 4
"""Stretches of sizes that are listed."""


def tabulate_formulas(graph: Graph, found: Sequence[Formula]) -> Table:
    """A line per formula and residue: where it holds, and at how many settings it was checked."""
    columns = [Column("Figure"), Column("Formula"), Column("Holds for"), Column("Checked at", True)]
    lines = []
    for formula in found:
        for piece in formula.pieces:
            text = Text(piece.polynomial.text(), piece.polynomial.text(separators=True))
            domain = ", ".join(stretch.text for stretch in piece.stretches)
            lines.append(Line([formula.key, text, domain, piece.checked]))
    remarks = []
    for formula in found:
        values = "; ".join(f"{name} = {_listed(values)}" for name, values in formula.checked.items())
        remarks.append(f"{formula.key} was checked at {values}")
        remarks += [f"{formula.key}: {note}" for note in formula.notes]
        if formula.lower_bound:
            remarks.append(f"{formula.key} is a lower bound: a layer does not tell all of it")
    remarks.append("k = 0, 1, 2, …; checked by building the network, which is no proof for settings between")
    return Table(columns, lines, (_name(graph), ", in formulas"), graph.source, remarks=tuple(remarks))


def _name(graph: Graph) -> str:
    return f"{graph.name} ({graph.variant})" if graph.variant else graph.name


def _listed(values: Sequence[Fraction]) -> str:
    """The values, the middle of many left out."""
    texts = [f"{value.numerator:,}" if value.denominator == 1 else str(value) for value in values]
    if len(texts) <= MAX_VALUES:
        return ", ".join(texts)
    half = MAX_VALUES // 2
    return ", ".join([*texts[:half], f"… ({len(texts)} values)", *texts[-half:]])


def tabulate_sizes(name: str, found: Sizes) -> Table:
    """A line per output: the sizes that give it, clean ones where there are any; then what builds and is clean."""
    lines = [Line([ranged(first, last), Shapes(map(Shape, outputs))]) for first, last, outputs in _alike(found.shown)]
    form = found.progression
    stretches = found.builds
    builds = [_stretch(first, last) for first, last in stretches[:MAX_STRETCHES]]
    more = [f"… ({len(stretches)} stretches)"] if len(stretches) > MAX_STRETCHES else []
    clean = form.text if form is not None else f"{len(found.clean):,} sizes, in no closed form"
    totals = (Total("Builds", ", ".join([*builds, *more])), Total("Clean", clean if found.clean else "none"))
    first, last = found.tried
    remarks = ["clean: windows reach every last pixel, and branches join aligned, in equal strides"]
    wasted = Counter(each.waste for each in found.every if each.outputs and not each.clean)
    remarks += [f"{count:,} size{'s' * (count != 1)}: {waste}" for waste, count in wasted.most_common(5)]
    heading = (f"{name}, input sizes {first:,} to {last:,}",)
    return Table([Column("Size", True), Column("Output")], lines, heading, totals=totals, remarks=tuple(remarks))


def _alike(sizes: Sequence[Size]) -> list[tuple[int, int, Any]]:
    """Sizes in a row with the same outputs: the first, the last, and the outputs."""
    found: list[tuple[int, int, Any]] = []
    for each in sizes:
        if found and found[-1][2] == each.outputs:
            found[-1] = (found[-1][0], each.size, each.outputs)
        else:
            found.append((each.size, each.size, each.outputs))
    return found


def _stretch(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}..{last}"
