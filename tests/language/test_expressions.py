"""Expressions: values and precedence as in arithmetic, errors with their columns, and bounds on everything."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import together

from cnncalc.language.expressions import compile_expression
from cnncalc.language.lexer import ExpressionFault
from cnncalc.language.operators import Wire

ENV = {
    "k": 3,
    "w": 32.5,
    "wide": True,
    "sizes": (64, 128, 256),
    "rows": ((1, 16), (2, 24)),
    "x": Wire(0, (64, 112, 56)),
    "row": Wire(0, (8, 1000)),
    "clip": Wire(0, (3, 16, 112, 112)),
    "flat": Wire(0, (10,)),
}


def value(text: str) -> Any:
    return compile_expression(text).run(ENV)


VALUES = {
    # numbers
    "7": 7,
    "2.5": 2.5,
    ".5": 0.5,
    "3.": 3.0,
    "1e3": 1000.0,
    "2.5e-1": 0.25,
    "1E+2": 100.0,
    "0": 0,
    "0.0": 0.0,
    # precedence
    "2 + 3 * 4": 14,
    "(2 + 3) * 4": 20,
    "2 * 3 ** 2": 18,
    "2 ** 3 ** 2": 512,
    "-2 ** 2": -4,
    "2 ** -1": 0.5,
    "10 - 4 - 3": 3,
    "100 / 10 / 5": 2,
    "7 // 2": 3,
    "-7 // 2": -4,
    "7 % 3": 1,
    "-7 % 3": 2,
    "7 // 2 * 2 + 7 % 2": 7,
    "- - 3": 3,
    "+3": 3,
    "1 + 2 == 3": True,
    "1 < 2 and 3 < 2": False,
    "true or false and false": True,
    "not true or true": True,
    "not 1 == 2": True,
    "1 if false else 2": 2,
    "1 if true else 2 if true else 3": 1,
    "1 if false else 2 if false else 3": 3,
    "1 + 1 if true else 5": 2,
    # division keeps integers where it divides
    "12 / 4": 3,
    "25 / 2": 12.5,
    "1 / 3 * 3": 1.0,
    # comparisons chain
    "1 < 2 < 3": True,
    "1 < 3 < 2": False,
    "3 > 2 >= 2 != 1": True,
    "2 in [1, 2]": True,
    "2 not in [1, 2]": False,
    "relu in [relu, tanh]": True,
    "[1, 2] == [1, 2]": True,
    # names and words
    "k * 2": 6,
    "4 * k if wide else 0": 12,
    "same": "same",
    "local.block": "local.block",
    # lists
    "[1, k, 2 + 2]": (1, 3, 4),
    "[]": (),
    "[1, 2,]": (1, 2),
    "[1] + [2]": (1, 2),
    "[0] * 3": (0, 0, 0),
    "2 * [1, 2]": (1, 2, 1, 2),
    "sizes[0]": 64,
    "sizes[-1]": 256,
    "rows[1][0]": 2,
    "sizes[k - 2]": 128,
    # sizes
    "1x7": (1, 7),
    "3x7x7": (3, 7, 7),
    "x.channels": 64,
    "x.height": 112,
    "x.width": 56,
    "x.size": (112, 56),
    "x.size[1]": 56,
    "row.length": 1000,
    "row.size": (1000,),
    "clip.depth": 16,
    "clip.size": (16, 112, 112),
    "flat.channels": 10,
    "flat.size": (),
    # functions
    "min(3, 1, 2)": 1,
    "max(3, 1, 2)": 3,
    "max(sizes)": 256,
    "abs(-3)": 3,
    "round(2.5)": 2,
    "round(3.5)": 4,
    "round(2.567, 2)": 2.57,
    "floor(-2.5)": -3,
    "ceil(2.1)": 3,
    "int(-2.7)": -2,
    "log(1)": 0.0,
    "log(8, 2)": 3.0,
    "sqrt(16)": 4.0,
    "len(sizes)": 3,
    "range(3)": (0, 1, 2),
    "range(1, 3)": (1, 2),
    "range(6, 0, -2)": (6, 4, 2),
    "zip([1, 2], [3, 4])": ((1, 3), (2, 4)),
    "zip([1, 2, 3], [4])": ((1, 4),),
    "sum(sizes)": 448,
    "sum([])": 0,
    "divisible(33, 8)": 32,
    "divisible(10, 9)": 9,  # just 90 %
    "divisible(11, 9)": 18,
    "divisible(1)": 8,
    "divisible(12)": 16,
}


@together("text", VALUES)
def test_value(text: str) -> None:
    found = value(text)
    assert found == VALUES[text]
    assert type(found) is type(VALUES[text]) or isinstance(found, str)


@pytest.mark.parametrize(
    ("channels", "alpha", "rounded"),
    [(32, 0.35, 16), (24, 0.35, 8), (96, 0.35, 32), (320, 0.35, 112), (32, 0.75, 24), (64, 1.4, 88), (1280, 1.4, 1792)],
)
def test_divisible_as_mobilenet_v2(channels: int, alpha: float, rounded: int) -> None:
    """Channel counts of the published MobileNet v2 models (Keras applications) of width alpha."""
    assert value(f"divisible({alpha} * {channels}, 8)") == rounded
    assert value(f"divisible({alpha} * {channels})") == rounded


FAULTS = {
    # text: code, start, end, part of the message
    "": ("syntax", 0, 0, "missing"),
    "1 +": ("syntax", 2, 3, "ends too soon"),
    "1 2": ("syntax", 2, 3, "`2` cannot stand here"),
    "(1": ("syntax", 0, 1, "expected `)`"),
    "[1, 2": ("syntax", 0, 1, "expected `]`"),
    "1)": ("syntax", 1, 2, "`)`"),
    "k = 3": ("syntax", 2, 3, "`=`"),
    "a ? b": ("syntax", 2, 3, "`?`"),
    "1:30": ("syntax", 1, 2, "`:`"),
    "x.": ("syntax", 1, 2, "after `.`"),
    "1 if 2": ("syntax", 2, 4, "expected `else`"),
    "k and": ("syntax", 4, 5, "ends too soon"),
    "$k": ("syntax", 0, 1, "`$`"),
    "'a'": ("syntax", 0, 1, "`'`"),
    "010": ("number", 0, 3, "leading zero"),
    "1_000": ("number", 0, 5, "not a number"),
    "12px": ("number", 0, 4, "not a number"),
    "3 * foo": ("unknown-name", 4, 7, "`foo`"),
    "foo + 1": ("unknown-name", 0, 3, "`foo`"),
    "-foo": ("unknown-name", 1, 4, "`foo`"),
    "foo == 3": ("unknown-name", 0, 3, "`foo`"),
    "foo < 3": ("unknown-name", 0, 3, "`foo`"),
    "max(1, foo)": ("unknown-name", 7, 10, "`foo`"),
    "not foo": ("unknown-name", 4, 7, "`foo`"),
    "foo[0]": ("unknown-name", 0, 3, "`foo`"),
    "nope(1)": ("unknown-function", 0, 4, "`nope`"),
    "eval(1)": ("unknown-function", 0, 4, "`eval`"),
    "k.real": ("attribute", 0, 6, "only tensors"),
    "x.__class__": ("attribute", 2, 11, "`__class__`"),
    "x.depth": ("attribute", 2, 7, "`depth`"),
    "flat.width": ("attribute", 5, 10, "`width`"),
    "1 // 0": ("value", 0, 6, "division by zero"),
    "1 % 0": ("value", 0, 5, "division by zero"),
    "2 + 1 / (k - 3)": ("value", 4, 15, "division by zero"),
    "sqrt(-1)": ("value", 0, 8, "sqrt"),
    "log(0)": ("value", 0, 6, "log"),
    "min()": ("value", 0, 5, "min"),
    "len(3)": ("value", 0, 6, "len"),
    "sum(3)": ("value", 0, 6, "sum"),
    "range(1.5)": ("value", 0, 10, "range"),
    "range(0, 5, 0)": ("value", 0, 14, "range"),
    "zip(1)": ("value", 0, 6, "zip"),
    "divisible(8, 0)": ("value", 0, 15, "divisible"),
    "max([1], 2)": ("value", 0, 11, "max"),
    "sizes[3]": ("value", 6, 7, "no entry 3"),
    "sizes[1.0]": ("value", 0, 9, "indexed"),
    "k[0]": ("value", 0, 3, "indexed"),
    "x + 1": ("value", 0, 1, "tensor"),
    "[1] - 1": ("value", 0, 7, "`-`"),
    "[1] * 1.5": ("value", 0, 9, "`*`"),
    "[1] < 2": ("value", 0, 7, "order"),
    "1 in k": ("value", 5, 6, "list"),
    "1 if [1] else 2": ("value", 5, 8, "true nor false"),
    "9**9**9": ("too-large", 0, 7, "out of bounds"),
    "2**300": ("too-large", 0, 6, "out of bounds"),
    "2**255 * 4": ("too-large", 0, 10, "256 bits"),
    "1e400": ("too-large", 0, 5, "too large"),
    "(-8) ** 0.5": ("too-large", 0, 11, "out of bounds"),
    "[0] * 10001": ("too-large", 0, 11, "10,000"),
    "[[0] * 200] * 200": ("too-large", 0, 17, "10,000"),
    "1e300 * 1e300": ("too-large", 0, 13, "finite"),
}


def fault(text: str) -> ExpressionFault:
    with pytest.raises(ExpressionFault) as caught:
        value(text)
    return caught.value


@together("text", FAULTS)
def test_fault(text: str) -> None:
    code, start, end, part = FAULTS[text]
    found = fault(text)
    assert (found.code, found.start) == (code, start)
    assert part in found.message
    if code != "syntax":
        assert end - 1 <= found.end <= end


def test_a_power_of_zero() -> None:
    assert fault("0.0 ** -1").code == "value"


@pytest.mark.parametrize("text", ["lambda", "import", "None", "__import__", "self"])
def test_words_of_python_are_mere_words(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    "text",
    ["foo == bar", "foo != relu"],
)
def test_comparing_two_words_that_nothing_names_is_a_fault(text: str) -> None:
    assert fault(text).code == "unknown-name"


def test_the_first_of_two_truths_decides() -> None:
    assert value("true or 1 // 0 > 1") is True
    assert value("false and 1 // 0 > 1") is False
    assert value("1 if true else 1 // 0") == 1


def test_names_are_known_before_anything_runs() -> None:
    """A name with a dot at its end is a layer's, whose sizes are asked for."""
    names = {"a", "b", "c", "d", "e", "e.", "same"}
    assert compile_expression("a + max(b, c[d]) if e.channels else same").names == names
    assert compile_expression("a.b.size + x.height").names == {"a", "a.b.", "x"}
    assert compile_expression("1 + 2").names == set()


