"""Expressions: text is compiled once to a closure over an environment of names, and never reaches Python's `eval`.

    text -> tokens -> closures -> value

Values are int, float, bool, words (str), tuples and tensors (by shape).  Every size is bounded: the length of
the text, the depth of the tree, the magnitude of integers, the number of elements of a list.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import AXES, Shape
from cnncalc.layers.base import show

MAX_TEXT = 2_000
MAX_DEPTH = 60
MAX_ELEMENTS = 10_000
MAX_INTEGER = 2**256
MAX_EXPONENT = 256

Env = Mapping[str, Any]
Run = Callable[[Env], Any]


class Tensor(NamedTuple):
    """A tensor of the network under construction: its number in the graph, and its shape."""

    number: int
    shape: Shape


class Word(str):
    """A bare identifier that names nothing in scope; `home` is the file it was written in."""

    home: Any = None


class ExpressionFault(Fault):
    """A fault in ``text[start:end]`` of an expression."""

    def __init__(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(code, message, None, help)
        self.start = start
        self.end = end


class Expression(NamedTuple):
    """A compiled expression: `run` gives its value, `names` are the free names it may ask for."""

    text: str
    run: Run
    names: frozenset[str]
    constant: bool
    """Whether it has no names at all, so that its value never changes."""


class _Code(NamedTuple):
    """A compiled part: what to run, where it stands, its depth, and what it is if it is simple."""

    run: Run
    start: int
    end: int
    depth: int
    form: str = ""
    """`literal`, `name`, or nothing."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"\s+|(?P<dims>\d+(?:x\d+)+(?![\w.]))|(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<op>//|\*\*|==|!=|<=|>=|[-+*/%<>()\[\],.])"
)
_KEYWORDS = frozenset({"and", "or", "not", "if", "else", "true", "false", "in"})


