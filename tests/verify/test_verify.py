"""Verification: it agrees with what is right, and names the layer of what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from convert import networks
from sampling import some
from typer.testing import CliRunner

import cnncalc
from cnncalc import patterns
from cnncalc.analyzers import receptive_field
from cnncalc.cli import app
from cnncalc.executor.sights import Sights, no_positions
from cnncalc.geometry import Window
from cnncalc.layers.base import Multiplies, Weight
from cnncalc.layers.convolution import Conv
from cnncalc.layers.memory import IN_PLACE, VIEW
from cnncalc.layers.normalisation import Normalisation
from cnncalc.layers.pooling import MaxPool
from cnncalc.verify.fields import BEHIND, EQUAL, GLOBAL, NO_INTERIOR, NOT_RUN, UNEQUAL, UNSEEN, Fields
from cnncalc.verify.network import Verification, verify


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns are remembered from network to network: what a test makes wrong must be worked out, and forgotten."""
    for name in ("read", "along_axis", "_joined"):
        monkeypatch.setattr(receptive_field, name, getattr(receptive_field, name).__wrapped__)


NETWORK = """
name: test
input: [3, 20, 23]
layers:
  - {conv: 8, kernel: 3, stride: 2, padding: 1, norm: batch, act: relu, name: first}
  - {max_pool: 3, stride: 2, padding: same}
  - {conv: 8, kernel: 3, padding: half, groups: 2, name: second}
  - global_avg_pool
  - flatten
  - {linear: 5}
"""


def of(text: str, **given: Any) -> Verification:
    return verify(cnncalc.loads(text, **given).graph)


def step(*lines: str, shape: str = "[4, 12, 12]") -> Verification:
    return of(f"input: {shape}\nlayers:\n" + "".join(f"  - {line}\n" for line in lines))


def fields(found: Verification) -> list[str]:
    assert found.differences == []
    return [layer.field for layer in found.layers]


def test_the_closing_line() -> None:
    """Counts by hand: 3*9*8 + 8 and 2*8, 4*9*8 + 8, 8*5 + 5; products at 10 x 12, 5 x 6 and once."""
    found = of(NETWORK)
    assert found.differences == []
    assert found.plain
    assert found.sentence == (
        "test @ 3x20x23: verified by execution: 8 output shapes, 581 parameters and 16 of state, each read once, "
        f"{10 * 12 * 27 * 8 + 5 * 6 * 36 * 8 + 40:,} products; receptive fields: 5 {EQUAL}, 3 {GLOBAL}"
    )


@pytest.mark.parametrize(
    ("name", "params", "products"),
    [
        ("notes_stride2", 3, 9),  # three outputs of three taps
        ("lenet5", 61_706, 416_520),  # LeCun et al. 1998, figure 2, with C3 fully connected
        ("resnet20", 269_722, 40_551_040),  # He et al. 2015, section 4.2: 0.27 M
    ],
)
def test_bundled_networks(name: str, params: int, products: int) -> None:
    found = verify(cnncalc.load(name).graph)
    assert found.differences == []
    assert sum(layer.params for layer in found.layers) == params
    assert sum(layer.products for layer in found.layers) == products


@pytest.mark.thorough
@pytest.mark.every
@pytest.mark.parametrize(
    "name",
    some([
        "notes_1x1", "notes_filters", "notes_regular", "notes_separable", "notes_5x5", "notes_3x3_twice",
        "notes_stride1", "mlperf_tiny_anomaly_detection", "mlperf_tiny_streaming_wakeword", "ds_cnn_s",
        "mobilenet_v3_small", "dcgan_discriminator",
    ], each=3),
)  # fmt: skip
def test_small_bundled_networks(name: str) -> None:
    assert verify(cnncalc.load(name).graph).differences == []


def differing(text: str = NETWORK) -> list[tuple[str, str]]:
    """Layers that differ, and the first words of why."""
    return [(name, text.split(":")[0]) for name, text in of(text).differences]


