"""What a network runs on: JSON, images, weights, and every way in which they can be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import Error, SpecError
from cnncalc.executor.data import nested, read_image
from cnncalc.executor.session import outputs

SPEC = """
input: [1, 7]
layers:
  - {conv: 2, kernel: 3, act: relu, name: first}
  - {conv: 1, kernel: 1, name: second}
"""
ROW = [[1, 2, 3, 4, 5, 6, 7]]


def run(
    tmp_path: Path, data: Any, weights: Any = None, spec: str = SPEC, layer: str | None = None, seed: int = 0
) -> Any:
    """The outputs of `spec` on data and weights that are written to files: text as it is, else as JSON."""
    paths = []
    for name, content in (("x.json", data), ("w.json", weights)):
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        paths.append(str(tmp_path / name))
    graph = cnncalc.loads(spec).graph
    found = outputs(graph, paths[0], paths[1] if weights is not None else None, seed, layer)
    return {name: nested(tensor) for name, tensor in found.items()}


def test_given_weights(tmp_path: Path) -> None:
    weights = {
        "first": {"weight": [[[1, 0, -1]], [[1, 1, 1]]], "bias": [0, 0.5]},
        "second": {"weight": [[[1], [2]]], "bias": [0]},
    }
    assert run(tmp_path, ROW, weights) == {"second": [[13, 19, 25, 31, 37]]}
    assert run(tmp_path, ROW, weights, layer="first.act") == {
        "first.act": [[0, 0, 0, 0, 0], [6.5, 9.5, 12.5, 15.5, 18.5]]
    }


def test_drawn_weights_depend_on_the_seed_alone(tmp_path: Path) -> None:
    assert run(tmp_path, ROW) == run(tmp_path, ROW)
    assert run(tmp_path, ROW) != run(tmp_path, ROW, seed=1)


def test_fixed_weights(tmp_path: Path) -> None:
    spec = "input: [1, 7]\nlayers:\n  - {conv: 1, kernel: 3, stride: 2, bias: false, weights: [1, 0, -1], name: c}\n"
    assert run(tmp_path, ROW, spec=spec) == {"c": [[-2, -2, -2]]}


def test_several_inputs(tmp_path: Path) -> None:
    spec = "input: {a: [1, 2], b: [1, 2]}\nlayers:\n  - add: [a, b]\n"
    assert run(tmp_path, {"a": [[1, 2]], "b": [[10, 20]]}, spec=spec) == {"add1": [[11, 22]]}


WRONG = [
    ("[[1, 2, 3", None, "bad-json"),
    (b"\xff\xfe", None, "bad-json"),
    ("[" * 100_000, None, "bad-json"),
    ("[[1, 2, 3, 4, 5, 6, NaN]]", None, "bad-data"),
    ("[[1, 2, 3, 4, 5, 6, -Infinity]]", None, "bad-data"),
    ("[[1, 2, 3, 4, 5, 6, 1e999]]", None, "too-large"),
    (f"[[1, 2, 3, 4, 5, 6, {10**400}]]", None, "too-large"),
    ("[[1, 2, 3, 4, 5, 6, " + "9" * 5_000 + "]]", None, "too-large"),
    ([[1, 2, 3, 4, 5, 6]], None, "wrong-shape"),
    ([[1, 2, 3, 4, 5, 6, [7]]], None, "wrong-type"),
    ([[1, 2, 3, 4, 5, 6, True]], None, "wrong-type"),
    ([[1, 2, 3, 4, 5, 6, "7"]], None, "wrong-type"),
    ([1, 2, 3, 4, 5, 6, 7], None, "wrong-shape"),
    ({"input": ROW, "other": ROW}, None, "unknown-name"),
    ({}, None, "missing-input"),
    (ROW, [], "wrong-type"),
    (ROW, {"first": []}, "wrong-type"),
    (ROW, {"frist": {}}, "unknown-layer"),
    (ROW, '{"first": {"bias": [0, 0], "bias": [1, 1]}}', "bad-data"),
    (ROW, {"first": {"bias": [0]}}, "wrong-shape"),
    (ROW, {"first": {"weight": [[[1, 2], [3]]]}}, "wrong-shape"),
    (ROW, {"first": {"running_mean": [0, 0]}}, "unused"),
    (ROW, {"first.act": {"weight": [0]}}, "unused"),
    ([[1e308] * 7], {"first": {"weight": [[[9, 9, 9]], [[9, 9, 9]]]}}, "not-finite"),
]


def test_a_division_by_nothing(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="`l2_norm1` is divided by 0"):
        run(tmp_path, [[0, 0]], spec="input: [1, 2]\nlayers: [{l2_norm, eps: 0}]\n")


@pytest.mark.parametrize(("data", "weights", "code"), WRONG)
def test_wrong_data(tmp_path: Path, data: Any, weights: Any, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        run(tmp_path, data, weights)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert len(diagnostic.message) < 300


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ([7], "a list"),
        ({}, "an object"),
        (True, "true"),
        (None, "null"),
        ("7" * 38, f'"{"7" * 38}"'),
        ("7" * 39, f'"{"7" * 36}...'),
    ],
)
def test_what_is_no_number(tmp_path: Path, entry: Any, told: str) -> None:
    message = f"input[0][1] is {told} where a number is needed: the shape is 1 x 7"
    with pytest.raises(SpecError, match=re.escape(message)):
        run(tmp_path, [[0, entry, *[0] * 5]])


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (3, "`first` weight has 3 where 2 are needed"),
        ([[[1, 2, 3]]], "`first` weight has 1 entries where 2 are needed"),
        ([[[1, 2, 3]], [4]], "`first` weight[1][0] has 4 where 3 are needed"),
        ([[[1, 2, 3]], [[1, 2, 1e999]]], "`first` weight[1][0][2] is too large"),
    ],
)
def test_the_place_in_a_tensor(tmp_path: Path, weight: Any, told: str) -> None:
    with pytest.raises(SpecError, match=re.escape(told)):
        run(tmp_path, ROW, json.dumps({"first": {"weight": weight}}).replace("Infinity", "1e999"))


def test_the_place_of_a_ragged_list(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"`first` weight\[1\]\[0\] has 2 entries where 3 are needed: the shape is 2 x 1 x 3"
    ):
        run(tmp_path, ROW, {"first": {"weight": [[[1, 2, 3]], [[1, 2]]]}})


def test_what_a_layer_has_in_place_of_what_it_does_not_use(tmp_path: Path) -> None:
    for layer, help in (("first", "it has weight, bias"), ("first.act", "it has no weights")):
        with pytest.raises(SpecError, match=f"gives `{layer}` a tensor `running_mean` that it does not use") as caught:
            run(tmp_path, ROW, {layer: {"running_mean": [0]}})
        assert caught.value.diagnostics[0].help == help


def test_a_name_that_is_given_twice_is_told(tmp_path: Path) -> None:
    weights = '{"first": {"weight": [], "bias": [0, 0], "bias": [1, 1]}}'
    with pytest.raises(SpecError, match="gives `bias` twice"):
        run(tmp_path, ROW, weights)


def test_shared_weights_are_given_once(tmp_path: Path) -> None:
    spec = "input: [1, 7]\nlayers:\n  - {conv: 1, kernel: 3, name: a}\n  - {conv: 1, kernel: 3, share: a, name: b}\n"
    with pytest.raises(SpecError, match="uses the weights of `a`"):
        run(tmp_path, ROW, {"b": {"bias": [0]}}, spec)


def test_standard_input_is_the_data_or_the_weights(tmp_path: Path) -> None:
    """Any other file may be both: it is read twice."""
    graph, path = cnncalc.loads(SPEC).graph, str(tmp_path / "both.json")
    Path(path).write_text("{}")
    for data, weights, told in (("-", "-", "not both"), (path, path, "no tensor"), (path, "-", "no tensor")):
        with pytest.raises(SpecError, match=told):
            outputs(graph, data, weights)


def test_unknown_layer_and_file(tmp_path: Path) -> None:
    with pytest.raises(Error, match="no layer `thrid`"):
        run(tmp_path, ROW, layer="thrid")
    for name, reason in (("absent.json", "No such file or directory"), ("nul\0.json", "embedded null byte")):
        with pytest.raises(SpecError, match=f"cannot read `.*`: {reason}$"):
            outputs(cnncalc.loads(SPEC).graph, str(tmp_path / name))


def test_images() -> None:
    """The two forms of both formats (netpbm's documentation), as 0..1."""
    assert read_image(b"P2 # grey\n2 1\n4\n0 4\n", "x") == ((1, 1, 2), [0.0, 1.0])
    assert read_image(b"P5\n2 1\n255\n\x00\xff", "x") == ((1, 1, 2), [0.0, 1.0])
    assert read_image(b"P5\n1 1\n65535\n\x80\x00", "x").data == [32768 / 65535]
    assert read_image(b"P5\n2 1\n256\n\x00\x80\x01\x00", "x").data == [0.5, 1.0]
    assert read_image(b"P5#a\n #\n2 # 3\n1\t255 \x33\xff", "x").data == [0.2, 1.0]
    assert read_image(b"P6\n1 2\n255\n\x00\x33\xff\xff\x00\x33", "x").data == [0, 1, 0.2, 0, 1, 0.2]
    assert read_image(b"P3\n2 1\n1\n1 0 0 0 0 1\n", "x") == ((3, 1, 2), [1, 0, 0, 0, 0, 1])
    assert read_image(b"P6\n1 1\n255\n\xff\x00\x00", "x") == ((3, 1, 1), [1, 0, 0])


@together(
    "content",
    [
        b"P5\n2 x\n255\n",
        b"P5\n2 2\n255\n\x00",
        b"P5\n2 2\n0\n\x00\x00\x00\x00",
        b"P5\n0 2\n255\n",
        b"P2\n1 1\n4\n9\n",
        b"P2",
        b"P2\n2 1\n4\n1 x 2\n",
        b"P5\n1 1\n65536\n\x00\x00",
        b"P2\n2 1\n65535\n1 100000\n",
    ],
)
def test_wrong_images(content: bytes) -> None:
    with pytest.raises(SpecError, match="bad-image"):
        read_image(content, "x.pgm")


@pytest.mark.parametrize(
    ("names", "help"),
    [
        ((".pt", ".pth", ".bin", ".ckpt"), "pickled weights are not read: write `safetensors.torch.save_file("),
        ((".npy", ".npz"), "write it as JSON: `json.dump(array.tolist(), file)`"),
        ((".png", ".jpg", ".webp"), "pictures are read as PGM or PPM: `PIL.Image.open(path).save('picture.ppm')`"),
        ((".json", ""), "nested lists are read, channels first: `[[[0, 1], [2, 3]]]` is 1 x 2 x 2"),
    ],
)
def test_what_to_do_about_another_file(tmp_path: Path, names: tuple[str, ...], help: str) -> None:
    for name in names:
        for content, told in ((b"\x80\x02", r"is not UTF-8 text: byte 0 is 0x80"), (b"[1,\n,", r":2:1 is not JSON: ")):
            path = tmp_path / f"data{name}"
            path.write_bytes(content)
            with pytest.raises(SpecError, match=told) as caught:
                outputs(cnncalc.loads(SPEC).graph, str(path))
            assert caught.value.diagnostics[0].help.startswith(help)


def test_a_number_in_the_header_has_nine_digits_at_most() -> None:
    with pytest.raises(SpecError, match=r"`x\.pgm` needs 999,999,999 values of at most 255 after its header"):
        read_image(b"P5\n999999999 1 255\n", "x.pgm")
    with pytest.raises(SpecError, match=r"the header of `x\.pgm` needs width, height and greatest value"):
        read_image(b"P5\n1000000000 1 255\n", "x.pgm")


def test_an_image_is_an_input(tmp_path: Path) -> None:
    spec = "input: [1, 2, 2]\nlayers:\n  - {global_max_pool, name: top}\n"
    assert run(tmp_path, b"P2\n2 2\n10\n1 2\n3 5\n", spec=spec) == {"top": [[[0.5]]]}
    with pytest.raises(SpecError, match=r"is 1 x 1 x 1; the network takes input 1 x 2 x 2$"):
        run(tmp_path, b"P2\n1 1\n10\n1\n", spec=spec)
    two = "input: {a: [1, 1, 2], b: [1, 1, 2]}\nlayers: [{add: [a, b]}]\n"
    with pytest.raises(SpecError, match=r"is 1 x 1 x 2; the network takes a 1 x 1 x 2, b 1 x 1 x 2$"):
        run(tmp_path, b"P5\n2 1\n255\n\x00\xff", spec=two)


def test_layers_after_the_wanted_one_are_not_run(tmp_path: Path) -> None:
    spec = "input: [1, 7]\nlayers:\n  - {relu, name: first}\n  - {opaque: [4]}\n"
    assert run(tmp_path, ROW, spec=spec, layer="first") == {"first": ROW}
    assert run(tmp_path, ROW, spec=spec, layer="input") == {"input": ROW}
    with pytest.raises(SpecError, match="cannot-run") as caught:
        run(tmp_path, ROW, spec=spec)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.line == 4
