"""`cnncalc schema`: every spec that the language takes is valid, and common slips are not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from check.cases import ERRORS, FORMS, PAIRS
from conftest import run_command
from sampling import together

from cnncalc import schema
from cnncalc.language.expectations import entry_keys
from cnncalc.language.library import bundled_files
from cnncalc.language.names import FILE_KEYS, MODIFIERS
from cnncalc.layers import KINDS
from cnncalc.reference import first_line

HERE = Path(__file__).parent
SPECS = [*map(Path, bundled_files()), *sorted((HERE / "data").glob("**/*.y*ml"))]
VALIDATOR = jsonschema_rs.Draft7Validator(schema.schema())
NET = "input: [3, 8, 8]\nlayers: [relu]\n"


def read(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def problem(text: str) -> str:
    """What is wrong with a spec; nothing where it is valid."""
    return "\n".join(f"{error.instance_path}: {error.message[:200]}" for error in VALIDATOR.iter_errors(read(text)))


def test_it_is_a_schema() -> None:
    text = run_command("schema").out
    assert json.loads(text) == schema.schema()
    assert "`{allow: [code, …]}`" in text
    assert jsonschema_rs.meta.is_valid(schema.schema())


@together("path", [path for path in SPECS if path.name != "broken.yaml"])
def test_specs_are_valid(path: Path) -> None:
    assert problem(path.read_text()) == ""


def test_examples_of_the_kinds_are_valid() -> None:
    for kind in KINDS.values():
        example = kind.example or kind.kind
        assert problem(f"input: [3, 8, 8]\nlayers: [{example}]\n") == "", example


def test_specs_of_the_tests_are_valid() -> None:
    for text in [text for _, *pair in PAIRS for text in pair]:
        assert problem(text) == "", text
    for text in (
        "layers: [{conv: 4, kernel: 3, act: {leaky_relu: 0.1}, norm: {batch, eps: 0.001}}]",
        "layers: [relu]\ndefaults: {conv: {norm: {group_norm: 4, eps: 0.001}}}",
        "layers: [relu]\nargs: {act: {leaky_relu: 0.1}}",
        "layers: [{residual: 64, act: {leaky_relu: 0.1}}]",
        "layers: [{conv: 1, kernel: [1]}, {dropout: 0}, {dropout: 1}, {slice: [1]}, {pad: [[1, 2]], channels: [0, 1]}]",
        "layers: [{relu, repeat: 0}, {relu, parts: 1}, {conv_transpose: 1, kernel: [2, 2, 2], output_padding: [0]}]",
        "layers: [{upsample: 0.1}, {upsample: [0.5, 2]}, {batch_norm, eps: 0}, {reshape: [2, 2, 2, -1]}]",
        "layers: [{concat: [x]}]",
        "layers: [{for: k, in: 3, layers: [relu]}, {layers: [relu], repeat: 2}, {add: [x, [relu], {x, if: true}]}]",
        "layers: [relu]\nblocks: {b: {args: {c: required}, inputs: [u, v], layers: [relu]}}",
        "layers: [relu]\nimport: {c: blocks, d: {file: net.yaml, width: 3}}",
        "layers: [relu]\noutputs: [relu1, {x, if: true}]",
    ):
        assert problem(text) == "", text
    for form in [form for pair in FORMS for form in pair]:
        assert problem(f"{NET}expect:\n  {form}\n") == "", form


@together(
    "text",
    [
        "layers: [relu]\nlayer: []",
        "input: [3, 8, 8]",
        "layers: [{conv: 4, kernal: 3}]",
        "layers: [{conv: 0, kernel: 3}]",
        "layers: [{conv: 4, kernel: [3, 3, 3, 3]}]",
        "layers: [{conv: 4, kernel: {height: 3}}]",
        "layers: [{conv: 4, kernel: 3, act: {leaky: 3}}]",
        "layers: [{conv: 4, kernel: 3, act: {group_norm: 3}}]",
        "layers: [{conv: 4, kernel: 3, act: {leaky_relu: 3, slope: 3}}]",
        "layers: [{max_pool: 2, channels: 3}]",
        "layers: [{concat: {conv: 8}}]",
        "layers: [{concat: [{conv: 8, kernel: 3}]}]",
        "layers: [{add: [[relu], x], from: a}]",
        "layers: [{conv: 4, kernel: 3, repeat: -1}]",
        "layers: [{conv: 4, kernel: 3, gather: sum}]",
        "layers: [{for: k, layers: [relu]}]",
        "layers: [{for: k, in: 3}]",
        "layers: [{concat: []}]",
        "layers: [{conv: 4, kernel: []}]",
        "layers: [{conv: 4, kernel: 0}]",
        "layers: [{conv: 4, kernel: [1, 1, 1, 1]}]",
        "layers: [{conv_transpose: 4, kernel: 1, output_padding: -1}]",
        "layers: [{lp_pool: 2, p: 0}]",
        "layers: [{group_norm: 2, eps: -1}]",
        "layers: [{slice: [1, 2, 3]}]",
        "layers: [{pad: 1, channels: [1, 2, 3]}]",
        "layers: [{relu, parts: 0}]",
        "layers: [relu]\nimport: {c: {width: 3}}",
        "layers: [relu]\nblocks: {b: {layers: [relu], args: [c]}}",
        "layers: [relu]\ndefaults: {conv: {kernal: 3}}",
        "layers: [relu]\ndefaults: {convolution: {kernel: 3}}",
        "layers: [relu]\nblocks: {b: {layer: [relu]}}",
        "layers: [relu]\nlayer: [relu]",
        "layers: [relu]\nlint: {allow: [stride-gaps]}",
        "layers: [relu]\nexpect: {parms: 3}",
        "layers: [relu]\nexpect: {params: [3]}",
        "layers: [relu]\nexpect: {layers: {conv1: {parms: 3}}}",
    ],
)
def test_slips_are_not_valid(text: str) -> None:
    assert problem(text)


def test_unknown_keys_of_expectations_are_not_valid() -> None:
    for text, code, _ in ERRORS:
        if code == "unknown-key" and "with:" not in text:
            assert problem(f"{NET}expect:\n  {text}\n"), text


def test_everything_has_a_hover_text() -> None:
    assert tuple(schema.KEY_DOCS) == FILE_KEYS
    assert tuple(schema.MODIFIER_DOCS) == MODIFIERS == tuple(schema.MODIFIERS)
    expectation = schema.schema()["definitions"]["expectation"]["properties"]
    assert tuple(expectation) == entry_keys()
    assert all(body["description"] for body in expectation.values())
    definitions = schema.schema()["definitions"]
    for kind in KINDS.values():
        properties = definitions[f"kind-{kind.kind}"]["properties"]
        described = properties[kind.kind]["description"]
        assert described.startswith(first_line(kind))
        assert (f"For example: `{kind.example}`" in described) == bool(kind.example) == ("For example" in described)
        for number, (name, field) in enumerate(kind.fields.items()):
            assert field.doc in properties[name if number or kind.joins else kind.kind]["description"]


def test_it_is_quick_to_make() -> None:
    begun = time.process_time()
    schema.render()
    assert time.process_time() - begun < 0.5
