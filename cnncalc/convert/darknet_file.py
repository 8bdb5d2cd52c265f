"""Darknet's ``.cfg``, read: sections of options, each with its place in the text.  It knows no layer."""

from __future__ import annotations

from cnncalc.convert.rows import MAX_NODES, failed, printable
from cnncalc.diagnostics import Diagnostic, Fault, Source, Span, SpecError
from cnncalc.records import NamedTuple

MAX_TEXT = 4 * 2**20
"""Bytes of a file."""

MAX_DIGITS = 18

MAX_SHOWN = 120
"""Characters of a line in a help."""


class Option(NamedTuple):
    """``filters=32``."""

    text: str
    span: Span
    """Of the value."""


class Section:
    """A layer: its word, its options, and where it stands."""

    def __init__(self, word: str, span: Span) -> None:
        self.word = word
        self.span = span
        self.options: dict[str, Option] = {}

    def fail(self, code: str, message: str, key: str = "", help: str = "") -> SpecError:
        """The error at an option, or at the section."""
        option = self.options.get(key)
        return SpecError([Diagnostic(code, message, option.span if option else self.span, help=help)])

    def number(self, key: str, default: int | None = None, least: int = 0) -> int:
        """A whole number of at least `least`; the default, or an error, where the option is not given."""
        option = self.options.get(key)
        if option is None:
            if default is None:
                raise self.fail(
                    "missing-argument", f"`[{self.word}]` needs `{key}`", "", f"write `{key}=1`, or the like"
                )
            return default
        return self.whole(option.text, key, least)

    def whole(self, text: str, key: str, least: int = 0) -> int:
        digits = text.strip().removeprefix("+").removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > MAX_DIGITS:
            message = f"`{key}` needs a whole number, got `{text.strip()[:40]}`"
            raise self.fail("wrong-type", message, key, f"write digits: `{key}={max(least, 1)}`, or the like")
        if int(text) < least:
            message = f"`{key}` needs a whole number of at least {least}, got `{int(text)}`"
            raise self.fail("wrong-type", message, key, f"write `{key}={least}`, or more")
        return int(text)

    def numbers(self, key: str) -> list[int]:
        """Whole numbers with commas between them, negative ones too."""
        option = self.options.get(key)
        if option is None:
            help = f"write `{key}=-1`, or the like: layers before it, counted back"
            raise self.fail("missing-argument", f"`[{self.word}]` needs `{key}`", "", help)
        return [self.whole(text, key, -(10**MAX_DIGITS)) for text in option.text.rstrip(",").split(",")]

    def real(self, key: str, default: float) -> float:
        option = self.options.get(key)
        if option is None:
            return default
        try:
            value = float(option.text)
        except ValueError:
            value = float("inf")
        if not abs(value) < 1e300:
            message = f"`{key}` needs a number, got `{option.text[:40]}`"
            raise self.fail("wrong-type", message, key, f"write `{key}={default:g}`, or the like")
        return value

    def text(self, key: str, default: str) -> str:
        option = self.options.get(key)
        return option.text if option else default


def load(path: str) -> str:
    """The text of a file; raises `SpecError`."""
    with open(path, "rb") as file:
        data = file.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise failed(Fault("too-large", f"it has more than {MAX_TEXT:,} bytes, the limit of a .cfg file"), path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        help = "it is no text: name the .cfg beside it" if b"\0" in data else "save it as UTF-8"
        raise failed(Fault("encoding", f"it is not UTF-8: byte {error.start:,}", None, help), path) from None


def parse(text: str, path: str) -> list[Section]:
    """The sections of a text; raises `SpecError` with the line at fault."""
    lines = [printable(line.replace("\t", " ")) for line in text.splitlines()]
    source = Source(path, "\n".join(lines))
    sections: list[Section] = []
    for number, written in enumerate(lines, 1):
        line = written.partition("#")[0].partition(";")[0].rstrip()
        start = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        span = Span(source, number, start + 1, len(line) + 1)
        if line[start] == "[":
            if line[-1] != "]":
                help = "write `[convolutional]`, with nothing behind the bracket"
                raise SpecError([Diagnostic("cfg", "a section is a word in brackets", span, help=help)])
            sections.append(Section(line[start + 1 : -1].strip(), span))
            if len(sections) > MAX_NODES:
                raise SpecError([Diagnostic("too-large", f"it has more than {MAX_NODES:,} sections", span)])
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            name, colon, rest = line.partition(":")
            help = f"write `{name.strip()}={rest.strip()}`" if colon else "write `name=value`, or leave the line out"
            raise SpecError([Diagnostic("cfg", "a line is a section or `name=value`", span, help=help[:MAX_SHOWN])])
        if not sections:
            message = "an option stands before the first section"
            raise SpecError([Diagnostic("cfg", message, span, help="the file begins with `[net]`")])
        value_start = len(key) + 1 + len(value) - len(value.lstrip())
        place = Span(source, number, value_start + 1, len(line) + 1)
        sections[-1].options.setdefault(key.strip(), Option(value.strip(), place))
    return sections
