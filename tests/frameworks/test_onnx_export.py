"""Networks written as ONNX: checked by ONNX, shaped by ONNX, and computed by ONNX Runtime."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from convert import exporting
from convert.exporting import CHANGES
from convert.networks import EVERY, LAYERS, NETWORKS, REFUSED, examples, network
from frameworks.export_cases import (
    REDUCED,
    Nothing,
    computable,
    drawn_inputs,
    finite,
    reference,
    sampled,
    singles,
    small,
    weights,
)

import cnncalc
from cnncalc.convert.onnx_out.model import OPSETS, model, to_onnx
from cnncalc.graph import Graph

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
numpy = pytest.importorskip("numpy")
runtime.set_default_logger_severity(3)

BATCH = 3


def sizes(value: Any) -> tuple[int, ...]:
    """The shape of a value, where the batch is open with a batch of `BATCH`."""
    return tuple(BATCH if dim.dim_param == "batch" else dim.dim_value for dim in value.type.tensor_type.shape.dim)


def stated(made: Any) -> dict[str, tuple[int, ...]]:
    """Every shape that a model states, by the value's name."""
    graph = made.graph
    return {value.name: sizes(value) for value in (*graph.input, *graph.value_info, *graph.output)}


def check(graph: Graph, opset: int, batch: int = 1) -> None:
    """The model is valid, its shapes are those that ONNX infers, and it gives the executor's numbers."""
    inputs = drawn_inputs(graph)
    made = model(graph, weights(graph), opset)
    onnx.checker.check_model(made)
    agree_on_shapes(made)
    session = runtime.InferenceSession(made.SerializeToString())
    fed = {
        name: numpy.array([tensor.data] * batch, numpy.float32).reshape(batch, *tensor.shape)
        for (name, _), tensor in zip(graph.inputs, inputs)
    }
    for found, tensor in zip(session.run([name for name, _ in graph.outputs], fed), reference(graph)):
        alone = not any(node.inputs for node in graph.nodes)
        assert found.shape == (1 if alone else batch, *tensor.shape)
        for sample in found:
            numpy.testing.assert_allclose(sample.ravel(), numpy.array(tensor.data), rtol=1e-4, atol=1e-5)


def agree_on_shapes(made: Any) -> None:
    """Every value's shape is stated, and ONNX's own inference finds the same from the inputs' alone, and no type wrong.

    This is what ONNX's checker does besides with `full_check`, which starts from the shapes that are stated.
    """
    ours = stated(made)
    assert {output for node in made.graph.node for output in node.output} <= ours.keys()
    bare = onnx.ModelProto()
    bare.CopyFrom(made)
    del bare.graph.value_info[:]
    for value in bare.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = BATCH
    for value in bare.graph.output:
        if value.name not in {entry.name for entry in bare.graph.input}:
            value.type.tensor_type.ClearField("shape")
        else:
            value.type.tensor_type.shape.dim[0].dim_value = BATCH
    found = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    if any(node.op_type == "MaxUnpool" for node in made.graph.node):  # whose size is an operand, and not inferred
        assert {name: shape for name, shape in stated(found).items() if shape}.items() <= ours.items()
    else:
        assert stated(found) == ours


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind(kind: str) -> None:
    for name, graph in examples(EVERY):
        if name.partition(" ")[0] != kind:
            continue
        for opset in CHANGES:
            try:
                check(graph, opset)
            except Exception as error:
                raise AssertionError(f"{name} in opset {opset}: {error}") from error


@pytest.mark.parametrize("opset", CHANGES)
@pytest.mark.parametrize(
    "name", [name for name in (*NETWORKS, *LAYERS, *REFUSED) if name not in exporting.refusals("onnx")]
)
def test_numbers_of_what_was_chosen(name: str, opset: int) -> None:
    """No operator mixes samples, and none counts on a batch of 1; but for a norm by the statistics of the batch."""
    graph = network(name)
    alone = any(getattr(node.operation.layer, "statistics", True) is False for node in graph.nodes)
    check(graph, opset, 1 if alone else BATCH)


def test_layers_that_nobody_chose() -> None:
    checked = 0
    for graph in singles(400, EVERY):
        if not finite(reference(graph)):
            continue
        checked += 1
        for opset in (13, 17, 21):
            try:
                check(graph, opset)
            except Exception as error:
                layer = graph.nodes[0].operation.layer
                raise AssertionError(f"{layer} on {graph.inputs} in opset {opset}: {error}") from error
    assert checked > 300


