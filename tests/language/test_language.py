"""What a spec may say, and what is collected where it says something else."""

from __future__ import annotations

from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.layers import KINDS


def net(steps: str, before: str = "input: [3, 32, 32]", **given: Any) -> cnncalc.Network:
    """The network of `layers`, written one step a line."""
    lines = [f"  - {line}" for line in steps.strip().splitlines()]
    return cnncalc.loads("\n".join([before, "layers:", *lines, ""]), **given)


def fields(steps: str, before: str = "input: [3, 32, 32]", **given: Any) -> list[tuple[str, Any]]:
    """The values of the first layer's arguments."""
    layer = net(steps, before, **given).graph.nodes[0].operation.layer
    return [(name, getattr(layer, name)) for name in layer.fields]


def diagnostics(text: str) -> list[tuple[str, int]]:
    with pytest.raises(SpecError) as caught:
        cnncalc.loads(text)
    return [(found.code, found.span.line) for found in caught.value.diagnostics]


# -- one step, many spellings ------------------------------------------------------------------------------------------


def test_key_order_never_matters() -> None:
    assert fields("{conv: 8, kernel: 3, stride: 2}") == fields("{stride: 2, kernel: 3, conv: 8}")


def test_the_main_argument_may_be_named() -> None:
    assert fields("{conv: 8, kernel: 3}") == fields("{conv, channels: 8, kernel: 3}")


def test_block_style_is_flow_style() -> None:
    text = "input: [3, 32, 32]\nlayers:\n  - conv: 8\n    kernel: 3\n"
    assert cnncalc.loads(text).graph.nodes[0].operation.layer.kernel == 3


@pytest.mark.parametrize("step", ["relu", "{relu}", "{relu: }", "{relu: , name: relu1}", "{relu, name: relu1}"])
def test_a_step_without_arguments(step: str) -> None:
    assert [node.name for node in net(step).graph.nodes] == ["relu1"]


@pytest.mark.parametrize(
    ("kernel", "value"),
    [
        ("3", 3),
        ("1x7", (1, 7)),
        ("[1, 7]", (1, 7)),
        ("[1, 2*3 + 1]", (1, 7)),
        ('"3"', 3),
        ("3.0", 3),
        ("'1x7'", (1, 7)),
    ],
)
def test_kernel_spellings(kernel: str, value: Any) -> None:
    assert dict(fields(f"{{conv: 8, kernel: {kernel}}}"))["kernel"] == value


@pytest.mark.parametrize(
    ("padding", "value"),
    [
        ("same", "same"),
        ("1", 1),
        ("[1, 2]", (1, 2)),
        ("[[0, 1], [2, 3]]", ((0, 1), (2, 3))),
        ("[1, [2, 3]]", (1, (2, 3))),
        ("[k, k // 2]", (3, 1)),
    ],
)
def test_padding_spellings(padding: str, value: Any) -> None:
    before = "input: [3, 32, 32]\nargs: {k: 3}"
    assert dict(fields(f"{{conv: 8, kernel: 3, padding: {padding}}}", before))["padding"] == value


def test_yaml_is_not_trusted_with_types() -> None:
    """`1e3` is a number, `no` is no flag, `10` in quotes is a number: the declared type decides."""
    assert dict(fields("{conv: 1e3, kernel: 3}"))["channels"] == 1000
    assert dict(fields('{conv: "10", kernel: 3}'))["channels"] == 10
    with pytest.raises(SpecError, match="write `false`"):
        net("{conv: 8, kernel: 3, bias: no}")


def test_norm_batch_is_batch_norm() -> None:
    assert dict(fields("{conv: 8, kernel: 3, norm: batch}"))["norm"].kind == "batch_norm"


# -- which key is the kind ---------------------------------------------------------------------------------------------


