"""Specs become graphs: modifiers in their order, blocks, loops, joins, names, sharing, imports and limits.

Rows are written as ``name kind inputs``; what is expected was worked out from the language's definition.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import Fault, SpecError

INPUT = "input: [4, 8, 8]\n"


def load(text: str, **given: Any) -> cnncalc.Network:
    return cnncalc.loads(text if text.lstrip().startswith(("input", "args")) else INPUT + text, **given)


def rows(text: str, **given: Any) -> list[str]:
    """``name kind input, input`` of every layer."""
    return written(load(text, **given))


def written(net: cnncalc.Network) -> list[str]:
    return [f"{layer.name} {layer.kind} {', '.join(layer.inputs)}" for layer in net.shapes().layers]


def names(text: str, **given: Any) -> list[str]:
    return [node.name for node in load(text, **given).graph.nodes]


def outputs(text: str, **given: Any) -> list[tuple[str, str]]:
    """Names of what leaves the network, and the rows behind them."""
    graph = load(text, **given).graph
    return [(name, graph.tensor_name(number)) for name, number in graph.outputs]


def error(text: str, **given: Any) -> Any:
    """The only problem of a spec."""
    with pytest.raises(SpecError) as caught:
        load(text, **given)
    assert len(caught.value.diagnostics) == 1
    return caught.value.diagnostics[0]


# -- repeat and gather -------------------------------------------------------------------------------------------------


def test_repeat_chains() -> None:
    assert rows("layers: [{relu, repeat: 3}, tanh]\n") == [
        "relu1.0 relu input",
        "relu1.1 relu relu1.0",
        "relu1.2 relu relu1.1",
        "tanh1 tanh relu1.2",
    ]


def test_repeat_none_is_as_if_not_written() -> None:
    assert rows("layers: [{relu, repeat: 0, name: a}, {tanh, from: a}]\n") == ["tanh1 tanh input"]


def test_repeat_once_is_still_a_repeat() -> None:
    assert names("layers: [{relu, repeat: 1}]\n") == ["relu1.0"]


def test_the_index_counts_from_0() -> None:
    shapes = load("layers: [{conv: 4 + 2*i, kernel: 1, repeat: 3}]\n").shapes().layers
    assert [layer.output_shape[0] for layer in shapes] == [4, 6, 8]


def test_x_is_the_turns_input() -> None:
    shapes = load("layers: [{conv: 2*x.channels, kernel: 1, repeat: 3}]\n").shapes().layers
    assert [layer.output_shape[0] for layer in shapes] == [8, 16, 32]


def test_nested_repeats_have_their_own_index() -> None:
    text = """layers:
  - repeat: 2
    layers:
      - {conv: 4 + i, kernel: 1}
      - {layers: [{conv: 10 + i, kernel: 1}], repeat: 2}
      - {conv: 20 + i, kernel: 1}
"""
    assert [layer.output_shape[0] for layer in load(text).shapes().layers] == [4, 10, 11, 20, 5, 10, 11, 21]


def test_the_index_ends_with_the_repeat() -> None:
    assert error("layers: [{relu, repeat: 2}, {conv: 1 + i, kernel: 1}]\n").code == "unknown-name"


def test_if_is_asked_every_turn() -> None:
    assert rows("layers: [{relu, repeat: 5, if: i % 2 == 0}]\n") == [
        "relu1.0 relu input",
        "relu1.2 relu relu1.0",
        "relu1.4 relu relu1.2",
    ]


def test_gather_joins_the_input_and_every_turn() -> None:
    net = load("layers: [{conv: 2, kernel: 1, repeat: 3, gather: concat, name: dense}]\n")
    assert written(net)[-1] == "dense.concat concat input, dense.0, dense.1, dense.2"
    assert net.graph.nodes[-1].operation.output == (4 + 3 * 2, 8, 8)


def test_gather_leaves_skipped_turns_out() -> None:
    found = rows("layers: [{relu, repeat: 4, if: i > 1, gather: add}]\n")
    assert found[-1] == "relu1.add add input, relu1.2, relu1.3"


def test_gather_of_no_turn_is_the_input() -> None:
    assert rows("layers: [{relu, repeat: 0, gather: add}, tanh]\n") == ["tanh1 tanh input"]


def test_from_comes_before_repeat() -> None:
    """The first turn takes what `from` names, the others the turn before."""
    found = rows("layers: [{relu, name: a}, {tanh, name: b}, {gelu, from: a, repeat: 2}]\n")
    assert found[2:] == ["gelu1.0 gelu a", "gelu1.1 gelu gelu1.0"]


def test_repeated_groups_prefix_their_rows() -> None:
    text = "layers: [{layers: [{conv: 4, kernel: 1, norm: batch}, relu], repeat: 2, name: stage}]\n"
    assert names(text) == [
        "stage.0.conv1",
        "stage.0.conv1.norm",
        "stage.0.relu1",
        "stage.1.conv1",
        "stage.1.conv1.norm",
        "stage.1.relu1",
    ]


def test_a_group_that_is_not_repeated_opens_no_prefix() -> None:
    assert names("layers: [relu, {layers: [relu, tanh]}]\n") == ["relu1", "relu2", "tanh1"]


# -- if ----------------------------------------------------------------------------------------------------------------


def test_a_false_condition_is_as_if_not_written() -> None:
    assert rows("layers: [relu, {tanh, if: false}, {gelu, if: 2 > 1}]\n") == ["relu1 relu input", "gelu1 gelu relu1"]


def test_the_name_of_a_skipped_step_stands_for_its_input() -> None:
    text = "layers: [{relu, name: a}, tanh, {conv: 4, kernel: 1, from: a, if: false, name: b}, {gelu, from: b}]\n"
    assert rows(text)[-1] == "gelu1 gelu a"


def test_alternatives_may_share_a_name() -> None:
    text = """args: {deep: %s}