def test_the_golden_listings_are_of_models_of_the_library() -> None:
    """As those that `convert.standing_in` makes are without it."""
    exporting.check(exporting.GOLDEN / "onnx.txt", dict(exporting.sections("onnx")), rewrite=False)


@pytest.mark.parametrize("name", small())
def test_small_networks_compute_the_same(name: str) -> None:
    check(computable(name), 17)


@pytest.mark.parametrize("name", REDUCED)
def test_families_compute_the_same_at_small_inputs(name: str) -> None:
    check(computable(name), 17)


class Sparse(BytesIO):
    """Counts what is written, and keeps none of it."""

    size = 0

    def write(self, content: Any) -> int:
        self.size += len(content)
        return len(content)

    def tell(self) -> int:
        return self.size


NORMED = ("dm_nfnet_f0", "dm_nfnet_f1", "tcn_mnist")
"""Networks whose kernels are normed: their gains are part of the kernels in ONNX, which plain Python works out."""


@pytest.mark.parametrize("name", [name for name in sampled() if name not in NORMED])
def test_bundled_networks_are_valid_and_shaped_alike(name: str, tmp_path: Path) -> None:
    """With the names, parameters and shapes of the rows; the weights' file is there, and holds nothing."""
    network = cnncalc.load(name)
    graph = network.graph
    data = Sparse()
    made = model(graph, Nothing(graph), 17, ("weights", data))
    (tmp_path / "weights").touch()
    with open(tmp_path / "weights", "r+b") as file:
        file.truncate(data.size)
    onnx.save(made, tmp_path / "network.onnx")
    onnx.checker.check_model(str(tmp_path / "network.onnx"), full_check=True)
    agree_on_shapes(made)
    shapes = stated(made)
    named = {node.name: node for node in made.graph.node}
    kinds = {node.kind for node in graph.nodes}
    for node in graph.nodes:
        batch, *shape = shapes[named[node.name].output[0]]
        assert tuple(shape) == node.operation.output
        assert batch in ((1, BATCH) if "coordinates" in kinds or "parameter" in kinds else (BATCH,))
    report = network.params()
    counted = sum(numpy.prod(entry.dims, dtype=int) for entry in made.graph.initializer if entry.external_data)
    assert counted == report.total("params") + (report.total("state") or 0)
    assert [output.name for output in made.graph.output] == [name for name, _ in graph.outputs]


def test_weights_are_in_the_file_under_the_rows_names(tmp_path: Path) -> None:
    graph = cnncalc.load("lenet").graph
    path = tmp_path / "lenet.onnx"
    to_onnx(graph, path, weights(graph, seed=5))
    found = {entry.name: onnx.numpy_helper.to_array(entry) for entry in onnx.load(path).graph.initializer}
    source = weights(graph, seed=5)
    for node in graph.nodes:
        for weight in node.operation.weights:
            tensor = found[f"{node.name}.{weight.name}"]
            assert tensor.shape == weight.shape
            values = numpy.array(source(node, weight.name, weight.shape), numpy.float32)
            assert (tensor.ravel() == values).all()


def test_weights_too_large_for_one_file_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.onnx_out.model.MAX_BYTES", 1_000)
    graph = cnncalc.load("lenet").graph
    path = tmp_path / "lenet.onnx"
    to_onnx(graph, path, weights(graph))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lenet.onnx", "lenet.onnx.data"]
    onnx.checker.check_model(str(path), full_check=True)
    inputs = drawn_inputs(graph)
    fed = numpy.array(inputs[0].data, numpy.float32).reshape(1, *inputs[0].shape)
    found = runtime.InferenceSession(str(path)).run(None, {graph.inputs[0][0]: fed})[0]
    numpy.testing.assert_allclose(found.ravel(), reference(graph)[0].data, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("opset", [OPSETS[0], OPSETS[-1]])
def test_the_opset_is_the_one_that_was_asked_for(opset: int) -> None:
    graph = cnncalc.load("lenet").graph
    made = model(graph, weights(graph), opset)
    assert [(entry.domain, entry.version) for entry in made.opset_import] == [("", opset)]


def test_an_output_that_is_another_too() -> None:
    graph = cnncalc.loads("input: [2]\nlayers:\n  - relu\n").graph
    last = len(graph.shapes) - 1
    graph.outputs = [("first", last), ("second", last), ("third", 0)]
    check(graph, 17)