def compile_expression(text: str, home: Any = None) -> Expression:
    """Compile `text`; raises `ExpressionFault` at the first part that is no expression.

    `home` is remembered by words, for a block that is passed by name from another file.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionFault("too-large", f"an expression has at most {MAX_TEXT:,} characters", 0, 1)
    parser = _Parser(text, home)
    code = parser.parse()
    return Expression(text, code.run, frozenset(parser.names), not parser.names)


def tokens(text: str) -> list[_Token]:
    """The tokens of an expression, with an `end` token last."""
    found = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad_character(text, position)
        if match.lastgroup:
            found.append(_Token(match.lastgroup, match[0], position, match.end()))
        if match.lastgroup == "number":
            _check_number(text, match)
        position = match.end()
    found.append(_Token("end", "the end", len(text), len(text) + 1))
    return found


def _bad_character(text: str, position: int) -> ExpressionFault:
    char = text[position]
    help = {
        "$": "`$name` belongs in names of layers; here write the name alone",
        "=": "compare with `==`",
        "!": "write `not` or `!=`",
        "&": "write `and`",
        "|": "write `or`",
        "^": "a power is `**`",
        ":": "YAML 1.1 reads such a thing as a time; write the number or the word itself",
        "{": "a mapping cannot stand here; a list is `[a, b]`",
        "'": "words need no quotes",
        '"': "words need no quotes",
    }.get(char, "")
    return ExpressionFault("syntax", f"`{char}` has no meaning in an expression", position, position + 1, help)


def _check_number(text: str, match: re.Match[str]) -> None:
    """Refuse spellings that other languages read as octal, hexadecimal or grouped numbers."""
    rest = re.match(r"\w+", text[match.end() :])
    whole = match[0] + (rest[0] if rest else "")
    end = match.start() + len(whole)
    if rest:
        plain = whole.replace("_", "")
        help = f"write `{plain}`" if plain.isdigit() else "a name cannot begin with a digit"
        raise ExpressionFault("number", f"`{whole}` is not a number", match.start(), end, help)
    if re.match(r"0\d", whole):
        help = f"write `{whole.lstrip('0') or '0'}`"
        raise ExpressionFault("number", f"`{whole}` has a leading zero", match.start(), end, help)


class _Parser:
    """Precedence climbing, from the loosest operator to the tightest; every method returns a `_Code`."""

    def __init__(self, text: str, home: Any) -> None:
        self.tokens = tokens(text)
        self.position = 0
        self.names: set[str] = set()
        self.home = home
        self.open = 0

    # -- tokens

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        token = self.tokens[self.position]
        return token.text in texts and token.kind in ("op", "name")

    def expect(self, text: str, opened: _Token) -> _Token:
        if not self.at(text):
            help = "" if self.token.kind != "end" else QUOTE_HELP
            raise ExpressionFault(
                "syntax", f"expected `{text}` for this `{opened.text}`", opened.start, opened.end, help
            )
        return self.take()

    def unexpected(self) -> ExpressionFault:
        token = self.token
        if token.kind == "end":
            message = "an expression is missing" if len(self.tokens) == 1 else "the expression ends too soon"
            return ExpressionFault("syntax", message, max(0, token.start - 1), token.start)
        help = QUOTE_HELP if token.text in (")", "]") else ""
        return ExpressionFault("syntax", f"`{token.text}` cannot stand here", token.start, token.end, help)

    # -- grammar

    def parse(self) -> _Code:
        code = self.ternary()
        if self.token.kind != "end":
            raise self.unexpected()
        return code

    def code(self, run: Run, start: int, end: int, *parts: _Code, form: str = "") -> _Code:
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise ExpressionFault("nesting", f"an expression nests at most {MAX_DEPTH} deep", start, end)
        return _Code(run, start, end, depth, form)

    def nested(self, parse: Callable[[], _Code]) -> _Code:
        self.open += 1
        if self.open > MAX_DEPTH:
            token = self.token
            raise ExpressionFault("nesting", f"an expression nests at most {MAX_DEPTH} deep", token.start, token.end)
        code = parse()
        self.open -= 1
        return code

    def ternary(self) -> _Code:
        yes = self.disjunction()
        if not self.at("if"):
            return yes
        opened = self.take()
        condition = self.disjunction()
        self.expect("else", opened)
        no = self.nested(self.ternary)
        truth, run_yes, run_no = _truth(condition), yes.run, no.run
        return self.code(lambda env: run_yes(env) if truth(env) else run_no(env), yes.start, no.end, yes, condition, no)

    def disjunction(self) -> _Code:
        left = self.conjunction()
        while self.at("or"):
            self.take()
            left = self.either(left, self.conjunction(), True)
        return left

    def conjunction(self) -> _Code:
        left = self.negation()
        while self.at("and"):
            self.take()
            left = self.either(left, self.negation(), False)
        return left

    def either(self, left: _Code, right: _Code, stop: bool) -> _Code:
        first, second = _truth(left), _truth(right)
        if stop:
            return self.code(lambda env: first(env) or second(env), left.start, right.end, left, right)
        return self.code(lambda env: first(env) and second(env), left.start, right.end, left, right)

    def negation(self) -> _Code:
        if not self.at("not"):
            return self.comparison()
        opened = self.take()
        code = self.nested(self.negation)
        truth = _truth(code)
        return self.code(lambda env: not truth(env), opened.start, code.end, code)

    def comparison(self) -> _Code:
        left = self.sum()
        links = []
        while self.at("==", "!=", "<", "<=", ">", ">=", "in") or (
            self.at("not") and self.tokens[self.position + 1].text == "in"
        ):
            token = self.take()
            if token.text == "not":
                token = self.take()._replace(text="not in")
            links.append((token, self.sum()))
        if not links:
            return left
        tests = []
        previous = left
        for token, right in links:
            tests.append(_comparison(token, previous, right))
            previous = right
        parts = [left, *(right for _, right in links)]
        if len(tests) == 1:
            return self.code(tests[0], left.start, previous.end, *parts)
        return self.code(lambda env: all(test(env) for test in tests), left.start, previous.end, *parts)

    def sum(self) -> _Code:
        left = self.product()
        while self.at("+", "-"):
            token = self.take()
            left = self.binary(token, left, self.product())
        return left

    def product(self) -> _Code:
        left = self.sign()
        while self.at("*", "/", "//", "%"):
            token = self.take()
            left = self.binary(token, left, self.sign())
        return left

    def sign(self) -> _Code:
        if not self.at("-", "+"):
            return self.power()
        token = self.take()
        code = self.nested(self.sign)
        run = _arithmetic(token, _Code(lambda env: 0, token.start, token.end, 0, "literal"), code)
        return self.code(run, token.start, code.end, code, form=code.form if code.form == "literal" else "")

    def power(self) -> _Code:
        base = self.postfix()
        if not self.at("**"):
            return base
        return self.binary(self.take(), base, self.nested(self.sign))

    def binary(self, token: _Token, left: _Code, right: _Code) -> _Code:
        return self.code(_arithmetic(token, left, right), left.start, right.end, left, right)

    def postfix(self) -> _Code:
        code = self.atom()
        while self.at("[", "."):
            opened = self.take()
            if opened.text == ".":
                code = self.attribute(code)
                continue
            index = self.nested(self.ternary)
            end = self.expect("]", opened).end
            code = self.code(_indexing(code, index), code.start, end, code, index)
        return code

    def attribute(self, owner: _Code) -> _Code:
        token = self.take()
        if token.kind != "name":
            raise ExpressionFault("syntax", "a name is missing after `.`", token.start - 1, token.start)
        run, name, home = owner.run, token.text, self.home

        def get(env: Env) -> Any:
            value = run(env)
            if isinstance(value, Tensor):
                return _measure(value.shape, token)
            if isinstance(value, Word):
                return _word(f"{value}.{name}", home)
            raise ExpressionFault(
                "attribute", f"`{show(value)}` has no `.{name}`; only tensors have sizes", owner.start, token.end
            )

        return self.code(get, owner.start, token.end, owner, form=owner.form)

    def atom(self) -> _Code:
        token = self.take()
        if token.kind == "number":
            return self.literal(_number(token), token)
        if token.kind == "dims":
            sizes = tuple(_number(token._replace(text=part)) for part in token.text.split("x"))
            return self.literal(sizes, token)
        if token.kind == "name" and token.text not in _KEYWORDS:
            return self.call(token) if self.at("(") else self.name(token)
        if token.text in ("true", "false") and token.kind == "name":
            return self.literal(token.text == "true", token)
        if token.text == "(":
            code = self.nested(self.ternary)
            end = self.expect(")", token).end
            return code._replace(start=token.start, end=end, form=code.form if code.form == "literal" else "")
        if token.text == "[" and token.kind == "op":
            items, end = self.items("]", token)
            return self.list(items, token.start, end)
        self.position -= 1
        raise self.unexpected()

    def literal(self, value: Any, token: _Token) -> _Code:
        return self.code(lambda env: value, token.start, token.end, form="literal")

    def name(self, token: _Token) -> _Code:
        name, word = token.text, _word(token.text, self.home)
        self.names.add(name)
        return self.code(lambda env: env.get(name, word), token.start, token.end, form="name")

    def items(self, close: str, opened: _Token) -> tuple[list[_Code], int]:
        found: list[_Code] = []
        while not self.at(close):
            found.append(self.nested(self.ternary))
            if not self.at(","):
                break
            self.take()
        return found, self.expect(close, opened).end

    def list(self, items: list[_Code], start: int, end: int) -> _Code:
        runs = [item.run for item in items]
        form = "literal" if all(item.form == "literal" for item in items) else ""
        return self.code(
            lambda env: _checked(tuple([run(env) for run in runs]), start, end), start, end, *items, form=form
        )

    def call(self, token: _Token) -> _Code:
        opened = self.take()
        arguments, end = self.items(")", opened)
        function = FUNCTIONS.get(token.text)
        if function is None:
            help = suggestion(token.text, FUNCTIONS) or f"functions are {', '.join(FUNCTIONS)}"
            raise ExpressionFault("unknown-function", f"unknown function `{token.text}`", token.start, token.end, help)
        runs, name, start = [argument.run for argument in arguments], token.text, token.start

        def run(env: Env) -> Any:
            values = [run(env) for run in runs]
            for value, argument in zip(values, arguments):
                _refuse_word(value, argument, env)
            try:
                return _checked(function(*values), start, end)
            except (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError):
                given = ", ".join(map(show, values))
                message = f"`{name}` cannot be taken of ({given})"
                raise ExpressionFault("value", message, start, end, SIGNATURES.get(name, "")) from None

        return self.code(run, start, end, *arguments)


QUOTE_HELP = 'inside `{ }` quote an expression that has a comma or a bracket: `"max(a, b)"`'


# -- meaning -----------------------------------------------------------------------------------------------------------


def _word(text: str, home: Any) -> Word:
    word = Word(text)
    word.home = home
    return word


def _number(token: _Token) -> int | float:
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
    names = sorted(name for name in env if not name.startswith("$"))
    known = ", ".join(f"`{name}`" for name in names[:12])
    return f"unknown name `{word}`", suggestion(word, names) or (f"names in scope: {known}" if known else "")


def _refuse_word(value: Any, code: _Code, env: Env) -> None:
    if isinstance(value, Word):
        message, help = unknown_name(value, env)
        raise ExpressionFault("unknown-name", message, code.start, code.end, help)
    if isinstance(value, Tensor):
        raise ExpressionFault(
            "value", "a tensor is not a number", code.start, code.end, "ask for its size: `x.channels`, `x.height`, …"
        )


def _truth(code: _Code) -> Run:
    run = code.run

    def truth(env: Env) -> bool:
        value = run(env)
        if value is True or value is False:
            return value
        _refuse_word(value, code, env)
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


def _comparison(token: _Token, left: _Code, right: _Code) -> Run:
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
            _refuse_word(a if code is left else b, code, env)
        if names and isinstance(a, Word) and isinstance(b, Word) and a not in env.values() and b not in env.values():
            _refuse_word(a, left, env)  # two words that nothing names: the comparison would never change
        if compare is None:
            return bool(a == b) is (text == "==")
        _refuse_word(a, left, env)
        _refuse_word(b, right, env)
        try:
            return compare(a, b)
        except TypeError:
            message = f"`{show(a)}` and `{show(b)}` have no order"
            raise ExpressionFault("value", message, left.start, right.end) from None

    return run


def _membership(token: _Token, left: _Code, right: _Code) -> Run:
    def run(env: Env) -> bool:
        members = right.run(env)
        if not isinstance(members, tuple):
            raise ExpressionFault("value", "`in` asks a list", right.start, right.end)
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


def _arithmetic(token: _Token, left: _Code, right: _Code) -> Run:
    run_left, run_right, text = left.run, right.run, token.text
    apply = _OPERATORS[text]

    def run(env: Env) -> Any:
        a, b = run_left(env), run_right(env)
        if type(a) not in (int, float) or type(b) not in (int, float):
            _refuse_word(a, left, env)
            _refuse_word(b, right, env)
            if isinstance(a, tuple) or isinstance(b, tuple):
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
        return _checked(a + b, start, end)
    if text == "*":
        times, entries = (a, b) if isinstance(b, tuple) else (b, a)
        if isinstance(times, int):
            if times > 0 and times * _leaves(entries) > MAX_ELEMENTS:
                raise _too_long(start, end)
            return entries * times
    raise ExpressionFault("value", f"`{text}` does not work on `{show(a)}` and `{show(b)}`", start, end)


def _bounded(value: Any, start: int, end: int) -> Any:
    if isinstance(value, int):
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise ExpressionFault("too-large", "the number is beyond 256 bits", start, end)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ExpressionFault("too-large", "the result is no finite number", start, end)
    return value


def _too_long(start: int, end: int) -> ExpressionFault:
    return ExpressionFault("too-large", f"a list has at most {MAX_ELEMENTS:,} elements", start, end)


def _leaves(value: Any) -> int:
    return 1 + sum(map(_leaves, value)) if isinstance(value, tuple) else 1


def _checked(value: Any, start: int, end: int) -> Any:
    """`value`, if it stays within the bounds on lists and numbers."""
    if isinstance(value, tuple):
        if _leaves(value) > 3 * MAX_ELEMENTS:
            raise _too_long(start, end)
        return value
    return _bounded(value, start, end)


def _indexing(owner: _Code, index: _Code) -> Run:
    def run(env: Env) -> Any:
        entries, position = owner.run(env), index.run(env)
        _refuse_word(entries, owner, env)
        _refuse_word(position, index, env)
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


def _measure(shape: Shape, token: _Token) -> Any:
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
