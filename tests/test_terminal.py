"""What commands print on a terminal: in its width, in colour; and that a file or a pipe has neither."""

from __future__ import annotations

import io
import re
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from conftest import PROGRAM, Run, run_command
from test_messages import NETS

from cnncalc.render.progress import bar


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks in the working folder, and a terminal of colours."""
    monkeypatch.chdir(tmp_path)
    for name, text in NETS.items():
        Path(name).write_text(text)
    Path("bad.yaml").write_text(f"{NETS['net.yaml']}  \n".replace("relu]", "relu, {conv: 1, kernel: 9, name: bad}]"))
    Path("row.json").write_text("[[" + ", ".join(map(str, range(3, 33))) + "]]")
    Path("row.yaml").write_text("input: [1, 30]\nlayers: [{conv: 1, kernel: 1}]\n")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "CI", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def on_screen(width: int, line: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line with both of its streams on a terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    out, err = Screen(), Screen()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        PROGRAM.main(line.split(), prog_name="cnncalc")
    return Run(int(left.value.code or 0), out.getvalue(), err.getvalue())


def without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def longest(text: str) -> int:
    return max(len(line) for line in without_colour(text).splitlines())


FITS = [
    "explain net.yaml first",
    "layers conv",
    "run row.yaml --data row.json",
    "check bad.yaml net.yaml",
    "summary net.yaml",
    "summary bad.yaml",
    "shapes net.yaml --variant nonsense",
    "layers nonsense_that_is_long",
    "memory net.yaml --optimizer adam",
]


@pytest.mark.parametrize("line", FITS)
def test_lines_are_as_long_as_the_terminal_is_wide(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And hold the same words as in a pipe, where lines are not broken."""
    monkeypatch.setenv("COLUMNS", "50")
    piped = run_command(*line.split())
    assert longest(piped.out + piped.err) > 50
    shown = on_screen(50, line, monkeypatch)
    assert shown.code == piped.code
    said = shown.out if line.startswith("check") else shown.out + shown.err  # which has a bar that is gone again
    assert longest(said) <= 50
    if not line.startswith(("summary", "check", "shapes")):
        assert without_colour(shown.out + shown.err).split() == (piped.out + piped.err).split()


@pytest.mark.parametrize(
    "line",
    ["explain net.yaml first", "run row.yaml --data row.json", "check net.yaml", "summary net.yaml", "layers conv"],
)
def test_a_file_has_the_lines_of_a_pipe(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = run_command(*line.split())
    written = on_screen(40, f"{line} -o out.txt", monkeypatch)
    assert (written.code, written.out) == (piped.code, "")
    assert Path("out.txt").read_text(encoding="utf-8") == piped.out


@pytest.mark.parametrize(
    "line", ["summary net.yaml -f csv", "summary net.yaml -f markdown", "explain net.yaml -f json"]
)
def test_data_on_a_terminal_is_that_of_a_pipe(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_screen(40, line, monkeypatch).out == run_command(*line.split()).out


@pytest.mark.parametrize(
    ("line", "colour"), [("summary net.yaml", "36"), ("check bad.yaml", "31"), ("shapes net.yaml --variant none", "31")]
)
def test_colour(line: str, colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are cyan, errors red; where NO_COLOR is set nothing is."""
    shown = on_screen(80, line, monkeypatch)
    assert re.search(rf"\x1b\[(1;)?{colour}", shown.out + shown.err)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = on_screen(80, line, monkeypatch)
    assert not re.search(r"\x1b\[\d*;?3\d", plain.out + (plain.err if "check" not in line else ""))
    assert without_colour(plain.out) == without_colour(shown.out)


def test_headings_go_on_at_the_edge_and_remarks_further_in(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("long.yaml").write_text(
        f"name: A network of {'very ' * 20}many words\nsource: see {'the paper, ' * 12}\ninput: [1, 9, 9]\n"
        "layers: [{conv: 2, kernel: 2, stride: 2}]\n"
    )
    heading, rest = without_colour(on_screen(50, "summary long.yaml", monkeypatch).out).split("\n\n", 1)
    assert len(heading.splitlines()) > 4
    assert not any(line.startswith(" ") for line in heading.splitlines())
    remarks, sentence = rest.split("\n\n")[-2:]
    going_on = [line for line in remarks.splitlines() if not line.startswith(("conv1: ", "MACs: "))]
    assert going_on
    assert all(re.match("  [^ ]", line) for line in going_on)
    assert not any(line.startswith(" ") for line in sentence.splitlines())


def test_the_good_rows_are_drawn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows up to a layer that fails, and where that is; no totals, no remarks and no sentence."""
    shown, piped = on_screen(80, "summary bad.yaml", monkeypatch), run_command("summary", "bad.yaml")
    assert ("\x1b[" in shown.out, "\x1b[" in piped.out) == (True, False)
    for text in (without_colour(shown.out), piped.out):
        assert re.search(r"^first +conv", text, re.MULTILINE)
        assert "FAILED at bad.yaml:5:" in text
        assert not re.search("Weights|MACs:|params", text)
    assert "---" in piped.out
    assert "---" not in shown.out


@pytest.mark.parametrize(("told", "wide"), [("30", 30), ("0", 80), ("many", 80), ("-5", 80), ("", 80)])
def test_how_wide_a_terminal_is(told: str, wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What COLUMNS says, else what the terminal says, else 80."""
    import os

    from cnncalc.cli.terminal import width_of

    screen = Screen()
    monkeypatch.setattr(screen, "fileno", lambda: 1, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((0, 24)))
    monkeypatch.setenv("COLUMNS", told)
    assert width_of(screen) == wide
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((132, 24)))
    assert width_of(screen) == (wide if told == "30" else 132)
    assert width_of(io.StringIO()) is None


@pytest.mark.parametrize(("most", "drawn"), [(2, True), (1, False)])
def test_many_rows_are_not_drawn(most: int, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw one in colour takes a while: above some thousand the table is that of a pipe."""
    monkeypatch.setattr("cnncalc.cli.output.MOST_ROWS", most)
    shown = on_screen(80, "summary net.yaml --full", monkeypatch).out
    assert ("\x1b[" in shown, "---" in shown) == (drawn, not drawn)
    for command in (on_screen(80, "summary bad.yaml", monkeypatch), run_command("summary", "bad.yaml")):
        assert ("first" in command.out, "kernel 9" in command.err) == (drawn, True)


def test_a_bar_is_drawn_when_told_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the end the terminal goes back over its line (ECMA-48: cursor up is `A`, erase the line `2K`)."""
    shown = on_screen(60, "check bad.yaml net.yaml", monkeypatch).err
    told = re.findall(r"checking ([a-z.]*) *\W+(\d+)%", without_colour(shown))
    assert told[:3] == [("", "0"), ("bad.yaml", "50"), ("net.yaml", "100")]
    assert shown.endswith("\x1b[1A\x1b[2K")
    threads = threading.active_count()
    with redirect_stderr(Screen()), bar("forking") as report:
        assert report is not None
        assert threading.active_count() == threads