UNPOOLED = """
input: [2, 11, 8]
layers:
  - {conv: 2, kernel: 3, padding: half}
  - {max_pool: [3, 2], stride: [2, 2], padding: [1, 0], name: pool}
  - {conv: 2, kernel: 3, padding: half}
  - {max_unpool: pool}
  - {conv: 2, kernel: 3, padding: half}
"""


def test_an_unpooling_sees_the_window_that_its_maxima_are_from() -> None:
    assert fields(of(UNPOOLED)) == [EQUAL] * 5


def test_the_example_of_every_kind_on_sequences() -> None:
    assert_examples("[64, 9]")


@pytest.mark.thorough
def test_the_example_of_every_kind_on_images() -> None:
    assert_examples("[64, 8, 8]")


def assert_examples(shape: str) -> None:
    """Sizes, counts, memory and fields of the reference's examples are those of their execution."""
    found = {name: verify(graph) for name, graph in networks.examples() if name.endswith(f" on {shape}")}
    assert len(found) > 45
    assert {name: result.differences for name, result in found.items() if result.differences} == {}


def test_a_wrong_output_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ceiling in place of floor, which is a difference at the first layer alone: (23 + 2 - 3)/2 is whole."""
    monkeypatch.setattr(
        Window, "output", lambda self, width: -(-(width + self.before + self.after - self.extent) // self.stride) + 1
    )
    assert differing()[0] == ("first", "output shape")


def test_wrong_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Conv.weight_shapes
    monkeypatch.setattr(Conv, "weight_shapes", lambda self, inputs: right(self, inputs)[:1])  # the bias is forgotten
    assert differing() == [("first", "weights"), ("second", "weights")]


def test_wrong_state(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Normalisation.weight_shapes
    monkeypatch.setattr(
        Normalisation, "weight_shapes", lambda self, inputs: tuple(Weight(w.name, w.shape) for w in right(self, inputs))
    )
    assert differing() == [("first.norm", "weights")]


def test_wrong_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_all_channels(self: Any, inputs: Any, output: Any) -> tuple[Multiplies, ...]:
        return (Multiplies("output", output[0] * output[1] * output[2], inputs[0][0] * 9),)  # groups are forgotten

    monkeypatch.setattr(Conv, "multiplies", of_all_channels)
    assert differing() == [("second", "products")]


def test_wrong_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer whose input is said to be free while it runs."""
    alive = [3 * 460 + 960, 960, 960, 240, 480, 248, 8, 13]
    monkeypatch.setattr("cnncalc.verify.numbers.numbers_alive", lambda graph: alive)
    assert of(NETWORK).differences == [("max_pool1", "memory: 1,200 numbers were held, reported 240 alive")]


def test_dependency_sets_of_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sights, "whole", lambda self, function, x: no_positions(x.shape))
    told = [("global_avg_pool1", "dependency sets: for 4 x 12 x 12, reported 4 x 1 x 1")]
    assert [found for found in step("global_avg_pool").differences if "sets" in found[1]] == told


def test_a_layer_that_is_no_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conv, "buffer", VIEW)
    found = {name: what for name, what in of(NETWORK).differences if "stretch" in what}
    assert list(found) == ["first", "second"]
    assert set(found.values()) == {"memory: reported as a view, but no stretch of its input"}


def test_a_layer_that_cannot_write_over_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MaxPool, "buffer", IN_PLACE)
    told = "memory: reported as written over its input, which has another shape: 8 x 10 x 12"
    assert ("max_pool1", told) in of(NETWORK).differences


def test_a_wrong_receptive_field(monkeypatch: pytest.MonkeyPatch) -> None:
    right = patterns._windowed

    def without_padding(field: Any, axis: Window) -> Any:
        return right(field, axis._replace(before=0, after=0))

    monkeypatch.setattr(patterns, "_windowed", without_padding)
    assert set(differing()) == {
        (name, "receptive field") for name in ("first", "first.norm", "first.act", "max_pool1", "second")
    }


