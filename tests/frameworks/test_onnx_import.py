"""ONNX files as PyTorch writes them, and ONNX's own operator tests: what comes in against what the libraries say.

pytest tests/frameworks/test_onnx_import.py     (torch, torchvision, onnx, onnxscript; no weights are downloaded)
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torchvision
from convert.test_attended import LARGER
from convert.test_attended import model as attention
from onnx.backend.test.case.node import collect_testcases
from sampling import EVERY

from cnncalc import Network, load, loads
from cnncalc.convert import Imported, read_model
from cnncalc.convert.onnx import read_proto
from cnncalc.diagnostics import SpecError
from cnncalc.graph import Graph

warnings.filterwarnings("ignore")

NETWORKS = {
    "alexnet": {}, "vgg16": {}, "resnet50": {}, "mobilenet_v2": {}, "mobilenet_v3_large": {}, "densenet121": {},
    "efficientnet_b0": {}, "shufflenet_v2_x1_0": {}, "squeezenet1_1": {}, "mnasnet1_0": {}, "regnet_y_400mf": {},
    "convnext_tiny": {}, "googlenet": {"init_weights": False, "aux_logits": False},
    "inception_v3": {"init_weights": False},
}  # fmt: skip


Exported = tuple[str, bool, Path]
"""The network's name, whether its batch norms are kept, and the file."""


@cache
def bundled(name: str) -> Network:
    return load(name)


RANDOM = ("kaiming_uniform_", "kaiming_normal_", "trunc_normal_", "normal_", "uniform_", "xavier_uniform_")


def module(name: str) -> torch.nn.Module:
    """torchvision's network with weights that are all different: exporters store equal tensors once."""
    with patch.multiple(torch.nn.init, **{each: lambda tensor, *_, **__: tensor for each in RANDOM}):  # drawn below
        net = getattr(torchvision.models, name)(weights=None, **NETWORKS[name]).eval()
    if name == "inception_v3":
        net.aux_logits, net.AuxLogits = False, None
    torch.manual_seed(1)
    with torch.no_grad():
        for tensor in [*net.parameters(), *net.buffers()]:
            if tensor.is_floating_point():
                tensor.uniform_(0.25, 0.75)
    return net


def export(net: torch.nn.Module, size: int, path: Path, exporter: str, kept: bool, **more: Any) -> None:
    x = torch.zeros(1, 3, size, size)
    if exporter == "dynamo":
        torch.onnx.export(
            net, (x,), path, dynamo=True, optimize=not kept, verbose=False, **{"external_data": False, **more}
        )
    else:
        training = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False} if kept else {}
        torch.onnx.export(net, (x,), path, dynamo=False, opset_version=17, **training)


DIFFERENT = ("shufflenet_v2_x1_0", "convnext_tiny", "mobilenet_v3_large")
"""Networks that the slow exporter writes whatever the environment sets; all, where it sets ``EVERY_NETWORK``."""

CASES = [
    (name, exporter, kept)
    for name in NETWORKS
    for exporter in ("script", "dynamo")
    for kept in (False, True)
    if exporter == "script" or EVERY or name in DIFFERENT
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}-{'kept' if case[2] else 'folded'}")
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, bool, Path]]:
    name, exporter, kept = request.param
    path = tmp_path_factory.mktemp(name) / f"{name}.onnx"
    export(module(name), 299 if name == "inception_v3" else 224, path, exporter, kept)
    yield name, kept, path
    path.unlink()


FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def held(model: onnx.ModelProto) -> int:
    """Decimal numbers that a file holds, by the library."""
    total = sum(prod(tensor.dims) for tensor in model.graph.initializer if tensor.data_type in FLOATS)
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value" and attribute.t.data_type in FLOATS:
                total += prod(attribute.t.dims)
            total += len(attribute.floats) + (attribute.name == "value_float")
    return total


def macs(graph: Graph) -> int:
    return sum(node.operation.macs or 0 for node in graph.nodes)


def rows(graph: Graph) -> Counter[Any]:
    """What a network computes, in normal form: concatenations by their parts; what only flattens is left out."""
    takers = graph.takers()
    parts: dict[int, tuple[int, ...]] = {}
    found: Counter[Any] = Counter()
    for node in graph.nodes:
        operation = node.operation
        inputs: Any = operation.inputs
        if node.kind in ("flatten", "dropout", "identity"):
            continue
        if node.kind == "concat":
            flat = tuple([part for tensor in node.inputs for part in parts.get(tensor, (tensor,))])
            parts[node.number] = flat
            if takers[node.number] and all(taker.kind == "concat" for taker in takers[node.number]):
                continue
            inputs = tuple([graph.shapes[tensor] for tensor in flat])
        if node.kind == "adaptive_avg_pool" and operation.output == operation.inputs[0]:
            continue
        weights = tuple([(weight.name, weight.shape, weight.learned) for weight in operation.weights])
        layer = operation.layer
        found[
            node.kind, inputs, operation.output, operation.reach, weights, operation.macs,
            getattr(layer, "groups", None), getattr(layer, "eps", None),
        ] += 1  # fmt: skip
    return found


