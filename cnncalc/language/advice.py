"""What to do about a step that is none: by the words of other frameworks, then by spelling.

Every step that is offered has been tried before: it can be read where it would stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnncalc.diagnostics import suggestion
from cnncalc.language import translation, words
from cnncalc.language.names import NAME
from cnncalc.language.source import Located, Mapping, Scalar, Sequence
from cnncalc.language.translation import TYPE_KEYS, text_of
from cnncalc.layers import KINDS

if TYPE_CHECKING:
    from cnncalc.language.steps import StepReader

PIECES = ("un", "de", "min", "max", "up", "down", "log", "hard", "soft", "inverse", "avg", "global", "lstm", "adaptive")
"""Pieces of a name that make another thing of it: what is spelled alike without them is not meant."""

SOURCES = ("from", "inputs", "input", "bottom", "branches", "layers", "of")
"""Keys that name the branches of a join elsewhere."""

INFERRED = (
    "embed_dim d_model hidden_dim in_channels in_features input_shape input_dim input_size num_features "
    "num_channels normalized_shape axis dim"
)


def named(node: Mapping, keys: list[str]) -> str:
    """The key by which a step without a known kind probably names its kind."""
    for key in keys:
        if words.rows(key) or words.absent(key):
            return key
    return next((key for key in keys if typed(node, key)), keys[0])


def typed(node: Mapping, key: str) -> str:
    """The kind that a key such as `type` names by its value; nothing where it does not."""
    value = node.entries[key][1]
    return value.text if key in TYPE_KEYS and isinstance(value, Scalar) else ""


def foreign(reader: StepReader, node: Mapping, keys: list[str]) -> str:
    """The key by which a step names its kind in another framework's words, if so it can be rewritten; or nothing."""
    for key in keys:
        text = typed(node, key)
        if text or words.rows(key):
            texts = translation.of_step(node, text or key, reader.takes, key if text else "")
            if any(map(reader.tries, texts)):
                return key
    return ""


def of_type(reader: StepReader, node: Mapping, key: str) -> str:
    """The step of a kind that a key such as `type` names; nothing where it is none."""
    name = typed(node, key)
    texts = translation.of_step(node, name, reader.takes, key)
    help = next((f"write `{text}`" for text in texts if reader.tries(text)), "")
    return help or (example(name, "") if name in KINDS else kind(reader, name, None))


def kind(reader: StepReader, name: str, node: Located | None) -> str:
    """What to do about a kind that is not known; nothing where nothing is like it."""
    word, _, rest = name.partition(" ")
    if rest and reader.tries(text := f"{{{word}: {rest.strip()}}}"):
        return f"write `{text}`"
    if help := words.absent(name):
        return help
    texts: list[str] = []
    if isinstance(node, Mapping) and rest:  # {conv 64, kernel: 3}
        entries = {key: text_of(value) for key, (_, value) in node.entries.items() if key != name}
        texts.append(translation.mapping({word: rest.strip(), **entries}))
    if isinstance(node, Scalar) and (is_name(reader, name) or "$" in name):
        return f"in a branch write a layer's name without brackets: `{name}`; as a step `{{identity, from: {name}}}`"
    if isinstance(node, Scalar):
        texts += translation.of_call(name, reader.takes)
        if (call := re.fullmatch(r"([\w.]+)\((.*)\)", name)) and reader.result.block(call[1]):
            texts += translation.by_position(call[1], call[2], reader.takes(call[1]))
    if node is not None:
        texts += translation.of_step(node, name, reader.takes)
    else:
        texts += [row.kind for row in words.rows(name) if row.kind]
    for text in texts:
        if reader.tries(text) and text != name:
            return f"write `{text}`"
    if isinstance(node, Mapping) and name in node.entries and (text := called(reader, node)):
        return f"write `{text}`"
    begun = re.match(r"[\w.]+", name)
    known = words.rows(begun[0] if begun else name)
    block = name.rpartition(".")[2]
    if not known and block in reader.library():
        return f"write `common.{block}`, with `import: {{common: blocks}}` at the top"
    return example(known[0].ours, known[0].note) if known else spelled(reader, name, node)


def called(reader: StepReader, node: Mapping) -> str:
    """The step of an entry whose key is the layer's name: ``conv1: {conv: 16, kernel: 3}``, ``conv1: {filters: 16}``;
    nothing where it is none."""
    name, (_, body) = next(iter(node.entries.items()))
    if not NAME.fullmatch(name):
        return ""
    texts = [text_of(body)]
    kind = name.rstrip("0123456789").rstrip("_.-")
    if isinstance(body, Mapping) and kind != name:
        inner = Mapping(body.span)
        inner.entries = {kind: (Scalar(kind, body.span), body)}
        texts += translation.of_step(inner, kind, reader.takes)
    for text in texts:
        if not reader.tries(text) or text.startswith("["):
            continue
        return f"{text[:-1]}, name: {name}}}" if text.startswith("{") else f"{{{text}, name: {name}}}"
    return ""


