"""Reading small forms: text, values, names of layers, declared and given arguments.

The readers of steps and files build on this one; all report their problems to one list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cnncalc.diagnostics import Diagnostic, Fault, Note, Source, Span, SpecError, suggestion
from cnncalc.language.expressions import MAX_TEXT, QUOTE_HELP, Expression, compile_expression
from cnncalc.language.lexer import ExpressionFault
from cnncalc.language.model import Argument, File, Parameter, Template, Value, ValueFault
from cnncalc.language.names import IDENTIFIER, MAX_NAME, NAME, RESERVED
from cnncalc.language.operators import Env, Run, check_list
from cnncalc.language.source import MAX_PROBLEMS, Located, Mapping, Scalar, Sequence

MISSING = ("syntax", "a value is missing here")
"""Code and message where nothing stands behind a key."""


class FormReader:
    """Reads the parts of one file; `problems` grows until the end."""

    def __init__(self, source: Source) -> None:
        self.result = File(source)
        self.problems: list[Diagnostic] = []
        self.failed_imports: set[str] = set()
        self.failed_blocks: set[str] = set()
        self.compiled: dict[str, Expression] = {}

    def report(self, code: str, message: str, span: Span, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.problems.append(Diagnostic(code, message, span, "", notes, help))
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)

    def entries(
        self, node: Located, what: str, allowed: Iterable[str] = (), help: str = ""
    ) -> dict[str, tuple[Scalar, Located]]:
        """The entries of a mapping, those with unknown keys reported and left out."""
        if not isinstance(node, Mapping):
            self.report("wrong-form", f"{what} is a mapping of keys to values", node.span, help)
            return {}
        if not allowed:
            return node.entries
        known = {}
        known_keys = tuple(allowed)
        for key, entry in node.entries.items():
            if key in known_keys:
                known[key] = entry
            else:
                listed = ", ".join(f"`{name}`" for name in allowed)
                near = other_key(key, known_keys) or suggestion(key, known_keys)
                self.report(
                    "unknown-key", f"unknown key `{key}` in {what}", entry[0].span, near or f"keys are {listed}"
                )
        return known

    def items(self, node: Located, what: str, help: str = "") -> list[Located]:
        if isinstance(node, Sequence):
            return node.items
        self.report("wrong-form", f"{what} is a list", node.span, help)
        return []

    # -- small forms

    def text(self, node: Located, what: str) -> str:
        if isinstance(node, Scalar):
            return node.text
        self.report("wrong-form", f"{what} is text", node.span, "quote it if it begins with a bracket")
        return ""

    def value(self, node: Located) -> Value:
        """An expression or a list of them; a syntax error is reported."""
        if isinstance(node, Sequence):
            if whole := untorn(node):
                help = f"write `{whole}`"
                self.report("syntax", "a comma inside `[ ]` ends the value", node.span, help)
                return Value(node, broken, frozenset())
            items = tuple(self.value(item) for item in node.items)
            if any(item.run is broken for item in items):
                return Value(node, broken, frozenset())
            names = frozenset(name for item in items for name in item.names)
            return Value(node, _list_of(items, node.span, names), names, items)
        if isinstance(node, Mapping):
            help = "further arguments stand beside the kind: `{conv: 8, kernel: 3}`"
            self.report("wrong-form", "a value is an expression or a list, not a mapping", node.span, help)
            return Value(node, broken, frozenset())
        if not node.text:
            self.report(*MISSING, node.span, "write it behind the colon, or leave the key out")
            return Value(node, broken, frozenset())
        try:
            expression = self.compiled.get(node.text)
            if expression is None:
                expression = self.compiled[node.text] = compile_expression(node.text, self.result)
        except ExpressionFault as fault:
            span = node.part(fault.start, fault.end)
            help = "" if fault.help == QUOTE_HELP and not node.plain else fault.help
            if tuples := listed(node.text):
                span, help = node.span, tuples
            self.report(fault.code, fault.message, span, help)
            return Value(node, broken, frozenset())
        return Value(node, expression.run, expression.names)

    def template(self, node: Located, what: str) -> Template | None:
        """The name of a layer, perhaps with interpolations; None where it is no name (reported)."""
        if not isinstance(node, Scalar) or not node.text:
            self.report("name", f"{what} is the name of a layer", node.span)
            return None
        text = node.text
        if len(text) > MAX_TEXT:
            self.report("limit", f"a name has at most {MAX_NAME} characters", node.span)
            return None
        parts: list[str | tuple[Expression, int]] = []
        position = 0
        for match in _interpolations(text):
            if match.start() < position:
                continue
            if match.start() > position:
                parts.append(text[position : match.start()])
            if match[1]:
                inner, offset, position = match[1], match.start(1), match.end()
            else:
                offset = match.start() + 2
                position = _closing(text, offset) + 1
                inner = text[offset : position - 1]
                if position == 0:
                    self.report(
                        "name",
                        "this `$(` is not closed",
                        node.part(match.start(), len(text)),
                        "quote a name that has a comma",
                    )
                    return None
            try:
                parts.append((compile_expression(inner, self.result), offset))
            except ExpressionFault as fault:
                self.report(fault.code, fault.message, node.part(offset + fault.start, offset + fault.end), fault.help)
                return None
        if position < len(text):
            parts.append(text[position:])
        literal = "".join(part for part in parts if isinstance(part, str))
        if len(literal) > MAX_NAME:
            self.report("limit", f"a name has at most {MAX_NAME} characters", node.span)
            return None
        if literal and not NAME.fullmatch(literal):
            help = "letters, digits and `_ . - /` make one, with `$arg` or `$(expression)` to be filled in"
            said = re.sub(r"\{(\w+)\}", r"$\1", text.removeprefix("f").strip("\"'"))
            said = re.sub(r"[^\w.\-/$]+", "_", said).strip("_")
            help = f"write `{said}`: {help}" if said != text and NAME.fullmatch(said.replace("$", "")) else help
            self.report("name", f"`{text}` is no name of a layer", node.span, help)
            return None
        return Template(node, parts)

    def parameters(self, node: Located, what: str, default: str = "required") -> dict[str, Parameter]:
        """Declared arguments: ``{name: default}``; `default` is for those that a message shows how to declare."""
        found = {}
        help = f"write `args: {listed}`" if (listed := as_mapping(node, default)) else "write `{name: default}`"
        for name, (key, given) in self.entries(node, what, help=help).items():
            if name in RESERVED or not IDENTIFIER.fullmatch(name):
                reason = "is reserved" if name in RESERVED else "is no name"
                self.report("name", f"an argument cannot be called `{name}`: it {reason}", key.span)
                continue
            text = given.text if isinstance(given, Scalar) and given.plain else None
            if text == "":
                self.report(*MISSING, given.span, f"write `{name}: required` if there is no default")
            found[name] = Parameter(name, key.span, None if text in ("required", "") else self.value(given))
        return found

    def arguments(self, node: Located, what: str, allowed: Iterable[str]) -> dict[str, Argument]:
        """Given arguments: ``{name: value}``."""
        if not tuple(allowed) and isinstance(node, Mapping) and node.entries:
            given = ", ".join(f"{name}: …" for name in node.entries)
            help = f"declare at the top what it may set: `args: {{{given}}}`"
            self.report("unknown-argument", f"{what} takes no arguments", node.span, help)
            return {}
        found = self.entries(node, what, tuple(allowed))
        return {name: Argument(key.span, self.value(value)) for name, (key, value) in found.items()}


def _list_of(items: tuple[Value, ...], span: Span, names: frozenset[str]) -> Run:
    """Evaluates to a bounded list."""

    def run(env: Env) -> Any:
        try:
            return check_list(tuple([item.evaluate(env) for item in items]))
        except Fault as fault:
            raise ValueFault(fault, span, names) from None

    return run


def other_key(key: str, allowed: tuple[str, ...]) -> str:
    """What to write for a key that is called otherwise elsewhere; nothing where no table has it."""
    from cnncalc.language import words

    named = (name for name in allowed if key.lower() in words.KEYS.get(name, "").split())
    meant = next(named, "")
    return f"write `{meant}`{words.KEY_NOTES.get(key.lower(), '')}" if meant else ""


def listed(text: str) -> str:
    """What to write for a tuple of Python, or a call of an activation; nothing where a text is neither."""
    from cnncalc.language import translation, words
    from cnncalc.layers import KINDS

    called = re.fullmatch(r"([A-Za-z][\w.]*)\([^()]*\)", text)
    if called is not None and any(row.kind for row in words.rows(called[1])):
        steps = translation.of_call(text, lambda kind: tuple(KINDS[kind].fields) if kind in KINDS else ())
        return next((f"write `{step}`" for step in steps), "")
    whole = translation.value_text(text) if text.startswith("(") else ""
    return f"write `{whole}`" if whole.startswith("[") else ""


def as_mapping(node: Located, value: str = "") -> str:
    """A list of keys, or of mappings with a key each, as the mapping that is meant; nothing where it is no such list.

    A key alone gets this value, or is its own.
    """
    if isinstance(node, Mapping):
        return ""
    from cnncalc.language.translation import mapping, text_of  # only where something is wrong

    entries: dict[str, str] = {}
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Scalar) and item.text:
            name, _, default = item.text.partition("=")
            entries[name.strip()] = default.strip() or value or item.text
        elif isinstance(item, Mapping):
            entries |= {key: text_of(inner) for key, (_, inner) in item.entries.items()}
    return mapping(entries) if entries and all(map(IDENTIFIER.fullmatch, entries)) else ""


def untorn(node: Sequence) -> str:
    """A list in which commas in brackets have torn values apart, with those whole; nothing where none is torn."""
    texts = [item.text for item in node.items if isinstance(item, Scalar) and item.plain and "(" in item.text]
    if all(text.count("(") <= text.count(")") for text in texts):
        return ""
    from cnncalc.language.translation import text_of, value_text  # only where something is wrong

    parts: list[str] = []
    torn = False
    for item in node.items:
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            torn = True
            parts[-1] += f", {text_of(item)}"
        else:
            parts.append(item.text if isinstance(item, Scalar) and item.plain else text_of(item))
    whole = torn and all(part.count("(") == part.count(")") for part in parts)
    return f"[{', '.join(map(value_text, parts))}]" if whole else ""


def broken(env: Env) -> Any:
    """Runs in place of an expression whose problem is reported already, and so never."""
    raise AssertionError("a broken value was evaluated")


_INTERPOLATION = re.compile(r"\$(?:([^\W\d]\w*)|\()")


def _interpolations(text: str) -> Iterable[re.Match[str]]:
    return _INTERPOLATION.finditer(text)


def _closing(text: str, start: int) -> int:
    """The index of the bracket that closes the one before `start`, or -1."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return -1
