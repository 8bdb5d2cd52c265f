"""Tables and text in the width of a terminal: no line is too long, no word broken, no digit lost."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console
from sampling import some

import cnncalc
from cnncalc.diagnostics import Diagnostic, Note, Source, Span
from cnncalc.render.cells import written
from cnncalc.render.findings import messages
from cnncalc.render.layout import layout, rows, split, text, wrapped
from cnncalc.render.rich import show_one
from cnncalc.tables.report import tabulate
from cnncalc.tables.table import DETAIL, KIND, ORIGIN, SHARE, Column, Line, Table, View
from cnncalc.values import PerAxis, Shapes, Sizes

NETWORKS = ("vgg16", "resnet50", "googlenet", "efficientnet_b0", "mobilenet_v2", "unet", "densenet121", "yolov8n")
NETWORKS += ("swin_t", "r3d_18")
COMMANDS = ("summary", "shapes", "params", "rf")
WIDTHS = (80, 100, 140)


@cache
def table(name: str, command: str, flat: bool = False) -> Table:
    network = cnncalc.load(name)
    report = network.receptive_field() if command == "rf" else getattr(network, command)()
    return tabulate(report, View(flat))


def shown(made: Table, width: int, colour: bool = False) -> str:
    out = io.StringIO()
    system = "standard" if colour else None
    show_one(made, Console(file=out, width=width, highlight=False, force_terminal=colour, color_system=system))
    return out.getvalue()


@pytest.mark.every
@pytest.mark.parametrize("name", some(NETWORKS, each=3))
def test_a_report_fits(name: str) -> None:
    network = cnncalc.load(name)
    for report in (network.summary(), network.shapes(), network.params(), network.receptive_field()):
        made = tabulate(report)
        for width in WIDTHS:
            assert max(map(len, shown(made, width).splitlines())) <= width
            check_cells(made, width)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_layer_fits(command: str) -> None:
    made = table("yolov8n", command, flat=True)
    assert max(map(len, shown(made, 80).splitlines())) <= 80
    check_cells(made, 80)


def check_cells(made: Table, width: int) -> None:
    """Every cell of the columns that are kept is there, whole, and broken where words or names end."""
    laid = layout(made, width)
    for line, texts in rows(made, laid):
        for number, at in enumerate(laid.columns):
            parts = [cells[number].text.strip() for cells in texts]
            parts = [part for part in parts if part]
            expected = text(line.cells[at], laid.narrow)
            assert "".join(parts).replace(" ", "") == expected.replace(" ", "")
            if made.columns[at].numeric:
                assert len(parts) == len(expected.split(" to ")) or len(parts) == 1
            for part, following in pairwise(parts):
                assert part[-1] in "./" or f"{part} {following}" in expected, (part, following)


def test_columns_go_in_the_stated_order() -> None:
    """Shares first, then From; what is left breaks at dots and between words."""
    made = table("resnet50", "summary")
    assert layout(made, 140).dropped == ()
    assert layout(made, 118).dropped == ("%",)
    assert layout(made, 80).dropped == ("From", "%")
    assert "no room here for From, %" in shown(made, 80)
    assert "no room" not in shown(made, 140)


def small(*columns: Column, cells: list[Any]) -> Table:
    return Table(list(columns), [Line(cells)])


@pytest.mark.thorough
@pytest.mark.parametrize("command", COMMANDS)
def test_columns_stay_where_there_is_just_room_for_them(command: str) -> None:
    """At the least width that keeps a number of columns, the table fills it: a wider one was not needed."""
    made = table("googlenet", command)
    found = [(width, layout(made, width)) for width in range(20, 140)]
    grown = [each for before, each in pairwise(found) if len(each[1].columns) > len(before[1].columns)]
    assert len(grown) >= 3
    for width, each in grown:
        assert sum(each.widths) + each.gap * (len(each.columns) - 1) == width


def test_ranks() -> None:
    columns = [Column("Name"), Column("Kind", drop=KIND), Column("From", drop=ORIGIN)]
    columns += [Column("%", True, SHARE), Column("More", True, DETAIL)]
    made = small(*columns, cells=["n" * 20, "k" * 20, "f" * 10, 1, 2])
    found = [(width, layout(made, width).dropped) for width in (63, 62, 60, 59, 48, 47, 41, 40)]
    assert found == [
        (63, ()),
        (62, ("%",)),
        (60, ("%",)),
        (59, ("From", "%")),
        (48, ("From", "%")),
        (47, ("From", "%", "More")),
        (41, ("From", "%", "More")),
        (40, ("Kind", "From", "%", "More")),
    ]


def test_the_gap_between_columns_closes_before_a_name_breaks_further() -> None:
    made = small(Column("Name"), Column("Count", True), cells=["aaaa.bbbb", 12])
    assert [(width, layout(made, width).gap) for width in (16, 12, 11)] == [(16, 2), (12, 2), (11, 1)]


def test_shapes_are_closed_up_only_where_there_is_no_room() -> None:
    made = small(Column("Name"), Column("Output"), cells=["conv1", Sizes((64, 56, 56))])
    assert [layout(made, width).narrow for width in (None, 19, 18)] == [False, False, True]
    assert shown(made, 19).splitlines()[1] == "conv1  64 x 56 x 56"
    assert shown(made, 18).splitlines()[1] == "conv1  64x56x56"


def test_a_name_breaks_inside_its_words_only_where_it_has_to() -> None:
    made = small(Column("Name"), Column("Count", True), cells=["layer1.squeeze_excite_with_a_long_name", 123_456])

    def names(width: int) -> list[str]:
        ((_, lines),) = rows(made, layout(made, width))
        return [cells[0].text.strip() for cells in lines]

    assert names(60) == ["layer1.squeeze_excite_with_a_long_name"]
    assert names(44) == ["layer1.", "squeeze_excite_with_a_long_name"]
    assert names(30) == ["layer1.", "squeeze_excite_with_a_", "long_name"]


def test_an_endless_name_breaks_anywhere_and_numbers_never() -> None:
    made = small(Column("Name"), Column("Count", True), cells=["n" * 300, 10**12])
    lines = shown(made, 40).splitlines()
    assert max(map(len, lines)) <= 40
    assert "1,000,000,000,000" in "".join(lines)
    assert "".join(lines[1:]).count("n") == 300
    assert "1,000,000,000,000" in shown(made, 10)


def test_the_last_columns_go_where_no_other_has_a_rank() -> None:
    figures = [10**9] * 9
    made = small(Column("Name"), *(Column(f"c{n}", True) for n in range(9)), cells=["mobilenet_v1", *figures])
    assert layout(made, 60).dropped == ("c3", "c4", "c5", "c6", "c7", "c8")
    assert layout(made, 72).dropped == ("c4", "c5", "c6", "c7", "c8")
    assert max(map(len, shown(made, 60).splitlines())) <= 60
    assert layout(made, 12).columns == [0, 1]


SPLIT = [
    ("layer1.0.conv1", ["layer1.0.", "conv1"]),
    (".shortcut1.conv1", [".shortcut1.", "conv1"]),
    ("conv 3x3/2 + relu", ["conv ", "3x3/2 ", "+ ", "relu"]),
    ("bottleneck_block x 3", ["bottleneck_block x 3"]),
    ("nets/mine.yaml", ["nets/", "mine.", "yaml"]),
    ("0.5 of 1.25", ["0.5 ", "of ", "1.25"]),
    ("", [""]),
]


@pytest.mark.parametrize(("whole", "parts"), SPLIT)
def test_where_text_may_break(whole: str, parts: list[str]) -> None:
    assert split(whole) == parts


def test_shapes_are_written_closer_where_there_is_little_room() -> None:
    assert text(Sizes((64, 56, 56)), True) == "64x56x56"
    assert text(Sizes((64, 56, 56)), False) == "64 x 56 x 56"
    assert text(Sizes((10,)), True) == "10"
    several = Shapes((Sizes((64, 56, 56)), Sizes((8, 7, 7))))
    assert text(several, True) == written(several) == "64x56x56, 8x7x7"
    made = small(Column("Name"), Column("Input"), cells=["add1", several])
    assert [line.split() for line in shown(made, 15).splitlines()[1:]] == [["add1", "64x56x56,"], ["8x7x7"]]


def test_running_text_goes_on_below_its_term() -> None:
    assert wrapped("Output  one two three four", 18) == "Output  one two\n        three four"
    assert wrapped("Output  one two three", 16) == "Output  one two\n        three"  # half the width, and more
    assert wrapped("Output  one two three", 15) == "Output  one two\nthree"
    assert wrapped("  conv  one two three four", 18) == "  conv  one two\n        three four"
    assert wrapped("one two three four five", 12, indent=2) == "one two\n  three four\n  five"
    assert wrapped("short\n\nlines", 80) == "short\n\nlines"


LONG = f"  - {{conv: 8, {'kernel: 3, ' * 30}strange: 5}}"
MANY = ", ".join(f"`name{n}` is {n}" for n in range(12))
MESSAGES: list[Callable[[], Diagnostic]] = [
    lambda: Diagnostic("a-code", f"one of {', '.join(f'`word{n}`' for n in range(40))}", help="use " + "another " * 30),
    lambda: Diagnostic("a-code", "short", span(LONG, "strange"), "`k` is 7"),
    lambda: Diagnostic("a-code", "short", span("  - {conv: 8, kernel: k}", "kernel"), MANY),
    lambda: Diagnostic("a-code", "short", None, "", (Note("in block `b` " * 12, span("relu", "relu")),)),
]


def span(line: str, word: str) -> Span:
    column = line.index(word) + 1
    return Span(Source("net.yaml", line), 1, column, column + len(word))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("made", MESSAGES)
def test_messages_fit(made: Callable[[], Diagnostic], width: int) -> None:
    diagnostic = made()
    found = messages.render(diagnostic, width=width)
    assert max(map(len, found.splitlines())) <= width
    coloured = messages.render(diagnostic, colour=True, width=width)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == found
    words = set(messages.render(diagnostic, width=1_000).split()) - {"|", "-->"}
    if diagnostic.span is None:  # a long source line is cut, and nothing else
        assert words <= set(found.split())


@pytest.mark.parametrize("first", [1, 100])
def test_a_long_source_line_fills_the_width(first: int) -> None:
    """Both ends are cut off; twenty characters around what is meant are always there."""
    line = f"  - {{conv: 8, {'kernel: 3, ' * 9}strange: 5, {'dilation: 1, ' * 9}}}"
    column = line.index("strange") + 1
    source = Source("net.yaml", "\n" * (first - 1) + line)
    found = Diagnostic("a-code", "short", Span(source, first, column, column + 7))
    gutter = len(f"{first} | ")
    longest = {}
    for width in (10, 40, 60, 61):
        lines = messages.render(found, width=width).splitlines()
        (shown,) = [each for each in lines if each.startswith(f"{first} | ")]
        assert shown[gutter] == shown[-1] == "…"
        longest[width] = len(shown)
    assert longest == {10: gutter + 22, 40: 40, 60: 60, 61: 61}


def test_the_colours_of_a_message() -> None:
    """The severity, its place in blue, what is meant in the error's colour, notes and help in theirs."""
    place = span("  - {conv: 8, kernel: k}", "kernel")
    error = Diagnostic("a-code", "short", place, "`k` is 7", (Note("a fact"),), "write 3")
    assert messages.render(error, colour=True).split("\n") == [
        "\x1b[1;31merror[a-code]\x1b[0m\x1b[1m: short\x1b[0m",
        "\x1b[34m  --> net.yaml:1:15\x1b[0m",
        "\x1b[34m  |\x1b[0m",
        "\x1b[34m1 |\x1b[0m   - {conv: 8, kernel: k}",
        "\x1b[34m  |\x1b[0m\x1b[1;31m               ^^^^^^ `k` is 7\x1b[0m",
        "\x1b[1;36mnote\x1b[0m: a fact",
        "\x1b[1;32mhelp\x1b[0m: write 3",
    ]
    warning = messages.render(error._replace(severity="warning"), colour=True)
    assert warning.startswith("\x1b[1;33mwarning[a-code]\x1b[0m")


