"""The bundled networks with their figures, computed by cnncalc itself: a comparison of all of them."""

from __future__ import annotations

import os
import re
from typing import Any

from cnncalc.analyzers.receptive_field import size_of
from cnncalc.compare.processes import cores
from cnncalc.compare.selection import Selection, selection
from cnncalc.compare.sweep import Row, Spec, compare
from cnncalc.diagnostics import SpecError
from cnncalc.geometry import Shape
from cnncalc.language.library import bundled_files, load_file, variant_names
from cnncalc.language.model import File
from cnncalc.records import NamedTuple

COLUMNS = "params,macs,field"
"""What is shown where nothing is asked for."""

OWN = ("params", "macs", "field")
"""Figures that every entry has."""


class Entry(NamedTuple):
    """One bundled network, or variant."""

    name: str
    title: str
    source: str
    year: int | None
    input: Shape
    params: int
    """Learned parameters."""
    macs: int
    receptive_field: tuple[Any, ...]
    """The size per axis: a number, or a range."""
    row: Row
    """The same as a row of a comparison, with all figures that were asked for."""


def gallery(chosen: Selection | None = None) -> list[Entry]:
    """The bundled networks and variants, by file and name, or those that are `chosen`; raises `SpecError` where one is
    broken."""
    chosen = chosen or selection(COLUMNS)
    files: dict[str, File] = {}
    specs = []
    for path in bundled_files():
        file = load_file(path)
        if file.steps_span is not None:
            stem = os.path.splitext(os.path.basename(path))[0]
            variants: list[str | None] = [*variant_names(path)]
            for variant in variants or [None]:
                files[variant or stem] = file
                specs.append(Spec(variant or stem, file, variant))
    keys = list(dict.fromkeys((*OWN, *chosen.keys())))
    rows = compare(specs, keys=keys, processes=cores()).rows
    broken = [row.error for row in rows if row.error is not None]
    if broken:
        raise SpecError(broken)
    return [_entry(files[row.spec], row) for row in chosen.of(rows)]


def _entry(file: File, row: Row) -> Entry:
    year = re.search(r"\b(?:19|20)\d\d\b", file.reference)
    return Entry(
        row.spec,
        file.name,
        file.reference,
        int(year[0]) if year else None,
        next(iter(row.inputs.values())),
        row.figures["params"],
        row.figures["macs"],
        tuple(size_of(row.receptive_field)) if row.receptive_field is not None else (),
        row,
    )
