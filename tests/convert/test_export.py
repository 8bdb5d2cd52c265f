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
        (("lenet5", "--to", "caffe"), 2, "keras, onnx"),
        (("lenet5", "--to", "onnx"), 2, "needs `-o FILE`"),
        (("lenet5", "--to", "keras", "--opset", "17"), 2, "are for `--to onnx`"),
        (("lenet5",), 2, "--to"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, told: str, run: Run) -> None:
    done = run("export", *arguments)
    assert done.code == code
    assert told in done.err


def test_an_opaque_layer_is_refused_at_its_place(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [3, 8, 8]\nlayers:\n  - {conv: 4, kernel: 1}\n  - {opaque: [5]}\n")
    done = run("export", str(path), "--to", "keras", "-o", str(tmp_path / "net.py"))
    assert done.code == 1
    assert f"--> {path}:4:" in done.err
    assert not (tmp_path / "net.py").exists()


@pytest.mark.skipif(find_spec("onnx") is not None, reason="onnx is installed")
def test_a_missing_library_is_named_with_its_extra(tmp_path: Path, run: Run) -> None:
    done = run("export", "lenet5", "--to", "onnx", "-o", str(tmp_path / "net.onnx"))
    assert done.code == 1
    assert "pip install 'cnncalc[onnx]'" in done.err
    assert list(tmp_path.iterdir()) == []