@pytest.mark.parametrize("width", [40, 80])
def test_carets_stand_below_what_is_meant(width: int) -> None:
    found = messages.render(MESSAGES[1](), width=width).splitlines()
    line = next(at for at, each in enumerate(found) if each.startswith("1 | "))
    carets = found[line + 1]
    assert found[line][carets.index("^") : carets.rindex("^") + 1] == "strange"


def styled(made: Table) -> Iterator[tuple[str, str]]:
    """Texts with the codes that stand before them."""
    yield from re.findall(r"\x1b\[([\d;]+)m([^\x1b]+)", shown(made, 140, colour=True))


def test_colour_repeats_what_is_there() -> None:
    """The costliest figures are bold and coloured, headings are bold; without colour the text is the same."""
    made = table("resnet50", "summary")
    found = list(styled(made))
    assert {text.strip() for code, text in found if code == "1;35"} >= {"8,925,184", "34.9", "1,091,829,760", "26.7"}
    assert "layer1" in {text.strip() for code, text in found if code == "1;36"}
    assert "[215,808]" in {text.strip() for code, text in found if code == "2"}
    assert re.sub(r"\x1b\[[\d;]*m", "", shown(made, 140, colour=True)) == shown(made, 140)


def test_equal_sizes_of_all_axes_are_one_number() -> None:
    assert [text(PerAxis((3, 3)), narrow) for narrow in (False, True)] == ["3", "3"]
    assert [text(PerAxis((3, 5)), narrow) for narrow in (False, True)] == ["3 x 5", "3x5"]
    assert [text(Sizes((3, 3)), narrow) for narrow in (False, True)] == ["3 x 3", "3x3"]


