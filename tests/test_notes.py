"""Every figure of the course notes, as the notes give it; the formulas here are the notes' own, not the program's."""

from __future__ import annotations

import pytest

import cnncalc

INCEPTION = """
input: [192, 28, 28]
defaults: {conv: {kernel: 1, act: relu}}
layers:
  - name: inception
    concat:
      - [{conv: 64}]
      - [{conv: 96}, {conv: 128, kernel: 3, padding: 1}]
      - [{conv: 16}, {conv: 32, kernel: 5, padding: 2}]
      - [{max_pool: 3, stride: 1, padding: 1}, {conv: 32}]
"""


def shape(text: str) -> tuple[int, ...]:
    """The shape of the last layer of a spec."""
    return cnncalc.loads(text).shapes().layers[-1].output_shape


@pytest.mark.parametrize(("name", "outputs"), [("notes_stride1", 5), ("notes_stride2", 3)])
def test_a_kernel_of_three_on_seven_inputs(name: str, outputs: int) -> None:
    """W = 7 and K = 3: 5 outputs at stride 1, 3 at stride 2, and every pixel is read."""
    report = cnncalc.load(name).summary()
    assert report.layers[-1].output_shape == (1, outputs)
    assert report.layers[-1].notes == []
    assert report.totals.params == 3
    assert report.totals.macs == 3 * outputs


def test_stride_three_on_seven_inputs_leaves_one_pixel_unread() -> None:
    """(7 - 3)/3 + 1 is no whole number."""
    layer = cnncalc.load("notes_stride1", args={"stride": 3}).shapes().layers[-1]
    assert layer.output_shape == (1, 2)
    assert layer.notes == ["the stride leaves 1 position of the padded input unread"]


def test_twelve_filters_on_a_color_image() -> None:
    """32 x 32 x 3 under twelve 6x6 filters at stride 2 gives 12 maps of 14 x 14: (32 - 6)/2 + 1."""
    report = cnncalc.load("notes_filters").summary()
    assert report.layers[-1].output_shape == (12, 14, 14)
    assert report.totals.params == 12 * (6 * 6 * 3 + 1)
    assert report.totals.macs == 14 * 14 * 12 * 6 * 6 * 3


PADDINGS = [
    # W, P in total, K, S, and the outputs as counted by hand
    (7, 0, 3, 1, 5),
    (7, 2, 3, 1, 7),
    (7, 2, 3, 2, 4),
    (5, 2, 3, 1, 5),
    (32, 4, 5, 1, 32),
    (224, 3, 7, 2, 111),
    (227, 0, 11, 4, 55),
    (8, 1, 4, 4, 2),
]


@pytest.mark.parametrize(("width", "total", "kernel", "stride", "outputs"), PADDINGS)
def test_output_size(width: int, total: int, kernel: int, stride: int, outputs: int) -> None:
    """(W + P - K)/S + 1, where P is the padding of both sides together."""
    before = total // 2
    step = f"{{conv: 1, kernel: {kernel}, stride: {stride}, padding: [[{before}, {total - before}]]}}"
    assert shape(f"input: [1, {width}]\nlayers:\n  - {step}\n") == (1, outputs)


def test_padding_is_written_per_side() -> None:
    """P = 2 of the formula is `padding: 1`, as in PyTorch."""
    assert shape("input: [1, 7]\nlayers: [{conv: 1, kernel: 3, padding: 1}]\n") == (1, 7)


CHAINS = [
    # kernels and strides from the input to the output, and the receptive field by hand
    ([(3, 1)], 3),
    ([(3, 1), (3, 1)], 5),
    ([(3, 1), (3, 1), (3, 1)], 7),
    ([(5, 1)], 5),
    ([(3, 2), (3, 2)], 7),
    ([(7, 2), (3, 2), (3, 1)], 19),
    ([(11, 4), (3, 2), (5, 1)], 51),
]


@pytest.mark.parametrize(("chain", "size"), CHAINS)
def test_receptive_field_going_back(chain: list[tuple[int, int]], size: int) -> None:
    """I = (O - 1)*S + K, from one output pixel back to the input."""
    back = 1
    for kernel, stride in reversed(chain):
        back = (back - 1) * stride + kernel
    assert back == size
    steps = "".join(f"  - {{conv: 1, kernel: {kernel}, stride: {stride}}}\n" for kernel, stride in chain)
    field = cnncalc.loads(f"input: [1, 64, 64]\nlayers:\n{steps}").receptive_field().field
    assert field.size == ((size, size), (size, size))


