"""Figures in `expect`, through the command line: where each form begins and ends to hold, what share is said to be
missing, and what ``--update`` writes in its place.  The numbers are worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sampling import together

Run = Callable[..., Any]


def opaque(value: int) -> str:
    """A network of as many parameters as are wanted."""
    return f"input: [1]\nlayers: [{{opaque: [1], params: {value}, macs: 0}}]\n"


@pytest.fixture
def check(run: Run, tmp_path: Path) -> Callable[[str], str]:
    """Checks a spec; returns its one failure's message, or nothing where all holds."""

    def said(text: str) -> str:
        path = tmp_path / "net.yaml"
        path.write_text(text)
        done = run("check", str(path))
        found = re.findall(r"^error\[expectation\]: (.*)$", done.out + done.err, re.MULTILINE)
        assert (done.code, len(found)) in ((0, 0), (1, 1)), done.out + done.err
        return found[0] if found else ""

    return said


# -- where a figure holds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "least", "greatest"),
    [
        ("4.09 k", 4_085, 4_094),
        ("4.0 k", 3_950, 4_049),
        ("4 k", 3_500, 4_499),
        ("40 k", 39_500, 40_499),
        ("1.5 M", 1_450_000, 1_549_999),
        ("4.09 G", 4_085_000_000, 4_094_999_999),
        ("2 T", 1_500_000_000_000, 2_499_999_999_999),
        ("3.25 P", 3_245_000_000_000_000, 3_254_999_999_999_999),
        ("1,234", 1_234, 1_234),
        ("12,345,678", 12_345_678, 12_345_678),
        ("1,234.5 k", 1_234_450, 1_234_549),
        ("400 .. 500", 400, 500),
        ("0.4 k .. 500", 400, 500),
        ("400 +- 80", 320, 480),
        ("400 +- 20%", 320, 480),
        ("400 +- 0.5%", 398, 402),
        ("1 k +- 12.5%", 875, 1_125),
        ("1 k +- 0.1 k", 900, 1_100),
        ("300 + 100 +- 2*40", 320, 480),
    ],
)
def test_a_figure_holds_from_its_least_to_its_greatest(
    figure: str, least: int, greatest: int, check: Callable[[str], str]
) -> None:
    def holds(value: int) -> bool:
        quoted = f"'{figure}'" if "," in figure else figure
        return check(f"{opaque(value)}expect: {{params: {quoted}}}\n") == ""

    assert [holds(least - 1), holds(least), holds(greatest), holds(greatest + 1)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("limit", "admitted"),
    [
        ("<= 480", "479 480"),
        ("< 480", "479"),
        (">= 480", "480 481"),
        ("> 480", "481"),
        ("480", "480"),
        ("<=480", "479 480"),
    ],
)
def test_a_limit(limit: str, admitted: str, check: Callable[[str], str]) -> None:
    held = [value for value in (479, 480, 481) if not check(f"{opaque(value)}expect: {{params: '{limit}'}}\n")]
    assert " ".join(map(str, held)) == admitted


UPSAMPLED = "input: [1, 8, 8]\nlayers: [{upsample: %d}]\nexpect: {receptive_field: {stride: %s}}\n"


@pytest.mark.parametrize("factor", [2, 3, 5, 7, 61, 63, 64])
def test_a_stride_below_one_is_a_fraction(factor: int, check: Callable[[str], str]) -> None:
    """Nearest upsampling by `factor`: that many neighbours read one pixel."""
    assert check(UPSAMPLED % (factor, f"1/{factor}")) == ""
    assert check(UPSAMPLED % (factor, f"[1/{factor}, 1/{factor}]")) == ""
    assert f"is 1/{factor}, expected" in check(UPSAMPLED % (factor, f"1/{factor + 1}"))
    assert f"is 1/{factor}, expected" in check(UPSAMPLED % (factor, f"2/{factor}"))


@pytest.mark.parametrize(("text", "holds"), [("0.33333333333", True), ("0.333333", False), ("0.3333333", False)])
def test_a_decimal_is_a_fraction_only_if_it_is_near(text: str, holds: bool, check: Callable[[str], str]) -> None:
    assert (check(UPSAMPLED % (3, text)) == "") is holds


# -- by how much it does not -------------------------------------------------------------------------------------------


