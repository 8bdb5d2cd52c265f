"""Steps in the words of another framework, rewritten by the table of `words`; whoever asks tries the result.

It knows texts and declared fields; it reads no file, and reports nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cnncalc.language import words
from cnncalc.language.names import MODIFIERS
from cnncalc.language.source import Located, Mapping, Sequence
from cnncalc.language.words import Row, arguments
from cnncalc.layers import KINDS

Takes = Callable[[str], tuple[str, ...]]
"""What a kind or block of this name takes, the main argument first."""

Given = dict[str, str]
"""Values as they would be written, by the name of the argument."""

TYPE_KEYS = ("type", "kind", "layer", "op", "class_name", "layer_type", "module")
"""Keys that name a layer's kind elsewhere; here the kind is the key."""

_CALL = re.compile(r"([A-Za-z_][\w.]*)\((.*)\)", re.DOTALL)
_TUPLE = re.compile(r"\(([\w\s.,()'\"-]*),([\w\s.,()'\"-]*)\)")
_PYTHON = {"True": "true", "False": "false", "None": "none", "SAME": "same", "VALID": "valid"}


def text_of(node: Located) -> str:
    """A node as flow text."""
    if isinstance(node, Sequence):
        return f"[{', '.join(map(text_of, node.items))}]"
    if isinstance(node, Mapping):
        return mapping({key: text_of(value) for key, (_, value) in node.entries.items()})
    return value_text(node.text) if node.plain else value_text(f"'{node.text}'")


def value_text(text: str) -> str:
    """A value of Python as it is written here: ``(2, 2)`` is ``[2, 2]``, ``True`` is ``true``; words have no quotes."""
    text = text.strip()
    if _TUPLE.fullmatch(text):
        return text.replace("(", "[").replace(",)", "]").replace(")", "]")
    if re.fullmatch(r"'[\w.\-]+'|\"[\w.\-]+\"", text):
        text = text[1:-1]
    text = text.rpartition(".")[2] if re.fullmatch(r"(?:tf|torch|nn|keras|F)(?:\.[A-Za-z_]\w*)+", text) else text
    text = _PYTHON.get(text, text)
    return f'"{text}"' if "," in text and not text.startswith(("[", "{", '"')) else text


def mapping(entries: Given) -> str:
    """Flow text of a mapping; a key without a value stands alone."""
    return "{" + ", ".join(f"{key}: {value}" if value else key for key, value in entries.items()) + "}"


def step_text(kind: str, main: str, given: Given) -> str:
    """A step of a kind whose main argument is called `main`."""
    first = given.get(main, "")
    rest = {name: value for name, value in given.items() if name != main}
    return mapping({kind: first, **rest}) if first or rest else kind


def of_step(node: Located, name: str, takes: Takes, named_by: str = "") -> Iterator[str]:
    """What a step whose kind is called `name` elsewhere may be here, the likeliest first.

    `named_by` is the key whose value is that name; without it the name is a key itself.
    """
    main, given = "", dict[str, str]()
    nested: Located | None = None
    if isinstance(node, Mapping):
        for key, (_, value) in node.entries.items():
            if key == name and not named_by:
                nested = value
            elif key != named_by:
                given[key] = text_of(value)
    positional: list[str] = []
    if isinstance(nested, Mapping):
        given = {key: text_of(value) for key, (_, value) in nested.entries.items()} | given
    elif isinstance(nested, Sequence):
        positional, main = [text_of(item) for item in nested.items], text_of(nested)
    elif nested is not None:
        main = text_of(nested)
    yield from rewritten(name, main, positional, given, takes)


def of_call(text: str, takes: Takes) -> Iterator[str]:
    """What a call in Python may be here: ``nn.Conv2d(3, 64, 3, padding=1)``."""
    found = _CALL.fullmatch(text.strip())
    if found is None:
        return
    positional, given = [], {}
    for part in split(found[2]):
        name, equals, value = part.partition("=")
        if equals and name.strip().isidentifier():
            given[name.strip()] = value_text(value)
        elif part.strip():
            positional.append(value_text(part))
    yield from rewritten(found[1], "", positional, given, takes)


