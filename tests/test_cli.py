"""The command line: exit codes, flags, forms of output, and that nothing ends in a traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sampling import some

import cnncalc
from cnncalc import gallery
from cnncalc.cli.flags import complete_spec
from cnncalc.language import library
from cnncalc.language.library import bundled_files, find

ROOT = Path(__file__).parents[1]
REPORTS = ("summary", "shapes", "params", "rf")
SPEC = """
name: A small network
input: [3, 16, 16]
args: {width: 8}
variants: {small_net: {}, wide_net: {width: 16}}
layers:
  - {conv: width, kernel: 3, padding: 1, norm: batch, act: relu, name: stem}
  - repeat: 2
    name: body
    layers: [{conv: width, kernel: 3, padding: 1}, relu]
  - {max_pool: 2}
  - flatten
  - {linear: 10}
"""
BROKEN = """
input: [3, 16, 16]
layers:
  - {conv: 8, kernel: 3, name: good}
  - {conv: 8, kernel: 99, name: bad}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    (tmp_path / "broken.yaml").write_text(BROKEN)
    return "net.yaml"


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cnncalc", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )


# -- exit codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", REPORTS)
@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown"])
def test_reports_in_every_form(spec: str, command: str, format: str, run) -> None:
    done = run(command, spec, "--format", format)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\n")
    assert not done.out.endswith("\n\n")
    assert "stem" in done.out


