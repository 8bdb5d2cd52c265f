"""What another framework calls things, and what to write here: tables for ``cnncalc layers --from``."""

from __future__ import annotations

from typing import Any

from cnncalc.language.words import TABLE, Row, arguments
from cnncalc.tables.table import Column, Line, Table

TITLES = {"pytorch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow", "caffe": "Caffe", "darknet": "Darknet"}


def tabulate(framework: str) -> list[Table]:
    """The things of a framework, then the names of arguments that are others here."""
    title = TITLES[framework]
    things = [Line([row.theirs, row.ours or None, row.note or None]) for row in TABLE[framework]]
    renamed = [Line([theirs, " or ".join(ours) or "left out"]) for theirs, ours in renamings(framework).items()]
    return [
        Table([Column(title), Column("Here"), Column("Note")], things),
        Table([Column(f"{title}'s argument"), Column("Here")], renamed),
    ]


def renamings(framework: str) -> dict[str, list[str]]:
    """The arguments of a framework that are called otherwise here, with their names; none where they are left out."""
    every = [entry for row in TABLE[framework] for entry in arguments(row.takes) if entry.ours != "-"]
    same = {entry.theirs for entry in every if entry.theirs == entry.ours}
    found: dict[str, list[str]] = {}
    for entry in every:
        if entry.theirs not in same:
            known = found.setdefault(entry.theirs, [])
            if entry.ours and entry.ours not in known:
                known.append(entry.ours)
    return found


def to_dict(framework: str) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "framework": framework,
        "words": [_row(row) for row in TABLE[framework]],
        "arguments": [{"theirs": theirs, "ours": ours} for theirs, ours in renamings(framework).items()],
    }


def _row(row: Row) -> dict[str, Any]:
    return {"names": row.names.split(), "theirs": row.theirs, "ours": row.ours or None, "note": row.note or None}