input: [4, 8, 8]
layers:
  - {relu, if: deep, name: stem}
  - {tanh, if: not deep, name: stem}
  - sigmoid
  - {gelu, from: stem}
"""
    assert rows(text % "true") == ["stem relu input", "sigmoid1 sigmoid stem", "gelu1 gelu stem"]
    assert rows(text % "false") == ["stem tanh input", "sigmoid1 sigmoid stem", "gelu1 gelu stem"]


def test_skipping_after_an_alternative_does_not_move_the_name() -> None:
    text = "layers: [{relu, name: a}, tanh, {gelu, if: false, name: a}, {sigmoid, from: a}]\n"
    assert rows(text)[-1] == "sigmoid1 sigmoid a"


def test_a_part_may_have_the_name_of_a_skipped_step() -> None:
    text = "layers: [{relu, if: false, name: q}, {split: {q: 1, k: rest}}, {tanh, from: q}]\n"
    assert rows(text)[-1] == "tanh1 tanh q"


def test_a_condition_asks_the_current_tensor() -> None:
    text = "layers: [{conv: 8, kernel: 1, if: x.channels != 8}, {conv: 8, kernel: 3, if: x.channels != 8}]\n"
    assert names(text) == ["conv1"]


# -- loops -------------------------------------------------------------------------------------------------------------


def test_a_loop_over_rows() -> None:
    text = """layers:
  - for: [c, k, n]
    in: [[8, 1, 1], [16, 3, 2]]
    layers: [{conv: c, kernel: k, padding: half, repeat: n}]
"""
    layers = load(text).shapes().layers
    assert [(layer.name, layer.output_shape[0]) for layer in layers] == [
        ("conv1.0", 8),
        ("conv2.0", 16),
        ("conv2.1", 16),
    ]


def test_a_loop_with_one_name_takes_a_flat_list() -> None:
    assert [
        node.operation.output[0]
        for node in load("layers: [{for: c, in: [8, 4, 2], layers: [{conv: c, kernel: 1}]}]\n").graph.nodes
    ] == [8, 4, 2]


def test_an_integer_counts_from_0() -> None:
    assert names("layers: [{for: k, in: 3, layers: [{relu, name: a$k}]}]\n") == ["a0", "a1", "a2"]


def test_a_loop_may_bind_i() -> None:
    assert names('layers: [{for: i, in: "range(2, 4)", layers: [{relu, name: a$i}]}]\n') == ["a2", "a3"]


def test_a_loop_restores_what_it_hides() -> None:
    text = "input: [4, 8, 8]\nargs: {k: 7}\nlayers: [{for: k, in: 2, layers: [relu]}, {conv: k, kernel: 1}]\n"
    assert load(text).graph.nodes[-1].operation.output[0] == 7


def test_nested_loops() -> None:
    text = "layers: [{for: a, in: 2, layers: [{for: b, in: a + 1, layers: [{relu, name: n$(a)_$b}]}]}]\n"
    assert names(text) == ["n0_0", "n1_0", "n1_1"]


def test_a_loop_of_blocks() -> None:
    text = """input: [4, 8, 8]
