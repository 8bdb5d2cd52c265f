"""The bundled networks with their figures, computed by cnncalc itself."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cnncalc.analyzers import macs, params
from cnncalc.geometry import Shape
from cnncalc.language.library import bundled_files, load_file, variant_names
from cnncalc.network import build


class Entry(NamedTuple):
    """One bundled network, or variant."""

    name: str
    title: str
    source: str
    year: int | None
    input: Shape
    params: int
    macs: int
    receptive_field: tuple[tuple[int, int], ...]
    """Least and greatest size per axis."""


def gallery() -> list[Entry]:
    """Every bundled network and variant, by file and name; raises `SpecError` where one is broken."""
    found = []
    for path in bundled_files():
        file = load_file(path)
        if file.steps_span is None:
            continue
        variants: list[str | None] = [*variant_names(path)]
        for variant in variants or [None]:
            network = build(file, variant)
            report = network.summary()
            field = report.field
            name = variant or os.path.splitext(os.path.basename(path))[0]
            year = re.search(r"\b(?:19|20)\d\d\b", file.reference)
            sizes = field.size if field is not None else ()
            shape = network.graph.inputs[0][1]
            found.append(
                Entry(
                    name,
                    network.name,
                    file.reference,
                    int(year[0]) if year else None,
                    shape,
                    params.total(report.params).params,
                    macs.total(report.macs),
                    sizes,
                )
            )
    return found
