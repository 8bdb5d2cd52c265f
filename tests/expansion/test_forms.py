"""Splits, parts, sizes of named tensors, words that names hide, conditional shares, loops in branches."""

from __future__ import annotations

import pytest

import cnncalc


def graph(text: str) -> cnncalc.Graph:
    return cnncalc.loads(text).graph


def shapes(text: str) -> dict[str, tuple[int, ...]]:
    return {node.name: node.operation.output for node in graph(text).nodes}


def test_a_split_names_parts_and_goes_on_with_the_whole() -> None:
    found = graph("""
input: [20, 6]
layers:
  - {split: {q: 4, k: 4, v: rest, w: rest}}
  - {conv: 8, kernel: 1, name: whole}
  - {conv: 2, kernel: 1, from: w, name: part}
  - {split: {class: 1, map: rest}, over: positions, from: input}
  - {slice: [-2, none], over: positions, name: last}
outputs: [whole, part, q, k, v, class, map, last]
""")
    sizes = {name: found.shapes[tensor] for name, tensor in found.outputs}
    assert sizes == {
        "whole": (8, 6), "part": (2, 6), "q": (4, 6), "k": (4, 6), "v": (6, 6), "class": (20, 1), "map": (20, 5),
        "last": (20, 2),
    }  # fmt: skip
    assert {node.kind for node in found.nodes} == {"slice", "conv"}
    assert found.nodes[found.names["whole"] - 1].operation.inputs == ((20, 6),)


def test_parts_share_their_weights_and_multiply_each_time() -> None:
    """3 parts of 4 channels through one convolution: 4*4*9 weights, three times 4*4*9 products at 8 x 8 positions."""
    report = cnncalc.loads("""
input: [12, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: 1, bias: false, norm: batch, parts: 3, name: each}
  - {identity, from: each.1}
outputs: [each]
lint: {allow: [unused-layer]}
""").summary()
    assert (report.total("params"), report.total("macs")) == (4 * 4 * 9 + 8, 3 * 4 * 4 * 9 * 64)
    assert report.total("output_shape") == [(12, 8, 8)]


def test_a_single_part_is_the_step_itself() -> None:
    assert shapes("input: [4, 8]\nlayers: [{conv: 4, kernel: 1, parts: 1, name: a}]") == {"a": (4, 8)}


@pytest.mark.parametrize("condition", ["true", "false"])
def test_a_condition_switches_a_share_off(condition: str) -> None:
    report = cnncalc.loads(f"""
input: [4, 8]
layers:
  - {{conv: 4, kernel: 1, bias: false, name: head}}
  - {{conv: 4, kernel: 1, bias: false, share: {{head, if: {condition}}}}}
""").summary()
    assert report.total("params") == (16 if condition == "true" else 32)


def test_sizes_of_named_tensors() -> None:
    """Before a dot alone a name is a layer's, also of one inside a call; otherwise it stays a word."""
    found = shapes("""
input: [3, 16, 12]
blocks:
  body: {layers: [{conv: 6, kernel: 3, stride: 2, name: c2}, {conv: 8, kernel: 3, name: c3}]}
layers:
  - {body, name: backbone}
  - {upsample: , size: backbone.c2.size, name: up}
  - {conv: backbone.c2.channels + backbone.channels, kernel: 1, name: relu}
  - {conv: relu.channels//2, kernel: 1, act: relu, name: last}
""")
    assert found["up"] == (8, 7, 5)
    assert found["relu"] == (14, 7, 5)
    assert found["last"] == (7, 7, 5)


def test_the_sizes_of_a_name_are_those_of_its_scope() -> None:
    """The same step in two calls asks for two tensors."""
    found = shapes("""
input: [3, 8]
blocks:
  unit: {args: {n: required}, layers: [{conv: n, kernel: 1, name: a}, {conv: 2*a.channels, kernel: 1, name: b}]}
layers: [{unit: 4, name: one}, {unit: 5, name: two}]
""")
    assert (found["one.b"], found["two.b"]) == ((8, 8), (10, 8))


def test_a_name_wins_over_a_word_where_its_value_fits() -> None:
    """`channels` is 64 here, which is no word of `over`; `relu` is a word that `act` takes."""
    found = shapes("""
input: [3, 8]
blocks:
  unit:
    args: {channels: 64, relu: gelu}
    layers:
      - {conv: channels, kernel: 1, act: relu, name: a}
      - {reduce: mean, over: channels, name: b}
      - {offset: [channels, length], name: c}
layers: [{unit, name: u}]
""")
    assert found == {"u.a": (64, 8), "u.a.act": (64, 8), "u.b": (1, 8), "u.c": (1, 8)}
    kinds = [
        node.kind
        for node in graph("""
input: [3, 8]
blocks: {unit: {args: {relu: gelu}, layers: [{conv: 4, kernel: 1, act: relu}]}}
layers: [unit]
""").nodes
    ]
    assert kinds == ["conv", "gelu"]


def test_a_loop_in_a_loop_gives_its_turns_as_branches() -> None:
    found = graph("""
input: [4, 8]
layers:
  - concat:
      - for: a
        in: [1, 2]
        layers:
          - {for: b, in: [1, 2, 3], layers: [{conv: a*b, kernel: 1}]}
""")
    assert found.nodes[-1].kind == "concat"
    assert found.nodes[-1].operation.inputs == ((1, 8), (2, 8), (3, 8), (2, 8), (4, 8), (6, 8))


def test_a_parameter_reads_nothing() -> None:
    found = graph("""
input: [4, 8]
layers:
  - {concat: [[{parameter: [4, 1], name: token}], x], over: positions}
""")
    assert found.nodes[0].inputs == ()
    assert found.shapes[-1] == (4, 9)
    report = cnncalc.Report(found, "summary")
    assert report.fields[0] is None
    assert report.total("params") == 4


def test_joins_take_arguments_and_their_defaults() -> None:
    found = shapes("""
input: [4, 8]
args: {way: fast}
defaults: {concat: {over: positions}}
layers:
  - {concat: [x, x], name: a}
  - {add: [x, x, x], weights: way, name: b}
""")
    assert found == {"a": (4, 16), "b": (4, 16)}