def test_a_wrong_stride_is_found_on_a_lengthened_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    """One unit is left at full size, which tells no stride."""
    right = patterns._windowed
    monkeypatch.setattr(
        patterns, "_windowed", lambda field, axis: right(field, axis)._replace(step=field.step * 2 * axis.stride)
    )
    found = step("{conv: 2, kernel: 12}")
    assert [name for name, _ in found.differences] == ["conv1", "conv1"]
    assert found.lengthened


def test_how_far_an_axis_is_lengthened() -> None:
    """By the windows that the widest field reaches over, and four more; to 32,768 positions and no further."""
    steps = ("{conv: 2, kernel: 3, stride: 8190}", "relu")
    found = step(*steps, shape="[1, 8]")
    assert fields(found) == [EQUAL] * 2
    assert found.lengthened == ["input 32768"]
    found = step(*steps, shape="[1, 9]")
    assert fields(found) == [NO_INTERIOR] * 2
    assert not found.lengthened
    assert step("{conv: 2, kernel: 9, stride: 4}", shape="[1, 10, 11]").lengthened == ["input 34 x 35"]


@pytest.mark.parametrize(("size", "longer"), [(8, 30_000), (9, 9)])
def test_an_axis_is_lengthened_to_thirty_million_positions_of_all_layers(size: int, longer: int) -> None:
    steps = "  - {conv: 1, kernel: 3, stride: 7498}\n  - {repeat: 999, layers: [relu]}\n"
    graph = cnncalc.loads(f"input: [1, {size}]\nlayers:\n{steps}").graph
    assert Fields(graph, 0).lengthened() == (longer,)


def test_progress_is_told_layer_by_layer() -> None:
    """The products made so far, then the layers whose dependency sets were found, twice where an axis is lengthened."""
    told: list[tuple[int, int, str]] = []
    verify(
        cnncalc.loads("input: [1, 4]\nlayers: [{conv: 2, kernel: 4}, relu]\n").graph, lambda *each: told.append(each)
    )
    assert told == [
        (8, 8, "conv1"),
        (8, 8, "relu1"),
        (1, 2, "conv1, 4"),
        (2, 2, "relu1, 4"),
        (1, 2, "conv1, 12"),
        (2, 2, "relu1, 12"),
    ]


def test_axes_of_equal_size_that_are_seen_otherwise() -> None:
    assert fields(step("{conv: 4, kernel: [3, 1], padding: [1, 0]}", "{conv: 4, kernel: 3, padding: 1}")) == [EQUAL] * 2


def test_products_of_matrices_see_everything() -> None:
    """Whatever is summed over: a map of channels has no axes of the input."""
    convs = ("{conv: 6, kernel: 1, name: a}", "{conv: 6, kernel: 1, name: b}")
    for over, shape in (("positions", (6, 3)), ("channels", (32, 4, 4))):
        found = step(*convs, f"{{matmul: [a, b], over: {over}, groups: 2}}", shape="[4, 4, 4]")
        assert fields(found) == [EQUAL, EQUAL, GLOBAL]
        assert found.layers[-1].shape == shape


def test_sharing() -> None:
    found = step("{conv: 4, kernel: 3, padding: half, name: a}", "{conv: 4, kernel: 3, padding: half, share: a}")
    assert fields(found) == [EQUAL, EQUAL]
    assert [layer.params for layer in found.layers] == [4 * 4 * 9 + 4, 0]
    assert len({layer.products for layer in found.layers}) == 1


def test_fixed_weights_are_state() -> None:
    (layer,) = step("{conv: 4, kernel: 1, learned: false}").layers
    assert (layer.params, layer.state, layer.differences) == (0, 20, [])


def test_positions_that_are_left_out_are_left_out_on_a_longer_axis() -> None:
    """From its start to as far from the end: the same windows move on, and their field is compared there."""
    text = "input: [2, 24]\nlayers: [{conv: 4, kernel: 3}, {slice: [2, -3], over: positions}, {conv: 4, kernel: 3}]\n"
    found = verify(cnncalc.loads(text).graph)
    assert not found.differences
    assert fields(found) == [EQUAL] * 3


