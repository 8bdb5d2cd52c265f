"""Bundled networks, expanded to their flat specs and lifted again: the same networks, and much shorter.

It needs no framework, but time: the first variant of every file, or all where the environment sets EVERY_NETWORK.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import pytest
from sampling import EVERY

import cnncalc
from cnncalc.convert.spec_text import flat
from cnncalc.language.library import bundled_files, load_file, variant_names

FILES = [path for path in bundled_files() if load_file(path).steps_span is not None]

LARGE = 100
"""Rows from which on the text's length is measured."""

NOTHING = ("identity", "concat", "flatten", "reshape")


def rows(net: cnncalc.Network) -> list[Any]:
    found = [
        (layer.kind, layer.input_shapes, layer.output_shape, layer.params, layer.state, layer.macs)
        for layer in net.summary().layers
        if layer.kind not in NOTHING
    ]
    return sorted(found, key=repr)


def chosen(path: str) -> list[str | None]:
    """The variants of a file that are tried."""
    return ([*variant_names(path)] or [None])[: None if EVERY else 1]


@cache
def lifted(path: str, variant: str | None) -> tuple[str, float, int]:
    """The text of a network that is lifted from its flat spec, its part of that one's characters, and the rows."""
    graph = cnncalc.load(path, variant).graph
    whole = flat(graph)
    text = cnncalc.loads(whole).lift().text
    return text, len(text) / len(whole), len(graph.nodes)


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_a_family_stays_itself(path: str) -> None:
    for variant in chosen(path):
        text, share, _ = lifted(path, variant)
        assert rows(cnncalc.loads(text)) == rows(cnncalc.load(path, variant)), variant
        assert share < 1, variant
        assert max(map(len, text.splitlines())) <= 120, variant


def test_large_ones_are_a_seventh_on_average() -> None:
    """The first of each file repeats less than the larger ones after it."""
    found = [lifted(path, variant) for path in FILES for variant in chosen(path)]
    shares = [share for _, share, nodes in found if nodes >= LARGE]
    assert len(shares) > 50
    assert sum(shares) / len(shares) <= (0.15 if EVERY else 0.16)
