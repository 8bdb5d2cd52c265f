"""``cnncalc export`` without the frameworks: what is written, and what is refused; tests/frameworks builds it."""

from __future__ import annotations

import ast
import struct
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from convert.encoding import message
from convert.standing_in import onnx_stands_in
from sampling import together

import cnncalc
from cnncalc.convert import read_model
from cnncalc.convert.keras_out.source import set_weights, to_keras_source
from cnncalc.convert.keras_out.weights import keras_weights
from cnncalc.convert.onnx_out.model import MAX_BYTES, to_onnx
from cnncalc.convert.torch_out import to_torch
from cnncalc.convert.weights import weights_of
from cnncalc.geometry import elements

Run = Callable[..., Any]


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "mobilenet_v2", "unet", "densenet121"])
def test_the_source_is_a_module_that_imports_keras_alone(name: str) -> None:
    tree = ast.parse(cnncalc.load(name).to_keras_source())
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports
    for node in imports:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
        assert {each.partition(".")[0] for each in names} == {"keras"}
    assert any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_a_row_that_reads_nothing_stands_beside_another() -> None:
    net = cnncalc.loads("""
input: [6, 8, 8]
blocks:
  biases:
    layers: [{coordinates: [7, 7]}, {conv: 3, kernel: 1}]
layers:
  - {conv: 18, kernel: 1, name: qkv}
  - {biases, name: table}
  - {attention: 3, window: 4, shift: 2, mode: cosine, bias: table, from: qkv}
""")
    source = net.to_torch_source()
    ast.parse(source)
    assert "self.attention1(*qkv.chunk(3, dim=1), " in source


def test_the_header_says_what_must_come_out() -> None:
    """Keras 3's applications.ResNet50 without its biases; torchvision: 25,557,032 learned, 53,120 kept."""
    assert "25,557,032 trainable, 53,120 non-trainable" in cnncalc.load("resnet50").to_keras_source()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("lenet5", "--to", "caffe"), 2, "pytorch, keras, onnx"),
        (("lenet5", "--to", "onnx"), 2, "with `-o FILE`"),
        (("lenet5", "--to", "pytorch", "--seed", "1"), 2, "with `-o FILE`"),
        (("lenet5", "--to", "keras", "--opset", "17"), 2, "is for `--to onnx`"),
        (("lenet5", "--to", "pytorch", "--opset", "17"), 2, "is for `--to onnx`"),
        (("lenet5", "--to", "keras", "--seed", "1"), 2, "are for `--to onnx` and `--to pytorch`"),
        (("lenet5",), 2, "--to"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, told: str, run: Run) -> None:
    done = run("export", *arguments)
    assert done.code == code
    assert told in done.err


@pytest.mark.parametrize("target", ["pytorch", "keras"])
def test_an_opaque_layer_is_refused_at_its_place(target: str, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [3, 8, 8]\nlayers:\n  - {conv: 4, kernel: 1}\n  - {opaque: [5]}\n")
    done = run("export", str(path), "--to", target, "-o", str(tmp_path / "net.py"))
    assert done.code == 1
    assert f"--> {path}:4:" in done.err
    assert not (tmp_path / "net.py").exists()


@pytest.mark.skipif(find_spec("onnx") is not None, reason="onnx is installed")
def test_a_missing_library_is_named_with_its_extra(tmp_path: Path, run: Run) -> None:
    done = run("export", "lenet5", "--to", "onnx", "-o", str(tmp_path / "net.onnx"))
    assert done.code == 1
    assert "pip install 'cnncalc[onnx]'" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_model_has_weights_where_its_layers_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which Keras documents a layer's own; kernels are of height, width, input, output."""
    graph = cnncalc.loads("""
input: [2, 2, 2]
layers:
  - {conv: 3, kernel: 1, name: a.one}
  - {conv: 3, kernel: 1, name: unused}
  - {conv: 3, kernel: 1, share: a.one, from: input, act: relu}
  - {batch_norm, name: norm}
""").graph
    assert "\nLayers that reach no output are counted here" in to_keras_source(graph)
    numpy = SimpleNamespace(array=lambda values, dtype: SimpleNamespace(reshape=lambda shape: (values, shape, dtype)))
    monkeypatch.setitem(sys.modules, "numpy", numpy)
    found = {}

    def get_layer(name: str) -> Any:
        return SimpleNamespace(set_weights=lambda given: found.update({name: given}))

    def weights(node: Any, name: str, shape: Any) -> list[int]:
        return list(range(elements(shape)))

    set_weights(graph, SimpleNamespace(get_layer=get_layer), weights)
    each = ([0, 1, 2], (3,), "float32")
    assert found == {"a_one": [([0, 2, 4, 1, 3, 5], (1, 1, 2, 3), "float32"), each], "norm": [each] * 4}


# -- PyTorch -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "lines"), [("resnet50", 60), ("vgg16", 55)])
def test_the_source_for_pytorch_is_short(name: str, lines: int) -> None:
    source = cnncalc.load(name).to_torch_source()
    assert sum(bool(line.strip()) for line in source.splitlines()) <= lines


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "vit_b_16", "swin_t", "dm_nfnet_f0", "repvgg_a0"])
def test_the_source_for_pytorch_imports_torch_alone(name: str) -> None:
    tree = ast.parse(cnncalc.load(name).to_torch_source())
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {
        each.partition(".")[0]
        for node in imports
        for each in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)])
    }
    assert "torch" in names
    assert names <= {"torch", "typing"}