def test_what_pytorch_exports_comes_in_whole(exported: Exported) -> None:
    name, kept, path = exported
    graph, account = read_model(str(path))
    model = onnx.load(path)
    assert not account.opaque
    assert account.is_whole
    assert account.parameters + account.state + account.constants == held(model)
    assert "all accounted for; nothing opaque" in account.sentence
    totals = bundled(name).summary().totals
    assert macs(graph) == totals.macs
    if kept:
        assert (account.parameters, account.state) == (totals.params, totals.state)
        ours, theirs = (rows(net) for net in (graph, bundled(name).graph))
        theirs -= Counter(
            {key: 1 for key in theirs if key[0] == "softmax"}
        )  # the paper's, which torchvision leaves out
        assert ours == theirs


LINES = {"vgg16": 26, "resnet50": 30, "googlenet": 42, "mobilenet_v2": 34, "densenet121": 34, "efficientnet_b0": 46}
"""Lines that are not blank, at most, of what a person would write."""


def test_it_is_lifted_to_what_a_person_would_write(exported: Exported) -> None:
    name, _, path = exported
    net = load(path)
    text = net.lift().text
    again = loads(text)
    assert len(text) < 0.5 * len(net.expand())  # of AlexNet, where nothing repeats
    assert max(map(len, text.splitlines())) <= 120
    assert rows(again.graph) == rows(net.graph)
    assert (again.summary().totals.params, macs(again.graph)) == (net.summary().totals.params, macs(net.graph))
    if name in LINES:
        assert sum(1 for line in text.splitlines() if line.strip()) <= LINES[name]


def test_stored_shapes_make_no_difference(exported: Exported) -> None:
    name, _, path = exported
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type in FLOATS and prod(tensor.dims) > 1:
            tensor.ClearField("raw_data")
    model = onnx.shape_inference.infer_shapes(model)
    with_shapes = read_proto(model)
    del model.graph.value_info[:]
    without = read_proto(model)
    assert with_shapes.account.compared > len(with_shapes.graph.nodes) * 0.9
    for found in (with_shapes, without):
        assert macs(found.graph) == bundled(name).summary().totals.macs
        assert found.account.is_whole
        assert not found.account.opaque


def test_weights_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(module("resnet50"), 224, path, "dynamo", False, external_data=True)
    beside = list(tmp_path.glob("net.onnx.data*"))
    assert beside
    whole = read_model(str(path)).account.sentence
    for file in beside:
        file.unlink()
    assert read_model(str(path)).account.sentence == whole
    assert "25,530,472 parameters, all accounted for; nothing opaque" in whole


EXPORTS: list[dict[str, Any]] = [
    {"exporter": "script"},
    {"exporter": "dynamo"},
    {"exporter": "dynamo", "opset_version": 23},
]


@pytest.mark.parametrize("how", EXPORTS, ids=lambda how: "-".join(map(str, how.values())))
def test_attention_comes_in_from_both_exporters(how: dict[str, Any], tmp_path: Path) -> None:
    net = torchvision.models.vit_b_32(weights=None).eval()
    path = tmp_path / "vit.onnx"
    export(net, 224, path, kept=False, **how)
    graph, account = read_model(str(path))
    assert account.opaque == {}
    assert sum(node.kind == "attention" for node in graph.nodes) == 12
    # torch.utils.flop_counter with the products of torch.nn.functional.scaled_dot_product_attention
    assert macs(graph) == 4_409_186_304


def exported_windows(net: Any, size: int, exporter: str, path: Path) -> tuple[Any, Any]:
    """What comes in of a network of attention in windows: its graph and the account, with nothing opaque."""
    with torch.no_grad():
        for weight in net.parameters():  # equal tensors are stored once
            weight.uniform_()
    export(net.eval(), size, path, exporter, False)
    graph, account = read_model(str(path))
    assert account.opaque == {}
    return graph, account