USAGE = [
    ("nonsense",),
    ("shapes", "--nonsense"),
    ("shapes", "net.yaml", "--format", "xml"),
    ("shapes", "net.yaml", "--layout", "hwcn"),
    ("shapes", "net.yaml", "--sort", "beauty"),
    ("shapes", "net.yaml", "--batch", "0"),
    ("shapes", "net.yaml", "--depth", "0"),
    ("shapes", "net.yaml", "--top", "-1"),
    ("shapes", "net.yaml", "--set", "width"),
    ("shapes", "net.yaml", "--set", "=3"),
    ("shapes", "net.yaml", "--set", "width="),
    ("shapes", "net.yaml", "--input", "3xAx3"),
    ("shapes", "net.yaml", "--input", "3x0x3"),
    ("shapes", "net.yaml", "--input", "1x2x3x4x5x6"),
    ("shapes", "net.yaml", "--input", "3x2147483648x8"),
    ("shapes", "net.yaml", "--top", "0"),
    ("compare", "net.yaml", "--max-settings", "0"),
    ("shapes", "net.yaml", "--input", "3x8x8", "--input", "a=3x8x8"),
    ("shapes", "net.yaml", "--max-steps", "0"),
    ("expand", "net.yaml", "net.yaml"),
    ("layers", "nonsense"),
    ("list", "--format", "xml"),
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_is_2(arguments: tuple[str, ...], spec: str, run) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


WRONG = [
    ("shapes", "broken.yaml", "--format", "json"),
    ("shapes", "net.yaml", "--variant", "huge_net"),
    ("shapes", "net.yaml", "--set", "depth=3"),
    ("shapes", "net.yaml", "--set", "width=1.5"),
    ("shapes", "net.yaml", "--set", "width=1 +"),
    ("shapes", "net.yaml", "--set", "width=10**30"),
    ("shapes", "net.yaml", "--input", "image=3x8x8"),
    ("shapes", "net.yaml", "--input", "3"),
    ("shapes", "net.yaml", "--input", "1x2x3x4x5"),
    ("shapes", "net.yaml", "--input", "2147483647"),
    ("shapes", "net.yaml", "--max-steps", "1", "-f", "csv"),
    ("rf", "net.yaml", "--of", "mask"),
    ("explain", "net.yaml", "stme"),
    ("summary", "net.yaml", "--max-steps", "3", "-f", "csv"),
    ("expand", "broken.yaml"),
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_spec_is_1(arguments: tuple[str, ...], spec: str, run) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (1, "")
    assert re.match(r"error\[[\w-]+\]: ", done.err)


def test_one_is_the_least_of_every_number(spec: str, run) -> None:
    done = run("summary", spec, "--top", "1", "--depth", "1", "--batch", "1", "--format", "csv")
    assert (done.code, done.out.count("\n")) == (0, 2)
    assert run("compare", spec, "--max-settings", "1", "--top", "1").code == 0
    assert run("memory", spec, "--batch", "1").code == 0
    Path("one.yaml").write_text("input: [3, 8, 8]\nlayers: [relu]\n")
    assert run("summary", "one.yaml", "--max-steps", "1").code == 0


@pytest.mark.parametrize("command", ["summary", "shapes", "params", "rf", "expand"])
def test_no_spec_tells_what_one_is(command: str, run) -> None:
    """By an example that works, and not by the names of hundreds."""
    done = run(command)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error[no-spec]: name a SPEC: a file, or a bundled network\n"
        "help: for example `cnncalc summary resnet50`; `cnncalc list` lists the bundled networks\n"
    )


@pytest.mark.parametrize(
    ("line", "works"),
    [
        (("vgg16",), "summary vgg16"),
        (("net.yaml", "--depth", "1"), "summary net.yaml --depth 1"),
        (("show", "vgg16"), "summary vgg16"),
        (("sumary", "vgg16"), "summary vgg16"),
        (("flops", "lenet5"), "summary lenet5"),
        (("receptive_field", "lenet5"), "rf lenet5"),
        (("nonsense", "lenet5"), "summary lenet5"),
        (("kinds", "conv"), "layers conv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_line_without_a_command_is_answered_with_one_that_works(
    line: tuple[str, ...], works: str, spec: str, run
) -> None:
    done = run(*line)
    assert (done.code, done.out) == (2, "")
    assert f"write `cnncalc {works}`" in done.err
    assert run(*works.split()).code == 0


def test_a_line_that_means_nothing(run) -> None:
    done = run("nonsense", "--depth", "2")
    assert done.code == 2
    assert "`cnncalc --help` lists the commands" in done.err


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("model.py", "a Python program"),
        ("model.h5", "an HDF5 file"),
        ("work.ipynb", "a notebook"),
        ("cat.PNG", "a picture"),
        ("deploy.prototxt", "a file of Caffe"),
        ("model.tflite", "a TensorFlow model"),
    ],
)
def test_another_programs_file_is_called_what_it_is(name: str, what: str, spec: str, run) -> None:
    Path(name).write_bytes(b"\x00 anything")
    for command in ("summary", "check"):
        done = run(command, name)
        assert done.code == 1
        assert f"error[not-a-spec]: {name} is {what}, not a YAML spec\n" in done.err + done.out
        assert "help: " in done.err + done.out


def test_a_bare_call_shows_help(run) -> None:
    done = run()
    assert "Usage: cnncalc" in done.out + done.err
    for command in (*REPORTS, "expand", "explain", "list", "layers"):
        assert command in done.out + done.err


def test_version(run) -> None:
    assert run("--version")[:2] == (0, f"cnncalc {cnncalc.__version__}\n")


# -- files that are none -----------------------------------------------------------------------------------------------

NO_SPECS = {
    "missing.yaml": (None, "missing.yaml"),
    "folder/missing.yaml": (None, "folder/missing.yaml"),
    "folder": ("folder", "is a folder, not a spec"),
    "binary.yaml": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a binary file"),
    "latin.yaml": ("name: r\xe9seau\n".encode("latin-1"), "is not UTF-8 text"),
    "empty.yaml": (b"", "is empty"),
    "blank.yaml": (b"\n\n  \n# nothing\n", "is empty"),
    "huge.yaml": (b"# a comment\n" * 200_000, "larger than 1 MiB"),
    "text.yaml": (b"hello", "is a mapping of keys to values"),
    "sixteen.yaml": ("name: a\n".encode("utf-16"), "not"),
}


@pytest.mark.parametrize("name", NO_SPECS)
def test_files_that_are_no_spec(name: str, spec: str, run) -> None:
    content, message = NO_SPECS[name]
    if content == "folder":
        os.mkdir(name)
    elif content is not None:
        Path(name).write_bytes(content)
    done = run("summary", name)
    assert done.code == (1 if content is not None else done.code)
    assert done.code in (1, 2)
    assert done.out == ""
    assert message in done.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read(spec: str, run) -> None:
    os.chmod(spec, 0)
    assert run("summary", spec)[0] == 1


@pytest.mark.parametrize("name", ["/dev/null", "a\0b", "x" * 5000])
def test_odd_paths(name: str, run) -> None:
    done = run("summary", name)
    assert done.code in (1, 2)
    assert "bug" not in done.err


def test_a_file_wins_over_a_bundled_name(spec: str, run) -> None:
    os.rename(spec, "vgg16")
    assert run("shapes", "vgg16").out.startswith("A small network")


def test_a_bundled_file_by_its_name(run) -> None:
    done = run("shapes", "notes_filters.yaml", "--format", "csv")
    assert done.out.splitlines()[-1].startswith("conv1,conv,3x32x32,12x14x14")


# -- flags -------------------------------------------------------------------------------------------------------------


def data(done: Any) -> Any:
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def test_variant_set_and_input(spec: str, run) -> None:
    plain = data(run("summary", spec, "-f", "json"))
    wide = data(run("summary", spec, "--variant", "wide_net", "-f", "json"))
    other = data(run("summary", spec, "--variant", "wide_net", "--set", "width=4", "--input", "3x8x8", "-f", "json"))
    assert [found["layers"][0]["output_shape"] for found in (plain, wide, other)] == [
        [8, 16, 16],
        [16, 16, 16],
        [4, 8, 8],
    ]
    assert [found["variant"] for found in (plain, wide, other)] == [None, "wide_net", "wide_net"]
    assert other["input"] == {"input": [3, 8, 8]}


def test_several_specs_make_a_list(spec: str, run) -> None:
    found = data(run("params", spec, "notes_filters", spec, "--format", "json"))
    assert [each["totals"]["params"] for each in found] == [6_538, 1_308, 6_538]
    rows = list(csv.reader(io.StringIO(run("params", spec, "notes_filters", "--format", "csv").out)))
    assert rows[0][0] == "Network"
    assert rows[-1][0].startswith("Twelve filters")
    assert {len(row) for row in rows} == {len(rows[0])}


def test_totals_worked_out_by_hand(spec: str, run) -> None:
    """The stem 3*8*9 + 8 and its norm 16, twice 8*8*9 + 8, and 8*8*8 = 512 features by 10 + 10."""
    totals = data(run("summary", spec, "--format", "json"))["totals"]
    assert totals["params"] == (216 + 8 + 16) + 2 * (576 + 8) + (512 * 10 + 10)
    assert totals["state"] == 16
    assert totals["macs"] == 16 * 16 * (216 + 2 * 576) + 512 * 10


@pytest.mark.parametrize("format", ["table", "markdown", "latex", "html", "csv", "json"])
def test_batch_multiplies_macs_in_every_format(spec: str, format: str, run) -> None:
    """16*16*(216 + 2*576) + 5,120 MACs a sample; parameters and shapes are those of a sample."""
    one, many = (run("summary", spec, "--batch", n, "-f", format).out for n in ("1", "64"))
    assert "batch 64" in many or '"batch": 64' in many or many.startswith("Batch,Layer")
    for macs in (55_296, 5_120):
        for text, count in ((one, macs), (many, 64 * macs)):
            assert re.search(rf"\b{count if format in ('csv', 'json') else f'{count:,}'}\b", text)
    assert re.search(r"\b5,?130\b", many)


def test_batch_of_totals(spec: str, run) -> None:
    one, many = (data(run("summary", spec, "--batch", n, "-f", "json")) for n in ("1", "64"))
    assert many["batch"] == 64
    assert "batch" not in one
    assert many["totals"] == {**one["totals"], "macs": 64 * one["totals"]["macs"]}
    assert [row["output_shape"] for row in many["layers"]] == [row["output_shape"] for row in one["layers"]]
    assert "batch 64: 6.54 k params, 22.74 MMACs (45.48 MFLOPs)" in run("summary", spec, "--batch", "64").out


def test_channels_last(spec: str, run) -> None:
    first = data(run("shapes", spec, "--format", "json"))
    last = data(run("shapes", spec, "--format", "json", "--layout", "nhwc"))
    for a, b in zip(first["layers"], last["layers"]):
        assert b["output_shape"] == [*a["output_shape"][1:], a["output_shape"][0]]
        assert b["input_shapes"] == [[*shape[1:], shape[0]] for shape in a["input_shapes"]]
    assert last["input"] == {"input": [16, 16, 3]}
    assert "input 16 x 16 x 3" in run("shapes", spec, "--layout", "nhwc").out


def test_top_and_sort(spec: str, run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("params", spec, "--sort", "params", "--top", "3", "-f", "csv").out)))
    assert [row["Layer"] for row in rows] == ["linear1", "body.0.conv1", "body.1.conv1"]
    assert [int(row["Params"]) for row in rows] == [5_130, 584, 584]