def test_the_header_for_pytorch_says_what_must_come_out() -> None:
    """torchvision 0.28: models.resnet50 has 25,557,032 parameters, and its page says 4.09 GFLOPS."""
    source = cnncalc.load("resnet50").to_torch_source()
    assert "Parameters: 25,557,032\nMACs:       4,089,184,256\n" in source


def test_equal_blocks_are_one_class_and_chains_are_sequential() -> None:
    source = cnncalc.load("resnet50").to_torch_source()
    assert source.count("(nn.Module):") == 2
    assert "self.layer2 = nn.Sequential(" in source
    assert "self.conv1_norm = nn.BatchNorm2d(64)" in source


def test_layers_that_nothing_takes() -> None:
    """They are called all the same, as the report counts them; a call that gives nothing gives its last layer."""
    source = cnncalc.loads("""
input: [2, 4, 4]
blocks:
  unit: {layers: [{conv: 2, kernel: 1, name: one}, {conv: 2, kernel: 1, name: two}, {add: [x, input]}]}
layers:
  - {unit, name: a}
  - {unit, from: input, name: b}
  - repeat: 2
    name: row
    layers: [{conv: 2, kernel: 1}, {sigmoid, from: input}, {add: [x, input]}]
  - {relu, from: b, name: c}
  - {unit, name: d}
outputs: [c]
""").to_torch_source()
    assert source.endswith("""
    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(x)
        row_1 = self.row_1(self.row_0(b, x), x)
        c = self.relu(b)
        d = self.d(c)
        return c
""")
    assert source.count("return self.two(out) + x") == 1


NAMES = """
name: 3 odd; names
input: [1, 4, 4]
layers:
  - {conv: 2, kernel: 1, name: train}
  - {conv: 2, kernel: 1, name: class}
  - {conv: 2, kernel: 1, norm: batch, name: a}
  - {conv: 2, kernel: 1, name: a_norm}
"""


def test_names_that_are_no_identifiers_or_meet_become_others() -> None:
    """`train` is a method of every module, `class` a word of Python, `a.norm` and `a_norm` would be one attribute."""
    source = cnncalc.loads(NAMES).to_torch_source()
    ast.parse(source)
    assigned = [line.split(" = ")[0].strip() for line in source.splitlines() if line.strip().startswith("self.")]
    assert assigned == ["self.train_", "self.class_", "self.a", "self.a_norm", "self.a_norm2"]
    assert "class Net3OddNames(nn.Module):" in source


def test_source_and_weights_are_written_side_by_side(tmp_path: Path, run: Run) -> None:
    done = run("export", "lenet5", "--to", "pytorch", "--seed", "1", "-o", str(tmp_path / "net.py"))
    assert done.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py", "net.safetensors"]


def test_neither_is_written_where_one_cannot_be(tmp_path: Path, run: Run) -> None:
    (tmp_path / "net.safetensors").mkdir()
    done = run("export", "lenet5", "--to", "pytorch", "--seed", "1", "-o", str(tmp_path / "net.py"))
    assert done.code == 1
    assert f"{tmp_path / 'net.safetensors'}: cannot be written: is a directory" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


def test_weights_that_do_not_fit_leave_nothing(tmp_path: Path, run: Run) -> None:
    given = tmp_path / "given.json"
    given.write_text('{"fc8": {"weight": [[1]]}}', encoding="utf-8")
    done = run("export", "lenet5", "--to", "pytorch", "--weights", str(given), "-o", str(tmp_path / "net.py"))
    assert done.code == 1
    assert "`fc8`, which is no layer" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["given.json"]