def test_what_cannot_be_compared_is_said() -> None:
    assert fields(step("{opaque: [4, 12, 12]}", "relu")) == [NOT_RUN, BEHIND]
    assert "1 output shapes" in step("{opaque: [4, 12, 12], params: 7}", "relu").sentence
    assert fields(step("{adaptive_avg_pool: 5}")) == [NO_INTERIOR]
    apart = "add: [[{conv: 4, kernel: 1, stride: 2}], [{conv: 4, kernel: 7}]]"
    assert fields(step(apart))[-1] == UNEQUAL


def test_branches_and_gates() -> None:
    gate = "multiply: [x, [global_avg_pool, {conv: 4, kernel: 1, act: sigmoid}]]"
    assert fields(step(gate)) == [GLOBAL, GLOBAL, GLOBAL, EQUAL]
    up = step(
        "{conv: 4, kernel: 3, stride: 2, padding: 1}",
        "{upsample: 2, mode: bilinear}",
        "{conv_transpose: 2, kernel: 3, stride: 2}",
    )
    assert fields(up) == [EQUAL, EQUAL, EQUAL]


GATES = (  # a size is declared: on longer axes it makes another network of what comes after it
    [
        "{conv: 1, kernel: 3, stride: 2, padding: 1}",
        "{depthwise_conv: 3, stride: 2, padding: 1}",
        "{identity, name: i2}",
        "{depthwise_conv: 5, padding: 2}",
        "{upsample, size: [8, 8], name: g2}",
        "multiply: [i2, g2]",
        "{depthwise_conv: 5, stride: 2, padding: 2}",
        "multiply: [x, [global_avg_pool]]",
    ],
    [
        "{max_pool: 4, name: i2}",
        "{depthwise_conv: 7, padding: half}",
        "{adaptive_avg_pool: 8, name: g2}",
        "add: [i2, g2]",
        "{max_pool: 2}",
        "relu",
        "multiply: [x, [global_max_pool, sigmoid]]",
        "{depthwise_conv: 3, padding: 1}",
    ],
    [
        "{max_pool: 4, name: i2}",
        "{depthwise_conv: 9, padding: half}",
        "{upsample, size: [8, 8], mode: bilinear, name: g2}",
        "concat: [i2, g2, [global_avg_pool, {upsample: 8}]]",
        "{conv: 2, kernel: 7, stride: 2, padding: 3}",
    ],
)


@pytest.mark.parametrize("lines", GATES)
def test_what_joins_a_tensor_of_declared_size_is_not_compared_on_longer_axes(lines: list[str]) -> None:
    found = step(*lines, shape="[1, 32, 32]")
    assert fields(found)[-1] == NO_INTERIOR
    assert found.lengthened