def test_the_kind_covers_all_other_keys() -> None:
    """`{stage: 64, dropout: 0.1}` calls `stage` where it has an argument `dropout`, although `dropout` is a kind."""
    before = """input: [3, 32, 32]
blocks:
  stage:
    args: {width: required, dropout: 0}
    layers: [{conv: width, kernel: 1}, {dropout: dropout, if: dropout > 0}]"""
    assert [node.kind for node in net("{stage: 64, dropout: 0.1}", before).graph.nodes] == ["conv", "dropout"]
    assert [node.kind for node in net("{dropout: 0, stage: 64}", before).graph.nodes] == ["conv"]


def test_a_block_hides_a_kind_of_its_name() -> None:
    """So a new layer kind never breaks an old spec."""
    before = "input: [3, 32, 32]\nblocks: {mish: {args: {width: 8}, layers: [{conv: width, kernel: 1}]}}"
    assert [node.kind for node in net("{mish: 16}", before).graph.nodes] == ["conv"]


def test_an_argument_may_be_called_like_a_kind() -> None:
    before = "input: [3, 32, 32]\nargs: {relu: 5}"
    assert dict(fields("{conv: relu, kernel: 1, act: none}", before))["channels"] == 5


# -- defaults ----------------------------------------------------------------------------------------------------------


def test_defaults() -> None:
    before = "input: [3, 32, 32]\nargs: {k: 5}\ndefaults: {conv: {channels: 2*k, kernel: k, padding: half}}"
    assert fields("conv", before)[:4] == [("channels", 10), ("kernel", 5), ("stride", 1), ("padding", "half")]
    assert fields("conv", before, args={"k": 7})[0] == ("channels", 14)
    assert dict(fields("{conv: 8, padding: 0}", before))["padding"] == 0


def test_defaults_of_what_follows_a_convolution() -> None:
    before = "input: [4, 8, 8]\ndefaults: {group_norm: {groups: 2}, leaky_relu: {negative_slope: 0.2}}"
    nodes = net("{conv: 8, kernel: 1, norm: group_norm, act: leaky_relu}", before).graph.nodes
    assert [node.operation.layer.kind for node in nodes] == ["conv", "group_norm", "leaky_relu"]
    assert nodes[1].operation.layer.groups == 2
    assert nodes[2].operation.layer.negative_slope == 0.2


# -- variants and arguments --------------------------------------------------------------------------------------------

ARGUED = """
input: [3, size, size]
args: {width: 8, twice: 2*width, size: 32, act: relu}
variants:
  plain: {}
  wide: {width: 16}
  odd: {twice: 5, act: tanh}
layers:
  - {conv: width, kernel: 1}
  - {conv: twice, kernel: 1, act: act}
"""


@together(
    "variant, arguments, channels, act",
    [
        (None, {}, (8, 16), "relu"),
        ("plain", {}, (8, 16), "relu"),
        ("wide", {}, (16, 32), "relu"),
        ("odd", {}, (8, 5), "tanh"),
        ("wide", {"width": 4}, (4, 8), "relu"),
        ("odd", {"twice": "width + 1"}, None, None),
        (None, {"act": "gelu", "twice": "3*3"}, (8, 9), "gelu"),
        (None, {"width": 12.0}, (12, 24), "relu"),
    ],
)
def test_arguments_in_their_order(variant: str | None, arguments: Any, channels: Any, act: str | None) -> None:
    """A default is evaluated after the variant and `--set` have spoken; what they give stands alone."""
    if channels is None:
        with pytest.raises(SpecError, match="unknown name `width`"):
            cnncalc.loads(ARGUED, variant, arguments)
        return
    layers = cnncalc.loads(ARGUED, variant, arguments).shapes().layers
    assert (layers[0].output_shape[0], layers[1].output_shape[0]) == channels
    assert layers[-1].kind == act


def test_the_input_is_an_expression() -> None:
    assert cnncalc.loads(ARGUED, args={"size": 48}).graph.inputs == (("input", (3, 48, 48)),)


