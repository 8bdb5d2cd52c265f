"""The words of PyTorch: each call of the table, made there, against the step that the table says to write."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.language.words import TABLE, Row

torch = pytest.importorskip("torch")

INPUTS = {"Conv2d": (3, 32, 32), "Linear": (512,), "LazyLinear": (512,), "Unflatten": (3136,), "LayerNorm": (96,)}
MODULES = [row for row in TABLE["pytorch"] if row.kind and hasattr(torch.nn, row.theirs.partition("(")[0])]


@pytest.mark.parametrize("row", MODULES, ids=lambda row: row.theirs)
def test_a_module_has_the_shape_and_the_parameters_of_the_step(row: Row) -> None:
    shape = INPUTS.get(row.theirs.partition("(")[0], (64, 32, 32))
    module = eval(row.theirs, vars(torch.nn)).eval()
    with torch.no_grad():
        output = module(torch.zeros(1, *shape))
    net = cnncalc.loads(f"input: {list(shape)}\nlayers: [{row.ours}]\n")
    totals = net.summary().totals
    assert tuple(output.shape[1:]) == net.graph.shapes[-1]
    assert sum(p.numel() for p in module.parameters()) == (totals.params or 0)


def test_most_rows_are_modules() -> None:
    assert len(MODULES) > 40
