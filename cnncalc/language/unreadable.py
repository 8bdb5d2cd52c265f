"""What is probably wrong with a text that YAML cannot read, in our words: loaded when there is one."""

from __future__ import annotations

import re
from typing import Any

from cnncalc.diagnostics import Diagnostic, Source, Span
from cnncalc.language.names import BLOCK_KEYS, FILE_KEYS

QUOTE_HELP = 'close every bracket; inside `{ }`, quote an expression that has a comma or a bracket: `"max(a, b)"`'
_KEYLESS = re.compile(rf"\s*({'|'.join(dict.fromkeys((*FILE_KEYS, *BLOCK_KEYS)))})(?:[ \t]+([\[{{\w\"'].*))?\s*$")
_BARE = re.compile(r"(\s*)- ([\w.$]+)\s*$")
_BELOW = re.compile(r"(\s*)([\w]+: *[^\s#].*)$")
MAX_BEFORE = 4
"""Lines before the one that YAML cannot read, among which a slip is looked for."""
_UNCOMMAED = re.compile(r"[{,] *[\w$.]+: +([^\s,:{}\[\]]+) +([\w$.]+)$")
_BRACED = re.compile(r"\bname: *([\w.\-/]*)\{(\w+)\}")
_UNSPACED = re.compile(r"\s*(?:- )*[\w$.]+:[^\s:]")


def _problem(message: str, span: Span, help: str) -> Diagnostic:
    return Diagnostic("yaml", message, span, help=help)


def explained(source: Source, text: str, error: Any) -> Diagnostic:
    """PyYAML's error in our words: those of its two parsers differ.  It has read `text`, the source's without tabs."""
    mark: Any = error.problem_mark or error.context_mark
    if error.context_mark and "quoted scalar" in (error.context or ""):
        line, column = error.context_mark.line + 1, error.context_mark.column + 1
        span = Span(source, line, column, column + 1)
        return _problem("this quote is not closed", span, "close it on the same line")
    if error.context_mark and not text[mark.index :].strip():
        mark = error.context_mark  # at the end of the text: what was left open says more
    line, column = mark.line + 1, mark.column
    above = source.line(line - 1)
    if _UNSPACED.match(above) and not _UNSPACED.match(source.line(line)):
        line, column = line - 1, above.index(":")
    found = _slip(source, line)
    if found is not None:
        return found
    here = source.line(line)
    if here[column : column + 1] == ":" and (torn := _UNCOMMAED.search(here[:column])) is not None:
        span = Span(source, line, torn.start(1) + 1, column + 1)
        return _problem(f"a comma is missing before `{torn[2]}`", span, f"write `{torn[1]}, {torn[2]}`")
    for braced in _BRACED.finditer(here):
        if braced.start() < column < braced.end():
            span = Span(source, line, braced.start(1) + 1, braced.end() + 1)
            help = f"`$` fills a value into a name: write `{braced[1]}${braced[2]}`"
            return _problem("a name holds no brackets", span, help)
    message, help = _explain(here, column)
    return _problem(message, Span(source, line, column + 1, column + 2), help)


def _slip(source: Source, line: int) -> Diagnostic | None:
    """A slip on a line before the one that YAML cannot read: a key without its colon, keys below a bare word."""
    for number in range(line, max(0, line - MAX_BEFORE), -1):
        text = source.line(number)
        keyless = _KEYLESS.match(text)
        if keyless is not None:
            word = keyless[1]
            span = Span(source, number, keyless.start(1) + 1, keyless.end(1) + 1)
            help = f"write `{word}: {keyless[2]}`" if keyless[2] else f"write `{word}:`"
            return _problem(f"`{word}` has no colon", span, help)
    bare, below = _BARE.match(source.line(line - 1)), _BELOW.match(source.line(line))
    if bare is None or below is None or len(below[1]) <= len(bare[1]):
        return None
    keys, number = [bare[2]], line
    while (below := _BELOW.match(source.line(number))) is not None and len(below[1]) > len(bare[1]):
        keys.append(below[2].strip())
        number += 1
    span = Span(source, line - 1, bare.start(2) + 1, bare.end(2) + 1)
    message = f"`{bare[2]}` is a word alone, and keys follow"
    return _problem(message, span, f"write `{{{', '.join(keys)}}}`")


def _explain(line: str, column: int) -> tuple[str, str]:
    """What is probably wrong where YAML's grammar ends, and what to do."""
    here = line[column : column + 1]
    before = line[:column]
    if here == "?":
        return "`?` cannot stand here", "quote the text"
    if here in "@`%" and here:
        return f"a value cannot begin with `{here}`", "quote it"
    if re.search(r"[{,:\[]\s*![\w(]+$", before):
        return "`!` begins a YAML tag, which specs do not have", "write `not` for a negation"
    if here in "[]{}" and here and re.search(r"[{,:]\s*[^\s\"']*$", before):
        return "this bracket does not fit here", QUOTE_HELP
    if _UNSPACED.match(line):
        return "this is not valid YAML", "put a space after `:`"
    if here == ":" or before.rstrip().endswith(":"):
        return "a second `:` on this line cannot be read", "quote a text or expression that holds `: `"
    if re.search(r":\s+[>|]\s*[^\s#]", line):
        return "this is not valid YAML", "quote a value that begins with `>` or `|`"
    return "this is not valid YAML", "check brackets, quotes and indentation here and on the line before"
