"""Weights in safetensors files: read by name, refused where they do not fit, and never a traceback."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.convert import safetensors
from cnncalc.convert.weights import encoded, weights_of
from cnncalc.executor.data import Weights

Run = Callable[..., Any]

SPEC = """
input: [1, 3]
blocks:
  unit: {args: {n: required}, layers: [{conv: n, kernel: 1, norm: batch}]}
layers:
  - {unit: 2, repeat: 2, name: stage}
  - {conv: 2, kernel: 1, name: other}
outputs: [other]
"""
SMALL = "input: [1, 3]\nlayers: [{conv: 2, kernel: 2, norm: batch, name: first}, flatten, {linear: 1, name: last}]\n"


def packed(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(kind: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


KERNEL = {"first.weight": entry("F32", [2, 1, 2], 0, 16)}
NUMBERS = struct.pack("<4f", 1, 2, 3, 4)


def read(path: Path) -> Weights:
    return weights_of(cnncalc.loads(SMALL).graph, path, 0)


def given(path: Path, layer: str, tensor: str) -> list[float]:
    graph = cnncalc.loads(SMALL).graph
    node = graph.nodes[graph.find(layer).layers[0]]
    shape = next(weight.shape for weight in node.operation.weights if weight.name == tensor)
    return list(weights_of(graph, path, 0)(node, tensor, shape))


def test_numbers_of_a_file_written_by_hand(tmp_path: Path) -> None:
    """Eight bytes of length, a JSON header, little-endian floats: huggingface.co/docs/safetensors."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(packed({"__metadata__": {"format": "pt"}, **KERNEL}, NUMBERS))
    assert given(path, "first", "weight") == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("F64", struct.pack("<4d", 0.1, 2, 3, 4), [0.1, 2, 3, 4]),
        ("F16", struct.pack("<4e", 0.5, 2, 3, -4), [0.5, 2, 3, -4]),
        ("BF16", bytes.fromhex("803f 0040 4040 80c0".replace(" ", "")), None),
        ("I8", struct.pack("<4b", 1, -2, 3, 4), [1, -2, 3, 4]),
    ],
)
def test_other_element_types(kind: str, data: bytes, expected: list[float] | None, tmp_path: Path) -> None:
    if kind == "BF16":  # the upper halves of 1.0, 2.0, 3.0 and -4.0, little-endian
        data, expected = struct.pack("<4H", 0x3F80, 0x4000, 0x4040, 0xC080), [1, 2, 3, -4]
    path = tmp_path / "w.safetensors"
    path.write_bytes(packed({"first.weight": entry(kind, [2, 1, 2], 0, len(data))}, data))
    assert given(path, "first", "weight") == expected


WRONG = {
    "empty": (b"", "it has 0 bytes"),
    "short": (b"\x01\x00", "it has 2 bytes"),
    "long header": (struct.pack("<Q", 2**60) + b"{}", "its header would be 1,152,921,504,606,846,976 bytes long"),
    "no text": (packed(b"\xff\xfe"), "its header is not JSON"),
    "deep": (packed(b"[" * 100_000), "its header is not JSON"),
    "list": (packed([]), "its header is no JSON object"),
    "twice": (packed(b'{"a": 1, "a": 2}'), "its header gives `a` twice"),
    "entry": (packed({"first.weight": 3}), "`first.weight` is no JSON object"),
    "type": (packed({"first.weight": entry("F7", [1], 0, 1)}, b"1"), 'has the unknown type "F7"'),
    "shape": (packed({"first.weight": entry("F32", [-1], 0, 4)}, b"1234"), "as lists of whole numbers"),
    "offsets": (packed({"first.weight": entry("F32", [1], 4, 0)}, b"1234"), "lies at bytes 4 to 0 of 4"),
    "beyond": (packed({"first.weight": entry("F32", [9], 0, 36)}, b"1234"), "lies at bytes 0 to 36 of 4"),
    "huge": (packed({"first.weight": entry("F32", [2**62, 2**62], 0, 4)}, b"1234"), "and has 4"),
    "overlap": (
        packed({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 0, 4)}, b"1234"),
        "`b` begins at byte 0 where 4 is expected",
    ),
    "left over": (packed({"a": entry("F32", [1], 0, 4)}, b"12345678"), "its tensors take 4 bytes, and 8 are there"),
    "unknown": (packed({"firsd.weight": entry("F32", [1], 0, 4)}, b"1234"), "`firsd.weight`, which no layer has"),
    "misfit": (packed({"first.weight": entry("F32", [1], 0, 4)}, b"1234"), "as 1 where `first` takes 2 x 1 x 2"),
    "infinite": (packed(KERNEL, struct.pack("<4f", 1, 2, float("nan"), 4)), "not a finite number"),
    "boolean": (packed({"first.weight": entry("BOOL", [2, 1, 2], 0, 4)}, b"1111"), "as BOOL, which is not read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_file_is_told_at_its_path(name: str, tmp_path: Path) -> None:
    content, told = WRONG[name]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(cnncalc.SpecError) as caught:
        read(path)
    message = caught.value.diagnostics[0].message
    assert str(path) in message
    assert told in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(cnncalc.SpecError, match="cannot read"):
        read(tmp_path / "none.safetensors")


def test_names_are_those_of_the_state_dict_in_the_order_of_the_rows(tmp_path: Path) -> None:
    """As `nn.Sequential` and attributes make them: ``stage.1.conv1_norm.running_var``; and a counter per batch norm."""
    graph = cnncalc.loads(SPEC).graph
    path = tmp_path / "w.safetensors"
    path.write_bytes(encoded(graph, weights_of(graph, None, 3)))
    with safetensors.File(str(path)) as file:
        names = list(file.entries)
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    unit = ["0.weight", "0.bias", *(f"1.{name}" for name in norm)]
    assert names == [
        *(f"stage.0.{name}" for name in unit),
        *(f"stage.1.{name}" for name in unit),
        "other.weight",
        "other.bias",
    ]


def test_what_is_written_is_read_again(tmp_path: Path, run: Run) -> None:
    """The same numbers leave the network, drawn or read; only their precision is that of 32 bits."""
    spec, data, path = tmp_path / "net.yaml", tmp_path / "x.json", tmp_path / "net.safetensors"
    spec.write_text(SMALL, encoding="utf-8")
    data.write_text("[[1, 2, 3]]", encoding="utf-8")
    assert run("export", str(spec), "--to", "pytorch", "--seed", "5", "-o", str(tmp_path / "net.py")).code == 0
    network = cnncalc.load(spec)
    drawn, read = network.run(data, seed=5), network.run(data, weights=path)
    assert list(read["last"].data) == pytest.approx(list(drawn["last"].data), rel=1e-6)
    assert list(read["last"].data) != pytest.approx(list(network.run(data)["last"].data), rel=1e-3)


def test_rows_are_names_too(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    entries = {"first.norm.running_var": entry("F32", [2], 0, 8)}
    path.write_bytes(packed(entries, struct.pack("<2f", 7, 8)))
    assert given(path, "first.norm", "running_var") == [7, 8]