def test_a_folder_that_is_not_there(tmp_path: Path, run: Run) -> None:
    done = run("export", "lenet5", "--to", "pytorch", "-o", str(tmp_path / "none" / "net.py"))
    assert done.code == 1
    assert "cannot be written: no such file or directory" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_a_module_needs_pytorch() -> None:
    with pytest.raises(cnncalc.Error, match="torch"):
        cnncalc.load("lenet5").to_torch()


class Module:
    """``torch.nn.Module``, as far as an exported network is one."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.loaded: list[Any] = []

    def load_state_dict(self, state: dict[str, Any], strict: bool) -> None:
        self.loaded.append((state, strict))


def test_a_module_has_weights_where_it_is_given_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tensor once, under the name and in the shape that PyTorch documents; the counter of batches is no weight."""
    nn = SimpleNamespace(Module=Module, Conv2d=Module, BatchNorm2d=Module)
    tensor = SimpleNamespace(tensor=lambda values, dtype: SimpleNamespace(reshape=lambda shape: (values, shape, dtype)))
    torch = SimpleNamespace(nn=nn, Tensor=Module, get_default_dtype=lambda: "float32", **vars(tensor))
    monkeypatch.setitem(sys.modules, "torch", torch)
    graph = cnncalc.loads(NET).graph
    assert to_torch(graph).loaded == []

    def weights(node: Any, name: str, shape: Any) -> list[float]:
        assert node.name in ("first", "norm")
        return [len(name)] * elements(shape)

    ((state, strict),) = to_torch(graph, weights).loaded
    assert not strict
    assert state == {
        "first.weight": ([6, 6], (2, 1, 1, 1), "float32"),
        "first.bias": ([4, 4], (2,), "float32"),
        "norm.weight": ([6, 6], (2,), "float32"),
        "norm.bias": ([4, 4], (2,), "float32"),
        "norm.running_mean": ([12, 12], (2,), "float32"),
        "norm.running_var": ([11, 11], (2,), "float32"),
    }
    network = cnncalc.loads(NET)
    assert network.to_torch().loaded == []
    drawn = [network.to_torch(seed=seed).loaded[0][0]["first.weight"] for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]


# -- ONNX, with what stands in for its library -------------------------------------------------------------------------

NET = """
name: net
input: [1, 2, 2]
layers:
  - {conv: 2, kernel: 1, name: first}
  - {conv: 2, kernel: 1, share: first, from: input, name: again}
  - {batch_norm, name: norm}
"""
VALUES = {"first": {"weight": [[[[1]]], [[[2]]]], "bias": [3, 4]}}


def written(path: Path, text: str = NET, values: Any = None, **given: Any) -> None:
    graph = cnncalc.loads(text).graph
    with onnx_stands_in():
        to_onnx(graph, path, weights_of(graph, VALUES if values is None else values, 0), **given)


def test_an_onnx_file_is_read_again(tmp_path: Path) -> None:
    written(tmp_path / "net.onnx")
    graph, account = read_model(str(tmp_path / "net.onnx"))
    assert (account.parameters, account.state) == (4 + 4, 4)
    assert [node.kind for node in graph.nodes] == ["conv", "batch_norm"]  # nothing takes `first`
    assert struct.pack("<2f", 1, 2) in (tmp_path / "net.onnx").read_bytes()


