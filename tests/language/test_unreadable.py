"""What is said of a text that YAML cannot read: where the slip is, and what was probably meant."""

from __future__ import annotations

import pytest
from sampling import together

import cnncalc

BRACKET = 'close every bracket; inside `{ }`, quote an expression that has a comma or a bracket: `"max(a, b)"`'
NOT_VALID = "this is not valid YAML"
UNREADABLE = [  # what follows a first line, the place of the slip, message and help
    # a key without its colon, on the line that YAML stops at or one of those before it
    ("layers\n  - relu\n", "2:1-7", "`layers` has no colon", "write `layers:`"),
    ("layers [relu]\n", "2:1-7", "`layers` has no colon", "write `layers: [relu]`"),
    ("outputs [a]\nlayers: [relu]\n", "2:1-8", "`outputs` has no colon", "write `outputs: [a]`"),
    ("args\n  w: 3\nlayers: [relu]\n", "2:1-5", "`args` has no colon", "write `args:`"),
    ("blocks:\n  b:\n    layers\n      - relu\n    args: {}\n", "4:5-11", "`layers` has no colon", "write `layers:`"),
    # a key without the space after its colon
    ("name:a\nlayers: [relu]\n", "2:5-6", NOT_VALID, "put a space after `:`"),
    ("args:\n  w:3\n  v: 4\nlayers: [relu]\n", "3:4-5", NOT_VALID, "put a space after `:`"),
    ("layers:\n  - conv:8\n    kernel: 3\n", "3:9-10", NOT_VALID, "put a space after `:`"),
    ("layers:\n  - conv: 8\n    kernel:3\n", "4:5-6", NOT_VALID, "put a space after `:`"),
    # keys below a word
    ("layers:\n  - conv\n    kernel: 3\n", "3:5-9", "`conv` is a word alone, and keys follow",
     "write `{conv, kernel: 3}`"),
    ("layers:\n  - relu\n  - conv\n      channels: 8  \n      kernel: 3\n  - relu\n", "4:5-9",
     "`conv` is a word alone, and keys follow", "write `{conv, channels: 8, kernel: 3}`"),
    # commas
    ("layers:\n  - {conv: 8, kernel: 3 stride: 2}\n", "3:23-31", "a comma is missing before `stride`",
     "write `3, stride`"),
    ("layers: [{conv: 8 kernel: 3}]\n", "2:17-25", "a comma is missing before `kernel`", "write `8, kernel`"),
    # brackets
    ("layers: [{relu, name: a{b}c}]\n", "2:23-27", "a name holds no brackets",
     "`$` fills a value into a name: write `a$b`"),
    ("layers: [{relu, name: a}, {relu, name: u.{b}}]\n", "2:40-45", "a name holds no brackets",
     "`$` fills a value into a name: write `u.$b`"),
    ("layers: [relu]]\n", "2:15-16", "this bracket does not fit here", BRACKET),
    ("layers: [relu}\n", "2:14-15", "this bracket does not fit here", BRACKET),
    ("layers: {relu]\n", "2:14-15", "this bracket does not fit here", BRACKET),
    ("layers: [relu\n", "2:9-10", "this bracket does not fit here", BRACKET),
    # characters
    ("layers: [{conv: 8, kernel: @a}]\n", "2:28-29", "a value cannot begin with `@`", "quote it"),
    ("layers: [{conv: 8, kernel: %a}]\n", "2:28-29", "a value cannot begin with `%`", "quote it"),
    ("layers: [{relu: a: b}]\n", "2:18-19", "a second `:` on this line cannot be read",
     "quote a text or expression that holds `: `"),
    ("layers:\n  - relu: a: b\n", "3:12-13", "a second `:` on this line cannot be read",
     "quote a text or expression that holds `: `"),
    ("source: see http://a: b\n", "2:21-22", "a second `:` on this line cannot be read",
     "quote a text or expression that holds `: `"),
    ("layers: [relu]\nexpect:\n  params: > 4 M\n", "4:13-14", NOT_VALID, "quote a value that begins with `>` or `|`"),
    ("layers: ['relu]\n", "2:10-11", "this quote is not closed", "close it on the same line"),
    ('layers: [relu, "relu]\n', "2:16-17", "this quote is not closed", "close it on the same line"),
    ("layers:\n\t- relu\n", "3:1-2", "a tab cannot indent YAML", "indent with spaces"),
    ("layers:\n  - conv: 8\n \t  kernel: 3\n", "4:2-3", "a tab cannot indent YAML", "indent with spaces"),
    ("layers:\n  - conv\n    # a\n    kernel: 3\n", "5:5-6", NOT_VALID,
     "check brackets, quotes and indentation here and on the line before"),
    # further off, and several of a kind
    ("outputs\n\n\nlayers: [relu]\n", "2:1-8", "`outputs` has no colon", "write `outputs:`"),
    ("outputs\n\n\n\nlayers: [relu]\n", "6:1-2", NOT_VALID,
     "check brackets, quotes and indentation here and on the line before"),
    ("outputs\n\nlayers: [relu]\n", "2:1-8", "`outputs` has no colon", "write `outputs:`"),
    ("layers: [{relu, name: a{b}}, {relu, name: c{d}}]\n", "2:23-27", "a name holds no brackets",
     "`$` fills a value into a name: write `a$b`"),
    ("layers: [{relu, if: ?a}]\n", "2:21-22", "`?` cannot stand here", "quote the text"),
    ("layers: [{relu, if: !a}]\n", "2:23-24", "`!` begins a YAML tag, which specs do not have",
     "write `not` for a negation"),
    ("layers: [relu]\nexpect:\n  params: | 4 M\n", "4:13-14", NOT_VALID, "quote a value that begins with `>` or `|`"),
    ("layers:\n  - relu\n  - conv\n     channels: 8\n    kernel: 3\n", "4:5-9",
     "`conv` is a word alone, and keys follow", "write `{conv, channels: 8, kernel: 3}`"),
    ("layers:\n  - conv\n  kernel: 3\n", "4:3-4", NOT_VALID,
     "check brackets, quotes and indentation here and on the line before"),
    ('layers: [{conv: 8, kernel: 3, name: "a}]\n', "2:37-38", "this quote is not closed",
     "close it on the same line"),
    ("layers: [{conv: 8, kernel: (1, 2]}]\n", "2:33-34", "this bracket does not fit here", BRACKET),
    ("layers:\n  - {conv: 8, kernel: 3\n  - relu\n", "3:5-6", NOT_VALID,
     "check brackets, quotes and indentation here and on the line before"),
    ("blocks:\n  b:\n    args\n      c: 3\n    layers: [relu]\nlayers: [b]\n", "4:5-9", "`args` has no colon",
     "write `args:`"),
    ("layers: [relu]\n  expect: {params: 3}\n", "3:3-4", NOT_VALID,
     "check brackets, quotes and indentation here and on the line before"),
]  # fmt: skip


@together("text, place, message, help", UNREADABLE)
def test_what_was_probably_meant(text: str, place: str, message: str, help: str) -> None:
    with pytest.raises(cnncalc.SpecError) as refused:
        cnncalc.loads(f"input: [4, 8, 8]\n{text}")
    (found,) = refused.value.diagnostics
    assert found.span is not None
    assert (f"{found.span.line}:{found.span.column}-{found.span.end}", found.message) == (place, message)
    assert found.help == help


@pytest.mark.parametrize("blank", ["\t\n", " \t  \n\n", "  - relu\t\n", " \t # a comment\n", "  - relu\n\t"])
def test_a_tab_that_indents_nothing_is_read(blank: str) -> None:
    assert len(cnncalc.loads(f"input: [4, 8, 8]\nlayers:\n  - relu\n{blank}").graph.nodes) == 1 + blank.count("-")