def test_one_input_may_be_called_as_an_axis_is() -> None:
    """And its shape is a list of the arguments; two such keys with numbers are one shape, which is refused."""
    text = "args: {size: [3, 8, 8]}\ninput: {h: size}\nlayers: [relu]\n"
    assert cnncalc.loads(text).graph.inputs == (("h", (3, 8, 8)),)
    assert diagnostics(text.replace("h: size", "h: 8, w: 8")) == [("wrong-form", 2)]


def test_given_shapes_replace_the_input() -> None:
    assert cnncalc.loads(ARGUED, inputs=(1, 9, 11)).shapes().layers[-1].output_shape == (16, 9, 11)


def test_one_of_several_inputs_is_replaced() -> None:
    text = "input: {image: [3, 8, 8], mask: [1, 8, 8]}\nlayers: [{concat: [image, mask]}]\n"
    assert cnncalc.loads(text, inputs={"mask": (2, 8, 8)}).shapes().layers[-1].output_shape == (5, 8, 8)


def test_required_is_given_by_a_variant_or_from_outside() -> None:
    text = "input: [3, 8, 8]\nargs: {k: required}\nvariants: {a: {k: 3}}\nlayers: [{conv: 8, kernel: k}]\n"
    assert cnncalc.loads(text, "a").shapes().layers[0].output_shape == (8, 6, 6)
    assert cnncalc.loads(text, args={"k": 5}).shapes().layers[0].output_shape == (8, 4, 4)
    assert diagnostics(text) == [("missing-argument", 2)]


def test_a_default_in_quotes_may_be_the_word_required() -> None:
    text = "input: [3, 8, 8]\nargs: {k: 'required'}\nlayers: [{relu, name: a$k}]\n"
    assert [node.name for node in cnncalc.loads(text).graph.nodes] == ["arequired"]


# -- all problems at once ----------------------------------------------------------------------------------------------


def test_all_problems_of_a_file_in_its_order() -> None:
    text = """
nmae: x
input: [3, 32, 32]
args: {if: 3}
blocks:
  a: {layer: [relu]}
layers:
  - {conv: 8, kernal: 3}
  - rleu
  - {conv: 8 +, kernel: 3}
  - {concat: [[], relu 3]}
  - {relu, name: a b}
outputs: {a: [b]}
"""
    found = diagnostics(text)
    assert [code for code, _ in found] == [
        "unknown-key",
        "name",
        "unknown-key",
        "missing-key",
        "unknown-argument",
        "unknown-kind",
        "syntax",
        "name",
        "name",
        "name",
    ]
    assert [line for _, line in found] == sorted(line for _, line in found)


@together("kind", KINDS)
def test_every_argument_of_every_kind_rejects_a_mapping_and_a_tensor(kind: str) -> None:
    """No value that a field does not know reaches a layer."""
    for field in KINDS[kind].fields:
        for value in ("{a: 1}", "x") if kind != "crop_like" else ("{a: 1}", "x.size"):
            text = f"input: [4, 8, 8]\nlayers:\n  - {{{kind}, {field}: {value}}}\n"
            with pytest.raises(SpecError):
                cnncalc.loads(text)


@together(
    "word",
    ["from", "repeat", "if", "gather", "name", "share", "learned", "layers", "for", "in", "x", "i", "true", "and"],
)
def test_reserved_words_name_nothing(word: str) -> None:
    assert diagnostics(f"input: [3, 8, 8]\nargs: {{{word}: 3}}\nlayers: [relu]\n") == [("name", 2)]
    assert diagnostics(f"input: [3, 8, 8]\nblocks: {{{word}: {{layers: [relu]}}}}\nlayers: [relu]\n") == [("name", 2)]


def test_no_modifier_is_a_field_of_a_kind() -> None:
    """Modifiers are reserved: a kind with such a field could not be written."""
    reserved = {"from", "repeat", "if", "gather", "name", "share", "learned", "layers", "for", "in"}
    for kind in KINDS.values():
        assert reserved.isdisjoint(kind.fields)
        assert kind.kind not in reserved
