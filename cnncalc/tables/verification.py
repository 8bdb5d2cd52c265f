"""A verification in the forms of a table."""

from __future__ import annotations

from cnncalc.render import plain
from cnncalc.tables.report import Column, Row, Sized, Table
from cnncalc.verify.network import Verification

COLUMNS = [
    Column("Layer"),
    Column("Type"),
    Column("Executed output"),
    Column("Params", True),
    Column("State", True),
    Column("Products", True),
    Column("Receptive field"),
    Column("Agrees"),
]


def as_text(found: list[Verification], brief: bool = False) -> str:
    """Per network a line per layer, what differs, how it was run, and a closing line; of `brief` the last two."""
    if brief:
        return "".join("\n".join([*_differing(each), each.sentence]) + "\n" for each in found)
    return "\n".join(plain.render(_table(each)) for each in found)


def _table(found: Verification) -> Table:
    rows = []
    for layer in found.layers:
        agrees = "NO" if layer.differences else "yes" if layer.ran else None
        figures = [layer.params or None, layer.state or None, layer.products or None]
        rows.append(Row([layer.name, layer.kind, Sized(layer.shape), *figures, layer.field, agrees]))
    remarks = [*_differing(found), *found.remarks]
    return Table(f"{found.title}, executed", "", COLUMNS, rows, [], remarks, found.sentence)


def _differing(found: Verification) -> list[str]:
    return [f"{name}: {difference}" for name, difference in found.differences]


def as_json(found: list[Verification]) -> str:
    """The same as data; several networks as a list."""
    import json

    data = [
        {
            "title": each.title,
            "agrees": not each.differences,
            "layers": [layer._asdict() for layer in each.layers],
            "sentence": each.sentence,
            "remarks": each.remarks,
        }
        for each in found
    ]
    return json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False) + "\n"