blocks: {unit: {args: {c: required}, layers: [{conv: c, kernel: 1}]}}
layers: [{for: c, in: [2, 3], layers: [{unit: c, name: u$c}]}]
"""
    assert names(text) == ["u2.conv1", "u3.conv1"]


# -- from, names and rows ----------------------------------------------------------------------------------------------


def test_rows_are_kind_and_number_or_the_name() -> None:
    assert names("layers: [relu, {relu, name: mine}, relu, tanh]\n") == ["relu1", "mine", "relu2", "tanh1"]


def test_norm_and_act_are_rows_of_their_own() -> None:
    net = load("layers: [{conv: 4, kernel: 1, norm: batch, act: relu}, {add: [x, input]}, {tanh, from: conv1}]\n")
    assert written(net) == [
        "conv1 conv input",
        "conv1.norm batch_norm conv1",
        "conv1.act relu conv1.norm",
        "add1 add conv1.act, input",
        "tanh1 tanh conv1.act",
    ]
    assert net.graph.nodes[2].names == ("conv1",)


def test_norm_and_act_after_both_halves_of_a_separable_convolution() -> None:
    assert names("layers: [{separable_conv: 8, kernel: 3, norm: batch, act: relu}]\n") == [
        f"separable_conv1.{half}{suffix}" for half in ("depthwise", "pointwise") for suffix in ("", ".norm", ".act")
    ]


def test_an_automatic_name_makes_way_for_a_given_one() -> None:
    assert names("layers: [{relu, name: tanh1}, tanh]\n") == ["tanh1", "tanh2"]


def test_the_name_of_a_group_is_its_last_tensor() -> None:
    assert rows("layers: [{layers: [relu, tanh], name: g}, gelu, {elu, from: g}]\n")[-1] == "elu1 elu tanh1"


def test_the_name_of_a_repeat_is_its_last_turn() -> None:
    assert rows("layers: [{relu, repeat: 2, name: r}, gelu, {elu, from: r}]\n")[-1] == "elu1 elu r.1"


def test_every_turn_has_a_name_where_it_mentions_i() -> None:
    found = rows("layers: [{relu, repeat: 3, name: r$i}, {add: [r0, r1, r2]}]\n")
    assert found == ["r0 relu input", "r1 relu r0", "r2 relu r1", "add1 add r0, r1, r2"]


def test_names_hold_arguments_and_expressions() -> None:
    text = (
        "input: [4, 8, 8]\n"
        "args: {c: 64}\n"
        "layers: [{relu, name: down$c}, {tanh, name: up$(c // 2).out}, {gelu, from: down$c}]\n"
    )
    assert rows(text) == ["down64 relu input", "up32.out tanh down64", "gelu1 gelu down64"]


def test_x_names_the_current_tensor() -> None:
    assert rows("layers: [relu, {add: [x, x]}]\n")[-1] == "add1 add relu1, relu1"


def test_every_name_of_a_result_is_told() -> None:
    text = """input: [4, 8, 8]
blocks: {unit: {layers: [{conv: 4, kernel: 1, act: relu, name: last}]}}
layers: [{unit, name: stem}]
"""
    assert load(text).graph.nodes[-1].names == ("stem.last", "stem")


# -- joins -------------------------------------------------------------------------------------------------------------


def test_every_branch_begins_at_the_current_tensor() -> None:
    assert rows("layers: [relu, {concat: [[tanh, gelu], [elu], x]}]\n") == [
        "relu1 relu input",
        "tanh1 tanh relu1",
        "gelu1 gelu tanh1",
        "elu1 elu relu1",
        "concat1 concat gelu1, elu1, relu1",
    ]


def test_conditional_branches() -> None:
    text = """args: {wide: %s}
input: [4, 8, 8]
layers:
  - {relu, name: a}
  - tanh
  - add: [x, {a, if: wide}, {layers: [gelu], if: wide}, [elu]]
"""
    assert rows(text % "true")[-1] == "add1 add tanh1, a, gelu1, elu1"
    assert rows(text % "false")[-1] == "add1 add tanh1, elu1"


def test_a_join_of_one_branch_is_that_branch() -> None:
    assert rows("layers: [{concat: [[relu], {x, if: false}], name: only}, {tanh, from: only}]\n") == [
        "relu1 relu input",
        "tanh1 tanh relu1",
    ]


def test_a_branch_whose_steps_are_skipped_is_the_identity() -> None:
    assert rows("layers: [relu, {add: [[{tanh, if: false}], [gelu]]}]\n")[-1] == "add1 add relu1, gelu1"


def test_an_empty_branch_is_the_identity() -> None:
    assert rows("layers: [relu, {add: [[], [gelu]]}]\n")[-1] == "add1 add relu1, gelu1"


def test_every_turn_of_a_loop_is_a_branch() -> None:
    text = (
        "layers:\n  - relu\n"
        "  - concat: [x, {for: d, in: [1, 2], layers: [{conv: 2, kernel: 3, dilation: d, padding: half}]}]\n"
    )
    net = load(text)
    assert written(net)[-1] == "concat1 concat relu1, conv1, conv2"
    assert [node.inputs for node in net.graph.nodes[1:3]] == [(1,), (1,)]


def test_joins_nest() -> None:
    assert rows("layers: [{add: [x, [{multiply: [x, [sigmoid]]}]]}]\n") == [
        "sigmoid1 sigmoid input",
        "multiply1 multiply input, sigmoid1",
        "add1 add input, multiply1",
    ]


def test_multiply_broadcasts_ones() -> None:
    text = "layers: [{multiply: [x, [global_avg_pool, sigmoid]]}]\n"
    assert load(text).graph.nodes[-1].operation.output == (4, 8, 8)


@pytest.mark.parametrize(
    "join", ["add: [x, [{conv: 5, kernel: 1}]]", "concat: [x, [{max_pool: 2}]]", "multiply: [x, [{max_pool: 2}]]"]
)
def test_branches_must_fit(join: str) -> None:
    assert error(f"layers: [{{{join}}}]\n").code == "branch-shapes"


def test_a_repeated_join() -> None:
    assert names("layers: [{add: [x, [relu]], repeat: 2, name: res}]\n") == [
        "res.0.relu1",
        "res.0",
        "res.1.relu1",
        "res.1",
    ]


# -- blocks ------------------------------------------------------------------------------------------------------------

BASIC = """input: [4, 8, 8]
args: {act: relu}
blocks:
  basic:
    args: {channels: required, stride: 1}
    layers:
      - add:
          - - {conv: channels, kernel: 3, padding: 1, stride: stride}
            - {conv: channels, kernel: 3, padding: 1, name: conv2}
          - - {conv: channels, kernel: 1, stride: stride, name: down, if: stride > 1 or input.channels != channels}
      - act: 0