@pytest.mark.parametrize(
    ("columns", "cells", "available", "kept", "widths"),
    [
        # shapes go without spaces before a column goes
        ([Column("A"), Column("B", drop=DETAIL)], [Sizes((64, 112, 112)), "wordy"], 21, [0, 1], [14, 5]),
        ([Column("A"), Column("B", drop=DETAIL)], [Sizes((64, 112, 112)), "wordy"], 17, [0, 1], [10, 5]),
        ([Column("A"), Column("B", drop=DETAIL)], [Sizes((64, 112, 112)), "wordy"], 16, [0], [10]),
        # what might as well have gone breaks first
        ([Column("A"), Column("B", drop=ORIGIN)], ["one two", "three four"], 16, [0, 1], [7, 7]),
        # names break at underscores before a column goes
        ([Column("A")] * 3, ["aa_bb"] * 3, 17, [0, 1, 2], [5, 5, 5]),
        ([Column("A")] * 3, ["aa_bb"] * 3, 11, [0, 1, 2], [3, 3, 3]),
        ([Column("A")] * 3, ["aa_bb"] * 3, 10, [0, 1], [4, 5]),
    ],
)
def test_what_goes_and_what_breaks_where_there_is_little_room(
    columns: list[Column], cells: list[Any], available: int, kept: list[int], widths: list[int]
) -> None:
    laid = layout(Table(columns, [Line(cells)]), available)
    assert (laid.columns, laid.widths) == (kept, widths)