def by_position(name: str, text: str, takes: tuple[str, ...]) -> Iterator[str]:
    """What a call in Python may be of a block of one's own, which takes its arguments in order."""
    parts = [part.strip() for part in split(text) if part.strip()]
    named = [part.partition("=") for part in parts]
    given = {
        (key.strip() if equals else argument): value_text(value if equals else key)
        for (key, equals, value), argument in zip(named, takes)
    }
    if len(parts) <= len(takes):
        yield step_text(name, next(iter(takes), ""), given)


def split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket."""
    parts, depth = [""], 0
    for char in text:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def rewritten(name: str, main: str, positional: list[str], given: Given, takes: Takes) -> Iterator[str]:
    """What a layer called `name` with these arguments may be here."""
    kind = words.plainly(name)
    if name == "Activation" and (said := given.get("activation") or main or next(iter(positional), "")):
        yield said
    if re.fullmatch(r"\[[A-Za-z_].*\]", main) and not re.search(r"[,[] *-?\d", main) and (join := words.join(name)):
        yield mapping({join: main, **given})
    known = [row for row in words.rows(name) if row.kind]
    known.sort(key=lambda row: -sum(entry.theirs in given for entry in arguments(row.takes)))
    for row in known:
        found = _by_row(row, main, positional, given, takes(row.kind))
        if found is not None:
            yield step_text(row.kind, next(iter(takes(row.kind)), ""), found)
    if takes(kind) and not positional:
        found = _by_kind(kind, main, given, takes(kind))
        if found is not None:
            yield step_text(kind, takes(kind)[0], found)


def _by_row(row: Row, main: str, positional: list[str], given: Given, takes: tuple[str, ...]) -> Given | None:
    """The arguments by a row of the table; None where one of them has no place here."""
    signature = arguments(row.takes)
    theirs = dict(given)
    first = next(iter(takes), "")
    stated = any(entry.ours == first for entry in signature)
    if main and not stated and signature:
        theirs[signature[0].theirs] = main
    elif main and not (positional and len(signature) > 1 and signature[0].ours == ""):
        theirs[next((entry.theirs for entry in signature if entry.ours == first), first)] = main
    elif len(positional) > len(signature):
        return None
    else:
        theirs |= {entry.theirs: value for entry, value in zip(signature, positional)}
    found: Given = {entry.ours: entry.default for entry in signature if entry.default}
    for entry in signature:
        value = theirs.pop(entry.theirs, "")
        if value and entry.ours == "-":
            return None
        if value and entry.ours:
            changed = (to for name, was, to in row.values if (name, was) == (entry.theirs, value))
            found[entry.ours] = next(changed, said(entry.theirs, entry.ours, value))
    rest = _by_kind(row.kind, "", theirs, takes)
    return None if rest is None else {**found, **rest}


def _by_kind(kind: str, main: str, given: Given, takes: tuple[str, ...]) -> Given | None:
    """The arguments of a kind by what they are called anywhere; None where one of them has no place here."""
    found: Given = {takes[0]: main} if main else {}
    for name, value in given.items():
        ours = name if name in takes or name in MODIFIERS else renamed(kind, name, takes)
        if ours is None:
            return None
        if ours:
            found[ours] = said(name, ours, value)
    return found


def renamed(kind: str, name: str, takes: tuple[str, ...]) -> str | None:
    """What another framework's argument is called here; "" where it is left out, None where it has no place."""
    if "over" in takes and name in ("axis", "dim"):
        return None  # which of the axes is meant depends on their order there
    return next((ours for ours in words.argument(kind, name) if not ours or ours in takes or ours in MODIFIERS), None)


def said(theirs: str, ours: str, value: str) -> str:
    """The value of a renamed argument: ``bn: true`` is ``norm: batch_norm``, ``activation: swish`` ``act: silu``."""
    if ours not in ("act", "norm"):
        return value
    if value in ("true", "1"):
        value = theirs
    elif value in ("false", "0"):
        value = "none"
    return words.word(value, KINDS["conv"].fields[ours].type.words) or value