layers:
"""


def basic(steps: str) -> str:
    return BASIC.replace("      - act: 0\n", "      - $act\n") + "".join(f"  - {line}\n" for line in steps.splitlines())


def test_a_block_call_prefixes_its_rows() -> None:
    assert rows(basic("{basic: 8, name: layer1}")) == [
        "layer1.conv1 conv input",
        "layer1.conv2 conv layer1.conv1",
        "layer1.down conv input",
        "layer1.add1 add layer1.conv2, layer1.down",
        "layer1.relu1 relu layer1.add1",
    ]


def test_a_block_knows_its_input_in_all_branches() -> None:
    assert rows(basic("{basic: 4, name: layer1}"))[2] == "layer1.add1 add layer1.conv2, input"


def test_repeated_blocks() -> None:
    """`layer1.0.conv2`: block, index, name."""
    found = names(basic("{basic: 4, repeat: 2, name: layer1}\n{basic: 8, name: layer2}\n{basic: 8}"))
    assert found[:4] == ["layer1.0.conv1", "layer1.0.conv2", "layer1.0.add1", "layer1.0.relu1"]
    assert found[4] == "layer1.1.conv1"
    assert found[8] == "layer2.conv1"
    assert found[-1] == "basic1.relu1"


def test_layers_of_a_named_call_are_known_outside() -> None:
    found = rows(basic("{basic: 4, name: a}\n{basic: 4, repeat: 2, name: b}\n{add: [a.conv2, b.1.conv2]}"))
    assert found[-1] == "add1 add a.conv2, b.1.conv2"


def test_layers_of_a_call_in_a_repeated_group() -> None:
    text = basic("{layers: [{basic: 4, name: in$i}], repeat: 2, name: g}\n{add: [in0.conv2, in1.conv2]}")
    assert rows(text)[-1] == "add1 add g.0.in0.conv2, g.1.in1.conv2"


def test_a_block_sees_neither_names_nor_index_of_its_caller() -> None:
    head = "input: [4, 8, 8]\nblocks: {unit: {layers: [%s]}}\nlayers: [{tanh, name: stem}, {unit, repeat: 2}]\n"
    assert error(head % "{relu, from: stem}").code == "unknown-layer"
    assert error(head % "{conv: 4 + i, kernel: 1}").code == "unknown-name"


def test_a_block_sees_its_files_arguments() -> None:
    text = (
        "input: [4, 8, 8]\n"
        "args: {w: 6}\n"
        "blocks: {unit: {args: {c: 2*w}, layers: [{conv: c + w, kernel: 1}]}}\n"
        "layers: [unit]\n"
    )
    assert load(text).graph.nodes[0].operation.output[0] == 18


def test_defaults_use_earlier_arguments_and_the_input() -> None:
    text = """input: [4, 8, 8]
blocks:
  unit:
    args: {c: 3, wide: 2*c, same: x.channels, h: input.height}
    layers: [{conv: c + wide + same + h, kernel: 1}]
layers: [{unit: 5}]
"""
    assert load(text).graph.nodes[0].operation.output[0] == 5 + 10 + 4 + 8


def test_arguments_are_evaluated_at_the_call() -> None:
    text = (
        "input: [4, 8, 8]\n"
        "args: {c: 1}\n"
        "blocks: {unit: {args: {c: 7}, layers: [{conv: c, kernel: 1}]}}\n"
        "layers: [{unit: c + 1}, unit]\n"
    )
    assert [node.operation.output[0] for node in load(text).graph.nodes] == [2, 7]


def test_several_inputs() -> None:
    text = """input: [4, 8, 8]
blocks:
  merge:
    args: {c: required}
    inputs: [low, high]
    layers: [{concat: [[{upsample: 2, from: low}], high]}, {conv: c, kernel: 1}]
layers:
  - {relu, name: fine}
  - {max_pool: 2, name: coarse}
  - {merge: 6, from: [coarse, fine], name: up}