@together(
    "open, middle, close",
    [
        ("(", "1", ")"),
        ("-", "-1", ""),
        ("not ", "not true", ""),
        ("max(", "max(1)", ")"),
        ("", "1 + 1", "+1"),
        ("1 if true else ", "1 if true else 1", ""),
        ("", "1 ** 1", " ** 1"),
        ("", "true and true", " and true"),
        ("", "a[0]", "[0]"),
    ],
    label=str,
)
def test_depth_is_60(open: str, middle: str, close: str) -> None:
    """Brackets around a number, or one operation of another, which long chains are too: refused, no recursion error."""
    whole = 60 if open == "(" else 58
    compile_expression(open * whole + middle + close * whole)
    for more in (whole + 1, 100):
        assert fault(open * more + middle + close * more).code == "nesting"


def test_characters_are_bounded() -> None:
    assert value("1" + " " * 1999) == 1
    assert fault("1" + " " * 2000).code == "too-large"


def test_lists_nest_at_most_eight_deep() -> None:
    assert len(value("[" * 8 + "1" + "]" * 8)) == 1
    assert fault("[" * 9 + "1" + "]" * 9).code == "too-large"


# -- against Python's own arithmetic -----------------------------------------------------------------------------------

numbers = st.integers(0, 20).map(str) | st.sampled_from(["0.5", "2.25", "k"])
operators = st.sampled_from([" + ", " - ", " * ", " // ", " % ", "*", "-"])