def test_what_has_none_comes_after_what_has_0_of_its_own(tmp_path: Path, run) -> None:
    spec = tmp_path / "net.yaml"
    steps = "{conv: 1, kernel: 1, name: a}, relu, {conv: 1, kernel: 1, share: a}, {conv: 1, kernel: 1, bias: false}"
    spec.write_text(f"input: [1, 4]\nlayers: [{steps}]\n")
    rows = list(csv.DictReader(io.StringIO(run("params", str(spec), "--sort", "params", "-f", "csv").out)))
    assert [(row["Layer"], row["Params"]) for row in rows] == [
        ("a", "2"),
        ("conv2", "1"),
        ("conv1", "0"),
        ("relu1", ""),
    ]


def test_a_folded_block_has_the_field_of_its_last_layer(spec: str, tmp_path: Path, run) -> None:
    """As Araujo et al. 2019 define it for a block; null where it sees nothing of that input."""
    every = {row["name"]: row for row in data(run("rf", spec, "--format", "json"))["layers"]}
    folded = {row["name"]: row for row in data(run("rf", spec, "--depth", "1", "--format", "json"))["layers"]}
    last = [row for name, row in every.items() if name.startswith("body.")][-1]
    assert last["receptive_field"] is not None
    assert folded["body"]["receptive_field"] == last["receptive_field"]
    other = tmp_path / "two.yaml"
    steps = "layers: [{pair, from: b}, {add: [x, a]}]"
    other.write_text(f"input: {{a: [1, 4], b: [1, 4]}}\nblocks: {{pair: {{layers: [sigmoid, relu]}}}}\n{steps}\n")
    pair, _ = data(run("rf", str(other), "--of", "a", "--depth", "1", "--format", "json"))["layers"]
    assert pair["receptive_field"] is None