def joined(node: Mapping, kind: str, main: Located) -> str:
    """A join whose branches are given otherwise than as its list: by `from`, or as the one other branch."""
    given = main.entries if isinstance(main, Mapping) else node.entries
    sources = next((value for key, (_, value) in given.items() if key in SOURCES and isinstance(value, Sequence)), None)
    if sources is not None:
        return f"write `{{{kind}: {text_of(sources)}}}`"
    named = isinstance(main, Scalar) and NAME.fullmatch(main.text) and main.text not in KINDS
    return f"write `{{{kind}: [x, {main.text}]}}`" if isinstance(main, Scalar) and named else ""


def listed(reader: StepReader, node: Sequence) -> str:
    """What to do about a step that is a list, whose first entry is the name of a kind."""
    if reader.tries(text := f"{{layers: {text_of(node)}}}"):
        return f"write `{text}`, or a step an entry"
    first = node.items[0] if node.items else None
    name = first.text if isinstance(first, Scalar) else ""
    if name in KINDS:
        return example(name, "")
    return kind(reader, name, None) if name and words.rows(name) else ""


def instead(name: str) -> str:
    """What a kind of this name may be called here, for who only asks; nothing where nothing is like it."""
    if help := words.absent(name):
        return help
    known = words.rows(name)
    return example(known[0].ours, known[0].note) if known else suggestion(name, KINDS)


def is_name(reader: StepReader, name: str) -> bool:
    """Whether some step of the file is called so."""
    return re.search(rf"\bname: *{re.escape(name)}\b", reader.result.source.text) is not None


def example(ours: str, note: str) -> str:
    """How a thing of another framework is written here."""
    if ours in KINDS:
        ours = KINDS[ours].example or ours
    if ours.startswith("["):
        ours = "` and `".join(part.strip() for part in translation.split(ours[1:-1]))
    return "; ".join(filter(None, [f"for example `{ours}`" if ours else "", note]))


def spelled(reader: StepReader, name: str, node: Located | None) -> str:
    """A kind or block that is spelled alike, and means nothing else."""
    plain = words.plainly(name)
    names = [
        known
        for known in (*reader.result.block_names(), *KINDS)
        if all(piece in known for piece in PIECES if piece in plain)
    ]
    help = suggestion(name, names)
    if not help:
        return ""
    near = help.split("`")[1]
    if isinstance(node, Mapping):
        meant = translation.of_step(node, name, lambda asked: reader.takes(near if asked == plain else asked))
        texts = [text.replace(plain, near) for text in meant]
    else:
        texts = [near]
    if any(map(reader.tries, texts)) or near not in KINDS:
        return help
    return f"did you mean `{KINDS[near].example or near}`?"


def argument(reader: StepReader, node: Mapping, kind: str, name: str, unknown: list[str]) -> str:
    """What to do about an argument that a kind does not have, by the words of other frameworks."""
    takes = reader.takes(kind)
    if unspaced := re.fullmatch(r"(\w+)\s*[=:]\s*(.+)", name):
        meant = unspaced[1] if unspaced[1] in takes else translation.renamed(kind, unspaced[1], takes)
        return f"write `{meant}: {translation.value_text(unspaced[2])}`" if meant else ""
    if name.replace(".", "").isdigit() and not text_of(node.entries[name][1]):
        text = translation.mapping({key: text_of(value) for key, (_, value) in node.entries.items() if key != name})
        free = next((argument for argument in takes[1:] if argument not in node.entries), "")
        fits = free and reader.tries(f"{text[:-1]}, {free}: {name}}}")
        return f"arguments have names: `{free}: {name}`" if fits else ""
    ours = translation.renamed(kind, name, takes)
    if ours is None and name in ("axis", "dim") and "over" in takes:
        return "axes have names here: `over: channels`, its default, or `over: positions`"
    if ours is None:
        return ""
    main = next(iter(takes), "")
    given = {}
    for key, (_, value) in node.entries.items():
        to = {kind: main}.get(key, key) if key not in unknown else translation.renamed(kind, key, takes)
        text = text_of(value)
        if to and (text or key != kind) and (key in unknown or to not in given):
            given[to] = translation.said(key, to, text)
    whole = translation.step_text(kind, main, given)
    if not reader.tries(whole):
        return ""
    if not ours:
        return "leave it out: it is inferred" if name in INFERRED else "leave it out: no figure depends on it"
    if ours == main:
        return f"write `{whole}`" if text_of(node.entries[kind][1]) else f"write `{kind}: {given[ours]}`"
    return f"write `{ours}: {given[ours]}`"


def lifted(reader: StepReader, node: Mapping, kind: str) -> str:
    """The step whose arguments stand below its kind, with them beside it; nothing where that is no step."""
    texts = translation.of_step(node, kind, reader.takes)
    return next((f"write `{text}`" for text in texts if reader.tries(text)), "")
