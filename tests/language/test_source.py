"""Text to located nodes: both of PyYAML's parsers alike, YAML's traps refused, limits kept."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from sampling import some, together

from cnncalc.diagnostics import Source, SpecError
from cnncalc.language.source import MAX_NESTING, PARSERS, Mapping, Scalar, Sequence, compose, read_source

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "architectures").glob("*.yaml"))
TRAPS = """\
name: "quoted: text"
input: [3, 32, 32]   # a comment
args: {width: 8, deep: no, rate: 1e3, time: 1:30, octal: 010, long: 1_000}
layers:
  - conv: 4*width
    kernel: '3'
    if: "max(1, 2) > 1"
  - {relu, name: a$i}
  -
    - x
  - ? odd
    : key
  - |
    a block
    of text
  - >-
    folded
    text
"""


def described(node: Any) -> Any:
    """A node with its places, as plain data."""
    place = (node.span.line, node.span.column, node.span.end)
    if isinstance(node, Scalar):
        return ("text", node.text, node.plain, place)
    if isinstance(node, Sequence):
        return ("list", [described(item) for item in node.items], place)
    return ("mapping", [(described(key), described(value)) for key, value in node.entries.values()], place)


def outcome(text: str, parser: Any) -> Any:
    """The nodes, or the code and the place of every problem."""
    try:
        return described(compose(Source("spec.yaml", text), parser))
    except SpecError as error:
        return [(found.code, found.span[1:] if found.span else None, found.message) for found in error.diagnostics]


def both(text: str) -> tuple[Any, Any]:
    return outcome(text, yaml.CSafeLoader), outcome(text, yaml.SafeLoader)


two_parsers = pytest.mark.skipif(len(PARSERS) < 2, reason="PyYAML was built without its C parser")


@two_parsers
@pytest.mark.every
@pytest.mark.parametrize("path", some(SPECS, each=3), ids=lambda path: path.stem)
def test_parsers_agree_on_bundled_specs(path: Path) -> None:
    fast, pure = both("".join(path.read_text(encoding="utf-8").splitlines(True)[:80]))
    assert fast == pure


ALPHABET = [
    *" :-{}[],#&*!|>'\"%@`?~$\t\n",
    "  ",
    ": ",
    "- ",
    "\n  ",
    "\n- ",
    "é",
    "<<: ",
    "---\n",
    "0x",
    "1:2",
    "[[",
    "\r\n",
]


def mutated(text: str, chance: random.Random) -> str:
    """`text` with one to four small changes."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        change = chance.randrange(4)
        if change == 0:
            text = text[:at] + chance.choice(ALPHABET) + text[at:]
        elif change == 1:
            text = text[:at] + text[at + chance.randint(1, 6) :]
        elif change == 2:
            text = text[:at] + chance.choice(ALPHABET) + text[at + 1 :]
        else:
            lines = text.splitlines(True)
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines) if lines else "")
            text = "".join(lines)
    return text


@two_parsers
@pytest.mark.every
@pytest.mark.parametrize("seed", some(range(12), each=3))
def test_parsers_agree_on_mutated_specs(seed: int) -> None:
    """Equal nodes where both accept, equal places and words where both refuse, and never one of each."""
    chance = random.Random(seed)
    kinds = set()
    for _ in range(40):
        path = chance.choice(SPECS)
        lines = path.read_text(encoding="utf-8").splitlines(True)
        start = chance.randrange(max(1, len(lines) - 12))
        text = mutated(TRAPS if chance.random() < 0.3 else "".join(lines[start : start + 12]), chance)
        fast, pure = both(text)
        assert fast == pure, text
        kinds.add(type(fast))
    assert kinds == {list, tuple}


# -- what is read ------------------------------------------------------------------------------------------------------


def root(text: str) -> Any:
    return compose(Source("spec.yaml", text))


@together("text", ["no", "off", "yes", "010", "1:30", "1_000", "1e3", "0x10", "~", "null", "2001-01-01", ".5"])
def test_scalars_stay_text(text: str) -> None:
    """YAML 1.1 would make booleans, sexagesimals, octals, nulls and dates of these."""
    value = root(f"a: {text}\n").entries["a"][1]
    assert (value.text, value.plain) == (text, True)


def test_quotes_are_remembered() -> None:
    entries = root("a: 'no'\nb: \"3\"\nc: 3\n").entries
    assert [(value.text, value.plain) for _, value in entries.values()] == [("no", False), ("3", False), ("3", True)]