@pytest.mark.parametrize("key", ["name", "kind", "output", "params", "macs", "size"])
def test_sorting_keeps_every_row(spec: str, key: str, run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("summary", spec, "--sort", key, "-f", "csv").out)))
    assert sorted(row["Layer"] for row in rows) == sorted(
        row["Layer"] for row in csv.DictReader(io.StringIO(run("summary", spec, "-f", "csv").out))
    )
    if key in ("name", "kind"):
        column = {"name": "Layer", "kind": "Type"}[key]
        assert [row[column] for row in rows] == sorted(row[column] for row in rows)


def test_depth_one(spec: str, run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("summary", spec, "--depth", "1", "-f", "csv").out)))
    assert [(row["Layer"], row["Type"], row["Params"]) for row in rows] == [
        ("stem", "3 layers", "240"),
        ("body", "4 layers", "1168"),
        ("max_pool1", "max_pool", ""),
        ("flatten1", "flatten", ""),
        ("linear1", "linear", "5130"),
    ]


def test_the_limit_on_steps_can_be_raised(tmp_path: Path, run) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("input: [1, 4]\nlayers: [{layers: [{relu, repeat: 40}], repeat: 10}]\n")
    refused = run("shapes", str(path), "--format", "csv", "--max-steps", "400")
    assert (refused.code, refused.out) == (1, "")
    assert "--max-steps" in refused.err
    done = run("shapes", str(path), "--format", "csv", "--max-steps", "1000")
    assert done.code == 0
    assert done.out.count("\n") == 1 + 400


