"""Model files that a newcomer may give and that cannot be read: each is told its place, its reason and a next step.

A file each, letter by letter in ``golden/imports/unreadable.txt``.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from convert.encoding import attribute, message, model, node, tensor, value_info
from convert.exporting import check
from convert.importing import FILES, GOLDEN

from cnncalc.convert import read_model
from cnncalc.convert.archive import load, shown
from cnncalc.diagnostics import Diagnostic, SpecError

Make = Callable[[Path], Any]

GOOD = {
    "onnx": FILES / "conv_valid.onnx",
    "json": FILES / "keras" / "first.json",
    "keras": FILES / "keras" / "resnet50.keras",
    "pt2": FILES / "torch" / "block.pt2",
}
NET = "[net]\nheight=8\nwidth=8\nchannels=3\n"
CFG = NET + "[convolutional]\nfilters=4\nsize=3\nactivation=leaky\n"
PAGE = "<!DOCTYPE html>\n<html><title>Not Found</title></html>\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
IMAGE = value_info("x", 1, 3, 8, 8)


def text(content: str) -> Make:
    return lambda path: path.write_text(content, encoding="utf-8")


def raw(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def copy(of: str, part: float = 1) -> Make:
    content = GOOD[of].read_bytes()
    return raw(content[: int(len(content) * part)])


def members(*names: str) -> Make:
    """A zip file with these members."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, b"")

    return make


def onnx(*nodes: bytes, inputs: list[bytes] | None = None, tensors: list[bytes] | None = None, opset: int = 17) -> Make:
    return raw(model(list(nodes), [IMAGE] if inputs is None else inputs, ["y"], tensors, opset=opset))


def keras(change: Callable[[list[Any]], Any]) -> Make:
    """A chain of a convolution and an activation, changed."""
    layers: list[Any] = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 8, 3]}},
        {"class_name": "Conv2D", "config": {"name": "c", "filters": 4, "kernel_size": [3, 3], "padding": "valid"}},
        {"class_name": "ReLU", "config": {"name": "r"}},
    ]
    change(layers)
    return text(json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}}))


