"""The bundled networks with their figures, computed by cnncalc itself."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

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
    params: Any
    """Learned parameters; a lower bound where a layer does not tell."""
    macs: Any
    receptive_field: tuple[Any, ...]
    """The size per axis: a number, or a range."""


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
            year = re.search(r"\b(?:19|20)\d\d\b", file.reference)
            found.append(
                Entry(
                    variant or os.path.splitext(os.path.basename(path))[0],
                    network.name,
                    file.reference,
                    int(year[0]) if year else None,
                    network.graph.inputs[0][1],
                    report.total("params"),
                    report.total("macs"),
                    tuple(report.total("size") or ()),
                )
            )
    return found