# -- writing to a file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown"])
def test_output_writes_what_would_be_printed(spec: str, format: str, run) -> None:
    printed = run("summary", spec, "--format", format)
    written = run("summary", spec, "--format", format, "--output", "out.txt")
    assert (written.code, written.out, written.err) == (0, "", "")
    assert Path("out.txt").read_text(encoding="utf-8") == printed.out
    assert sorted(os.listdir()) == ["broken.yaml", "net.yaml", "out.txt"]


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown"])
@pytest.mark.parametrize("specs", [("broken.yaml",), ("net.yaml", "broken.yaml")])
def test_output_is_not_touched_by_a_failure(spec: str, specs: tuple[str, ...], format: str, run) -> None:
    Path("out.txt").write_text("before")
    done = run("summary", *specs, "--format", format, "--output", "out.txt")
    assert (done.code, done.out) == (1, "")
    assert Path("out.txt").read_text() == "before"
    assert sorted(os.listdir()) == ["broken.yaml", "net.yaml", "out.txt"]


@pytest.mark.parametrize("target", ["missing/out.txt", "folder", "net.yaml/out"])
def test_output_that_cannot_be_written(spec: str, target: str, run) -> None:
    os.mkdir("folder")
    done = run("summary", spec, "--output", target)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error[unwritable]: ")
    assert sorted(os.listdir()) == ["broken.yaml", "folder", "net.yaml"]
    assert os.listdir("folder") == []


# -- failures midway ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", REPORTS)
def test_the_good_rows_are_shown_before_the_failing_one(spec: str, command: str, run) -> None:
    done = run(command, "broken.yaml")
    assert done.code == 1
    assert re.search(r"^good +conv ", done.out, re.MULTILINE)
    assert "broken.yaml:5" in done.out
    assert done.err.startswith("error[window-too-large]: kernel 99 does not fit the height 14\n")
    assert "Params  " not in done.out.replace("Layer", "", 1).split("\n\n", 2)[-1]


def test_good_networks_are_shown_beside_a_broken_one(spec: str, run) -> None:
    done = run("summary", "broken.yaml", spec)
    assert done.code == 1
    assert "A small network" in done.out
    assert done.err.count("error[") == 1


def test_all_errors_of_all_specs(spec: str, run) -> None:
    Path("other.yaml").write_text("input: [3, 8, 8]\nlayers: [rleu, tahn]\n")
    assert run("summary", "broken.yaml", "other.yaml", "-f", "csv").err.count("error[") == 3


def test_a_warning_does_not_fail(spec: str, run) -> None:
    Path("net.yaml").write_text("input: [3, 8, 8]\nlayers: [{relu, name: lost}, {tanh, from: input}]\n")
    done = run("summary", spec)
    assert done.code == 0
    assert done.err.startswith("warning[unused-layer]: `lost` reaches no output\n")


# -- as a process ------------------------------------------------------------------------------------------------------


def test_piped_output_is_the_same_from_run_to_run(spec: str) -> None:
    runs = [
        process("summary", "googlenet", PYTHONHASHSEED=seed, COLUMNS=wide).stdout
        for seed, wide in (("1", "40"), ("2", "200"))
    ]
    assert runs[0] == runs[1]
    assert b"\x1b" not in runs[0]


def test_piped_output_is_never_clipped(spec: str) -> None:
    Path(spec).write_text(f"input: [3, 8, 8]\nlayers:\n  - {{relu, name: {'n' * 300}}}\n")
    done = process("summary", spec, COLUMNS="80")
    assert b"n" * 300 in done.stdout
    assert b"\xe2\x80\xa6" not in done.stdout


def test_messages_go_to_stderr_and_have_no_colour_in_a_pipe(spec: str) -> None:
    done = process("summary", "broken.yaml", "--format", "json")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"\x1b" not in done.stderr
    assert done.stderr.startswith(b"error[window-too-large]")


