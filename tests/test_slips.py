"""Slips of a person who is new to the command line: each learns what to write, within the width of the terminal.

Those of specs stand in ``errors``, a file each.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from sampling import networks

from cnncalc import gallery
from cnncalc.diagnostics import suggestion
from cnncalc.language import library
from cnncalc.language.library import find

# -- slips on the command line -----------------------------------------------------------------------------------------

SLIPS = [
    ("summary lenet5 --json", "write `-f json`"),
    ("summary lenet5 -b 4", "write `--batch`"),
    ("rf lenet5 --resolution 64x64", "write `--input`"),
    ("summary lenet5 -f md", "write `markdown`"),
    ("summary lenet5 --layout NHWC", "write `nhwc`"),
    ("summary lenet5 --input 1,32,32", "write `1x32x32`"),
    ("summary lenet5 --input (1, 32, 32)", "write `1x32x32`"),
    ("export lenet5 --to torch", "write `pytorch`"),
    ("layers --from PyTorch", "write `pytorch`"),
    ("help rf", "write `cnncalc rf --help`"),
    ("explain conv1", "help: a layer stands behind its network: `cnncalc explain resnet50 conv1`"),
    ("explain c1 lenet5", "help: the network comes first: `cnncalc explain lenet5 c1`"),
    ("explain missing.yaml", "help: `cnncalc list` lists the bundled networks"),
    ("rf lenet5 c1", "help: for one layer write `cnncalc explain lenet5 c1`"),
    ("version", "write `cnncalc --version`"),
    ("-v", "write `--version`"),
    ("memory lenet5 --dtype float", "help: write `float32`"),
    ("memory lenet5 --dtype torch.float16", "help: write `float16`"),
    ("memory lenet5 --dtype uint8", "help: write `int8`"),
    ("memory lenet5 --budget 256KB", "help: write `256KiB`"),
    ("memory lenet5 --budget 2M", "help: write `2MiB`"),
    ("compare mobilenet_v1 --over width=0.25:1:0.25", "help: a range is `0.25..1..0.25`"),
    ("compare mobilenet_v1 --over width=0.25..1", "help: give the step: `0.25..1..0.1875`"),
    ("compare mobilenet_v1 --over width=1..0.5..-0.25", "help: write the smaller number first"),
    ("compare lenet5 alexnet --where params > 1 AND macs > 1", "help: write `and`"),
    ("compare lenet5 alexnet --where flops < 4 GFLOPs", "help: write `G` of a count, `GiB` of bytes"),
    ("compare lenet5 alexnet --plot chart.png", "write `--plot chart.svg`"),
    ("verify --all --up-to lots", "help: for example `--up-to 100M`"),
    ("layers attn", "`cnncalc layers attention` tells all"),
    ("layers Conv2d", "`cnncalc layers conv` tells all"),
    ("summary lenet5 -o missing/table.txt", "help: make the folder first: `mkdir -p missing`"),
]


def words_of(line: str) -> list[str]:
    """The words of a line; what follows `--where` and a bracket is one."""
    found = re.match(r"(.*?) (--where|--input) ([^-].*[( ].*)$", line)
    return [*found[1].split(), found[2], found[3]] if found else line.split()


@pytest.mark.parametrize(("line", "told"), SLIPS, ids=[line for line, _ in SLIPS])
def test_a_slip_learns_what_to_write(line: str, told: str, run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words_of(line))
    assert done.code in (1, 2)
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "width"),
    [(("summary", "lenet5", "--format", "nothing"), 80), (("layers", "convolution"), 60), (("layers", "bn"), 40)],
)
def test_what_is_wrong_with_a_line_breaks_between_words(words: tuple[str, ...], width: int, run: Any) -> None:
    """On a terminal, and says the same as in a pipe."""
    told = on_terminal(*words, width=width)
    error = told[told.index("Error:") :]
    assert max(map(len, error.splitlines())) <= width
    assert " ".join(error.split()) in " ".join(run(*words).err.split())


def on_terminal(*words: str, width: int) -> str:
    """What the program says on a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-m", "cnncalc", *words],
        stdout=theirs,
        stderr=theirs,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1]), "NO_COLOR": "1"},
    ):
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:  # the other side is closed: on Linux that is its end
            pass
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def test_tensors_fit_the_terminal(tmp_path: Path) -> None:
    """With all their numbers."""
    data = tmp_path / "zeros.json"
    data.write_text(json.dumps([[[0.25] * 32] * 32]))
    told = on_terminal("run", "lenet5", "--data", str(data), width=50)
    lines = told.splitlines()
    assert lines[0] == "output: 10"
    assert max(map(len, lines)) <= 50
    assert len(" ".join(lines[1:]).split()) == 10


