"""The README: every command in it is run in the order of the text, and what it prints is compared.

A ``console`` block is a transcript: lines with ``$``, and what they print below.  ``$ cat FILE`` shows a file, which
is written if it is not there yet.  A block of commands without ``$`` shows no output: each must succeed.
``pytest tests/test_readme.py --rewrite`` writes the outputs anew: read the diff.
"""

from __future__ import annotations

import ast
import io
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnncalc.language.library import starter

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Run = Callable[..., Any]

GIVEN = {
    "model.onnx": (ROOT / "tests/data/convert/conv_valid.onnx").read_bytes(),
    "row.json": b"[[3, 1, 4, 1, 5, 9, 2]]",
}
"""Files that a reader has, by the name that the README calls them."""


def blocks(language: str) -> list[str]:
    """The texts of all blocks in this language."""
    return [text for found, text in FENCED.findall(README.read_text(encoding="utf-8")) if found == language]


class Shell:
    """A folder in which the commands of the README are run, one after the other."""

    def __init__(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run = run
        self.monkeypatch = monkeypatch

    def call(self, line: str) -> tuple[int, str]:
        """The exit code of a line, and all that it prints; ``echo TEXT |`` before it is its standard input."""
        words = shlex.split(line, comments=True)
        if "|" in words:
            cut = words.index("|")
            assert words[0] == "echo"
            piped = io.BytesIO((" ".join(words[1:cut]) + "\n").encode())
            self.monkeypatch.setattr("sys.stdin", io.TextIOWrapper(piped, encoding="utf-8"))
            words = words[cut + 1 :]
        assert words[0] == "cnncalc", line
        done = self.run(*words[1:])
        assert done.code in (0, 1), f"{line}\n{done.err}"  # neither a bug nor a wrong use is an example
        return done.code, done.out + done.err

    def replay(self, transcript: str) -> str:
        """The transcript as it is now."""
        told = []
        for entry in re.split(r"^(?=\$ )", transcript, flags=re.MULTILINE)[1:]:
            line, _, shown = entry.partition("\n")
            name = line.removeprefix("$ cat ")
            if name == line:
                shown = self.call(line[2:])[1]
            elif Path(name).exists():
                shown = Path(name).read_text(encoding="utf-8")
            else:
                Path(name).write_text(shown, encoding="utf-8")
            told.append(f"{line}\n{shown}")
        return "".join(told)


@pytest.fixture
def shell(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name, content in GIVEN.items():
        Path(name).write_bytes(content)
    return Shell(run, monkeypatch)


def test_transcripts(shell: Shell, expected: Any) -> None:
    """What the README shows is what the commands print today."""
    text = README.read_text(encoding="utf-8")
    assert len(blocks("console")) > 5
    current = FENCED.sub(
        lambda found: f"```console\n{shell.replay(found[2])}```" if found[1] == "console" else found[0], text
    )
    expected.check(README, current)


def test_commands_without_output_succeed(shell: Shell) -> None:
    """And say something: all that a reader might copy."""
    assert shell.call("cnncalc init net.yaml")[0] == 0
    lines = [line for block in blocks("") for line in block.splitlines() if line.startswith("cnncalc ")]
    assert len(lines) > 10
    for line in lines:
        code, said = shell.call(line)
        assert code == 0, f"{line}\n{said}"
        assert said, line


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(
        re.findall(r"\bmake ([\w-]+)", "\n".join([*blocks(""), *re.findall(r"`make [\w-]+`", README.read_text())]))
    )
    assert {"run", "test"} <= named <= targets


def test_the_first_screen_tells_how_to_begin() -> None:
    first = "\n".join(README.read_text(encoding="utf-8").splitlines()[:30])
    for needed in ("make run", "make test", "pip install .", "cnncalc init", "Python 3"):
        assert needed in first
    assert "OWNER" not in README.read_text(encoding="utf-8")


def test_the_starter_is_shown(expected: Any) -> None:
    text = README.read_text(encoding="utf-8")
    shown = f"<!-- starter -->\n```yaml\n{starter()}```\n<!-- /starter -->"
    expected.check(README, re.sub(r"<!-- starter -->.*?<!-- /starter -->", lambda _: shown, text, flags=re.DOTALL))


def test_python() -> None:
    """The block runs, and its values are those in its comments."""
    (block,) = [block for block in blocks("python") if "torch" not in block]  # that one is run where torch is
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    checked = 0
    for line in block.splitlines():
        code, _, comment = line.partition("  # ")
        try:
            value = ast.literal_eval(comment.partition(":")[0])
        except (SyntaxError, ValueError):
            continue
        assert eval(code, names) == value, line
        checked += 1
    assert checked > 1


def test_every_link_between_files_leads_somewhere() -> None:
    for path in re.findall(r"`((?:architectures|cnncalc|tests)/[\w./-]+)`", README.read_text(encoding="utf-8")):
        assert (ROOT / path).exists() or shutil.which(path), path
