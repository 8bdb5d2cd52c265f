"""What a message shows of the source: the line, cut where it is long, with carets below what is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sampling import some

Run = Callable[..., Any]


@pytest.fixture
def excerpt(run: Run, tmp_path: Path) -> Callable[[str], tuple[str, str]]:
    """Reports on a spec with one mistake; returns the source line as shown, and what stands above the carets."""

    def of(text: str) -> tuple[str, str]:
        path = tmp_path / "net.yaml"
        path.write_text(text)
        done = run("shapes", str(path))
        assert done.code == 1
        (shown,) = re.findall(r"^\d+ \| (.*)$", done.err, re.MULTILINE)
        (carets,) = re.findall(r"^ +\| ( *\^+)", done.err, re.MULTILINE)
        return shown, shown[carets.index("^") : len(carets)]

    return of


def line(length: int, column: int) -> str:
    """A line of steps of this length, with a mistake that begins at the column, counted from 0."""
    start, word = "layers: [relu, ", "strange"
    before = (start + "relu, " * 100)[: column - 2]
    before = before[: before.rindex(",") + 1].ljust(column)
    after = (", relu" * 100)[: length - len(before) - len(word) - 1]
    after = after[: after.rindex("u") + 1] if "u" in after else ""
    return (before + word + after).ljust(length - 1) + "]"


LENGTHS = (100, 159, 160, 161, 162, 200, 240, 241, 320, 321, 400, 500)
COLUMNS = (20, 79, 80, 81, 82, 120, 152, 160, 240, 320)


@pytest.mark.every
@pytest.mark.parametrize(("length", "column"), some(list(product(LENGTHS, COLUMNS)), each=3))
def test_carets_stand_below_what_is_meant(length: int, column: int, excerpt: Callable[[str], tuple[str, str]]) -> None:
    if column + 8 > length:
        column = length - 8  # the word is the last on the line
    text = line(length, column)
    assert (len(text), text.index("strange")) == (length, column)
    shown, above = excerpt(f"input: [1, 8, 8]\n{text}\n")
    assert above == "strange"
    if length <= 160:
        assert shown == text
        return
    first = max(0, column - 80)  # what is meant begins in the middle, unless the line begins later
    kept = text[first : first + 160]
    assert shown == ("…" if first else "") + (f"{kept}…" if first + 160 < length else kept.rstrip())


def test_a_span_that_goes_on_beyond_the_cut(excerpt: Callable[[str], tuple[str, str]]) -> None:
    wrong = "{conv: 8, kernel: 1, strange: [" + "1, " * 80 + "1]}"
    shown, above = excerpt(f"input: [1, 8, 8]\nlayers: [{wrong}]\n")
    assert above == "strange"
    long = "x" * 301
    shown, above = excerpt(f"input: [1, 8, 8]\nlayers: [{{relu, name: {long}}}]\n")
    assert shown.startswith("layers: [{relu, name: xxx")
    assert shown.endswith("xxx…")
    assert set(above) <= {"x", "…"}
    assert above.count("x") == 160 - len("layers: [{relu, name: ")


def test_at_most_twelve_calls_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    for count in (11, 12, 13, 20):
        blocks = "".join(f"  b{n}: {{layers: [b{n + 1}]}}\n" for n in range(count - 1))
        blocks += f"  b{count - 1}: {{layers: [{{max_pool: 9}}]}}\n"
        path.write_text(f"input: [1, 8, 8]\nblocks:\n{blocks}layers: [b0]\n")
        notes = re.findall(r"^note: in block `(b\d+)`, called at", run("shapes", str(path)).err, re.MULTILINE)
        assert notes == [f"b{n}" for n in range(count - 1, -1, -1)][:12]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ReLU", "relu"),
        ("Max_Pool", "max_pool"),
        ("maxpool2d", "max_pool"),
        ("AvgPool1d", "avg_pool"),
        ("AvgPool3d", "avg_pool"),
        ("batchnorm", "batch_norm"),
        ("konv", "conv"),
        ("sigmoidd", "sigmoid"),
    ],
)
def test_a_misspelt_kind(name: str, meant: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"input: [1, 8, 8]\nlayers: [{name}]\n")
    (help,) = re.findall(r"^help: (.*)$", run("shapes", str(path)).err, re.MULTILINE)
    assert re.match(rf"(did you mean|write|for example) `{{?{meant}\b", help)


def test_nothing_near(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [qqqqqq]\n")
    assert "help: `cnncalc layers` lists the kinds" in run("shapes", str(path)).err
