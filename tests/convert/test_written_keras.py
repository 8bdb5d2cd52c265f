"""Keras models of a layer or two: what they are read as, letter by letter, and what Keras says of them.

``tests/data/convert/written_keras.json`` holds each as Keras writes it; ``written_keras.py`` beside it makes that.
"""

from __future__ import annotations

import copy
import json
from math import prod
from typing import Any

import pytest
from convert import exporting, importing
from convert.written import FILE, drawn, nested
from sampling import together

from cnncalc.convert import Imported
from cnncalc.convert.keras import from_keras
from cnncalc.executor.session import outputs

MODELS: dict[str, Any] = json.loads((FILE.parent / "written_keras.json").read_text(encoding="utf-8"))
DEFAULTS = MODELS.pop("defaults")


def test_what_they_are_read_as(request: pytest.FixtureRequest) -> None:
    found = {
        name: importing.told(lambda source, model=model: from_keras(model["model"]), name)  # type: ignore[misc]
        for name, model in MODELS.items()
    }
    exporting.check(importing.GOLDEN / "written_keras.txt", found, request.config.getoption("--rewrite"))


def first_last(values: list[float], channels: int) -> list[float]:
    """Numbers whose channels are last, with their channels first."""
    return [value for channel in range(channels) for value in values[channel::channels]]


def is_counted(found: Imported) -> bool:
    return not any("params" in node.operation.layer.unknown for node in found.graph.nodes if node.kind == "opaque")


@together("name", MODELS)
def test_parameters_shapes_and_results_are_keras_s(name: str) -> None:
    """Results where there are no weights, no opaque row, and no constant that is left out."""
    model = MODELS[name]
    found = from_keras(model["model"])
    account, graph, shape = found.account, found.graph, model["shape"]
    last = "channels_first" not in json.dumps(model["model"])
    ((_, output),) = graph.outputs
    assert graph.shapes[output] == ((*shape[-1:], *shape[:-1]) if last else tuple(shape))
    if is_counted(found) and not any("is no weight" in note for note in account.notes):
        assert (account.parameters, account.parameters + account.state) == (model["trained"], model["params"])
    if account.opaque or not model["values"] or account.notes:
        return
    ((label, sizes),) = graph.inputs
    data, expected = drawn("x", prod(sizes)), model["values"]
    if last:
        data, expected = first_last(data, sizes[0]), first_last(expected, shape[-1])
    (result,) = outputs(graph, {label: nested(data, sizes)}, {}).values()
    assert list(result.data) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def same(value: Any, default: Any) -> bool:
    """Whether an argument is the default; one number may stand for one per axis."""
    spread = isinstance(value, list) and not isinstance(default, list)
    return all(each == default for each in value) if spread else bool(value == default)


@together("name", MODELS)
def test_what_is_left_out_of_a_config_has_keras_s_default(name: str) -> None:
    shorter, left_out = copy.deepcopy(MODELS[name]["model"]), 0
    for layer in shorter["config"]["layers"]:
        defaults = DEFAULTS.get(layer["class_name"], {})
        for key in [key for key, value in layer["config"].items() if key in defaults and same(value, defaults[key])]:
            del layer["config"][key]
            left_out += 1
    assert left_out or not name[0].isupper()
    assert importing.told(lambda source: from_keras(shorter), name) == importing.told(
        lambda source: from_keras(MODELS[name]["model"]), name
    )
