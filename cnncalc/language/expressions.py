"""Expressions: text is compiled once to a closure over an environment of names, and never reaches Python's `eval`.

    text -> tokens -> closures -> value

The length of the text and the depth of the tree are bounded; values are in `operators`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnncalc.diagnostics import suggestion
from cnncalc.language.lexer import ExpressionFault, Token, tokens
from cnncalc.language.operators import (
    FUNCTIONS,
    MEASURES,
    SIGNATURES,
    TENSORS,
    Code,
    Env,
    Run,
    Wire,
    Word,
    arithmetic,
    checked,
    comparison,
    indexing,
    measure,
    number,
    refuse_word,
    spend,
    truth_of,
    word_of,
)
from cnncalc.layers.types import show
from cnncalc.records import NamedTuple

MAX_TEXT = 2_000
MAX_DEPTH = 60

QUOTE_HELP = 'inside `{ }` quote an expression that has a comma or a bracket: `"max(a, b)"`'

_KEYWORDS = frozenset({"and", "or", "not", "if", "else", "true", "false", "in"})


class Expression(NamedTuple):
    """A compiled expression: `run` gives its value, `names` are the free names it may ask for."""

    text: str
    run: Run
    names: frozenset[str]


def compile_expression(text: str, home: Any = None, units: Mapping[str, int] | None = None) -> Expression:
    """Compile `text`; raises `ExpressionFault` at the first part that is no expression.

    `home` is remembered by words, for a block that is passed by name from another file; `units` may stand behind
    numbers, and multiply them.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionFault("too-large", f"an expression has at most {MAX_TEXT:,} characters", 0, 1)
    parser = _Parser(text, home, units or {})
    code = parser.parse()
    return Expression(text, code.run, frozenset(parser.names))


