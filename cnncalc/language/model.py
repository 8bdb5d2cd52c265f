"""What a spec is once it is read: files, blocks, steps and values, with places, and nothing evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Fault, Source, Span
from cnncalc.language.expressions import Expression
from cnncalc.language.lexer import ExpressionFault
from cnncalc.language.names import MAX_NAME, NAME
from cnncalc.language.operators import Env, Wire, Word, unknown_name
from cnncalc.language.source import Located, Scalar
from cnncalc.layers.base import Layer
from cnncalc.layers.types import Type

if TYPE_CHECKING:
    from cnncalc.language.expectations import Expectations


class ValueFault(Exception):
    """A fault at a known place, found while a `Value` was evaluated."""

    def __init__(self, fault: Fault, span: Span, names: frozenset[str]) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.span = span
        self.names = names


class Value:
    """A value not yet evaluated: an expression, a list of values, or a call of a layer that follows another."""

    __slots__ = ("arguments", "constant", "items", "judged", "names", "node", "run")

    def __init__(self, node: Located, run: Any, names: frozenset[str], items: tuple[Value, ...] | None = None) -> None:
        self.node = node
        self.run = run
        self.names = names
        self.constant = not names
        self.items = items
        self.arguments: dict[str, Argument] = {}
        """Of a call of a layer that follows another, ``{leaky_relu: 0.1}``, its arguments."""
        self.judged: tuple[Any] | None = None
        """As the field that it is for takes it, if it is constant and has been judged."""

    @property
    def span(self) -> Span:
        return self.node.span

    def evaluate(self, env: Env) -> Any:
        """The value in this environment; raises `ValueFault`."""
        try:
            return self.run(env)
        except ExpressionFault as fault:
            assert isinstance(self.node, Scalar)
            raise ValueFault(fault, self.node.part(fault.start, fault.end), self.names) from None


def admitted(value: Value, found: Any, type: Type) -> Any:
    """What a value has been found to be; of a name whose value a field of this type does not take, but for which it
    has a word, that word; of a tensor, which no field takes, its name."""
    if isinstance(found, Wire) and isinstance(value.node, Scalar):
        return Word(value.node.text)
    if not type.words or not value.names or isinstance(found, Word):
        return found
    try:
        type.read(found)
    except Fault:
        if (words := _as_words(value, type.words)) is not None:
            return words
    return found


def _as_words(value: Value, words: tuple[str, ...]) -> Any:
    """A bare word, or a list of such, as it is written; None where it is something else."""
    if value.items is not None:
        found = [_as_words(item, words) for item in value.items]
        return None if None in found else tuple(found)
    text = value.node.text if isinstance(value.node, Scalar) else ""
    return Word(text) if text in words else None


class Template:
    """The name of a layer, in which ``$arg`` and ``$(expression)`` are filled in."""

    __slots__ = ("constant", "names", "node", "parts")

    def __init__(self, node: Scalar, parts: list[str | tuple[Expression, int]]) -> None:
        self.node = node
        self.parts = parts
        expressions = [part[0] for part in parts if not isinstance(part, str)]
        self.names = frozenset(name for expression in expressions for name in expression.names)
        self.constant = "".join(part for part in parts if isinstance(part, str)) if not expressions else None

    @property
    def span(self) -> Span:
        return self.node.span

    def fill(self, env: Env) -> str:
        """The name in this environment; raises `ValueFault`."""
        if self.constant is not None:
            return self.constant
        text = ""
        for part in self.parts[: MAX_NAME + 1]:
            text += part if isinstance(part, str) else self._text(part[0], part[1], env)
        if len(text) > MAX_NAME:
            raise ValueFault(Fault("limit", f"a name has at most {MAX_NAME} characters"), self.span, self.names)
        if not NAME.fullmatch(text):
            fault = Fault("name", f"`{text}` is no name: letters, digits and `_ . - /` make one")
            raise ValueFault(fault, self.span, self.names)
        return text

    def _text(self, expression: Expression, offset: int, env: Env) -> str:
        try:
            value = expression.run(env)
        except ExpressionFault as fault:
            raise ValueFault(fault, self.node.part(offset + fault.start, offset + fault.end), self.names) from None
        missing = isinstance(value, str) and value == expression.text and value not in env
        if missing or not isinstance(value, (int, float, str)) or isinstance(value, bool):
            message, help = (
                unknown_name(expression.text, env) if missing else ("only a number or a word can be in a name", "")
            )
            span = self.node.part(offset, offset + len(expression.text))
            raise ValueFault(Fault("unknown-name" if missing else "name", message, None, help), span, self.names)
        return str(value)


class Argument:
    """A key of a call, and its value."""

    __slots__ = ("key", "value")

    def __init__(self, key: Span, value: Value) -> None:
        self.key = key
        self.value = value


class Step:
    """What every step has: a place, and its modifiers."""

    __slots__ = (
        "condition",
        "gather",
        "learned",
        "name",
        "parts",
        "repeat",
        "share",
        "shares",
        "sources",
        "span",
    )

    def __init__(self, span: Span) -> None:
        self.span = span
        self.sources: tuple[Template, ...] = ()
        self.parts: Value | None = None
        self.repeat: Value | None = None
        self.condition: Value | None = None
        self.gather: str | None = None
        self.name: Template | None = None
        self.share: Template | None = None
        self.shares: Value | None = None
        """The condition under which it shares."""
        self.learned: Value | None = None


class Call(Step):
    """A layer or a block: `target` is the kind, the block, or a template that names one."""

    __slots__ = ("arguments", "main", "names", "target", "text")

    def __init__(self, span: Span, target: type[Layer] | Block | Template, text: str) -> None:
        super().__init__(span)
        self.target = target
        self.text = text
        self.main: Value | None = None
        """The main argument of an interpolated call, whose name is not known yet."""
        self.arguments: dict[str, Argument] = {}
        self.names: frozenset[str] = frozenset()
        """Free names of all arguments."""


class Join(Step):
    """Branches that become one tensor."""

    __slots__ = ("arguments", "branches", "kind", "names")

    def __init__(self, span: Span, kind: type[Layer]) -> None:
        super().__init__(span)
        self.kind = kind
        self.arguments: dict[str, Argument] = {}
        self.names: frozenset[str] = frozenset()
        """Free names of all arguments."""
        self.branches: list[Branch] = []


class Group(Step):
    """Steps in sequence."""

    __slots__ = ("steps",)

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.steps: list[AnyStep] = []


class Loop(Group):
    """Steps in sequence, once per row."""

    __slots__ = ("loop_names", "rows")

    def __init__(self, span: Span, names: list[str], rows: Value) -> None:
        super().__init__(span)
        self.loop_names = names
        self.rows = rows


AnyStep = Call | Join | Group


class Branch:
    """One branch of a join: steps from the current tensor, a name, or a loop whose turns are branches."""

    __slots__ = ("condition", "loop", "name", "span", "steps")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.steps: list[AnyStep] = []
        self.name: Template | None = None
        self.loop: Loop | None = None
        self.condition: Value | None = None


class Parameter:
    """A declared argument of a file or block; `default` is None where it is required."""

    __slots__ = ("default", "name", "span")

    def __init__(self, name: str, span: Span, default: Value | None) -> None:
        self.name = name
        self.span = span
        self.default = default


class Block:
    """A function from tensors to a tensor."""

    __slots__ = ("args", "file", "inputs", "name", "span", "steps")

    def __init__(self, name: str, span: Span, file: File) -> None:
        self.name = name
        self.span = span
        self.file = file
        self.args: dict[str, Parameter] = {}
        self.inputs: tuple[str, ...] = ()
        self.steps: list[AnyStep] = []


class Import:
    """A file whose blocks are used as ``alias.block``, with arguments of its own."""

    __slots__ = ("alias", "arguments", "file", "span", "variant")

    def __init__(self, alias: str, span: Span, file: File, variant: str | None) -> None:
        self.alias = alias
        self.span = span
        self.file = file
        self.variant = variant
        self.arguments: dict[str, Argument] = {}


class OutputName:
    """A tensor in `outputs`, with its condition; its own name is called `title` where the spec gives it one."""

    __slots__ = ("condition", "name", "title")

    def __init__(self, name: Template, condition: Value | None, title: str | None) -> None:
        self.name = name
        self.condition = condition
        self.title = title


class File:
    """A spec file: a block of its own, with variants, and a library of blocks."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = ""
        self.reference = ""
        """The paper, table or code that the numbers come from."""
        self.inputs: dict[str, Value] = {}
        self.args: dict[str, Parameter] = {}
        self.variants: dict[str, dict[str, Argument]] = {}
        self.variant_spans: dict[str, Span] = {}
        self.defaults: dict[str, dict[str, Argument]] = {}
        self.imports: dict[str, Import] = {}
        self.blocks: dict[str, Block] = {}
        self.steps: list[AnyStep] = []
        self.steps_span: Span | None = None
        self.outputs: list[OutputName] = []
        self.expect: Expectations = {}
        """What must hold, by variant."""
        self.expect_span: Span | None = None
        self.allowed: dict[str, Span] = {}
        """Lints that the file raises on purpose, by code, and where it says so."""

    def block(self, name: str) -> Block | None:
        """The block called `name` here: its own, or ``alias.block`` of an import."""
        if name in self.blocks:
            return self.blocks[name]
        alias, _, rest = name.partition(".")
        return self.imports[alias].file.blocks.get(rest) if rest and alias in self.imports else None

    def block_names(self) -> list[str]:
        imported = [f"{alias}.{name}" for alias, entry in self.imports.items() for name in entry.file.blocks]
        return [*self.blocks, *imported]
