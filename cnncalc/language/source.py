"""The first station: a text becomes located nodes, from PyYAML's events.

Composed PyYAML nodes no longer show anchors and tags, and its constructors guess at types; so events are read.
This is the only module that knows YAML.  Scalars stay text: what they mean is the language's business.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import yaml

from cnncalc.diagnostics import Diagnostic, Note, Source, Span, SpecError
from cnncalc.language.suffixes import what

MAX_BYTES = 1024 * 1024
MAX_NESTING = 64
MAX_PROBLEMS = 20
MAX_REREAD = 100_000
"""Characters up to which a text with problems is read again by the pure parser, which is slow: PyYAML's two parsers
differ in where, and in rare cases whether, they reject."""

PARSERS: tuple[Any, ...] = tuple(
    loader for loader in (getattr(yaml, "CSafeLoader", None), yaml.SafeLoader) if loader is not None
)
"""PyYAML's parsers at hand, the fastest first; all give the same nodes."""


class Scalar:
    """A piece of text; `plain` where it stood without quotes."""

    __slots__ = ("_inset", "plain", "span", "text")

    def __init__(self, text: str, span: Span, plain: bool = True, inset: int | None = 0) -> None:
        self.text = text
        self.span = span
        self.plain = plain
        self._inset = inset

    def part(self, start: int, end: int) -> Span:
        """The span of ``text[start:end]``; the whole where escapes or line breaks hide the column."""
        if self._inset is None:
            return self.span
        column = self.span.column + self._inset
        return Span(self.span.source, self.span.line, column + start, column + max(end, start + 1))


