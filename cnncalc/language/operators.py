"""What expressions compute: values, operators and functions, each bounded in size.

Values are int, float, bool, words (str), tuples and tensors (by shape).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import AXES, Shape
from cnncalc.language.lexer import ExpressionFault, Token
from cnncalc.layers.types import show
from cnncalc.records import NamedTuple

MAX_ELEMENTS = 10_000
MAX_LIST_DEPTH = 8
MAX_INTEGER = 2**256
MAX_EXPONENT = 256

Env = Mapping[str, Any]
Run = Callable[[Env], Any]


BUDGET = "$budget"
"""Under this name, which no spec can spell, an environment keeps how many list elements may still be walked over."""

MAX_WALKED = 20_000_000

TENSORS = "$tensors"
"""Under this name an environment keeps how a tensor is found by the name of a layer: a function; None for no name."""


def spend(env: Env, values: tuple[Any, ...], start: int, end: int) -> None:
    """Take the lists among `values` off the budget of an expansion; raises `ExpressionFault` where it is used up."""
    walked = sum(len(value) for value in values if isinstance(value, tuple))
    budget = env.get(BUDGET)
    if walked and budget is not None:
        budget[0] -= walked
        if budget[0] < 0:
            message = f"the expressions of this spec walk over more than {MAX_WALKED:,} list elements"
            raise ExpressionFault("limit", message, start, end)


class Wire(NamedTuple):
    """A tensor of the network under construction: its number in the graph, and its shape."""

    number: int
    shape: Shape


class Word(str):
    """A bare identifier that names nothing in scope; `home` is the file it was written in."""

    home: Any = None


class Code(NamedTuple):
    """A compiled part: what to run, where it stands, its depth, and what it is if it is simple."""

    run: Run
    start: int
    end: int
    depth: int
    form: str = ""
    """`literal`, `name`, or nothing."""


def word_of(text: str, home: Any) -> Word:
    word = Word(text)
    word.home = home
    return word


def number(token: Token) -> int | float:
    if token.text.isdecimal():
        if len(token.text) > 80:
            raise ExpressionFault("too-large", "the number is too large", token.start, token.end)
        return int(token.text)
    value = float(token.text)
    if math.isinf(value):
        raise ExpressionFault("too-large", "the number is too large", token.start, token.end)
    return value


def unknown_name(word: str, env: Env) -> tuple[str, str]:
    """Message and help for a word that stands where a value of its own is needed."""
    if isinstance(env.get(word), Wire):
        return f"`{word}` is a tensor", sized(word)
    names = sorted(name for name in env if not name.startswith("$"))
    known = ", ".join(f"`{name}`" for name in names[:12])
    given = next((name for name in names if isinstance(env[name], Word) and env[name] == word), "")
    if given:
        return f"unknown name `{word}`", f"give `{given}` another value: nothing is called `{word}`"
    help = suggestion(word, names) or (f"declare it in `args`; names in scope: {known}" if known else "")
    return f"unknown name `{word}`", help


def sized(tensor: str) -> str:
    """What to write in place of a tensor where a value is needed."""
    return f"a tensor is no value; ask for a size of it: `{tensor}.channels`, `{tensor}.size`"


def refuse_word(value: Any, code: Code, env: Env) -> None:
    if isinstance(value, Word):
        message, help = unknown_name(value, env)
        raise ExpressionFault("unknown-name", message, code.start, code.end, help)
    if isinstance(value, Wire):
        raise ExpressionFault(
            "value", "a tensor is not a number", code.start, code.end, "ask for its size: `x.channels`, `x.height`, …"
        )


def truth_of(code: Code) -> Run:
    run = code.run

    def truth(env: Env) -> bool:
        value = run(env)
        if isinstance(value, bool):
            return value
        refuse_word(value, code, env)
        if isinstance(value, tuple):
            raise ExpressionFault("value", "a list is neither true nor false", code.start, code.end, "compare `len(…)`")
        return bool(value)

    return truth


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def comparison(token: Token, left: Code, right: Code) -> Run:
    run_left, run_right, text = left.run, right.run, token.text
    if text in ("in", "not in"):
        return _membership(token, left, right)
    compare = _ORDER.get(text)
    # A bare word against a literal number is a misspelt name, not a word that happens to differ.
    suspects = [a for a, b in ((left, right), (right, left)) if a.form == "name" and b.form == "literal"]

    names = left.form == right.form == "name"

    def run(env: Env) -> bool:
        a, b = run_left(env), run_right(env)
        for code in suspects:
            refuse_word(a if code is left else b, code, env)
        if names and isinstance(a, Word) and isinstance(b, Word) and a not in env.values() and b not in env.values():
            refuse_word(a, left, env)  # two words that nothing names: the comparison would never change
        if compare is None:
            return bool(a == b) is (text == "==")
        refuse_word(a, left, env)
        refuse_word(b, right, env)
        try:
            return compare(a, b)
        except TypeError:
            message = f"`{show(a)}` and `{show(b)}` have no order"
            raise ExpressionFault("value", message, left.start, right.end) from None

    return run


def _membership(token: Token, left: Code, right: Code) -> Run:
    def run(env: Env) -> bool:
        members = right.run(env)
        if not isinstance(members, tuple):
            raise ExpressionFault("value", "`in` asks a list", right.start, right.end)
        spend(env, (members,), left.start, right.end)
        return (left.run(env) in members) is (token.text == "in")

    return run


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


def _power(a: Any, b: Any) -> Any:
    if abs(b) > MAX_EXPONENT:
        raise OverflowError
    value = a**b
    if isinstance(value, complex):
        raise ValueError
    return value


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
}


def arithmetic(token: Token, left: Code, right: Code) -> Run:
    run_left, run_right, text = left.run, right.run, token.text
    apply = _OPERATORS[text]

    def run(env: Env) -> Any:
        a, b = run_left(env), run_right(env)
        if type(a) not in (int, float) or type(b) not in (int, float):
            refuse_word(a, left, env)
            refuse_word(b, right, env)
            if isinstance(a, tuple) or isinstance(b, tuple):
                spend(env, (a, b), left.start, right.end)
                return _lists(text, a, b, left.start, right.end)
        try:
            return _bounded(apply(a, b), left.start, right.end)
        except ZeroDivisionError:
            raise ExpressionFault("value", "division by zero", left.start, right.end) from None
        except (OverflowError, ValueError):
            message = f"`{show(a)} {text} {show(b)}` is out of bounds"
            raise ExpressionFault("too-large", message, left.start, right.end) from None

    return run


def _lists(text: str, a: Any, b: Any, start: int, end: int) -> Any:
    """Lists can be chained with `+` and repeated with `*`."""
    if text == "+" and isinstance(a, tuple) and isinstance(b, tuple):
        return checked(a + b, start, end)
    if text == "*":
        times, entries = (a, b) if isinstance(b, tuple) else (b, a)
        if isinstance(times, int):
            if times * _leaves(entries) > MAX_ELEMENTS:
                raise ExpressionFault("too-large", f"a list has at most {MAX_ELEMENTS:,} elements", start, end)
            return entries * times
    raise ExpressionFault("value", f"`{text}` does not work on `{show(a)}` and `{show(b)}`", start, end)


def _bounded(value: Any, start: int, end: int) -> Any:
    if isinstance(value, int):
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise ExpressionFault("too-large", "the number is beyond 256 bits", start, end)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ExpressionFault("too-large", "the result is no finite number", start, end)
    return value


def _leaves(value: Any) -> int:
    """How many elements a list holds, those of lists in it included; counting ends beyond the limit."""
    count, level = 0, [value] if isinstance(value, tuple) else []
    for _ in range(MAX_LIST_DEPTH):
        count += sum(map(len, level))
        if not level or count > MAX_ELEMENTS:
            return count
        level = [entry for entries in level for entry in entries if isinstance(entry, tuple)]
    return count if not level else MAX_ELEMENTS + 1


def check_list(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """`value`, if it holds no more elements, and nests no deeper, than a list may; raises `Fault`."""
    if _leaves(value) > MAX_ELEMENTS:
        raise Fault("too-large", f"a list has at most {MAX_ELEMENTS:,} elements, and nests {MAX_LIST_DEPTH} deep")
    return value


def checked(value: Any, start: int, end: int) -> Any:
    """`value`, if it stays within the bounds on lists and numbers."""
    if isinstance(value, tuple):
        try:
            return check_list(value)
        except Fault as fault:
            raise ExpressionFault(fault.code, fault.message, start, end) from None
    return _bounded(value, start, end)


def indexing(owner: Code, index: Code) -> Run:
    def run(env: Env) -> Any:
        entries, position = owner.run(env), index.run(env)
        refuse_word(entries, owner, env)
        refuse_word(position, index, env)
        if not isinstance(entries, tuple) or not isinstance(position, int):
            message = f"`{show(entries)}` cannot be indexed with `{show(position)}`"
            raise ExpressionFault("value", message, owner.start, index.end)
        try:
            return entries[position]
        except IndexError:
            message = f"there is no entry {position} in a list of {len(entries)}"
            raise ExpressionFault("value", message, index.start, index.end) from None

    return run


MEASURES = ("channels", "height", "width", "depth", "length", "size")


def measure(shape: Shape, token: Token) -> Any:
    """A size of a tensor by its name."""
    name, sizes = token.text, shape[1:]
    if name == "channels":
        return shape[0]
    if name == "size":
        return sizes
    axes = AXES.get(len(sizes), ())
    if name in axes:
        return sizes[axes.index(name)]
    has = ", ".join(f"`{axis}`" for axis in ("channels", *axes, "size"))
    help = suggestion(name, MEASURES) if name not in MEASURES else ""
    raise ExpressionFault(
        "attribute",
        f"a tensor of {len(sizes)} spatial axes has no `{name}`",
        token.start,
        token.end,
        help or f"it has {has}",
    )


def divisible(value: float, divisor: int = 8) -> int:
    """The "make divisible" rule of the MobileNet papers: the nearest multiple, never below 90 % of `value`."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def _range(*bounds: int) -> tuple[int, ...]:
    found = range(*bounds)
    if len(found) > MAX_ELEMENTS:
        raise OverflowError
    return tuple(found)


def _zip(*lists: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(zip(*lists))  # as Python's: the shortest list decides


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "int": int,
    "log": math.log,
    "sqrt": math.sqrt,
    "len": len,
    "range": _range,
    "zip": _zip,
    "sum": sum,
    "divisible": divisible,
}
SIGNATURES = {
    "zip": "`zip` takes lists",
    "range": f"`range` takes one to three whole numbers, and gives at most {MAX_ELEMENTS:,}",
    "divisible": "`divisible(value, divisor)`; the divisor is 8 if left out",
    "len": "`len` takes a list",
}