@together(
    "value, figure, difference",
    [
        (480, "400", "+20.00%"),
        (480, "600", "-20.00%"),
        (480, "0.40 k", "+20.00%"),
        (480, "0.60 k", "-20.00%"),
        (480, "<= 400", "+20.00%"),
        (480, "< 480", "+0.00%"),
        (480, "> 480", "+0.00%"),
        (480, ">= 600", "-20.00%"),
        (480, "600 .. 700", "-20.00%"),
        (480, "100 .. 400", "+20.00%"),
        (480, "400 +- 10", "+20.00%"),
        (480, "600 +- 60", "-20.00%"),
        (480, "400 +- 10%", "+20.00%"),
        (480, "600 +- 10%", "-20.00%"),
        (480, "384", "+25.00%"),
        (106_270, "100,000", "+6.27%"),
        (100_010, "100,000", "+0.01%"),
        (100_009, "100,000", "+0.009%"),
        (99_990, "100,000", "-0.01%"),
        (99_991, "100,000", "-0.009%"),
        (1_099, "100", "+999.00%"),
        (1_100, "100", "+1,000%"),
        (480_000, "100", "+479,900%"),
        (0, "100", "-100.00%"),
    ],
)
def test_the_difference_is_a_share_of_the_expected_number(
    value: int, figure: str, difference: str, check: Callable[[str], str]
) -> None:
    message = check(f"{opaque(value)}expect: {{params: '{figure}'}}\n")
    assert message == f"`params` of net is {value:,}, expected {figure} ({difference})"


def test_of_nothing_there_is_no_share(check: Callable[[str], str]) -> None:
    for figure in ("0", "< 0", "0 +- 3"):
        assert check(f"{opaque(480)}expect: {{params: '{figure}'}}\n").endswith(f"is 480, expected {figure}")


PADDED = "input: [1, 32, 32]\nlayers: [{conv: 1, kernel: 9, padding: 8}]\nexpect: {receptive_field: {start: %s}}\n"


@together(
    "figure, difference",
    [
        ("-8", None),
        ("-9 .. -7", None),
        ("-10 +- 20%", None),
        ("-10 +- 19%", "+20.00%"),
        ("-10 +- 1", "+20.00%"),
        ("-10", "+20.00%"),
        ("-4", "-100.00%"),
        ("4", "-300.00%"),
        (">= -4", "-100.00%"),
        ("<= -10", "+20.00%"),
    ],
)
def test_negative_numbers(figure: str, difference: str | None, check: Callable[[str], str]) -> None:
    """The first pixel that unit 0 sees is the eighth of the padding; a share is of the number without its sign."""
    message = check(PADDED % f"'{figure}'")
    assert message == ("" if difference is None else message)
    if difference is not None:
        assert message == f"`receptive_field.start` of net is -8, expected {figure} ({difference})"


# Nearest upsampling by 2, then a kernel of 2: every other unit sees two pixels, the rest one.
VARYING = "input: [1, 8]\nlayers: [{upsample: 2}, {max_pool: 2, stride: 1}]\nexpect: {receptive_field: %s}\n"


@together(
    "figure, difference",
    [
        ("1 .. 2", None),
        ("0 .. 3", None),
        ("<= 2", None),
        (">= 1", None),
        ("1", "+100.00%"),
        ("2", "-50.00%"),
        ("<= 1", "+100.00%"),
        (">= 2", "-50.00%"),
        ("2 .. 4", "-50.00%"),
        ("0 .. 1", "+100.00%"),
    ],
)
def test_a_range_is_measured_at_the_end_that_fails(
    figure: str, difference: str | None, check: Callable[[str], str]
) -> None:
    message = check(VARYING % f"'{figure}'")
    if difference is None:
        assert message == ""
    else:
        assert message == f"`receptive_field.size` of net is 1..2, expected {figure} ({difference})"


def test_axes_that_differ_are_all_shown(check: Callable[[str], str]) -> None:
    text = "input: [1, 32, 32]\nlayers: [{conv: 1, kernel: 3x5}]\nexpect: {receptive_field: %s}\n"
    assert check(text % "[3, 5]") == ""
    assert check(text % "3 .. 5") == ""
    assert check(text % "3") == "`receptive_field.size` of net is [3, 5], expected 3 (+66.67%)"
    assert check(text % "[3, 4]") == "`receptive_field.size` of net is [3, 5], expected [3, 4] (+25.00%)"
    assert check(text % "[4, 4]") == "`receptive_field.size` of net is [3, 5], expected [4, 4] (-25.00%)"
    same = "input: [1, 32, 32]\nlayers: [{conv: 1, kernel: 3}]\nexpect: {receptive_field: %s}\n"
    assert check(same % "4") == "`receptive_field.size` of net is 3, expected 4 (-25.00%)"
    assert check(same % "[4, 3]") == "`receptive_field.size` of net is [3, 3], expected [4, 3] (-25.00%)"


def test_an_expression_is_shown_by_its_value(check: Callable[[str], str]) -> None:
    text = "input: [1]\nargs: {a: 1000, h: 2.5}\nlayers: [{linear: a, bias: false}]\nexpect: {%s}\n"
    assert check(text % "params: 2*a") == "`params` of net is 1,000, expected 2,000 (-50.00%)"
    assert check(text % "params: a*h/1000") == "`params` of net is 1,000, expected 2.5 (+39,900%)"
    assert check(text % "params: a*h") == "`params` of net is 1,000, expected 2,500 (-60.00%)"
    assert check(text % "params: 2*a +- 1%") == "`params` of net is 1,000, expected 2*a +- 1% (-50.00%)"