def test_places() -> None:
    """Lines and columns count from 1; the end is exclusive; parts of quoted text are found behind the quote."""
    entries = root('a: 12\nlist: [x, "y + z"]\n').entries
    assert entries["a"][0].span[1:] == (1, 1, 2)
    assert entries["a"][1].span[1:] == (1, 4, 6)
    quoted = entries["list"][1].items[1]
    assert quoted.span[1:] == (2, 11, 18)
    assert quoted.part(4, 5)[1:] == (2, 16, 17)
    assert quoted.part(4, 4)[1:] == (2, 16, 17)  # what is nowhere is shown where it would begin
    assert entries["list"][1].span[1:] == (2, 7, 19)
    lists = root("a: [x,\n  y]\nb: {c: [1, 2], d: 3}\n").entries
    assert [lists[key][1].span[1:] for key in "ab"] == [(1, 4, 5), (3, 4, 21)]
    assert lists["b"][1].entries["c"][1].span[1:] == (3, 8, 14)


def test_a_part_of_text_with_escapes_is_the_whole() -> None:
    value = root('a: "x\\ty"\n').entries["a"][1]
    assert value.part(2, 3) == value.span


def test_a_part_of_text_on_several_lines_is_the_whole() -> None:
    value = root("a: one\n  two\n").entries["a"][1]
    assert value.text == "one two"
    assert value.part(4, 7) == value.span


def test_key_order_is_kept() -> None:
    assert list(root("c: 1\na: 2\nb: 3\n").entries) == ["c", "a", "b"]


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_source(str(path)).text == "name: a\n"


def test_windows_line_ends_have_the_same_places(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"name: a\r\nlayers: [relu]\r\n")
    entries = compose(read_source(str(path))).entries
    assert entries["layers"][1].items[0].span[1:] == (2, 10, 14)


def test_all_problems_are_collected() -> None:
    with pytest.raises(SpecError) as caught:
        root("a: &x 1\nb: *x\nc: !t 2\nc: 3\n<<: 4\n")
    assert [found.code for found in caught.value.diagnostics] == [
        "anchor",
        "alias",
        "tag",
        "duplicate-key",
        "merge-key",
    ]


# -- limits ------------------------------------------------------------------------------------------------------------


def codes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        root(text)
    return [found.code for found in caught.value.diagnostics]


@pytest.mark.parametrize("parser", PARSERS)
def test_nesting(parser: Any) -> None:
    deepest = Source("a.yaml", "[" * MAX_NESTING + "]" * MAX_NESTING)
    assert isinstance(compose(deepest, parser), Sequence)
    with pytest.raises(SpecError, match="nested deeper than 64"):
        compose(Source("a.yaml", "[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1)), parser)


@pytest.mark.thorough
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "bomb", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000, "a:\n" + "".join(" " * n + "a:\n" for n in range(1, 400))]
)
def test_deep_nesting_ends_early(bomb: str, parser: Any) -> None:
    with pytest.raises(SpecError, match="nested deeper than 64"):
        compose(Source("a.yaml", bomb), parser)


def test_a_bomb_of_aliases_is_refused_at_its_first() -> None:
    """Nine levels of nine aliases each: 387 million nodes to a parser that follows them."""
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = codes("\n".join(levels))
    assert set(found) == {"anchor", "alias"}
    assert len(found) == 20


def test_problems_are_limited() -> None:
    assert len(codes("\n".join(f"a: {n}" for n in range(100)))) == 20


def test_a_file_of_one_mebibyte_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("#" * (2**20 - 1) + "\n")
    assert len(read_source(str(path)).text) == 2**20
    path.write_text("#" * 2**20 + "\n")
    with pytest.raises(SpecError, match="larger than 1 MiB"):
        read_source(str(path))


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"a\0b", "binary file"), (b"name: \xff\n", r"not UTF-8 text \(line 1\)"), (b"a: 1\nb: \xe9\n", r"\(line 2\)")],
)
def test_no_text(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    with pytest.raises(SpecError, match=message):
        read_source(str(path))


@pytest.mark.parametrize("char", ["\x07", "\x1b", "\x7f", "\ufeff", "\ud800", "\uffff"])
def test_unprintable_characters(char: str) -> None:
    assert codes(f"name: a{char}b\n") == ["not-text"]


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment\n", "---\n", "~\n"[:0]])
def test_nothing(text: str) -> None:
    assert codes(text) == ["empty"]


def test_a_mapping_is_a_mapping() -> None:
    assert isinstance(root("{}"), Mapping)
