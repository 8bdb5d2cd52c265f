"""Memory as a table: live bytes of every layer, and what a step of training keeps."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.memory import CONVENTION, Budget
from cnncalc.analyzers.quantities import columns
from cnncalc.footprint import Footprint
from cnncalc.tables.table import DETAIL, KIND, Column, Line, Table, Total
from cnncalc.values import AtLeast, Bar, Bytes, Sizes


def tabulate(result: Footprint) -> Table:
    """A line per layer with a bar of what is live; then the peak, the weights, and whether a budget holds."""
    graph, live = result.graph, result.live
    shown = columns("memory") + (columns("training") if result.step is not None else [])
    titles = [
        Column("Layer"),
        Column("Type", drop=KIND),
        Column("Output"),
        *(Column(each.title, True) for each in shown),
    ]
    values = [result.values(quantity.key) for quantity in shown]
    lines = []
    for node, alive in zip(graph.nodes, live.live_bytes):
        cells: list[Any] = [node.name, node.kind, Sizes(node.operation.output)]
        cells += [in_bytes(each[node.place]) for each in values]
        cells.append(Bar(alive, live.peak_bytes, "peak" if alive == live.peak_bytes else ""))
        lines.append(Line(cells))
    totals = [
        Total(quantity.total_title or quantity.title, result.total(quantity.key), quantity.unit)
        for quantity in result.reported
    ]
    setting = live.setting
    heading = (f"{graph.title}, memory in {setting.dtype}, batch ", setting.batch)
    remarks = [f"the peak is at {', '.join(live.peak_at[:4])}{', …' if len(live.peak_at) > 4 else ''}", CONVENTION]
    if live.lower_bound:
        remarks.append("a layer does not tell its weights: they are a lower bound")
    if result.step is not None and None in result.step.kept_bytes:
        count = sum(kept is None for kept in result.step.kept_bytes)
        told = "layer does not tell what it keeps" if count == 1 else "layers do not tell what they keep"
        remarks.append(f"{count:,} {told}: what is kept is a lower bound")
    return Table(
        [*titles, Column("Timeline", drop=DETAIL)],
        lines,
        heading,
        graph.source,
        tuple(totals),
        tuple(remarks),
        _verdict(result.budget),
    )


def in_bytes(value: Any) -> Any:
    """A cell of so many bytes; a lower bound as one."""
    return value if value is None or isinstance(value, AtLeast) else Bytes(value)


def _verdict(budget: Budget | None) -> tuple[Any, ...]:
    if budget is None:
        return ()
    limit = Bytes(budget.bytes)
    if budget.fits:
        batch = (" to spare; the largest batch that fits is ", budget.largest_batch)
        return ("fits into ", limit, ", ", Bytes(budget.spare), *batch)
    at = ", ".join(budget.exceeded_at[:4]) + (", …" if len(budget.exceeded_at) > 4 else "")
    return ("does not fit into ", limit, ": ", Bytes(-budget.spare), f" too many{f', at {at}' if at else ''}")