def program(change: Callable[[dict[str, Any]], Any]) -> Make:
    """PyTorch's program of a block, changed."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(GOOD["pt2"]) as file:
            (name,) = (name for name in file.namelist() if name.endswith(("model.json", "program.json")))
            document = json.loads(file.read(name))
        change(document)
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(name, json.dumps(document))

    return make


def folder(path: Path, *names: str) -> None:
    path.mkdir()
    for name in names:
        (path / name).write_bytes(b"")


RELU = node("Relu", ["x"], ["y"])
BRANCH = message((1, "then_branch"), (6, message((2, "inner"))), (20, 5))

CONV = node("Conv", ["x", "w"], ["y"])
STATED = message((1, CONV), (5, tensor("w", 1, [8, 3, 3, 3])), (11, IMAGE), (12, value_info("y", 1, 8, 8, 8)))

WINDOWS = [2, 3, 2, 3, 4]

CASES: dict[str, dict[str, Make]] = {
    "other.onnx": {
        "missing": lambda path: None,
        "empty": raw(b""),
        "a folder": folder,
        "a SavedModel": lambda path: folder(path, "saved_model.pb"),
        "text": text("hello, this is no model\n"),
        "a web page": text(PAGE),
        "a pointer": text(POINTER),
        "a byte": raw(b"\x08"),
        "a pipe": os.mkfifo,
        "weights": raw(b"\x10" + bytes(7) + b'{"w":{}}         '),
        "a text that looks like weights": text('network {"a": 1}'),
        "TensorFlow Lite": raw(b"\x1c\0\0\0TFL3" + bytes(20)),
        "pickled": members("archive/data.pkl"),
        "TorchScript": members("net/data.pkl", "net/constants.pkl"),
        "Keras": copy("keras"),
        "Darknet": text(CFG),
        "cut off": copy("onnx", 0.6),
        "cut off early": copy("onnx", 0.1),
        "an unknown type": onnx(RELU, tensors=[tensor("w", 99, [1])]),
        "an old opset": onnx(RELU, opset=6),
        "an operator of its own": onnx(node("Foo", ["x"], ["y"], domain="com.me")),
        "an operator that is not known": onnx(
            node("LSTM", ["x", "w", "r"], ["y"]), tensors=[tensor("w", 1, [1, 8, 4]), tensor("r", 1, [1, 8, 2])]
        ),
        "sizes by values": onnx(node("NonZero", ["x"], ["y"])),
        "open sizes": onnx(RELU, inputs=[value_info("x", "n", 3, "h", "w")]),
        "several open": onnx(
            node("Add", ["x", "z"], ["y"]), inputs=[value_info(name, "n", 3, "h", "w") for name in "xz"]
        ),
        "a number": onnx(RELU, inputs=[value_info("x")]),
        "no input": onnx(RELU, inputs=[], tensors=[tensor("x", 1, [1, 3])]),
        "no nodes": onnx(),
        "a tensor from nowhere": onnx(node("Relu", ["missing"], ["y"])),
        "sizes that differ": onnx(node("Add", ["x", "b"], ["y"]), tensors=[tensor("b", 1, [5, 1, 1])]),
        "a kernel that does not fit": onnx(node("Conv", ["x", "w"], ["y"]), tensors=[tensor("w", 1, [8, 4, 3, 3])]),
        "a shape from the input": onnx(node("Reshape", ["x", "s"], ["y"]), inputs=[IMAGE, value_info("s", 2)]),
        "a branch": onnx(node("If", ["x"], ["y"], BRANCH)),
        "training": onnx(
            node("BatchNormalization", ["x", *"abcd"], ["y"], attribute("training_mode", 1, kind=2)),
            tensors=[tensor(name, 1, [3]) for name in "abcd"],
        ),
        "another shape": raw(message((8, message((2, 17))), (7, STATED))),
    },
    "other.keras": {
        "missing": lambda path: None,
        "empty": raw(b""),
        "text": text("hello, this is no model\n"),
        "HDF5": raw(b"\x89HDF\r\n\x1a\n" + bytes(80)),
        "ONNX": copy("onnx"),
        "a program": members("net/models/model.json"),
        "cut off": copy("keras", 0.6),
        "a member missing": members("metadata.json", "model.weights.h5"),
    },
    "other.json": {
        "cut off": copy("json", 0.6),
        "a list": text("[1, 2]\n"),
        "of another kind": text('{"name": "package", "version": "1.0"}\n'),
        "a class of its own": text('{"class_name": "MyModel", "config": {"units": 3}}\n'),
        "no layers": keras(lambda layers: layers.clear()),
        "windows": keras(
            lambda layers: layers.append({"class_name": "Reshape", "config": {"name": "w", "target_shape": WINDOWS}})
        ),
        "no filters": keras(lambda layers: layers[1]["config"].pop("filters")),
        "a word": keras(lambda layers: layers[1]["config"].update(filters="eight")),
        "an unknown word": keras(lambda layers: layers[1]["config"].update(padding="weird")),
        "open sizes": keras(lambda layers: layers[0]["config"].update(batch_shape=[None, None, None, 3])),
        "no input": keras(lambda layers: layers.pop(0)),
    },
    "other.pt2": {
        "a folder": folder,
        "cut off": copy("pt2", 0.6),
        "weights": members("archive/data.pkl"),
        "Keras": copy("json"),
        "a member missing": members("archive/version"),
        "no graph": program(lambda held: held.pop("graph_module")),
        "no nodes": program(lambda held: held["graph_module"]["graph"].update(nodes=[])),
        "an operand missing": program(lambda held: held["graph_module"]["graph"]["nodes"][0]["inputs"].pop(1)),
    },
    "other.pt": {
        "missing": lambda path: None,
        "weights": members("archive/data.pkl"),
        "TorchScript": members("net/data.pkl", "net/constants.pkl"),
        "a program": copy("pt2"),
        "text": text("hello\n"),
    },
    "other.cfg": {
        "empty": raw(b""),
        "text": text("hello, this is no network\n"),
        "settings": text("[metadata]\nname = x\n"),
        "weights": raw(bytes(range(256))),
        "Latin letters": raw(CFG.encode() + b"# caf\xe9\n"),
        "a colon": text(NET + "[convolutional]\nfilters: 4\n"),
        "an unknown section": text(CFG + "[rnn]\noutput=10\n"),
        "an unknown activation": text(CFG.replace("leaky", "swirl")),
        "no layers": text(NET),
        "a word": text(CFG.replace("filters=4", "filters=four")),
        "a route without layers": text(CFG + "[route]\n"),
        "a shortcut that does not fit": text(CFG + "[convolutional]\nfilters=4\nsize=3\n[shortcut]\nfrom=-2\n"),
        "parts that do not fit": text(CFG + "[route]\nlayers=-1\ngroups=3\n"),
        "ONNX": copy("onnx"),
    },
}  # fmt: skip


def problem(name: str, make: Make, folder: Path) -> Diagnostic:
    """The one error of a file that is made in a folder of its own."""
    folder.mkdir()
    make(folder / name)
    with chdir(folder), pytest.raises(SpecError) as caught:
        read_model(name)
    (found,) = caught.value.diagnostics
    return found


def test_each_has_a_place_a_reason_and_a_next_step(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found = {}
    for name, cases in CASES.items():
        for number, (case, make) in enumerate(cases.items()):
            each = problem(name, make, tmp_path / f"{number} {name}")
            assert each.span is not None, case
            assert each.span.source.path.startswith(name), case
            assert each.message, case
            assert each.help, case
            found[f"{name}: {case}"] = f"{each}\n"
    check(GOLDEN / "unreadable.txt", found, request.config.getoption("--rewrite"))


@pytest.mark.parametrize("of", GOOD)
@pytest.mark.parametrize("name", [f"net.{suffix}" for suffix in (*GOOD, "cfg", "pt")])
def test_a_file_under_another_name_is_read_once_it_is_renamed(of: str, name: str, tmp_path: Path) -> None:
    with chdir(tmp_path):
        shutil.copy(GOOD[of], name)
        try:
            found = read_model(name)
        except SpecError as error:
            (diagnostic,) = error.diagnostics
            verb, old, new = diagnostic.help.removeprefix("rename it: `").removesuffix("`").split()
            assert (verb, old) == ("mv", name)
            Path(old).rename(new)
            found = read_model(new)
    assert found.graph.outputs


def test_sizes_as_advised_are_taken(tmp_path: Path) -> None:
    for name, case, inputs in (
        ("other.onnx", "open sizes", (3, 224, 224)),
        ("other.onnx", "several open", {"x": (3, 224, 224), "z": (3, 224, 224)}),
        ("other.json", "open sizes", (3, 224, 224)),
        ("other.json", "no input", (3, 224, 224)),
    ):
        path = tmp_path / name
        CASES[name][case](path)
        assert read_model(str(path), inputs).graph.inputs[0][1] == (3, 224, 224)


def test_a_file_that_does_not_hold_at_another_size(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx(node("Add", ["x", "b"], ["y"]), tensors=[tensor("b", 1, [3, 8, 8])])(path)
    assert read_model(str(path)).graph.outputs
    with pytest.raises(SpecError) as caught:
        read_model(str(path), (3, 9, 9))
    assert "leave `--input` out" in caught.value.diagnostics[0].help


def ended(members: int = 0, directory: int = 0, before: bytes = b"") -> bytes:
    """The end of a zip file that says so much of its list of members: .ZIP File Format Specification, 4.3.16."""
    return b"PK" + before + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, members, members, directory, 0, 0)


def ended64(members: int, directory: int, start: bytes = b"PK\x06\x06", at: int = 0) -> bytes:
    """The same with larger numbers, in a record that another one before the end points to (4.3.14 and 4.3.15)."""
    record = struct.pack("<4sQ2H2L4Q", start, 44, 45, 45, 0, 0, members, members, directory, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, (2 + at) % 2**64, 1)
    return ended(0xFFFF, 0xFFFFFFFF, record + locator)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ended(10_000), r"it is a zip file without `config\.json`"),
        (ended(10_001), "it is a zip file with more than 10,000 members"),
        (ended(0, 4 * 2**20), "it is no zip file that can be read"),
        (ended(0, 4 * 2**20 + 1), "it is a zip file with more than 10,000 members"),
        (ended()[:-1], "it is a zip file that is cut off"),
        (ended(0, 0, b"PK\x06\x07".ljust(20, b"\0")), "it is a zip file that is damaged"),
        (ended()[2:], r"it is a zip file without `config\.json`"),
        (b"PK\x06\x07".ljust(20, b"\0") + ended()[2:], "it is a zip file that is damaged"),
        (ended64(10_000, 0), r"it is a zip file without `config\.json`"),
        (ended64(10_001, 0), "it is a zip file with more than 10,000 members"),
        (ended64(2**32, 0), "it is a zip file with more than 10,000 members"),
        (ended64(0, 4 * 2**20), "it is no zip file that can be read"),
        (ended64(0, 4 * 2**20 + 1), "it is a zip file with more than 10,000 members"),
        (ended64(0, 2**32), "it is a zip file with more than 10,000 members"),
        (ended64(0, 0, b"PK\x06\x08"), "it is a zip file that is damaged"),
        (ended64(0, 0, at=-1), "it is a zip file that is damaged"),
        (ended64(0, 0, at=2**63), "it is a zip file that is damaged"),
        (ended64(0, 0, at=42), "it is a zip file that is damaged"),
    ],
)
def test_lists_of_members_are_bounded(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=message):
        load(str(path), ("config.json",), "")


def test_the_end_of_a_zip_file_may_have_a_comment(tmp_path: Path) -> None:
    """Of 65,535 bytes."""
    path = tmp_path / "net.keras"
    shutil.copy(GOOD["keras"], path)
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"c" * 65_535
    assert read_model(str(path)).graph.outputs


def test_a_description_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    with path.open("wb") as file:
        file.truncate(32 * 2**20 + 1)
    with pytest.raises(SpecError, match="it has more than 33,554,432 bytes, the limit of a description"):
        read_model(str(path))


def test_a_description_may_be_as_long_as_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.archive.MAX_TEXT", 20)
    plain, packed = tmp_path / "net.json", tmp_path / "net.keras"
    for length in (20, 21):
        content = '{"a": 1}'.ljust(length)
        plain.write_text(content)
        with zipfile.ZipFile(packed, "w") as file:
            file.writestr("config.json", content)
        for path, what in ((plain, "it"), (packed, "its `config.json`")):
            if length == 20:
                assert load(str(path), ("config.json",), "") == {"a": 1}
            else:
                with pytest.raises(SpecError, match=f"{what} has more than 20 bytes, the limit of a description"):
                    load(str(path), ("config.json",), "")


def test_what_a_message_shows_of_a_value() -> None:
    """Printable, and 80 characters at most, or as many as are asked for."""
    for value, text in (
        ("n" * 80, "n" * 80),
        ("n" * 81, "n" * 80 + "…"),
        ("n" * 79 + "\n", "n" * 79 + "?"),
        ("n" * 79 + "\n\n", "n" * 79 + "?…"),
        ("", ""),
        (5, "5"),
        (None, "None"),
        ({"a": 1}, "{…}"),
        ([1], "[…]"),
    ):
        assert shown(value) == text
    assert shown("abc", 2) == "ab…"


def test_a_near_name_is_suggested(tmp_path: Path) -> None:
    shutil.copy(GOOD["onnx"], tmp_path / "mobilenet.onnx")
    with chdir(tmp_path), pytest.raises(SpecError) as caught:
        read_model("mobilnet.onnx")
    assert caught.value.diagnostics[0].help == "did you mean `mobilenet.onnx`?"
