"""Networks written as Keras source: built by Keras, counted by Keras, and computed by it."""

from __future__ import annotations

import ast
import os
from typing import Any

import pytest
from convert.exporting import refusals
from convert.networks import EVERY, LAYERS, NETWORKS, REFUSED, WRITTEN, examples, network
from frameworks.export_cases import (
    REDUCED,
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
from cnncalc.analyzers.params import count
from cnncalc.convert.keras_out.calls import identifier
from cnncalc.convert.keras_out.source import to_keras, to_keras_source
from cnncalc.graph import Graph

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
numpy = pytest.importorskip("numpy")


def channels_last(array: Any) -> Any:
    return numpy.moveaxis(array, 1, -1)


def computed(model: Any, graph: Graph, inputs: Any) -> list[Any]:
    """What a model gives for the network's outputs, channels first."""
    given = [channels_last(numpy.array(tensor.data, numpy.float32).reshape(1, *tensor.shape)) for tensor in inputs]
    found = model(given if len(given) > 1 else given[0], training=False)
    outputs = [found[name] for name, _ in graph.outputs] if isinstance(found, dict) else [found]
    return [numpy.moveaxis(keras.ops.convert_to_numpy(output), -1, 1) for output in outputs]


def check(graph: Graph) -> None:
    """The model has the figures of the rows, and gives the executor's numbers."""
    inputs = drawn_inputs(graph)
    model = to_keras(graph, weights(graph))
    agree_on_counts(graph, model)
    for found, tensor in zip(computed(model, graph, inputs), reference(graph)):
        assert found.shape == (1, *tensor.shape)
        numpy.testing.assert_allclose(found.ravel(), numpy.array(tensor.data), rtol=1e-4, atol=1e-5)


def agree_on_counts(graph: Graph, model: Any) -> None:
    """Every row with weights is a layer of its name, with its parameters, its state, and its output."""
    for node in graph.nodes:
        if node.shares is not None or not node.operation.weights:
            continue
        layer = model.get_layer(identifier(node.name))
        assert (elements_of(layer.trainable_weights), elements_of(layer.non_trainable_weights)) == count(node), (
            node.name
        )


def elements_of(variables: Any) -> int:
    """How many numbers some variables hold."""
    return sum(numpy.prod(each.shape, dtype=int) for each in variables)


SAID = tuple(kind for kind in EVERY if kind != "max_unpool")
CASES = examples(SAID)


@pytest.mark.parametrize(("name", "graph"), CASES, ids=[name for name, _ in CASES])
def test_every_kind(name: str, graph: Graph) -> None:
    check(graph)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("step", ["kernel: 1, stride: 3, padding: 1", "kernel: 2, stride: 3, output_padding: 1"])
def test_a_transposed_convolution_that_skips_positions(step: str, groups: int) -> None:
    """Keras gives as many positions as the stride even where the kernel is smaller."""
    check(cnncalc.loads(f"input: [6, 2, 3]\nlayers:\n  - {{conv_transpose: 6, {step}, groups: {groups}}}\n").graph)


def test_layers_that_nobody_chose() -> None:
    """What is refused is refused for a reason that Keras gives."""
    checked, refused = 0, set()
    for graph in singles(400, SAID):
        if not finite(reference(graph)):
            continue
        try:
            check(graph)
        except cnncalc.SpecError as error:
            refused.add(error.diagnostics[0].message.partition("` ")[2])
        except Exception as error:
            raise AssertionError(f"{graph.nodes[0].operation.layer} on {graph.inputs}: {error}") from error
        checked += 1
    assert checked > 300
    assert refused <= {
        "has a stride and a dilation, which Keras does not transpose",
        "has a bias that is not written for Keras: `decomposed`",
        "has a bias that is not written for Keras: `distance`",
        "has a bias that is not written for Keras: `relative`",
        "has no learned factor and offset, which is not written for Keras",
        "is over several axes, which Keras has no logarithm of",
    }


@pytest.mark.parametrize(
    "name", [name for name in (*NETWORKS, *LAYERS, *REFUSED, *WRITTEN) if name not in refusals("keras")]
)
def test_numbers_of_what_was_chosen(name: str) -> None:
    check(network(name))


@pytest.mark.parametrize("name", small())
def test_small_networks_compute_the_same(name: str) -> None:
    check(computable(name))


@pytest.mark.parametrize("name", REDUCED)
def test_families_compute_the_same_at_small_inputs(name: str) -> None:
    check(computable(name))


UNSAID = {
    **dict.fromkeys(("levit_128s", "levit_128", "levit_192", "levit_256", "levit_384"), "bias that is not written"),
    "mvit_v2_s": "bias that is not written",
    **dict.fromkeys(("dm_nfnet_f0", "dm_nfnet_f1", "tcn_mnist"), "kernels that are normed"),
    "segnet": "which Keras cannot say",
}
"""Bundled networks that are refused, and why."""


@pytest.mark.parametrize("name", sampled())
def test_bundled_networks_are_built_with_their_figures(name: str) -> None:
    """By Keras on PyTorch's meta device: shapes and counts, and no memory."""
    network = cnncalc.load(name)
    graph = network.graph
    if name in UNSAID:
        with pytest.raises(cnncalc.SpecError, match=UNSAID[name]):
            to_keras_source(graph)
        return
    with keras.device("meta"):
        model = to_keras(graph)
    agree_on_counts(graph, model)
    report = network.params()
    assert elements_of(model.trainable_weights) == report.total("params")
    assert elements_of(model.non_trainable_weights) == (report.total("state") or 0)
    outputs = model.output
    found = [outputs[name] for name, _ in graph.outputs] if isinstance(outputs, dict) else [outputs]
    for output, (_, tensor) in zip(found, graph.outputs):
        channels, *sizes = graph.shapes[tensor]
        assert output.shape == (None, *sizes, channels)


def test_the_source_imports_keras_alone() -> None:
    for name in ("resnet50", "unet", "shufflenet_v2_x0_5", "ssd300_voc"):
        tree = ast.parse(to_keras_source(cnncalc.load(name).graph))
        modules = {
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        assert modules == {"keras"}


def test_a_model_is_saved_and_loaded_with_what_is_written_into_its_source(tmp_path: Any) -> None:
    graph = network("norms")
    model = to_keras(graph, weights(graph))
    model.save(tmp_path / "model.keras")
    inputs = drawn_inputs(graph)
    again = keras.models.load_model(tmp_path / "model.keras")
    for before, after in zip(computed(model, graph, inputs), computed(again, graph, inputs)):
        numpy.testing.assert_array_equal(before, after)