def test_gates_are_compared_on_longer_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A global path has no size that could be declared; what is wrong beside it is found."""
    lines = ("{conv: 2, kernel: 12}", "multiply: [x, [global_avg_pool]]")
    assert fields(step(*lines)) == [EQUAL, GLOBAL, EQUAL]
    first = step("{global_avg_pool, name: g}", "{conv: 4, kernel: 12, from: input}", "multiply: [x, g]")
    assert fields(first) == [GLOBAL, EQUAL, EQUAL]
    right = patterns._windowed
    monkeypatch.setattr(
        patterns, "_windowed", lambda pattern, axis: right(pattern, axis)._replace(step=2 * pattern.step)
    )
    assert {name for name, _ in step(*lines).differences} == {"conv1", "multiply1"}


UNEVEN = (  # positions that look as if they lay a stride apart, since so few of them are left
    ["{max_pool: 8}", "{upsample, size: [2, 2]}", "{adaptive_avg_pool: 2}"],  # 5 to 2
    ["{max_pool: 8}", "{upsample, size: [4, 4]}", "relu"],  # 5 to 4
    ["{upsample, size: [2, 2]}", "{depthwise_conv: 1, stride: 2}", "{adaptive_avg_pool: 4}"],  # 1 to 4
)


@pytest.mark.parametrize("lines", UNEVEN)
def test_few_units_that_lie_unevenly(lines: list[str]) -> None:
    fields(step(*lines, shape="[4, 40, 40]"))


def test_an_axis_of_one_position_that_is_stretched() -> None:
    """With aligned corners every unit sees that position: a stride of 0."""
    found = step("{upsample, size: [4, 16], mode: bilinear, align_corners: true}", shape="[1, 1, 8]")
    assert fields(found) == [NO_INTERIOR]


WRONG = {
    "a phase": lambda field: field._replace(spans=((field.spans[0][0], field.spans[0][1] + 1), *field.spans[1:])),
    "the stride": lambda field: field._replace(step=field.step + len(field.spans)),
    "the start": lambda field: field._replace(spans=tuple(_moved(span, 1) for span in field.spans)),
    "the size": lambda field: field._replace(spans=tuple((low, high + 1) for low, high in field.spans)),
    "the period": lambda field: field._replace(step=field.step // 2, spans=field.spans[: len(field.spans) // 2]),
}


def _moved(span: tuple[int, int], by: int) -> tuple[int, int]:
    return span[0] + by, span[1] + by


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_pattern(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of units whose view repeats every two of them, each figure is told from a wrong one."""
    lines = ("{conv: 4, kernel: 3, stride: 2, padding: 1}", "{upsample: 2}", "relu")
    assert fields(step(*lines)) == [EQUAL] * 3
    right = patterns._resampled
    monkeypatch.setattr(patterns, "_resampled", lambda field, axis: WRONG[what](right(field, axis)))
    assert {name for name, _ in step(*lines).differences} == {"upsample1", "relu1"}


def test_several_inputs() -> None:
    found = step(
        "{conv: 2, kernel: 3, from: b}",
        "{crop: 1, from: a}",
        "concat: [conv1, x]",
        shape="{a: [1, 9, 9], b: [1, 9, 9]}",
    )
    assert fields(found) == [EQUAL] * 3
    (layer,) = of("input: {a: [1, 9], b: [1, 9]}\nlayers:\n  - {relu, from: b}\n").layers
    assert layer.field == EQUAL
    assert UNSEEN not in layer.field


# -- the commands ------------------------------------------------------------------------------------------------------


def invoke(*words: str, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, list(words), input=stdin)


def test_verify_command() -> None:
    result = invoke("verify", "notes_stride2", "notes_stride1")
    assert result.exit_code == 0
    assert result.stdout.count("verified by execution") == 2
    data = json.loads(invoke("verify", "notes_stride2", "--format", "json").stdout)
    assert data["agrees"]
    assert data["layers"][0]["shape"] == [1, 3]


def test_verify_command_fails_and_names_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Conv.weight_shapes
    monkeypatch.setattr(Conv, "weight_shapes", lambda self, inputs: (*right(self, inputs), Weight("more", (1,))))
    result = invoke("verify", "notes_stride2")
    assert result.exit_code == 1
    assert "conv1: weights: read 3 and 0 of state, reported 4" in result.stdout


def test_run_command() -> None:
    """The kernel [1, 0, -1] of the notes at strides 1 and 2."""
    row = "[[3, 1, 4, 1, 5, 9, 2]]"
    outputs = json.loads(invoke("run", "notes_stride1", "--data", "-", "--format", "json", stdin=row).stdout)
    assert outputs == {"outputs": {"conv1": [[-1, 0, -1, -8, 3]]}}
    assert invoke("run", "notes_stride2", "--data", "-", stdin=row).stdout == "conv1: 1 x 3\n-1  -1   3\n"


def test_run_command_errors(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    result = invoke("run", "notes_stride1", "--data", "-", "--output", str(target), stdin="[[1]]")
    assert result.exit_code == 1
    assert "wrong-shape" in result.stderr
    assert not target.exists()
    assert invoke("run", "notes_stride1").exit_code == 2
    assert invoke("verify", "no_such_network").exit_code == 2
