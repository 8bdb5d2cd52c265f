"""What a message shows of the source: the line, cut where it is long, with carets below what is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sampling import some, together

from cnncalc.diagnostics import Source, Span, changes, is_slip
from cnncalc.diagnostics import excerpt as excerpt_of

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
@pytest.mark.parametrize(("length", "column"), [(240, 160), *some(list(product(LENGTHS, COLUMNS)), each=3)])
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


@pytest.mark.parametrize(("length", "shown"), [(160, "x" * 160), (161, "…" + "x" * 80), (200, "…" + "x" * 80)])
def test_a_place_behind_the_end_of_a_line(length: int, shown: str) -> None:
    """Where something is missing: one caret, in the column behind the last one."""
    found = excerpt_of(Span(Source("net.yaml", "x" * length), 1, length + 1, length + 1), "here")
    assert found == [f"  --> net.yaml:1:{length + 1}", "  |", f"1 | {shown}", f"  | {' ' * len(shown)}^ here"]


def test_a_line_that_is_not_there() -> None:
    source = Source("net.yaml", "a\nb\n")
    assert excerpt_of(Span(source, 2, 1, 2)) == ["  --> net.yaml:2:1", "  |", "2 | b", "  | ^"]
    assert excerpt_of(Span(source, 3, 1, 2)) == ["  --> net.yaml:3:1"]
    assert excerpt_of(Span(source, 0, 1, 2)) == ["  --> net.yaml"]


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


@together(
    "written, meant, number",
    [  # optimal string alignment, with the examples of its articles in Wikipedia
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
        ("ca", "abc", 3),
        ("ac", "ca", 1),
        ("abcdef", "abdcfe", 2),
        ("acbd", "abcd", 1),
        ("abc", "cab", 2),
        ("abb", "abc", 1),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
    ],
)
def test_how_many_letters_are_changed(written: str, meant: str, number: int) -> None:
    assert changes(written, meant) == changes(meant, written) == number


@together(
    "written, meant, slip",
    [
        ("ab", "ac", True),  # one letter, however short the word
        ("ab", "cd", False),
        ("abcde", "abcxy", False),  # a third of five is one
        ("abcdef", "axcdey", True),
        ("abcdef", "axcxey", False),
        ("act", "xxactxxxxxx", True),  # one is in the other
        ("ab", "xxabxxxxxxx", False),
        ("abcdmnop", "abcdwxyz", True),  # the first halves agree
        ("abcdmnop", "abcdwxyzz", False),
        ("abcmno", "abcxyz", False),  # of less than four letters they say nothing
    ],
)
def test_what_may_be_a_slip(written: str, meant: str, slip: bool) -> None:
    assert is_slip(written, meant) == is_slip(meant, written) == slip