def test_a_closed_pipe_is_no_error() -> None:
    """``cnncalc … | head -1``."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", "shapes", "vgg16"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == b""


def on_terminal(wide: int, *arguments: str, no_color: str = "") -> str:
    """What the program writes to a terminal, messages too; pseudo-terminals are POSIX's."""
    if os.name != "posix":
        pytest.skip("no pseudo-terminal")
    import fcntl
    import pty
    import struct
    import termios

    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, wide, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "NO_COLOR": no_color}
    for name in ("COLUMNS", "LINES", "CI", "FORCE_COLOR"):
        environment.pop(name, None)
    if not no_color:
        del environment["NO_COLOR"]
    command = [sys.executable, "-m", "cnncalc", *arguments]
    program = subprocess.Popen(command, env=environment, stdout=other, stderr=other)
    os.close(other)
    text = b""
    while True:
        try:
            chunk = os.read(main, 65_536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        text += chunk
    os.close(main)
    program.wait(timeout=60)
    return text.decode().replace("\r\n", "\n")


def without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.mark.parametrize(("no_color", "wide"), [("", 140), ("1", 140), ("", 60)])
def test_on_a_terminal(spec: str, no_color: str, wide: int) -> None:
    """Colour only without NO_COLOR; numbers are whole on a narrow terminal too."""
    text = on_terminal(wide, "summary", spec, no_color=no_color)
    shown = without_colour(text)
    assert ("\x1b[36m" in text) is (not no_color)
    assert re.search(r"\b294,912\b", shown)
    assert re.search(r"\b5,130\b", shown)
    assert max(map(len, shown.splitlines())) <= wide


FITS = [
    ("layers",),
    ("explain", "resnet50", "layer1.0.conv2"),
    ("conventions", "lenet5"),
    ("check", "lenet5", "vgg16", "broken.yaml"),
    ("summary", "broken.yaml"),
    ("summary", "net.yaml", "--variant", "nonsense"),
]


@pytest.mark.parametrize("arguments", FITS, ids=" ".join)
def test_80_columns_are_enough(spec: str, arguments: tuple[str, ...]) -> None:
    """The words are those of a pipe, in shorter lines."""
    text = on_terminal(80, *arguments)
    shown = without_colour(text)
    assert ("\x1b[1;31merror" in text) is ("error[" in shown) is (arguments[0] in ("check", "summary"))
    assert max(map(len, shown.splitlines())) <= 80
    if arguments[0] in ("layers", "explain"):
        assert shown.split() == process(*arguments).stdout.decode().split()


# -- other commands ----------------------------------------------------------------------------------------------------


def test_expand_loads_again(spec: str, run) -> None:
    done = run("expand", spec)
    Path("flat.yaml").write_text(done.out)
    keys = ("name", "kind", "inputs", "output_shape", "params", "macs", "receptive_field")
    first, second = (data(run("summary", name, "--format", "json")) for name in (spec, "flat.yaml"))
    assert [[row[key] for key in keys] for row in first["layers"]] == [
        [row[key] for key in keys] for row in second["layers"]
    ]
    assert first["totals"] == second["totals"]
    assert run("expand", "flat.yaml").out == done.out


def test_explain_puts_the_numbers_in(spec: str, run) -> None:
    done = run("explain", spec, "stem")
    assert "(W + P - K)/S + 1 = (16 + 2 - 3)/1 + 1 = 16" in done.out
    assert "net.yaml:7" in done.out
    found = data(run("explain", spec, "stem", "--format", "json"))
    assert "8 x 3 x 3 x 3 = 216" in " ".join(found["parameters"])


def test_explain_an_opaque_layer(tmp_path, run) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [3, 8, 8]\nlayers:\n  - {opaque: [5], macs: 1000}\n", encoding="utf-8")
    assert "MACs             1,000 multiply-accumulates, as declared\n" in run("explain", str(path), "opaque1").out


@pytest.mark.parametrize(
    ("kernel", "rounded"),
    [(3, True), (2, False)],  # (7 + 1 - 3)/3 is 5/3, (7 + 1 - 2)/3 is 2
)
def test_explain_says_where_a_size_is_rounded(tmp_path, run, kernel: int, rounded: bool) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"input: [1, 7]\nlayers:\n  - {{conv: 1, kernel: {kernel}, stride: 3, padding: [[1, 0]]}}\n")
    assert (", rounded down" in run("explain", str(path), "conv1").out) == rounded