"""
    assert rows(text)[2:] == [
        "up.upsample1 upsample coarse",
        "up.concat1 concat up.upsample1, fine",
        "up.conv1 conv up.concat1",
    ]


def test_several_inputs_in_turns_and_parts() -> None:
    """The first goes from turn to turn, or is cut into the parts; the others are the same for each."""
    text = """input: {u: [4, 6], v: [2, 6], w: [2, 6]}
blocks:
  fuse: {inputs: [a, b, c], layers: [{concat: [a, b, c]}]}
layers:
  - {fuse, from: [u, v, w], %s: 2, name: f}
"""
    assert rows(text % "repeat") == ["f.0.concat1 concat u, v, w", "f.1.concat1 concat f.0.concat1, v, w"]
    assert rows(text % "parts") == [
        "f.0.part slice u",
        "f.0.concat1 concat f.0.part, v, w",
        "f.1.part slice u",
        "f.1.concat1 concat f.1.part, v, w",
        "f.concat concat f.0.concat1, f.1.concat1",
    ]


def test_sizes_of_named_inputs() -> None:
    text = """input: {image: [3, 32, 16], mask: [2, 8, 8]}
blocks:
  fit:
    inputs: [a, b]
    layers: [{adaptive_avg_pool: b.size, from: a}, {conv: a.channels + b.channels, kernel: 1}]
layers: [{fit, from: [image, mask]}]
"""
    assert load(text).graph.nodes[-1].operation.output == (5, 8, 8)


def test_names_in_a_block_are_its_own() -> None:
    text = (
        "input: [4, 8, 8]\n"
        "blocks: {unit: {layers: [{relu, name: a}]}}\n"
        "layers: [{tanh, name: a}, unit, unit, {gelu, from: a}]\n"
    )
    assert rows(text) == ["a tanh input", "unit1.a relu a", "unit2.a relu unit1.a", "gelu1 gelu a"]


def test_an_empty_block_is_its_input() -> None:
    text = (
        "input: [4, 8, 8]\n"
        "blocks: {none: {layers: [{relu, if: false}]}}\n"
        "layers: [tanh, {none, name: n}, {gelu, from: n}]\n"
    )
    assert rows(text) == ["tanh1 tanh input", "gelu1 gelu tanh1"]


@pytest.mark.parametrize("depth", [32, 33])
def test_blocks_call_each_other_32_deep(depth: int) -> None:
    blocks = ["  b0: {layers: [relu]}", *(f"  b{n}: {{layers: [b{n - 1}]}}" for n in range(1, depth))]
    text = INPUT + "blocks:\n" + "\n".join(blocks) + f"\nlayers: [b{depth - 1}]\n"
    if depth > 32:
        assert error(text).code == "limit"
    else:
        assert len(load(text).graph.nodes) == 1


# -- interpolated calls ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "kinds"), [("relu", ["relu"]), ("hard_swish", ["hard_swish"]), ("none", [])])
def test_an_activation_is_passed(act: str, kinds: list[str]) -> None:
    text = f"input: [4, 8, 8]\nblocks: {{unit: {{args: {{act: relu}}, layers: [$act]}}}}\nlayers: [{{unit: {act}}}]\n"
    assert [node.kind for node in load(text).graph.nodes] == kinds


def test_a_block_is_passed() -> None:
    steps = "{stage: basic}"
    text = basic(steps).replace(
        "layers:\n  - {stage",
        "  stage: {args: {block: required}, layers: [{$block: 8, stride: 2}]}\nlayers:\n  - {stage",
    )
    net = load(text)
    assert net.graph.nodes[0].name == "stage1.basic1.conv1"
    assert net.graph.nodes[-1].operation.output == (8, 4, 4)


def test_a_name_is_put_together() -> None:
    text = "input: [4, 8, 8]\nargs: {mode: max}\nlayers: [{$(mode)_pool: 2}]\n"
    assert [node.kind for node in load(text).graph.nodes] == ["max_pool"]
    assert [node.kind for node in load(text, args={"mode": "avg"}).graph.nodes] == ["avg_pool"]


def test_a_word_is_judged_where_it_is_used() -> None:
    text = """input: [4, 8, 8]
blocks:
  inner: {args: {a: relu}, layers: [{conv: 4, kernel: 1, act: a}]}
  outer: {args: {a: relu}, layers: [{inner: a}]}
layers: [{outer: rleu}]
"""
    found = error(text)
    assert (found.code, found.span.line) == ("wrong-word", 3)
    assert [note.span.line for note in found.notes][:1] == [4]
    assert found.help == "did you mean `relu`?"


# -- share and learned -------------------------------------------------------------------------------------------------


def params(text: str) -> list[tuple[int | None, str | None]]:
    return [(layer.params, layer.shares) for layer in load(text).params().layers if layer.params is not None]


def test_shared_weights_count_once_and_compute_each_time() -> None:
    report = load("layers: [{conv: 4, kernel: 1, name: a}, {conv: 4, kernel: 1, share: a}]\n").summary()
    assert [layer.params for layer in report.layers] == [20, 0]
    assert [layer.shares for layer in report.layers] == [None, "a"]
    assert report.totals.params == 20
    assert report.totals.macs == 2 * 4 * 4 * 64


def test_sharing_a_sharer_names_the_owner() -> None:
    text = (
        "layers: [{conv: 4, kernel: 1, name: a}, {conv: 4, kernel: 1, share: a, name: b},"
        " {conv: 4, kernel: 1, share: b}]\n"
    )
    assert [owner for _, owner in params(text)] == [None, "a", "a"]


def test_sharing_a_block_call_pairs_norms_too() -> None:
    text = """input: [4, 8, 8]