def test_one_5x5_against_two_3x3() -> None:
    """Equal outputs and receptive fields; 26 parameters against 2*(9 + 1)."""
    large, small = cnncalc.load("notes_5x5").summary(), cnncalc.load("notes_3x3_twice").summary()
    assert large.totals.params == 26
    assert small.totals.params == 2 * (9 + 1)
    assert large.field.size == small.field.size == ((5, 5), (5, 5))
    assert large.totals.output == small.totals.output == [(1, 28, 28)]


def test_two_3x3_need_fewer_parameters_at_any_width() -> None:
    """25*C*C + C against 2*(9*C*C + C): 18 of 25 weights for C channels."""
    spec = "input: [64, 32, 32]\nlayers: [{conv: 64, kernel: %d, bias: false, repeat: %d}]\n"
    assert cnncalc.loads(spec % (5, 1)).params().totals.params == 25 * 64 * 64
    assert cnncalc.loads(spec % (3, 2)).params().totals.params == 18 * 64 * 64


def test_1x1_convolution_reduces_channels() -> None:
    """64 to 32 channels pixel by pixel: width and height stay, and a unit sees one pixel."""
    report = cnncalc.load("notes_1x1").summary()
    assert report.layers[-1].input_shapes == ((64, 28, 28),)
    assert report.layers[-1].output_shape == (32, 28, 28)
    assert report.totals.params == 64 * 32 + 32
    assert report.field.size == ((1, 1), (1, 1))


def test_regular_against_separable() -> None:
    """3x3 from 16 to 32 channels: 4,608 weights, and 656 = 9*16 + 16*32 as depthwise and pointwise."""
    assert cnncalc.load("notes_regular").params().totals.params == 4608
    assert cnncalc.load("notes_separable").params().totals.params == 656


def test_regular_names_what_separable_would_cost() -> None:
    """The what-if of the regular network is the separable one; of the separable one, itself."""
    assert cnncalc.load("notes_regular").params().totals.separable_params == 656
    assert cnncalc.load("notes_separable").params().totals.separable_params == 656


def test_separable_has_two_rows() -> None:
    rows = [(layer.name, layer.kind, layer.params) for layer in cnncalc.load("notes_separable").params().layers]
    assert rows == [
        ("separable_conv1.depthwise", "depthwise_conv", 144),
        ("separable_conv1.pointwise", "conv", 512),
    ]


def test_alexnet_2012() -> None:
    """Five convolutions, 96 filters of 11x11 at stride 4 first, and some 60 million parameters."""
    report = cnncalc.load("alexnet_2012").summary()
    first = next(layer for layer in report.layers if layer.kind == "conv")
    assert (first.input_shapes[0], first.output_shape) == ((3, 227, 227), (96, 55, 55))
    assert first.params == 11 * 11 * 3 * 96 + 96
    assert sum(layer.kind == "conv" for layer in report.layers) == 5
    assert sum(layer.kind == "linear" for layer in report.layers) == 3
    assert report.totals.params == 60_965_224


def test_vgg_16() -> None:
    """Thirteen 3x3 convolutions and three linear layers; 7x7 with 512 channels before the first linear layer."""
    net = cnncalc.load("vgg16")
    layers = net.summary().layers
    assert [layer.kind for layer in layers].count("conv") == 13
    assert [layer.params for layer in layers if layer.kind == "linear"] == [
        (7 * 7 * 512 + 1) * 4096,
        (4096 + 1) * 4096,
        (4096 + 1) * 1000,
    ]
    assert net.summary().totals.params == 138_357_544
    assert next(layer for layer in layers if layer.kind == "flatten").input_shapes[-1] == (512, 7, 7)


def test_inception_concatenates_channels() -> None:
    """64 + 128 + 32 + 32 = 256 maps of equal size; the 1x1 before the 5x5 saves most of its weights."""
    layers = {layer.name: layer for layer in cnncalc.loads(INCEPTION).summary().layers}
    join = layers["inception"]
    assert [shape[0] for shape in join.input_shapes] == [64, 128, 32, 32]
    assert join.output_shape == (256, 28, 28)
    macs = [layer.macs for layer in layers.values() if layer.macs and layer.input_shapes[0][0] in (192, 16)]
    assert 28 * 28 * 192 * 16 in macs
    assert 28 * 28 * 25 * 16 * 32 in macs


def test_inception_branches_must_agree_in_size() -> None:
    with pytest.raises(cnncalc.SpecError, match="needs equal shapes off the channel axis"):
        cnncalc.loads(INCEPTION.replace("kernel: 5, padding: 2", "kernel: 5"))