class Sequence:
    """A list of nodes."""

    __slots__ = ("items", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.items: list[Located] = []


class Mapping:
    """Keys and values in order; keys are scalars and differ from each other."""

    __slots__ = ("entries", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.entries: dict[str, tuple[Scalar, Located]] = {}


Located = Scalar | Sequence | Mapping


def problem(code: str, message: str, span: Span | None, help: str = "", notes: tuple[Note, ...] = ()) -> Diagnostic:
    return Diagnostic(code, message, span, "", notes, help)


def read_source(path: str) -> Source:
    """The text of a file, shown under `path`; raises `SpecError` where it is no readable text of at most 1 MiB."""

    def refuse(code: str, message: str, help: str = "") -> SpecError:
        return SpecError([Diagnostic(code, f"{path} {message}", help=help)])

    other = what(path) if os.path.isfile(path) else None
    if other is not None:
        raise refuse("not-a-spec", f"is {other[0]}, not a YAML spec", other[1])
    if os.path.isdir(path):
        raise refuse("not-a-file", "is a folder, not a spec", "name one of the files in it")
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("no-such-file", "does not exist") from None
    except OSError as error:
        raise refuse("unreadable", f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError:
        raise refuse("no-such-file", "is no possible name of a file") from None
    if len(data) > MAX_BYTES:
        raise refuse("too-large", "is larger than 1 MiB, the limit for a spec", "use `repeat`, `for` and `import`")
    if b"\0" in data:
        raise refuse("not-text", "is a binary file, not a YAML spec")
    try:
        return Source(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse("not-text", f"is not UTF-8 text (line {line})", "save it as UTF-8") from None


def compose(source: Source, parser: Any = None) -> Located:
    """The root node of the one document in `source`; raises `SpecError` with all problems that were found."""
    strange = _unprintable(source.text)
    if strange is not None:
        message = f"the character U+{ord(source.text[strange]):04X} has no place in a spec"
        raise SpecError([problem("not-text", message, _span_of_offset(source, strange))])
    text = source.text
    if "\t" in text:  # PyYAML's parsers differ in where they take a tab, so they see none
        found = re.search(r"^ *(\t)[ \t]*(?=[^\s#])", text, re.MULTILINE)
        if found:
            span = _span_of_offset(source, found.start(1))
            raise SpecError([problem("yaml", "a tab cannot indent YAML", span, "indent with spaces")])
        text = text.replace("\t", " ")
    parser = parser or PARSERS[0]
    try:
        return _Composer(source, text, parser).run()
    except SpecError:
        if parser is yaml.SafeLoader or len(text) > MAX_REREAD:
            raise
    return _Composer(source, text, yaml.SafeLoader).run()


def _unprintable(text: str) -> int | None:
    """The offset of the first character that YAML does not allow; a pattern of these ranges costs 7 ms to compile."""
    if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        return None
    for offset, char in enumerate(text):
        plain = " " <= char <= "~" or char in "\n\r\t\x85" or char >= "\U00010000"
        wide = "\xa0" <= char <= "\ufffd" and char != "\ufeff" and not "\ud800" <= char <= "\udfff"
        if not (plain or wide):
            return offset
    return None


def _span_of_offset(source: Source, offset: int) -> Span:
    lines = source.text[: offset + 1].splitlines() or [""]
    return Span(source, len(lines), len(lines[-1]), len(lines[-1]) + 1)


def _events(text: str, parser: Any) -> Iterator[Any]:
    loader = parser(text)
    try:
        while True:
            event = loader.get_event()
            if event is None:
                return
            yield event
    finally:
        loader.dispose()


class _Composer:
    """Builds nodes from events with a stack of its own; problems are collected until the text ends."""

    def __init__(self, source: Source, text: str, parser: Any) -> None:
        self.source = source
        self.text = text
        self.parser = parser
        self.problems: list[Diagnostic] = []
        self.stack: list[Sequence | Mapping] = []
        self.flow: list[bool] = []
        self.keys: list[Scalar | None] = []
        self.root: Located | None = None

    def run(self) -> Located:
        try:
            for event in _events(self.text, self.parser):
                self.take(event)
        except yaml.MarkedYAMLError as error:
            from cnncalc.language.unreadable import explained  # only where something is wrong

            self.problems.append(explained(self.source, self.text, error))
        if self.problems:
            raise SpecError(self.problems)
        if self.root is None or (isinstance(self.root, Scalar) and self.root.plain and not self.root.text):
            raise SpecError([Diagnostic("empty", f"{self.source.path} is empty", help=EMPTY_HELP)])
        return self.root

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        column = start.column + 1
        stop = end.column + 1 if end.line == start.line else len(self.source.line(start.line + 1)) + 1
        return Span(self.source, start.line + 1, column, max(stop, column + 1))

    def report(self, code: str, message: str, span: Span, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.problems.append(problem(code, message, span, help, notes))
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)

    def take(self, event: Any) -> None:
        """One event: a node begins or ends, or something the language does not have."""
        if isinstance(event, yaml.ScalarEvent):
            self.refuse_properties(event)
            self.place(self.scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)
        elif isinstance(event, yaml.AliasEvent):
            self.report(
                "alias", f"`*{event.anchor}` is a YAML alias, which specs do not have", self.span(event), ALIAS_HELP
            )
            self.place(Scalar("", self.span(event)))
        elif isinstance(event, yaml.DocumentStartEvent):
            self.document(event)

    def document(self, event: Any) -> None:
        if event.version or event.tags:
            self.report("directive", "specs have no YAML directives", self.span(event), "leave out the `%` lines")
        if self.root is not None:
            span = self.span(event)
            self.problems.append(
                problem("several-documents", "a spec is one document", span, "put each network in a file of its own")
            )
            raise SpecError(self.problems)

    def scalar(self, event: Any) -> Scalar:
        span = self.span(event)
        plain = not event.style  # None or "": PyYAML's parsers differ
        inset: int | None = 0 if plain else 1
        width = event.end_mark.column - event.start_mark.column - (0 if plain else 2)
        if event.start_mark.line != event.end_mark.line or width != len(event.value):
            inset = None
        scalar = Scalar(event.value, span, plain, inset)
        if plain and "?" in event.value and self.flow and self.flow[-1]:  # only one of PyYAML's parsers takes it
            at = event.value.index("?")
            self.problems.append(problem("yaml", "`?` cannot stand here", scalar.part(at, at + 1), "quote the text"))
            raise SpecError(self.problems)
        return scalar

    def open(self, event: Any) -> None:
        self.refuse_properties(event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        span = self.span(event)
        if len(self.stack) >= MAX_NESTING:
            self.problems.append(
                problem("nesting", f"nested deeper than {MAX_NESTING} levels", span, "move the inner part to a block")
            )
            raise SpecError(self.problems)
        node: Sequence | Mapping = Mapping(span) if mapping else Sequence(span)
        self.place(node)
        self.stack.append(node)
        self.flow.append(bool(event.flow_style))
        self.keys.append(None)

    def close(self, event: Any) -> None:
        """A collection ends; in flow style its span covers it, as far as its first line goes."""
        node = self.stack.pop()
        self.keys.pop()
        if self.flow.pop() and event.end_mark.line == node.span.line - 1:
            node.span = node.span._replace(end=event.end_mark.column + 1)

    def refuse_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self.report(
                "anchor", f"`&{event.anchor}` is a YAML anchor, which specs do not have", self.span(event), ALIAS_HELP
            )
        if event.tag is not None:
            self.report(
                "tag",
                f"`{self.written(event)}` is a YAML tag, which specs do not have",
                self.span(event),
                "quote an expression that begins with `!`; write `not` for a negation",
            )

    def written(self, event: Any) -> str:
        """The word that an event begins with, as it was written."""
        words = self.source.line(event.start_mark.line + 1)[event.start_mark.column :].split(maxsplit=1)
        return words[0].rstrip(",]}") if words else str(event.tag)

    def place(self, node: Located) -> None:
        """Put a finished or opened node into the collection it stands in."""
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        key = self.keys[-1]
        if isinstance(node, Scalar) and node.plain and not node.text:
            node.span = key.span if key else parent.span  # nothing stands there, and PyYAML's parsers differ on where
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        if key is None:
            self.keys[-1] = self.key(node)
            return
        self.keys[-1] = None
        if key.text in parent.entries:
            first = parent.entries[key.text][0]
            self.report(
                "duplicate-key",
                f"`{key.text}` is given twice",
                key.span,
                "keep one of them",
                (Note("first given", first.span),),
            )
        else:
            parent.entries[key.text] = (key, node)

    def key(self, node: Located) -> Scalar:
        if not isinstance(node, Scalar):
            self.report("key", "a key is a word, not a collection", node.span, KEY_HELP)
            return Scalar(f"?{node.span.line}:{node.span.column}", node.span)
        if node.plain and node.text == "<<":
            self.report("merge-key", "`<<` is a YAML merge key, which specs do not have", node.span, ALIAS_HELP)
        return node


EMPTY_HELP = "a spec has at least `input: [channels, height, width]` and `layers:`"
ALIAS_HELP = "use `args`, `defaults` or a block for what repeats, and quote an expression that begins with `*` or `&`"
KEY_HELP = "quote an expression that begins with `[` or `{`"
