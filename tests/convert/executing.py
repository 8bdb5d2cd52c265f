"""What an imported network is, row by row, and what it computes with the weights of its source."""

from __future__ import annotations

from typing import Any

import pytest

from cnncalc.convert import Imported
from cnncalc.executor.session import outputs
from cnncalc.geometry import elements


def rows(found: Imported) -> list[str]:
    """Every row as kind and arguments that are not the default: ``conv channels=4 kernel=3``."""
    shown = []
    for node in found.graph.nodes:
        layer = node.operation.layer
        given = {name: getattr(layer, name) for name in layer.fields}
        own = [f"{name}={value}" for name, value in given.items() if value != layer.defaults.get(name)]
        shown.append(" ".join([node.kind, *own]))
    return shown


def weights_of(found: Imported, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The file's tensors as the weights of rows, in PyTorch's layouts: a matrix that ONNX multiplies by is turned."""
    result: dict[str, dict[str, Any]] = {}
    for node in found.graph.nodes:
        if node.shares is not None:
            continue
        for weight in node.operation.weights:
            (name,) = found.account.uses[node.name][weight.name]
            values = given[name]
            turned = isinstance(values[0], list) and not isinstance(values[0][0], list)
            if (
                turned
                and (node.kind in ("linear", "conv", "parameter") or weight.name == "bias_table")
                and len(values) != weight.shape[0]
            ):
                values = [list(column) for column in zip(*values)]
            result.setdefault(node.name, {})[weight.name] = nested(flat(values), weight.shape)
    return result


def flat(values: Any) -> list[float]:
    return [number for entry in values for number in flat(entry)] if isinstance(values, list) else [values]


def nested(values: list[float], shape: tuple[int, ...]) -> Any:
    if len(shape) == 1:
        return values
    each = elements(shape[1:])
    return [nested(values[start : start + each], shape[1:]) for start in range(0, len(values), each)]


def agrees(found: Imported, given: dict[str, Any], data: list[Any], expected: list[Any]) -> None:
    """Fail unless the network computes these outputs from these inputs and weights."""
    inputs = dict(zip((name for name, _ in found.graph.inputs), data))
    results = outputs(found.graph, inputs, weights_of(found, given))
    assert len(results) == len(expected)
    for result, wanted in zip(results.values(), expected):
        shape = []
        level = wanted
        while isinstance(level, list):
            shape.append(len(level))
            level = level[0]
        assert result.shape == tuple(shape)
        assert list(result.data) == pytest.approx(flat(wanted), rel=1e-4, abs=1e-5)