def test_weights_beyond_the_limit_lie_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 bytes of a convolution that two layers share, and 32 of the norm: external data as ONNX describes it.

    A protobuf counts its bytes in 31 bits.
    """
    assert 2**30 < MAX_BYTES < 2**31
    monkeypatch.setattr("cnncalc.convert.onnx_out.model.MAX_BYTES", 48)
    written(tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    monkeypatch.setattr("cnncalc.convert.onnx_out.model.MAX_BYTES", 47)
    written(tmp_path / "net.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    data, content = (tmp_path / "net.onnx.data").read_bytes(), (tmp_path / "net.onnx").read_bytes()
    assert len(data) == 48
    assert data[:16] == struct.pack("<4f", 1, 2, 3, 4)
    assert struct.pack("<2f", 1, 2) not in content
    for entry in (("location", "net.onnx.data"), ("offset", "8"), ("length", "8")):
        assert message(*enumerate(entry, 1)) in content
    assert read_model(str(tmp_path / "net.onnx")).account.parameters == 8


def test_a_file_that_cannot_be_written_leaves_none_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.onnx_out.model.MAX_BYTES", 0)
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(cnncalc.Error, match="is a directory"):
        written(tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"opset": 12}, "opset 12 is not one of 13 to 23"),
        ({"opset": 24}, "opset 24 is not one of 13 to 23"),
        ({"values": {"first": {"bias": [1e39, 0]}}}, "`first` bias holds a value too large for a 32-bit number"),
        ({"values": {"fjrst": {"bias": [1, 2]}}}, "`fjrst`, which is no layer"),
    ],
)
def test_what_is_not_written_to_onnx(given: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(cnncalc.Error, match=told):
        written(tmp_path / "net.onnx", **given)
    assert list(tmp_path.iterdir()) == []


# -- Keras -------------------------------------------------------------------------------------------------------------


@together(
    "step, shape, expected",
    [
        # of 2 inputs and 3 outputs: height, width, inputs, outputs
        ("{conv: 3, kernel: [1, 2]}", (1, 2, 2, 3), [0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11]),
        ("{conv: 3, kernel: 1, groups: 1}", (1, 1, 2, 3), [0, 2, 4, 1, 3, 5]),
        # of 2 inputs, each 2 outputs: height, width, inputs, multiplier
        ("{depthwise_conv: [1, 2], multiplier: 2}", (1, 2, 2, 2), [0, 2, 4, 6, 1, 3, 5, 7]),
        # PyTorch's are inputs, outputs; Keras' height, width, outputs, inputs
        ("{conv_transpose: 3, kernel: [1, 2]}", (1, 2, 3, 2), [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]),
        ("{prelu: 2}", (1, 1, 2), [0, 1]),
        ("{offset: channels}", (1, 1, 2), [0, 1]),
        ("{offset: positions}", (2, 2, 1), [0, 1, 2, 3]),
        ("{factor: all}", (2, 2, 2), [0, 4, 1, 5, 2, 6, 3, 7]),
        ("{layer_norm, over: all}", (2, 2, 2), [0, 4, 1, 5, 2, 6, 3, 7]),
        ("{batch_norm}", (2,), [0, 1]),
    ],
)
def test_weights_in_the_layouts_of_keras(step: str, shape: tuple[int, ...], expected: list[float]) -> None:
    """https://keras.io/api/layers: kernels have the axes of space, the inputs and the outputs, in this order."""
    node = cnncalc.loads(f"input: [2, 2, 2]\nlayers: [{step}]\n").graph.nodes[0]
    weight = node.operation.weights[0]
    layer = type("DepthwiseConv2D", (), {"alpha": type("Variable", (), {"shape": (1, 1, 2)})})()
    found = keras_weights(node, weight.name, list(range(elements(weight.shape))), weight.shape, layer)
    assert found == (expected, shape)


def test_a_depthwise_convolution_that_is_a_grouped_one_in_keras() -> None:
    """Which has an input per group: height, width, 1, outputs."""
    node = cnncalc.loads("input: [2, 2, 2]\nlayers: [{depthwise_conv: [1, 2], multiplier: 2}]\n").graph.nodes[0]
    found = keras_weights(node, "weight", list(range(8)), (4, 1, 1, 2), type("Conv2D", (), {})())
    assert found == ([0, 2, 4, 6, 1, 3, 5, 7], (1, 2, 1, 4))


@pytest.mark.parametrize(
    ("title", "name", "expected"),
    [
        ("Net-5 small", None, "net_5_small"),
        ("5x5", None, "network_5x5"),
        ("class", None, "network_class"),
        ("___", None, "network"),
        ("net", "Model", "Model"),
    ],
)
def test_the_function_has_a_name_of_python(title: str, name: str | None, expected: str) -> None:
    graph = cnncalc.loads(f"name: {title}\ninput: [1]\nlayers: [relu]\n").graph
    assert f"\ndef {expected}():" in to_keras_source(graph, name)


@pytest.mark.parametrize(("length", "lines"), [(34, 1), (35, 2), (150, 2)])
def test_the_heading_for_keras_is_wrapped(length: int, lines: int) -> None:
    """At 120 columns, the quotes among them; a title or a source of one word stays whole."""
    title, source = "n" * length, "s" * 150
    text = f"name: {title}\nsource: {source}\ninput: [1]\nlayers: [relu]\n"
    head = to_keras_source(cnncalc.loads(text).graph).split("\n\n")
    told = f'"""{title}, as Keras builds it: channels last, the layers named after the rows of the report.'
    assert " ".join(head[0].splitlines()) == told
    assert len(head[0].splitlines()) == lines
    assert source in head[1].splitlines()
    assert lines > 1 or len(head[0]) == 120


@pytest.mark.parametrize("name", ["a b", "class", "5"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(cnncalc.Error, match=f"`{name}` is no name for a Python function"):
        to_keras_source(cnncalc.load("lenet5").graph, name)


@pytest.mark.skipif(find_spec("keras") is not None, reason="keras is installed")
def test_a_model_needs_keras() -> None:
    with pytest.raises(cnncalc.Error, match="keras"):
        cnncalc.load("lenet5").to_keras()
