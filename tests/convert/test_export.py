"""``cnncalc export`` without the frameworks: what is written, and what is refused; tests/frameworks builds it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import cnncalc

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


# -- PyTorch -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "lines"), [("resnet50", 60), ("vgg16", 55)])
def test_the_source_for_pytorch_is_short(name: str, lines: int) -> None:
    source = cnncalc.load(name).to_torch_source()
    assert sum(bool(line.strip()) for line in source.splitlines()) <= lines


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "vit_b_16", "swin_t", "densenet121", "dm_nfnet_f0"])
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