# -- what an update writes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        (4_095_000, "4.09 M", "4.10 M"),  # half a digit is rounded up, as the figure admits it
        (4_104_999, "4.09 M", "4.10 M"),
        (4_105_000, "4.09 M", "4.11 M"),
        (4_095_000, "1.0 M", "4.1 M"),
        (4_500, "1 k", "5 k"),
        (4_499, "1 k", "4 k"),
        (400, "1 k", "400"),  # 0 k would say nothing
        (500, "2 k", "1 k"),
        (499, "2 k", "499"),
        (1_005_000, "3.00 M", "1.01 M"),
        (30_400_000_000, "1.5 G", "30.4 G"),
        (1_234_567, "0.5 M", "1.2 M"),
        (64, "1.000 k", "0.064 k"),
        (64_007, "1.000 k", "64.007 k"),
        (1_234_567, "'1,000'", "1,234,567"),
        (123, "'1,000'", "123"),
        (480, "300 +- 10", "480 +- 10"),
        (480, "0.3 k +- 10%", "0.5 k +- 10%"),
        (480, "300  # by hand", "480  # by hand"),
        (480, "'300'", "480"),
        (480, '"300" # by hand', "480 # by hand"),
        (480, "3*100", "480"),
    ],
)
def test_an_update_keeps_the_form(value: int, before: str, after: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"{opaque(value)}expect:\n  params: {before}\n")
    done = run("check", str(path), "--update")
    assert (done.code, path.read_text()) == (0, f"{opaque(value)}expect:\n  params: {after}\n")
    assert done.err == f"updated {path}: 1 figure\n"


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        ("{conv: 1, kernel: 9, padding: 8}", "{start: -3}", "{start: -8}"),
        ("{conv: 1, kernel: 9, padding: 8}", "{start: [-8, -3]}", "{start: [-8, -8]}"),
        ("{conv: 1, kernel: 3x5}", "3", "[3, 5]"),
        ("{conv: 1, kernel: 3x5}", "[1, 2]", "[3, 5]"),
        ("{conv: 1, kernel: 3x5}", "[3, 2]  # by hand", "[3, 5]  # by hand"),
        ("{upsample: 3}", "{stride: 1}", "{stride: 1/3}"),
        ("{upsample: [1, 3]}", "{stride: 1}", "{stride: [1, 1/3]}"),
        ("{upsample: 2}, {max_pool: 2, stride: 1}", "1", "1 .. 2"),
        ("{upsample: [1, 2]}, {max_pool: [1, 2], stride: 1}", "5", "[1, 1 .. 2]"),
    ],
)
def test_an_update_of_a_receptive_field(layer: str, before: str, after: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = f"input: [1, 32, 32]\nlayers: [{layer}]\nexpect:\n  receptive_field: %s\n"
    path.write_text(text % before)
    done = run("check", str(path), "--update")
    assert (done.code, path.read_text()) == (0, text % after), done.out + done.err
    assert run("check", str(path)).code == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1, 2]", "[1, 3, 5]"),
        ("[1, 2, 5]", "[1, 3, 5]"),
        ("  [ 1,2,5 ]  # c", "  [ 1,3,5 ]  # c"),
        ("[1, 2 , 5, 7] # c", "[1, 3, 5] # c"),
        ("1x3x6", "[1, 3, 5]"),
        ("\n    - 1\n    - 3\n    - 6 # c", "\n    - 1\n    - 3\n    - 5 # c"),
        ("{max_pool1: [1, 3]}", "{max_pool1: [1, 3, 5]}"),
    ],
)
def test_an_update_of_a_shape(before: str, after: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = "input: [1, 7, 11]\nlayers: [{max_pool: 2}]\nexpect:\n  output: %s\n"
    path.write_text(text % before)
    done = run("check", str(path), "--update")
    assert (done.code, path.read_text()) == (0, text % after), done.out + done.err


@pytest.mark.parametrize(
    "before",
    [
        "params: <= 400",
        "params: 300 .. 400",
        "params: [1]",
        "layers: {opaque1: {params: <= 400}}",
        'params: "3\\u0030\\u0030"',  # escapes hide the columns
    ],
)
def test_an_update_leaves_the_rest(before: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = f"{opaque(480)}expect:\n  {before}\n"
    path.write_text(text)
    assert run("check", str(path), "--update").code == 1
    assert path.read_text() == text


@pytest.mark.parametrize(
    "before",
    [
        "\n    - 1\n    - 3",  # a list of another length, an entry a line
        '[1, "3"]',
        "[1, '3']",
        "[1, # comment\n    3]",
        "[1,\n    3]",
    ],
)
def test_an_update_leaves_a_list_of_another_length_that_is_not_plain(before: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = f"input: [1, 7, 11]\nlayers: [{{max_pool: 2}}]\nexpect:\n  output: {before}\n"
    path.write_text(text)
    done = run("check", str(path), "--update")
    assert (done.code, path.read_text()) == (1, text)
    assert "`output` of net is 1 x 3 x 5, expected 1 x 3" in done.out + done.err