class _Parser:
    """Precedence climbing, from the loosest operator to the tightest; every method returns a `Code`."""

    def __init__(self, text: str, home: Any, units: Mapping[str, int]) -> None:
        self.text = text
        self.tokens = tokens(text, units)
        self.units = units
        self.position = 0
        self.names: set[str] = set()
        self.home = home
        self.open = 0

    # -- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        token = self.tokens[self.position]
        return token.text in texts and token.kind in ("op", "name")

    def expect(self, text: str, opened: Token) -> Token:
        if not self.at(text):
            help = QUOTE_HELP if self.token.kind == "end" and text in (")", "]") else ""
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

    def parse(self) -> Code:
        code = self.ternary()
        if self.token.kind != "end":
            raise self.unexpected()
        return code

    def code(self, run: Run, start: int, end: int, *parts: Code, form: str = "") -> Code:
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise ExpressionFault("nesting", f"an expression nests at most {MAX_DEPTH} deep", start, end)
        return Code(run, start, end, depth, form)

    def nested(self, parse: Callable[[], Code]) -> Code:
        self.open += 1
        if self.open > MAX_DEPTH:
            token = self.token
            raise ExpressionFault("nesting", f"an expression nests at most {MAX_DEPTH} deep", token.start, token.end)
        code = parse()
        self.open -= 1
        return code

    def ternary(self) -> Code:
        yes = self.disjunction()
        if not self.at("if"):
            return yes
        opened = self.take()
        condition = self.disjunction()
        self.expect("else", opened)
        no = self.nested(self.ternary)
        truth, run_yes, run_no = truth_of(condition), yes.run, no.run
        return self.code(lambda env: run_yes(env) if truth(env) else run_no(env), yes.start, no.end, yes, condition, no)

    def disjunction(self) -> Code:
        left = self.conjunction()
        while self.at("or"):
            self.take()
            left = self.either(left, self.conjunction(), True)
        return left

    def conjunction(self) -> Code:
        left = self.negation()
        while self.at("and"):
            self.take()
            left = self.either(left, self.negation(), False)
        return left

    def either(self, left: Code, right: Code, stop: bool) -> Code:
        first, second = truth_of(left), truth_of(right)
        if stop:
            return self.code(lambda env: first(env) or second(env), left.start, right.end, left, right)
        return self.code(lambda env: first(env) and second(env), left.start, right.end, left, right)

    def negation(self) -> Code:
        if not self.at("not"):
            return self.comparison()
        opened = self.take()
        code = self.nested(self.negation)
        truth = truth_of(code)
        return self.code(lambda env: not truth(env), opened.start, code.end, code)

    def comparison(self) -> Code:
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
            tests.append(comparison(token, previous, right))
            previous = right
        parts = [left, *(right for _, right in links)]
        if len(tests) == 1:
            return self.code(tests[0], left.start, previous.end, *parts)
        return self.code(lambda env: all(test(env) for test in tests), left.start, previous.end, *parts)

    def sum(self) -> Code:
        left = self.product()
        while self.at("+", "-"):
            token = self.take()
            left = self.binary(token, left, self.product())
        return left

    def product(self) -> Code:
        left = self.sign()
        while self.at("*", "/", "//", "%"):
            token = self.take()
            left = self.binary(token, left, self.sign())
        return left

    def sign(self) -> Code:
        if not self.at("-", "+"):
            return self.power()
        token = self.take()
        code = self.nested(self.sign)
        run = arithmetic(token, Code(lambda env: 0, token.start, token.end, 0, "literal"), code)
        return self.code(run, token.start, code.end, code, form=code.form if code.form == "literal" else "")

    def power(self) -> Code:
        base = self.postfix()
        if not self.at("**"):
            return base
        return self.binary(self.take(), base, self.nested(self.sign))

    def binary(self, token: Token, left: Code, right: Code) -> Code:
        return self.code(arithmetic(token, left, right), left.start, right.end, left, right)

    def postfix(self) -> Code:
        code = self.atom()
        while self.at("[", "."):
            opened = self.take()
            if opened.text == ".":
                code = self.attribute(code)
                continue
            index = self.nested(self.ternary)
            end = self.expect("]", opened).end
            code = self.code(indexing(code, index), code.start, end, code, index)
        return code

    def attribute(self, owner: Code) -> Code:
        token = self.take()
        if token.kind != "name":
            raise ExpressionFault("syntax", "a name is missing after `.`", token.start - 1, token.start)
        run, name, home = owner.run, token.text, self.home
        sized = name in MEASURES
        if sized and owner.form == "name":
            layer = self.text[owner.start : owner.end]
            if layer != "x":
                self.names.add(f"{layer}.")  # what is asked of a layer: no name of its own can end in a dot

        def get(env: Env) -> Any:
            value = run(env)
            if isinstance(value, Wire):
                return measure(value.shape, token)
            if isinstance(value, Word):
                find = env.get(TENSORS) if sized else None
                found = find(str(value)) if find is not None else None
                return word_of(f"{value}.{name}", home) if found is None else measure(found.shape, token)
            raise ExpressionFault(
                "attribute", f"`{show(value)}` has no `.{name}`; only tensors have sizes", owner.start, token.end
            )

        return self.code(get, owner.start, token.end, owner, form=owner.form)

    def atom(self) -> Code:
        token = self.take()
        if token.kind == "number":
            return self.literal(number(token) * self.unit(), token)
        if token.kind == "dims":
            sizes = tuple(number(token._replace(text=part)) for part in token.text.split("x"))
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

    def unit(self) -> int:
        """What the unit behind a number multiplies it with; 1 where there is none."""
        return self.units[self.take().text] if self.token.text in self.units else 1

    def literal(self, value: Any, token: Token) -> Code:
        return self.code(lambda env: value, token.start, token.end, form="literal")

    def name(self, token: Token) -> Code:
        name, word = token.text, word_of(token.text, self.home)
        self.names.add(name)
        return self.code(lambda env: env.get(name, word), token.start, token.end, form="name")

    def items(self, close: str, opened: Token) -> tuple[list[Code], int]:
        found: list[Code] = []
        while not self.at(close):
            found.append(self.nested(self.ternary))
            if not self.at(","):
                break
            self.take()
        return found, self.expect(close, opened).end

    def list(self, items: list[Code], start: int, end: int) -> Code:
        runs = [item.run for item in items]
        form = "literal" if all(item.form == "literal" for item in items) else ""
        return self.code(
            lambda env: checked(tuple([run(env) for run in runs]), start, end), start, end, *items, form=form
        )

    def call(self, token: Token) -> Code:
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
                refuse_word(value, argument, env)
            spend(env, tuple(values), start, end)
            try:
                return checked(function(*values), start, end)
            except (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError):
                given = ", ".join(map(show, values))
                message = f"`{name}` cannot be taken of ({given if len(given) <= 80 else f'{given[:60]}…'})"
                raise ExpressionFault("value", message, start, end, SIGNATURES.get(name, "")) from None

        return self.code(run, start, end, *arguments)
