"""The words of other frameworks: every row of the table is tried, every suggestion is followed, the importers agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sampling import together

import cnncalc
from cnncalc.language import words
from cnncalc.language.names import MODIFIERS
from cnncalc.language.translation import of_call, split
from cnncalc.language.words import TABLE, USUAL, Row, arguments
from cnncalc.layers import KINDS
from cnncalc.network import Network

ROWS = [(framework, row) for framework, rows in TABLE.items() for row in rows]
NAMED = [(framework, row, name) for framework, row in ROWS for name in row.names.split()]
SHAPES = ("[64, 32, 32]", "[64, 32]", "[64]", "[3136]", "[64, 64]")
"""Inputs of which everything fits one at least."""
BEFORE = "  - {max_pool: 2, name: pool1}\n  - {identity, from: input, name: a}\n  - {identity, from: input, name: b}\n"
POOLED = "  - {identity, name: a}\n  - {max_pool: 2, name: pool1}\n"


def takes(kind: str) -> tuple[str, ...]:
    return tuple(KINDS[kind].fields) if kind in KINDS else ()


def steps(ours: str) -> list[str]:
    return [part.strip() for part in split(ours[1:-1])] if ours.startswith("[") else [ours]


def built(*lines: str) -> Network:
    """The network of these steps on the first input that they fit."""
    refused: list[str] = []
    lent = "import: {common: blocks}\n" if any("common." in line for line in lines) else ""
    for before in ("", BEFORE, POOLED):
        for shape in SHAPES:
            text = f"{lent}input: {shape}\nlayers:\n{before}" + "".join(f"  - {line}\n" for line in lines)
            try:
                return cnncalc.loads(text)
            except cnncalc.SpecError as error:
                refused.append(str(error))
    raise AssertionError("\n".join(refused))


def label(value: Any) -> str:
    """How a test of a row is called."""
    return value if isinstance(value, str) else ""


# -- the table ---------------------------------------------------------------------------------------------------------


@together("framework, row", ROWS)
def test_what_the_table_says_to_write_is_a_network(framework: str, row: Row) -> None:
    assert row.ours or row.note
    if row.ours:
        built(*steps(row.ours))
    for step in re.findall(r"`(\{[^`]*\})`", row.note):
        built(step)


def test_words_without_a_framework_are_tried_too() -> None:
    for row in USUAL:
        if row.ours not in KINDS:
            built(*steps(row.ours))
    for help in words.ABSENT.values():
        for text in re.findall(r"`([^`]+)`", help):
            if not text.startswith(("cnncalc", "[[")):
                built(text)


@together("framework, row, name", [entry for entry in NAMED if entry[1].kind])
def test_a_call_of_theirs_becomes_what_the_table_says(framework: str, row: Row, name: str) -> None:
    """In every spelling; so that the examples of the table say what the rewriting does."""
    call = row.theirs.replace(row.names.split()[0], name).replace("tf.nn.", "")
    found = list(of_call(call, takes))
    assert row.ours in found
    if sum(name == other for _, _, other in NAMED) == 1:
        assert found[0] == row.ours


def test_arguments_are_of_the_kind() -> None:
    for _, row in ROWS:
        for entry in arguments(row.takes):
            assert entry.ours in ("", "-", *KINDS[row.kind].fields, *MODIFIERS), (row.names, entry.theirs)
        for theirs, _, _ in row.values:
            assert theirs in [entry.theirs for entry in arguments(row.takes)]


def test_no_word_is_both_known_and_absent() -> None:
    for name in (name for names in words.ABSENT for name in names.split()):
        assert name not in KINDS
        assert not [row for _, row in ROWS if row.kind and words.plainly(name) in map(words.plainly, row.names.split())]


# -- every suggestion, followed to the letter --------------------------------------------------------------------------


def help_of(step: str, shape: str) -> str:
    """The help of the one problem of a network with this step."""
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.loads(f"input: {shape}\nlayers:\n{BEFORE if shape == SHAPES[0] else FLAT}  - {step}\n")
    (problem,) = error.value.diagnostics
    assert problem.code == "unknown-argument"
    return problem.help


SUITED = {"act": "relu", "norm": "batch", "mode": "nearest", "learned": "false", "bias": "false", "padding": "1"}
SUITED |= {"name": "c", "if": "true", "shift": "false", "statistics": "true", "shape": "[64, 32, 32]", "slopes": "64"}
SUITED |= {"from": "a", "rate": "0.5"}
"""Values that an argument takes; 2 where nothing is said."""
FLAT = "  - {identity, name: a}\n"


def renamed() -> Iterator[tuple[str, str]]:
    """Every kind with every argument that it has by another name elsewhere."""
    found = {(row.kind, entry.theirs) for _, row in ROWS for entry in arguments(row.takes) if row.kind}
    anywhere = [entry.theirs for entry in arguments(words.MODIFIERS)]
    found |= {(kind, theirs) for kind in ("conv", "linear", "max_pool", "relu") for theirs in anywhere}
    for kind, theirs in sorted(found):
        asks_for_an_axis = theirs in ("axis", "dim") and "over" in KINDS[kind].fields
        if theirs not in (*KINDS[kind].fields, *MODIFIERS, *KINDS) and not asks_for_an_axis:
            yield kind, theirs


@pytest.mark.thorough
@together("kind, theirs", list(renamed()))
def test_a_suggested_argument_works(kind: str, theirs: str) -> None:
    example = KINDS[kind].example or kind
    given = yaml.safe_load(example)
    entries = {key: example_value(value) for key, value in given.items()} if isinstance(given, dict) else {kind: ""}
    main = next(iter(KINDS[kind].fields), "")
    ours = next((name for name in words.argument(kind, theirs) if name in ("", *KINDS[kind].fields, *MODIFIERS)), None)
    if ours is None:
        return
    if ours == main and "out" not in theirs:
        entries[kind] = ""
    entries.pop(ours, None) if ours != main else None
    value = SUITED.get(ours, "2") if theirs not in ("bn", "relu") else "true"
    step = text_of({**entries, theirs: value})
    shape = SHAPES[2] if kind == "linear" else SHAPES[0]
    help = help_of(step, shape)
    whole = re.fullmatch(r"write `(\{.*\})`", help)
    single = re.fullmatch(r"write `([\w]+): (.*)`", help)
    if whole:
        followed = whole[1]
    elif single:
        followed = text_of({**entries, single[1]: single[2]})
    else:
        assert help.startswith("leave it out: "), help
        followed = text_of(entries) if any(entries.values()) or len(entries) > 1 else kind
    text = f"input: {shape}\nlayers:\n{BEFORE if shape == SHAPES[0] else FLAT}  - {followed}\n"
    made = [node.kind for node in cnncalc.loads(text).graph.nodes]
    assert kind in made or kind in ("separable_conv",)


def example_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", "")


def text_of(entries: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" if value else key for key, value in entries.items()) + "}"


# -- what the importers know -------------------------------------------------------------------------------------------


def call(theirs: str, row: Row) -> dict[str, Any]:
    """The arguments of a call by name."""
    node = ast.parse(theirs, mode="eval").body
    assert isinstance(node, ast.Call)
    named = {entry.theirs: ast.literal_eval(value) for entry, value in zip(arguments(row.takes), node.args)}
    return named | {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in node.keywords}


def told(network: Network) -> list[tuple[Any, ...]]:
    """Kind, output and counts of every layer, and what each reads."""
    return [(row.kind, row.output_shape, row.params, row.state, row.macs) for row in network.summary().layers]


def imported_from_keras(name: str, config: dict[str, Any]) -> Network:
    flat = name in ("Dense",)
    shape = [None, 512] if flat else [None, 32, 32, 64]
    layers = [
        {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": shape}},
        {"class_name": name, "config": {"name": "l", **config}},
    ]
    return cnncalc.from_keras({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})


KERAS = [
    (row, name)
    for row in TABLE["keras"]
    for name in row.names.split()
    if row.kind and "1D" not in name and "3D" not in name
]


@together("row, name", KERAS)
def test_the_keras_importer_agrees(row: Row, name: str) -> None:
    """It makes of a config the layers that the table says to write."""
    config = call(row.theirs.replace(row.names.split()[0], name), row)
    defaults = {"pool_size": 2} if "pool_size" in row.takes else {}
    known = {"Convolution2D", "MaxPool2D", "AvgPool2D", "GlobalAvgPool2D", "SeparableConvolution2D", "Deconvolution2D"}
    if name in known:  # names of the API, which no config holds
        return
    mine = cnncalc.loads(f"input: {'[512]' if row.kind == 'linear' else '[64, 32, 32]'}\nlayers: [{row.ours}]\n")
    theirs = imported_from_keras(name, defaults | config)
    assert told(theirs) == told(mine)


@pytest.mark.parametrize("name", ["GlobalAveragePooling2D", "GlobalMaxPooling2D"])
def test_global_pools_of_keras_are_flat(name: str) -> None:
    (row,) = [row for row in TABLE["keras"] if name in row.names.split()]
    assert told(imported_from_keras(name, {})) == told(cnncalc.loads(f"input: [64, 32, 32]\nlayers: {row.ours}\n"))


def test_activation_functions_of_keras_have_the_words_here() -> None:
    from cnncalc.convert.keras.activations import FUNCTIONS

    allowed = KINDS["conv"].fields["act"].type.words
    for name, (kind, _) in FUNCTIONS.items():
        assert words.word(name, allowed) == kind


def test_activations_of_darknet_have_the_words_here() -> None:
    from cnncalc.convert.darknet_layers import ACTIVATIONS

    allowed = KINDS["conv"].fields["act"].type.words
    for name, (kind, _) in ACTIVATIONS.items():
        if name != "relie":  # a misspelling that Darknet has
            assert words.word(name, allowed) == kind


DARKNET = [row for row in TABLE["darknet"] if row.ours and row.names not in ("shortcut", "route")]


@pytest.mark.parametrize("row", DARKNET, ids=lambda row: row.names)
def test_the_darknet_importer_agrees(row: Row, tmp_path: Path) -> None:
    section, _, rest = row.theirs.partition("(")
    options = "\n".join(part.strip() for part in split(rest[:-1]))
    cfg = tmp_path / "net.cfg"
    cfg.write_text(f"[net]\nchannels=64\nheight=32\nwidth=32\n\n[{section}]\n{options}\n")
    flat = "flatten, " if row.kind == "linear" else ""
    mine = cnncalc.loads(f"input: [64, 32, 32]\nlayers: [{flat}{row.ours}]\n")
    assert told(cnncalc.from_darknet(cfg)) == told(mine)


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", words.FRAMEWORKS)
def test_layers_from(framework: str, run: Any) -> None:
    import json

    done = run("layers", "--from", framework)
    assert (done.code, done.err) == (0, "")
    data = json.loads(run("layers", "--from", framework, "--format", "json").out)
    for key in ("theirs", "ours", "note"):
        assert [entry[key] for entry in data["words"]] == [getattr(row, key) or None for row in TABLE[framework]]
    for row in TABLE[framework]:
        assert row.theirs in done.out
        assert row.ours in done.out
    for entry in data["arguments"]:
        assert entry["theirs"] in done.out


def test_layers_refuses_what_it_cannot_do(run: Any) -> None:
    for arguments_ in (("conv", "--from", "keras"), ("--from", "mxnet"), ("conv", "--format", "csv"), ("Conv2d",)):
        done = run("layers", *arguments_)
        assert (done.code, done.out) == (2, "")
    assert "{conv: 64, kernel: 3, padding: 1}" in run("layers", "Conv2d").err