# -- what likeness is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("kernal", "kernel"),
        ("widht", "width"),
        ("doubel", "double"),
        ("parameters", "params"),
        ("float", "float64"),
        ("maximum", "max"),
        ("cat", "concat"),
    ],
)
def test_slips_are_taken_for_what_is_meant(written: str, meant: str) -> None:
    assert suggestion(written, [meant]) == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("attn", "flatten"),
        ("kernel", "learned"),
        ("year", "layers"),
        ("se", "selu"),
        ("version", "verify"),
        ("pointwise_conv", "depthwise_conv"),
        ("torchvision", "torchinfo"),
    ],
)
def test_other_things_are_not_offered(written: str, other: str) -> None:
    assert suggestion(written, [other]) == ""


# -- files -------------------------------------------------------------------------------------------------------------

NET = "input: [3, 8, 8]\nlayers:\n  - {conv: 4, kernel: 3}\n"


@pytest.mark.parametrize(
    "line",
    [
        "export net.yaml --to pytorch -o net.yaml",
        "summary net.yaml -o ./net.yaml",
        "summary link.yaml -o net.yaml",
        "expand net.yaml -o link.yaml",
        "import net.yaml -o copy.yaml --names net.yaml",
        "compare net.yaml lenet5 --plot picture.svg",
        "run net.yaml --data data.json -o data.json",
        "export net.yaml --to pytorch --weights net.safetensors -o net.py",
        "summary code.py:Net -o code.py",
        "diff net.yaml HEAD:net.yaml -o net.yaml",
    ],
)
def test_what_is_read_is_not_written_over(line: str, run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Not under another name either; nothing else is written."""
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)
    Path("link.yaml").symlink_to("net.yaml")
    for name in ("data.json", "net.safetensors", "code.py"):
        Path(name).write_text("mine\n")
    Path("picture.svg").symlink_to("net.yaml")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    done = run(*line.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[unwritable]: ")
    assert done.err.endswith("help: name another file; nothing was written\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_another_file_is_written(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)
    shutil.copy("net.yaml", "other.yaml")
    assert run("expand", "net.yaml", "-o", "other.yaml").code == 0
    assert "conv1" in Path("other.yaml").read_text()
    assert Path("net.yaml").read_text() == NET


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("picture.png", b"\x89PNG", "pictures are read as PGM or PPM"),
        ("data.npy", b"\x93NUMPY", "`json.dump(array.tolist(), file)`"),
        ("data.txt", b"1 2 3", "nested lists are read, channels first"),
    ],
)
def test_data_of_another_kind(name: str, content: bytes, told: str, run: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = run("run", "notes_stride1", "--data", str(path))
    assert done.code == 1
    assert told in done.err


def test_pickled_weights(run: Any, tmp_path: Path) -> None:
    data, weights = tmp_path / "row.json", tmp_path / "w.pt"
    data.write_text("[[3, 1, 4, 1, 5, 9, 2]]")
    weights.write_bytes(b"\x80\x02")
    done = run("run", "notes_stride1", "--data", str(data), "--weights", str(weights))
    assert done.code == 1
    assert "safetensors.torch.save_file" in done.err


# -- what could go wrong in silence ------------------------------------------------------------------------------------


def test_channels_that_come_last_are_asked_about(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [32, 32, 3]\nlayers:\n  - {conv: 4, kernel: 3}\n")
    asked = "input: 32 x 32 x 3 is 32 channels; if they come last, the shape here is 3 x 32 x 32\n"
    assert asked in run("summary", str(path)).out
    assert asked not in run("summary", str(path), "--input", "3x32x32").out
    assert "if they come last" not in run("summary", str(path), "--layout", "nhwc", "--input", "32x32x32").out


@pytest.mark.thorough
@pytest.mark.every
def test_no_bundled_network_seems_to_have_its_channels_last(run: Any) -> None:
    assert "if they come last" not in run("summary", *networks(each=8), "--depth", "1").out


def test_a_condition_that_nothing_meets_is_told(run: Any) -> None:
    assert "none of 2 meets the condition" in run("compare", "lenet5", "alexnet", "--where", "params < 1").out


def test_up_to_takes_units(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [find(name)[0] for name in ("lenet5", "notes_stride1")]
    for module in (gallery, library):
        monkeypatch.setattr(module, "bundled_files", lambda: paths)
    done = run("verify", "--all", "--up-to", "0.0001M")
    assert done.code == 0
    assert "notes_stride1" in done.out
    assert "lenet5" not in done.out