blocks: {head: {layers: [{conv: 4, kernel: 3, padding: 1, norm: batch, act: relu}, {conv: 6, kernel: 1, name: out}]}}
layers:
  - {head, name: h1}
  - {head, name: h2, from: input, share: h1}
outputs: [h1, h2]
"""
    assert params(text) == [(148, None), (8, None), (30, None), (0, "h1.conv1"), (0, "h1.conv1.norm"), (0, "h1.out")]
    assert load(text).params().totals.state == 8


def test_sharing_with_a_repeat_shares_every_turn() -> None:
    text = "layers: [{conv: 4, kernel: 1, name: a}, {conv: 4, kernel: 1, share: a, repeat: 3}]\n"
    assert [owner for _, owner in params(text)] == [None, "a", "a", "a"]


def test_a_norm_of_its_own_with_a_shared_convolution() -> None:
    text = (
        "layers: [{conv: 4, kernel: 1, name: a}, {batch_norm, name: n}, {conv: 4, kernel: 1, share: a}, batch_norm]\n"
    )
    assert [owner for _, owner in params(text)] == [None, None, "a", None]


@pytest.mark.parametrize(
    "step",
    [
        "{conv: 4, kernel: 3, share: a}",
        "{conv: 4, kernel: 1, bias: false, share: a}",
        "{conv: 4, kernel: 1, norm: batch, share: a}",
        "{relu, share: a}",
        "{conv_transpose: 4, kernel: 1, bias: false, share: a}",
    ],
)
def test_shared_weights_have_equal_shapes(step: str) -> None:
    assert error(f"layers: [{{conv: 4, kernel: 1, name: a}}, {step}]\n").code == "share"


def test_what_is_not_learned_is_state() -> None:
    report = load("layers: [{conv: 4, kernel: 1, norm: batch, learned: false}, {conv: 4, kernel: 1}]\n").params()
    assert [(layer.params, layer.state) for layer in report.layers] == [(0, 20), (0, 16), (20, 0)]
    assert (report.totals.params, report.totals.state) == (20, 36)


# -- outputs -----------------------------------------------------------------------------------------------------------


def test_the_last_step_leaves() -> None:
    assert outputs("layers: [relu, tanh]\n") == [("tanh1", "tanh1")]


def test_outputs_with_conditions() -> None:
    text = """args: {aux: %s}
input: [4, 8, 8]
layers: [{relu, name: a}, {tanh, name: b}, {gelu, name: c}]
outputs: [c, {a, if: aux}, b]
"""
    assert outputs(text % "true") == [("c", "c"), ("a", "a"), ("b", "b")]
    assert outputs(text % "false") == [("c", "c"), ("b", "b")]


def test_outputs_with_names_of_their_own() -> None:
    text = """args: {aux: %s}
input: [4, 8, 8]
layers: [{relu, name: a}, {tanh, name: b}]
outputs: {head: x, a: b, early: {a, if: aux}}
"""
    assert outputs(text % "true") == [("head", "b"), ("a", "b"), ("early", "a")]
    assert outputs(text % "false") == [("head", "b"), ("a", "b")]
    assert outputs("layers: [relu]\noutputs: {head: relu1}\n") == [("head", "relu1")]
    assert outputs("layers: [relu]\noutputs: {relu1, if: 2 > 1}\n") == [("relu1", "relu1")]


def test_what_an_output_is_called_finds_its_layer() -> None:
    graph = load("layers: [{conv: 2, kernel: 1}, tanh]\noutputs: {early: conv1, late: tanh1, raw: input}\n").graph
    found = [graph.find(name) for name in ("early", "late", "raw")]
    assert [list(each.layers) for each in found] == [[0], [1], []]
    assert [each.tensor for each in found] == [1, 2, 0]


def test_the_layers_that_there_are_are_listed_up_to_eight() -> None:
    for count, more in ((8, ""), (9, ", …")):
        with pytest.raises(Fault) as caught:
            load(f"layers: [{{relu, repeat: {count}}}]\n").graph.find("elsewhere")
        listed = ", ".join(f"`relu1.{turn}`" for turn in range(8))
        assert caught.value.help == f"layers are {listed}{more}"
    with pytest.raises(Fault, match="there is no layer `elsewhere`") as caught:
        load("layers: [{relu, if: false}]\n").graph.find("elsewhere")
    assert caught.value.help == ""


def test_an_output_of_a_block_call() -> None:
    assert outputs(basic("{basic: 4, name: b}") + "outputs: [b.conv2, b]\n") == [
        ("b.conv2", "b.conv2"),
        ("b", "b.relu1"),
    ]


def test_layers_that_reach_no_output_count_with_a_warning() -> None:
    net = load("layers: [{conv: 4, kernel: 1, name: lost}, {conv: 4, kernel: 1, from: input}]\n")
    assert [warning.message for warning in net.summary().warnings] == ["`lost` reaches no output"]
    assert net.params().totals.params == 40


# -- imports -----------------------------------------------------------------------------------------------------------

LIBRARY = """
args: {width: 8, act: relu}
variants: {slim: {width: 2}}
defaults: {conv: {kernel: 3, padding: same}}
blocks:
  unit: {args: {c: width}, layers: [{conv: c}, $act]}
  twice: {layers: [unit, unit]}
  call: {args: {block: required}, layers: [$block]}