@pytest.mark.thorough
@pytest.mark.every
def test_list_has_a_line_for_every_bundled_name(run, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [*some(bundled_files(), each=12), *(find(name)[0] for name in ("vgg", "resnet"))]
    for module in (gallery, library):
        monkeypatch.setattr(module, "bundled_files", lambda: sorted({*paths}))
    done = run("list", "--format", "json")
    found = {entry["name"]: entry for entry in json.loads(done.out)["networks"]}
    assert found["vgg16"]["params"] == 138_357_544
    assert found["resnet50"]["year"] == 2015
    assert set(found) <= set(cnncalc.bundled_names())
    files = {Path(path).stem for path in paths}
    assert {name for name in cnncalc.bundled_names() if name not in files} <= set(found)


def test_the_list_tells_the_field_along_both_axes(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """DS-CNN of Zhang et al. (2017), Hello Edge, table 4: 10 x 4 kernels on 49 x 10, then four times 3 x 3."""
    path = find("ds_cnn_s")[0]
    for module in (gallery, library):
        monkeypatch.setattr(module, "bundled_files", lambda: [path])
    lines = run("list", "--where", "params < 100k").out.splitlines()
    assert next(line.split() for line in lines if line.startswith("Name")) == [
        "Name",
        "Year",
        "Input",
        "Params",
        "MACs",
        "Field",
    ]
    assert lines[0] == "1 bundled network"
    (found,) = [line for line in lines if line.startswith("ds_cnn_s ")]
    assert found.split() == ["ds_cnn_s", "2017", "1", "x", "49", "x", "10", "23,756", "2,656,768", "26", "x", "20"]


def test_bundled_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line a variant, or a file that has none; the autoencoder's Keras model has 269,992, of them 2,064 of state
    (mlcommons/tiny); a library of blocks is no network, and the notes have no year."""
    names = ("mlperf_tiny_anomaly_detection", "blocks", "inception_module", "notes_stride1")
    paths = [find(name)[0] for name in names]
    for module in (gallery, library):
        monkeypatch.setattr(module, "bundled_files", lambda: paths)
    found = {entry.name: entry for entry in cnncalc.bundled_networks()}
    assert list(found) == ["mlperf_tiny_anomaly_detection", "inception_module", "notes_stride1", "notes_stride2"]
    assert [entry.year for entry in found.values()] == [2021, 2014, None, None]
    dense, stride1 = found["mlperf_tiny_anomaly_detection"], found["notes_stride1"]
    assert (dense.input, dense.receptive_field) == ((640,), ())
    assert (dense.params, dense.macs) == (269_992 - 2_064, 128 * (640 + 3 * 128 + 8) + 128 * (8 + 3 * 128 + 640))
    assert (stride1.params, stride1.macs, stride1.receptive_field) == (3, 3 * 5, (3,))


def test_completion_of_names() -> None:
    assert complete_spec("notes_str") == ["notes_stride", "notes_stride1", "notes_stride2"]
    assert "resnet50" in complete_spec("")
    assert complete_spec("zzz") == []


def completed(*words: str) -> list[str]:
    """What bash would offer for the last of the words."""
    done = process(
        _CNNCALC_COMPLETE="complete_bash", COMP_WORDS=" ".join(("cnncalc", *words)), COMP_CWORD=str(len(words))
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().split()


def test_completion_as_a_shell_asks_for_it() -> None:
    assert completed("shapes", "notes_str") == ["notes_stride", "notes_stride1", "notes_stride2"]
    assert set(completed("summary", "vgg", "--variant", "vgg1")) == {
        f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")
    }


def test_completion_of_variants_of_a_file(spec: str) -> None:
    assert completed("shapes", spec, "--variant", "w") == ["wide_net"]
    Path(spec).write_text("layers: [")
    assert completed("shapes", spec, "--variant", "w") == []


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
@pytest.mark.parametrize(
    "command", ["conventions lenet5", "summary lenet5", "memory lenet5", "sizes lenet5 --range 20..60"]
)
def test_no_two_blank_lines(command: str, form: str, run) -> None:
    done = run(*command.split(), "--format", form)
    assert (done.code, done.err) == (0, "")
    assert "\n\n\n" not in done.out
