"""Memory as a table: live bytes of every layer, and what a step of training keeps."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.memory import CONVENTION, Budget
from cnncalc.footprint import Footprint
from cnncalc.tables.table import DETAIL, KIND, Column, Line, Table, Total
from cnncalc.values import Bar, Bytes, Sizes


def tabulate(result: Footprint) -> Table:
    """A line per layer with a bar of what is live; then the peak, the weights, and whether a budget holds."""
    graph, live, step = result.graph, result.live, result.step
    columns = [
        Column("Layer"),
        Column("Type", drop=KIND),
        Column("Output"),
        Column("Bytes", True),
        Column("Live", True),
    ]
    if step is not None:
        columns.append(Column("Kept", True))
    columns.append(Column("Timeline", drop=DETAIL))
    lines = []
    for node, output, alive in zip(graph.nodes, live.output_bytes, live.live_bytes):
        cells: list[Any] = [node.name, node.kind, Sizes(node.operation.output), Bytes(output), Bytes(alive)]
        if step is not None:
            kept = step.kept_bytes[node.place]
            cells.append(None if kept is None else Bytes(kept))
        cells.append(Bar(alive, live.peak_bytes, "peak" if alive == live.peak_bytes else ""))
        lines.append(Line(cells))
    totals = [Total("Peak", live.peak_bytes, "bytes"), Total("Weights", live.weights_bytes, "bytes")]
    if step is not None:
        totals += [
            Total("Kept for backward", step.kept_total, "bytes"),
            Total("Gradients", step.gradient_bytes, "bytes"),
            Total("Optimizer", step.optimizer_bytes, "bytes"),
            Total("Training step", step.bytes, "bytes"),
        ]
    setting = live.setting
    heading = (f"{graph.title}, memory in {setting.dtype}, batch ", setting.batch)
    remarks = [f"the peak is at {', '.join(live.peak_at[:4])}{', …' if len(live.peak_at) > 4 else ''}", CONVENTION]
    if live.lower_bound:
        remarks.append("a layer does not tell its weights: they are a lower bound")
    if step is not None and None in step.kept_bytes:
        count = sum(kept is None for kept in step.kept_bytes)
        remarks.append(f"{count:,} layers do not tell what they keep: what is kept is a lower bound")
    return Table(columns, lines, heading, graph.source, tuple(totals), tuple(remarks), _verdict(result.budget))


def _verdict(budget: Budget | None) -> tuple[Any, ...]:
    if budget is None:
        return ()
    limit = Bytes(budget.bytes)
    if budget.fits:
        batch = (" to spare; the largest batch that fits is ", budget.largest_batch)
        return ("fits into ", limit, ", ", Bytes(budget.spare), *batch)
    at = ", ".join(budget.exceeded_at[:4]) + (", …" if len(budget.exceeded_at) > 4 else "")
    return ("does not fit into ", limit, ": ", Bytes(-budget.spare), f" too many, at {at}")