"""


def imported(folder: Path, text: str, **files: str) -> list[tuple[str, str, int]]:
    """Rows with their channels of a spec in `folder`, beside `lib.yaml` and more files."""
    (folder / "lib.yaml").write_text(LIBRARY)
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".yaml").write_text(content)
    (folder / "net.yaml").write_text(INPUT + text)
    net = cnncalc.load(folder / "net.yaml")
    return [(node.name, node.kind, node.operation.output[0]) for node in net.graph.nodes]


def test_blocks_of_an_import(tmp_path: Path) -> None:
    assert imported(tmp_path, "import: {lib: lib.yaml}\nlayers: [lib.unit, {lib.unit: 3, name: u}]\n") == [
        ("unit1.conv1", "conv", 8),
        ("unit1.relu1", "relu", 8),
        ("u.conv1", "conv", 3),
        ("u.relu1", "relu", 3),
    ]


def test_arguments_of_an_import(tmp_path: Path) -> None:
    text = (
        "args: {w: 5}\n"
        "import: {lib: {file: lib.yaml, width: w + 1, act: tanh}, plain: lib.yaml}\n"
        "layers: [lib.unit, plain.unit]\n"
    )
    assert [row[1:] for row in imported(tmp_path, text)] == [("conv", 6), ("tanh", 6), ("conv", 8), ("relu", 8)]


def test_a_step_keeps_the_defaults_of_its_file(tmp_path: Path) -> None:
    text = "import: {lib: lib.yaml}\ndefaults: {conv: {kernel: 1}}\nlayers: [lib.unit, {conv: 4}]\n"
    imported(tmp_path, text)
    nodes = cnncalc.load(tmp_path / "net.yaml").graph.nodes
    assert [node.operation.layer.kernel for node in nodes if node.kind == "conv"] == [3, 1]


def test_blocks_of_an_import_call_each_other(tmp_path: Path) -> None:
    assert len(imported(tmp_path, "import: {lib: lib.yaml}\nlayers: [lib.twice]\n")) == 4


def test_a_word_passed_to_an_import_names_a_block_of_its_own_file(tmp_path: Path) -> None:
    """The word was written in the file that passes it."""
    text = """args: {w: 3}