@st.composite
def arithmetic(draw: st.DrawFn) -> str:
    text = draw(numbers)
    for _ in range(draw(st.integers(1, 6))):
        operand = draw(numbers)
        if draw(st.booleans()):
            operand = f"({operand}{draw(operators)}{draw(numbers)})"
        text += draw(operators) + draw(st.sampled_from(["", "-"])) + operand
    return text


@given(arithmetic())
def test_arithmetic_is_pythons(text: str) -> None:
    try:
        wanted = eval(text, {"k": 3})  # made here, from digits and operators
    except ZeroDivisionError:
        assert fault(text).message == "division by zero"
        return
    assert value(text) == wanted


@together("symbols", [*itertools.product(["<", "<=", "==", "!="], repeat=2)])
def test_chained_comparisons_are_pythons(symbols: tuple[str, str]) -> None:
    for a, b, c in itertools.product((1, 2), repeat=3):
        text = f"{a} {symbols[0]} {b} {symbols[1]} {c}"
        assert value(text) is eval(text)


@given(st.text("()[]+-*/%<>=!.,:$x17k '\"\\{}eE_", max_size=30))
def test_any_text_gives_a_value_or_a_fault_with_a_place(text: str) -> None:
    found = None
    try:
        value(text)
    except ExpressionFault as raised:
        found = raised
    assert found is None or 0 <= found.start <= found.end <= len(text) + 1
