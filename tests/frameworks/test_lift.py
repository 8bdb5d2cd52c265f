"""Every bundled network, expanded to its flat spec and lifted again: the same network, and much shorter.

pytest tests/frameworks/test_lift.py     (three minutes; it needs no framework, but time)
"""

from __future__ import annotations

import os
from typing import Any

import pytest

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


SHARES: dict[str, float] = {}
"""The lifted text's part of the flat one's characters, of the large networks."""


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_a_family_stays_itself(path: str) -> None:
    for variant in [*variant_names(path)] or [None]:
        net = cnncalc.load(path, variant)
        text = cnncalc.loads(flat(net.graph)).lift().text
        again = cnncalc.loads(text)
        assert rows(again) == rows(net), variant
        share = len(text) / len(flat(net.graph))
        assert share < 1, variant
        assert max(map(len, text.splitlines())) <= 120, variant
        if len(net.graph.nodes) >= LARGE:
            SHARES[f"{path}:{variant}"] = share


def test_large_ones_are_a_seventh_on_average() -> None:
    """Of those that were lifted in this process; the order of the file is the order of the tests."""
    if len(SHARES) < LARGE:
        pytest.skip("too few families were lifted in this process")
    assert sum(SHARES.values()) / len(SHARES) <= 0.15