@pytest.mark.parametrize("exporter", ["script", "dynamo"])
def test_attention_in_windows_is_found_with_its_bias(exporter: str, tmp_path: Path) -> None:
    net = torchvision.models.swin_t(weights=None)
    graph, account = exported_windows(net, 224, exporter, tmp_path / "swin.onnx")
    assert account.parameters == sum(weight.numel() for weight in net.parameters())
    assert macs(graph) == 4_490_566_656  # torch.utils.flop_counter on this network
    attention: Any = [node.operation.layer for node in graph.nodes if node.kind == "attention"]
    shifts = [0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 0]  # the last stage has one window
    assert [layer.shift or 0 for layer in attention] == shifts
    assert {layer.bias for layer in attention} == {"relative"}


@pytest.mark.parametrize("exporter", ["script", "dynamo"])
def test_attention_of_cosines_is_found_with_the_layers_of_its_bias(exporter: str, tmp_path: Path) -> None:
    net = torchvision.models.swin_v2_t(weights=None)
    graph, account = exported_windows(net, 256, exporter, tmp_path / "swin_v2.onnx")
    assert account.is_whole
    own = sum(weight.numel() for weight in net.parameters())
    products = 5_939_690_496  # torch.utils.flop_counter on this network
    if exporter == "dynamo":  # it stores the products of the 15 x 15 coordinates in place of the first matrix
        own, products = own + 12 * 512 * (15 * 15 - 2), products - 12 * 15 * 15 * 2 * 512
    assert (account.parameters, macs(graph)) == (own, products)
    attention: Any = [node.operation.layer for node in graph.nodes if node.kind == "attention"]
    assert [layer.shift or 0 for layer in attention] == [0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 0]
    assert {layer.mode for layer in attention} == {"cosine"}
    assert sum(node.kind == "sigmoid" for node in graph.nodes) == 12


# -- ONNX's own operator tests -----------------------------------------------------------------------------------------


@cache
def operator_tests() -> list[tuple[str, onnx.ModelProto]]:
    return [(case.name, case.model) for case in collect_testcases(None)]


def read(model: onnx.ModelProto) -> Imported | SpecError:
    try:
        return read_proto(model)
    except SpecError as error:
        return error


def test_onnx_s_operator_tests_come_in_or_say_why_not() -> None:
    codes: Counter[str] = Counter()
    for name, model in operator_tests():
        found = read(model)
        if isinstance(found, SpecError):
            (diagnostic,) = found.diagnostics
            assert diagnostic.span is not None, name
            codes[diagnostic.code] += 1
        else:
            codes["opaque" if found.account.opaque else "read"] += 1
            assert found.account.is_whole, name
    assert "shape-differs" not in codes, codes  # every shape that we find is the one that the test states
    assert codes["read"] > 240
    assert codes["read"] + codes["opaque"] > 1_200


LAYERS = """
test_conv_ test_convtranspose test_maxpool test_averagepool test_lppool test_batchnorm_ test_instancenorm
test_basic_conv test_gemm test_globalaveragepool test_globalmaxpool test_leakyrelu test_prelu test_elu test_selu
test_sigmoid test_softmax_axis_1 test_depthtospace test_spacetodepth
""".split()  # noqa: SIM905

WITHOUT_KIND = {
    "test_gemm_default_scalar_bias", "test_gemm_default_single_elem_vector_bias",  # one bias for all features
    "test_gemm_default_matrix_bias",  # a bias per sample
    "test_gemm_transposeA", "test_gemm_all_attributes",  # the batch is the last axis
    "test_maxpool_with_argmax_2d_precomputed_pads", "test_maxpool_with_argmax_2d_precomputed_strides",  # two results
    "test_prelu_example", "test_prelu_broadcast",  # a slope per element, or per position
}  # fmt: skip


@pytest.mark.parametrize("prefix", LAYERS)
def test_operators_with_a_kind_leave_nothing_opaque(prefix: str) -> None:
    found = {
        name: read(model) for name, model in operator_tests() if name.startswith(prefix) and "expanded" not in name
    }
    imported = {name: one for name, one in found.items() if not isinstance(one, SpecError)}
    assert imported
    assert all("training_mode" in name for name in found.keys() - imported.keys())
    assert {name for name, one in imported.items() if one.account.opaque} == WITHOUT_KIND.intersection(found)


@pytest.mark.parametrize("name", LARGER)
def test_products_of_attention_become_as_large(name: str) -> None:
    steps, shape, _ = LARGER[name]
    session = onnxruntime.InferenceSession(attention(steps, shape=shape))
    (result,) = session.run(None, {"x": np.zeros((1, 5, 4), np.float32)})
    assert list(result.shape) == shape