import: {lib: lib.yaml}
blocks: {mine: {layers: [{conv: w, kernel: 1}]}}
layers: [{lib.call: mine}, {lib.call: unit}, {lib.call: lib.unit}, {lib.call: gelu}]
"""
    found = imported(tmp_path, text)
    assert [row[1:] for row in found] == [("conv", 3), ("conv", 8), ("relu", 8), ("conv", 8), ("relu", 8), ("gelu", 8)]


def test_an_import_of_an_import_is_not_seen(tmp_path: Path) -> None:
    text = "import: {mid: mid.yaml}\nlayers: [mid.lib.unit]\n"
    with pytest.raises(SpecError, match="unknown layer kind or block"):
        imported(tmp_path, text, mid="import: {lib: lib.yaml}\nblocks: {b: {layers: [lib.unit]}}\n")


def test_an_import_through_another(tmp_path: Path) -> None:
    mid = "import: {lib: {file: ../lib.yaml, width: 7}}\nblocks: {b: {layers: [lib.unit]}}\n"
    assert imported(tmp_path, "import: {mid: parts/mid.yaml}\nlayers: [mid.b]\n", parts__mid=mid) == [
        ("b1.unit1.conv1", "conv", 7),
        ("b1.unit1.relu1", "relu", 7),
    ]


def test_a_bundled_import(tmp_path: Path) -> None:
    found = imported(tmp_path, "import: {inception: inception_module}\nlayers: [relu]\n")
    assert found == [("relu1", "relu", 4)]


def test_leaving_the_folder_by_a_link(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.yaml").write_text(LIBRARY)
    (inner / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(SpecError, match="outside the folder"):
        imported(inner, "import: {lib: link.yaml}\nlayers: [lib.unit]\n")


def test_a_cycle_of_three(tmp_path: Path) -> None:
    first = "import: {b: second.yaml}\nblocks: {u: {layers: [b.u]}}\n"
    second = "import: {c: first.yaml}\nblocks: {u: {layers: [relu]}}\n"
    with pytest.raises(SpecError, match="is being imported already"):
        imported(tmp_path, "import: {a: first.yaml}\nlayers: [a.u]\n", first=first, second=second)


def test_a_diamond_is_no_cycle(tmp_path: Path) -> None:
    side = "import: {lib: lib.yaml}\nblocks: {b: {layers: [lib.unit]}}\n"
    text = "import: {one: one.yaml, two: two.yaml, lib: lib.yaml}\nlayers: [one.b, two.b, lib.unit]\n"
    assert len(imported(tmp_path, text, one=side, two=side)) == 6


# -- limits ------------------------------------------------------------------------------------------------------------


def test_steps_are_limited() -> None:
    text = "layers: [{relu, repeat: 100}]\n"
    assert len(load(text, max_steps=100).graph.nodes) == 100
    with pytest.raises(SpecError, match="more than 99 steps, the limit"):
        load(text, max_steps=99)


def test_skipped_steps_count() -> None:
    with pytest.raises(SpecError, match="the limit"):
        load("layers: [{relu, repeat: 100, if: false}]\n", max_steps=99)


@pytest.mark.parametrize("turns", ["10_000", "10000"])
def test_turns_are_limited(turns: str) -> None:
    if "_" in turns:
        assert error(f"layers: [{{relu, repeat: {turns}}}]\n").code == "number"
    else:
        assert len(load(f"layers: [{{relu, repeat: {turns}}}]\n").graph.nodes) == 10_000


@pytest.mark.parametrize(
    "steps",
    [
        "{relu, repeat: 10**12}",
        "{relu, repeat: 10001}",
        "{for: k, in: 10001, layers: [relu]}",
        "{layers: [{layers: [{relu, repeat: 10000}], repeat: 10000}], repeat: 10000}",
        "{for: a, in: 10000, layers: [{for: b, in: 10000, layers: [{relu, if: false}]}]}",
    ],
)
def test_too_many_turns(steps: str) -> None:
    assert error(f"layers: [{steps}]\n").code == "limit"


@pytest.mark.parametrize(
    "layer",
    [
        "{conv: 2**63, kernel: 1}",
        "{conv: 2**62, kernel: 1}",
        "{upsample: 2**40}",
        "{pad: 2**62}",
        "{conv_transpose: 1, kernel: 1, stride: 2**62}",
    ],
)
def test_sizes_stay_within_64_bits(layer: str) -> None:
    assert error(f"layers: [{layer}]\n").code == "too-large"


def test_a_deep_chain_needs_no_recursion() -> None:
    text = INPUT + "layers:\n" + "  - relu\n" * 5_000
    net = load(text)
    assert len(net.graph.nodes) == 5_000
    assert net.receptive_field().field.size == ((1, 1), (1, 1))


# -- what fails midway -------------------------------------------------------------------------------------------------


def test_the_good_layers_stay_with_the_error() -> None:
    with pytest.raises(SpecError) as caught:
        load("layers: [relu, {max_pool: 2}, {conv: 4, kernel: 9}, tanh]\n")
    assert [node.name for node in caught.value.partial.nodes] == ["relu1", "max_pool1"]


def test_the_chain_of_calls_is_told() -> None:
    text = basic("{layers: [{basic: 4, stride: 16, repeat: 3, name: b}], repeat: 2}")
    found = error(text.replace("padding: 1", "padding: 0"))
    assert found.code == "window-too-large"
    assert [note.text for note in found.notes] == [
        "in block `basic`, repeat 1 of 3, called",
        "in repeat 1 of 2, written",
    ]


@together(
    "step, notes",
    [
        ("{cell: 9}", ["in block `cell`, called"]),
        ("{cell: 9, repeat: 1}", ["in block `cell`, called"]),
        ("{cell: 5, repeat: 2}", ["in block `cell`, repeat 2 of 2, called"]),
        ("{layers: [{conv: 4, kernel: 9}]}", []),
        ("{layers: [{conv: 4, kernel: 9}], repeat: 1}", []),
        ("{layers: [{conv: 4, kernel: 5}], repeat: 2}", ["in repeat 2 of 2, written"]),
        ("{for: k, in: [9], layers: [{conv: 4, kernel: k}]}", []),
        ("{for: k, in: [5, 9], layers: [{conv: 4, kernel: k}]}", ["in repeat 2 of 2, written"]),
    ],
)
def test_the_only_turn_is_not_told(step: str, notes: list[str]) -> None:
    found = error(
        "input: [4, 8, 8]\nblocks: {cell: {args: {k: required}, layers: [{conv: 4, kernel: k}]}}\n"
        f"layers: [{step}]\n"
    )
    assert found.code == "window-too-large"
    assert [note.text for note in found.notes if note.text.startswith("in ")] == notes
