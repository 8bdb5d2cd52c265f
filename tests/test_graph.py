"""The graph as one builds it from Python: what layers are called, and which names are free."""

from __future__ import annotations

import pytest

from cnncalc.diagnostics import Fault
from cnncalc.graph import Graph
from cnncalc.layers import KINDS
from cnncalc.layers.base import make


def test_layers_without_a_name_are_numbered_by_kind() -> None:
    graph = Graph("net", None, "", [("x", (3, 8, 8))])
    relu, pool = make(KINDS["relu"], {}), make(KINDS["max_pool"], {"kernel": 2})
    assert [graph.append(layer, (0,)).name for layer in (relu, pool, relu)] == ["relu1", "max_pool1", "relu2"]
    assert graph.append(relu, (0,), "relu4").operation.output == (3, 8, 8)
    assert [graph.append(relu, (0,)).name for _ in range(2)] == ["relu3", "relu5"]
    with pytest.raises(Fault, match="the name `relu3` is given twice"):
        graph.append(relu, (0,), "relu3")


def test_free_names() -> None:
    graph = Graph("net", None, "", [("x", (3, 8, 8)), ("x7", (3, 8, 8))])
    assert [graph.free_name(name) for name in ("y", "y3", "x", "x7")] == ["y", "y3", "x1", "x8"]
    assert [graph.free_name(name, 2) for name in ("y", "x")] == ["y2", "x2"]
