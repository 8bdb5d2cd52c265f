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


WIDE = [1] * 16
TYPE = "x" * 50

WRONG = {
    "only a length": (bytes(8), "its header is not JSON"),
    "length and no header": (struct.pack("<Q", 1), "its header would be 1 bytes long, the file is 8"),
    "too many axes": (packed({"a": entry("F32", [*WIDE, 1], 0, 4)}, b"1234"), "as lists of whole numbers"),
    "three offsets": (packed({"a": {**entry("F32", [1], 0, 4), "data_offsets": [0, 4, 4]}}, b"1234"), "as lists of"),
    "no offsets": (packed({"a": {"dtype": "F32", "shape": [1]}}, b"1234"), "as lists of whole numbers"),
    "no shape": (packed({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, b"1234"), "as lists of whole numbers"),
    "a true size": (packed({"a": {**entry("F32", [1], 0, 4), "shape": [True]}}, b"1234"), "as lists of whole numbers"),
    "a decimal size": (packed({"a": {**entry("F32", [1], 0, 4), "shape": [1.0]}}, b"1234"), "as lists of whole"),
    "a long type": (packed({"a": entry(TYPE, [1], 0, 4)}, b"1234"), f'the unknown type "{TYPE[:39]}'),
    "a list for a type": (packed({"a": entry([], [1], 0, 4)}, b"1234"), "`a` has the unknown type []"),  # type: ignore[arg-type]
    "a gap": (
        packed({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 8, 12)}, bytes(12)),
        "`b` begins at byte 8 where 4 is expected",
    ),
    "not at the start": (packed({"a": entry("F32", [1], 4, 8)}, bytes(8)), "`a` begins at byte 4 where 0 is expected"),
    "endless": (packed(KERNEL, struct.pack("<4f", 1, 2, float("inf"), 4)), "not a finite number"),
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
    "a counter of nothing": (packed({"last.num_batches_tracked": entry("I64", [], 0, 8)}, bytes(8)), "which no layer"),
    "no counter": (packed({"first_norm.counter": entry("I64", [], 0, 8)}, bytes(8)), "which no layer has"),
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


def test_a_header_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_001))
        file.truncate(8 + 100_000_001)
    with pytest.raises(cnncalc.SpecError, match="its header would be 100,000,001 bytes long, the file is 100,000,009"):
        read(path)


def test_a_header_may_be_as_long_as_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(packed(KERNEL, NUMBERS))
    monkeypatch.setattr(safetensors, "MAX_HEADER", path.stat().st_size - 8 - len(NUMBERS))
    assert given(path, "first", "weight") == [1, 2, 3, 4]


def test_a_file_that_is_cut_off_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(packed({"large": entry("F32", [2**14], 0, 2**16)}, bytes(2**16)))
    with safetensors.File(str(path)) as file:
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(cnncalc.SpecError, match="it ends within `large`"):
            file.values("large")


def test_sixteen_axes_no_elements_and_a_sum_that_is_too_large(tmp_path: Path) -> None:
    """Each number is finite, whatever they are together."""
    path = tmp_path / "w.safetensors"
    tensors = [
        safetensors.Tensor("wide", "F32", (1,) * 16, [0.5]),
        safetensors.Tensor("none", "F32", (2, 0), []),
        safetensors.Tensor("large", "F64", (2,), [1.5e308, 1.5e308]),
        safetensors.Tensor("whole", "U8", (3,), [1, 2, 255]),
    ]
    path.write_bytes(safetensors.encode(tensors))
    with safetensors.File(str(path)) as file:
        assert {name: (each.type, each.shape) for name, each in file.entries.items()} == {
            each.name: (each.type, each.shape) for each in tensors
        }
        for each in tensors:
            assert list(file.values(each.name)) == each.values


def test_numbers_begin_at_a_multiple_of_eight_bytes() -> None:
    """Fewer than eight blanks behind the header's JSON see to that."""
    for length in range(1, 10):
        content = safetensors.encode([safetensors.Tensor("w" * length, "F32", (1,), [1])])
        (header,) = struct.unpack_from("<Q", content)
        assert len(content) == 8 + header + 4
        assert header % 8 == 0
        assert header - len(content[8 : 8 + header].rstrip()) < 8


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
        assert list(file.values("stage.0.1.num_batches_tracked")) == [0]
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


def test_what_is_too_large_for_the_file_is_refused() -> None:
    graph = cnncalc.loads(SMALL).graph
    given = {"last": {"bias": [1e39]}}
    with pytest.raises(cnncalc.SpecError, match="`last` bias holds a value too large for a 32-bit number"):
        encoded(graph, weights_of(graph, given, 0))
