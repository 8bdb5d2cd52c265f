"""What ``--help`` says: panels, whole sentences, examples that work; and the spec to start from."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cnncalc.cli import app
from cnncalc.cli.commands import command_name
from cnncalc.cli.help import PANELS
from cnncalc.examples import drawn
from cnncalc.geometry import Window
from cnncalc.language.library import starter

ROOT = Path(__file__).parents[1]
COMMANDS = [name for names in PANELS.values() for name in names]
SLOW = {"verify --all", "list", "memory resnet50 --training", "sizes resnet50"}
"""Examples that take seconds; what they do has tests of its own."""
ELSEWHERE = re.compile(r"(mine\.yaml|networks/|image\.ppm|model\.keras|resnet50\.onnx|--to onnx)")
"""Files that only the user has, and packages that need not be there."""


def examples(text: str) -> list[str]:
    """The commands below ``For example:``."""
    return re.findall(r"^ +cnncalc (.+)$", text.partition("For example:")[2], re.MULTILINE)


def test_every_command_has_a_place_in_one_panel() -> None:
    assert sorted(COMMANDS) == sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_word_that_calls_a_command_is_known_before_it_is_built() -> None:
    """All of them, or a call would build every command for one."""
    assert sorted(map(command_name, app.registered_commands)) == sorted(COMMANDS)


def test_the_panels_cut_no_line(run: Any) -> None:
    """Every command stands below its panel with its whole first sentence, in 80 columns."""
    text = run("--help").out
    assert re.search(r"\w\.\.\.", text) is None
    assert max(map(len, text.splitlines())) <= 80
    titles = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert titles[1:] == ["Measure", "Choose", "Convert", "Prove", "Learn"]
    said = " ".join(text.split())
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        sentence = " ".join(command.help.split("\n\n")[0].split()).rstrip(".")
        assert f"{command.name} {sentence}" in said
    assert run("--help").out == run().out + run().err


@pytest.mark.parametrize("command", COMMANDS)
def test_two_examples_that_work(command: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are run in a folder with the spec to start from, but for what takes long or needs what only a user has."""
    done = run(command, "--help")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    shown = examples(done.out)
    assert len(shown) >= 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "row.json").write_text("[[3, 1, 4, 1, 5, 9, 2]]")
    if command != "init":
        (tmp_path / "net.yaml").write_text(starter())
    for example in shown:
        assert example.startswith(command)
        if any(example.startswith(slow) for slow in SLOW) or ELSEWHERE.search(example):
            continue
        tried = run(*shlex.split(example.partition(">")[0] if " > " in example else example))
        assert (tried.code, tried.err) == (0, ""), example


def test_a_picture_begins_with_the_first_position() -> None:
    """A crop of two positions before and one after; a window that begins in the padding."""
    assert drawn(Window(1, before=-2, after=-1), 6) == [
        "  input    012345",
        "  output 0   #",
        "  output 1    #",
        "  output 2     #",
    ]
    assert drawn(Window(3, 2, before=1, after=1), 3) == ["  input    .012.", "  output 0 ###", "  output 1   ###"]


# -- cnncalc init ------------------------------------------------------------------------------------------------------


def test_init_writes_a_spec_that_holds(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init", "mine.yaml")
    assert (done.code, done.err) == (0, "")
    assert "cnncalc summary mine.yaml" in done.out
    assert "cnncalc check mine.yaml" in (tmp_path / "mine.yaml").read_text()
    for line in re.findall(r"^  cnncalc (.+)$", done.out, re.MULTILINE):
        assert run(*line.split()).code == 0
    checked = run("check", "mine.yaml", "--fail-on", "lint")
    assert (checked.code, checked.out) == (0, "1 file, 2 networks: 5 expectations hold\n")


def test_init_never_writes_over_a_file(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init").code == 0
    (tmp_path / "net.yaml").write_text("mine")
    done = run("init")
    assert (done.code, done.out) == (2, "")
    assert (tmp_path / "net.yaml").read_text() == "mine"
    offered = re.search(r"`cnncalc (init .+)`", done.err)
    assert offered is not None
    assert run(*offered[1].split()).code == 0
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nothing.yaml")
    assert run("init", "link.yaml").code == 2
    assert not (tmp_path / "nothing.yaml").exists()


def test_init_where_there_is_no_folder(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init", "folder/net.yaml")
    assert done.code == 1
    assert done.err.startswith("error[unwritable]: ")


def test_the_starter_has_no_line_that_a_terminal_breaks() -> None:
    assert max(map(len, starter().splitlines())) <= 120


def test_make_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert targets is not None
    named = re.findall(r"^\t@echo 'make ([\w-]+) ", text, re.MULTILINE)
    assert {*named, "help"} == set(targets[1].split())
