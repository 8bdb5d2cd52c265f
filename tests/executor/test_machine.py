"""The executor's numbers against those of Keras and PyTorch.

Keras 3.15.1 with JAX 0.10.2, for x = [1, ..., W] and a kernel [1, 10, 100, ...] of size K at stride S:

    c = keras.layers.Conv1D(1, K, strides=S, padding="same", use_bias=False)      # or Conv1DTranspose
    c.build((1, W, 1)); c.set_weights([10.0 ** np.arange(K).reshape(K, 1, 1)])
    c(np.arange(1, W + 1, dtype="float32").reshape(1, W, 1))
    keras.layers.MaxPooling1D(K, strides=S, padding="same")(x); keras.layers.AveragePooling1D(...)(x)

PyTorch 2.13.0, where t(*shape) counts from 1 and w(*shape) is (torch.arange(n) % 7 - 3).reshape(shape); the call stands
beside each literal.
"""

from __future__ import annotations

from math import inf, log, prod
from typing import Any

import pytest
from executor.onnx_cases import execute
from sampling import together

from cnncalc.executor.tensors import Tensor
from cnncalc.layers import KINDS
from cnncalc.layers.base import make

SAME = [  # W, K, S, convolution, maximum, mean
    (6, 2, 1, [21, 32, 43, 54, 65, 6], [2, 3, 4, 5, 6, 6], [1.5, 2.5, 3.5, 4.5, 5.5, 6.0]),
    (6, 2, 2, [21, 43, 65], [2, 4, 6], [1.5, 3.5, 5.5]),
    (6, 2, 3, [21, 54], [2, 5], [1.5, 4.5]),
    (6, 3, 1, [210, 321, 432, 543, 654, 65], [2, 3, 4, 5, 6, 6], [1.5, 2.0, 3.0, 4.0, 5.0, 5.5]),
    (6, 3, 2, [321, 543, 65], [3, 5, 6], [2.0, 4.0, 5.5]),
    (6, 3, 3, [321, 654], [3, 6], [2.0, 5.0]),
    (6, 4, 1, [3210, 4321, 5432, 6543, 654, 65], [3, 4, 5, 6, 6, 6], [2.0, 2.5, 3.5, 4.5, 5.0, 5.5]),
    (6, 4, 2, [3210, 5432, 654], [3, 5, 6], [2.0, 3.5, 5.0]),
    (6, 4, 3, [4321, 654], [4, 6], [2.5, 5.0]),
    (7, 2, 1, [21, 32, 43, 54, 65, 76, 7], [2, 3, 4, 5, 6, 7, 7], [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.0]),
    (7, 2, 2, [21, 43, 65, 7], [2, 4, 6, 7], [1.5, 3.5, 5.5, 7.0]),
    (7, 2, 3, [21, 54, 7], [2, 5, 7], [1.5, 4.5, 7.0]),
    (7, 3, 1, [210, 321, 432, 543, 654, 765, 76], [2, 3, 4, 5, 6, 7, 7], [1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 6.5]),
    (7, 3, 2, [210, 432, 654, 76], [2, 4, 6, 7], [1.5, 3.0, 5.0, 6.5]),
    (7, 3, 3, [210, 543, 76], [2, 5, 7], [1.5, 4.0, 6.5]),
    (7, 4, 1, [3210, 4321, 5432, 6543, 7654, 765, 76], [3, 4, 5, 6, 7, 7, 7], [2.0, 2.5, 3.5, 4.5, 5.5, 6.0, 6.5]),
    (7, 4, 2, [3210, 5432, 7654, 76], [3, 5, 7, 7], [2.0, 3.5, 5.5, 6.5]),
    (7, 4, 3, [3210, 6543, 76], [3, 6, 7], [2.0, 4.5, 6.5]),
]

TRANSPOSED_SAME = [  # W, K, S, transposed convolution
    (3, 1, 1, [1, 2, 3]),
    (3, 1, 2, [1, 0, 2, 0, 3, 0]),
    (3, 1, 3, [1, 0, 0, 2, 0, 0, 3, 0, 0]),
    (3, 2, 1, [1, 12, 23]),
    (3, 2, 2, [1, 10, 2, 20, 3, 30]),
    (3, 2, 3, [1, 10, 0, 2, 20, 0, 3, 30, 0]),
    (3, 3, 1, [12, 123, 230]),
    (3, 3, 2, [1, 10, 102, 20, 203, 30]),
    (3, 3, 3, [1, 10, 100, 2, 20, 200, 3, 30, 300]),
    (3, 4, 1, [12, 123, 1230]),
    (3, 4, 2, [10, 102, 1020, 203, 2030, 300]),
    (3, 4, 3, [1, 10, 100, 1002, 20, 200, 2003, 30, 300]),
]


def counting(*shape: int) -> Tensor:
    return Tensor(shape, [float(number) for number in range(1, prod(shape) + 1)])


def weights(*shape: int) -> list[float]:
    return [number % 7 - 3.0 for number in range(prod(shape))]


@together("width, size, stride, conv, highest, mean", SAME)
def test_same_as_keras(
    width: int, size: int, stride: int, conv: list[int], highest: list[int], mean: list[float]
) -> None:
    args: dict[str, Any] = {"kernel": size, "stride": stride, "padding": "same"}
    x, kernel = counting(1, width), {"weight": [10.0**place for place in range(size)]}
    assert execute("conv", args | {"channels": 1, "bias": False}, [x], kernel).data == conv
    assert execute("max_pool", args, [x], {}).data == highest
    assert execute("avg_pool", args | {"count_include_pad": False}, [x], {}).data == mean


@together("width, size, stride, expected", TRANSPOSED_SAME)
def test_transposed_same_as_keras(width: int, size: int, stride: int, expected: list[int]) -> None:
    args = {"channels": 1, "kernel": size, "stride": stride, "padding": "same", "bias": False}
    kernel = {"weight": [10.0**place for place in range(size)]}
    assert execute("conv_transpose", args, [counting(1, width)], kernel).data == expected
    if size <= stride:  # nothing is cut, and what is added comes after
        lower = args | {"padding": "same_lower"}
        assert execute("conv_transpose", lower, [counting(1, width)], kernel).data == expected


TORCH = [
    # F.conv2d(t(1,5,6), w(1,1,2,3), dilation=(2,2), padding=(1,0))
    ("conv", {"channels": 1, "kernel": (2, 3), "dilation": 2, "padding": (1, 0), "bias": False}, (1, 5, 6),
     {"weight": weights(1, 1, 2, 3)}, (1, 5, 2), [31, 34, 35, 32, 17, 14, -1, -4, -122, -128]),
    # F.conv1d(t(4,5), w(4,2,3), torch.tensor([1.,2.,3.,4.]), stride=2, padding=1, groups=2)
    ("conv", {"channels": 4, "kernel": 3, "stride": 2, "padding": 1, "groups": 2}, (4, 5),
     {"weight": weights(4, 2, 3), "bias": [1, 2, 3, 4]}, (4, 3), [17, 11, -11, 2, -7, -10, -16, -28, 18, 13, -22, -49]),
    # c = torch.nn.Conv1d(1, 1, 3, stride=2, padding=2, padding_mode=..., bias=False)
    # c.weight.data = torch.tensor([[[1., 10., 100.]]]); c(t(1,6))
    ("conv", {"channels": 1, "kernel": 3, "stride": 2, "padding": 2, "padding_mode": "reflect", "bias": False},
     (1, 6), {"weight": [1.0, 10.0, 100.0]}, (1, 4), [123, 321, 543, 565]),
    ("conv", {"channels": 1, "kernel": 3, "stride": 2, "padding": 2, "padding_mode": "replicate", "bias": False},
     (1, 6), {"weight": [1.0, 10.0, 100.0]}, (1, 4), [111, 321, 543, 665]),
    ("conv", {"channels": 1, "kernel": 3, "stride": 2, "padding": 2, "padding_mode": "circular", "bias": False},
     (1, 6), {"weight": [1.0, 10.0, 100.0]}, (1, 4), [165, 321, 543, 165]),
    # F.conv_transpose2d(t(2,2,3), w(2,1,3,2), torch.tensor([5.]), stride=(2,3), padding=(1,0), output_padding=(1,2),
    #                    dilation=(1,2))
    ("conv_transpose", {"channels": 1, "kernel": (3, 2), "stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2),
     "dilation": (1, 2)}, (2, 2, 3), {"weight": weights(2, 1, 3, 2), "bias": [5.0]}, (1, 4, 11),
     [-10, 5, -2, -13, 5, -3, -16, 5, -4, 5, 5, 24, 5, -24, 25, 5, -26, 26, 5, -28, 5, 5, -19, 5, -5, -22, 5, -6, -25,
      5, -7, 5, 5, 9, 5, 23, 10, 5, 26, 11, 5, 29, 5, 5]),
    # F.conv_transpose1d(t(4,3), w(4,1,3), stride=2, padding=1, groups=2)
    ("conv_transpose", {"channels": 2, "kernel": 3, "stride": 2, "padding": 1, "groups": 2, "bias": False}, (4, 3),
     {"weight": weights(4, 1, 3)}, (2, 5), [2, 1, 1, -1, 0, -21, 9, -24, 10, -27]),
    # F.max_pool2d(t(1,5,6), 3, stride=2, padding=1, ceil_mode=True)
    ("max_pool", {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (1, 5, 6), {}, (1, 3, 4),
     [8, 10, 12, 12, 20, 22, 24, 24, 26, 28, 30, 30]),
    # F.max_pool1d(t(1,4), 2, stride=3, padding=1, ceil_mode=True): a window that would start in the padding is dropped
    ("max_pool", {"kernel": 2, "stride": 3, "padding": 1, "ceil_mode": True}, (1, 4), {}, (1, 2), [1, 4]),
    # F.max_pool1d(t(1,7), 3, stride=2, ceil_mode=True), and of t(1,6), t(1,8): no window more where no position is left
    ("max_pool", {"kernel": 3, "stride": 2, "ceil_mode": True}, (1, 7), {}, (1, 3), [3, 5, 7]),
    ("max_pool", {"kernel": 3, "stride": 2, "ceil_mode": True}, (1, 6), {}, (1, 3), [3, 5, 6]),
    ("max_pool", {"kernel": 3, "stride": 2, "ceil_mode": True}, (1, 8), {}, (1, 4), [3, 5, 7, 8]),
    # F.max_pool1d(t(1,3), 4, stride=2, ceil_mode=True), and avg_pool1d: a single window, larger than the input
    ("max_pool", {"kernel": 4, "stride": 2, "ceil_mode": True}, (1, 3), {}, (1, 1), [3]),
    ("avg_pool", {"kernel": 4, "stride": 2, "ceil_mode": True}, (1, 3), {}, (1, 1), [2]),
    # F.max_pool1d(t(1,2), 2, stride=1, dilation=3, padding=1): a window that reads nothing but padding
    ("max_pool", {"kernel": 2, "stride": 1, "dilation": 3, "padding": 1}, (1, 2), {}, (1, 1), [-inf]),
    # F.avg_pool1d(t(1,7), 2, stride=3, padding=1, ceil_mode=True)
    ("avg_pool", {"kernel": 2, "stride": 3, "padding": 1, "ceil_mode": True}, (1, 7), {}, (1, 3), [0.5, 3.5, 6.5]),
    # F.avg_pool1d(t(1,6), 3, stride=2, padding=1, ceil_mode=True), and with count_include_pad=False
    ("avg_pool", {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (1, 6), {}, (1, 4), [1, 3, 5, 3]),
    ("avg_pool", {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}, (1, 6), {},
     (1, 4), [1.5, 3, 5, 6]),
    # F.lp_pool1d(t(1,5), 3, 2, stride=2)
    ("lp_pool", {"kernel": 2, "stride": 2, "p": 3}, (1, 5), {}, (1, 2), [2.080084, 4.497941]),
    # F.adaptive_avg_pool1d(t(1,7), 3), F.adaptive_max_pool1d(t(1,7), 5)
    ("adaptive_avg_pool", {"size": 3}, (1, 7), {}, (1, 3), [2, 4, 6]),
    ("adaptive_max_pool", {"size": 5}, (1, 7), {}, (1, 5), [2, 3, 5, 6, 7]),
    # F.interpolate(t(1,2,3), scale_factor=2, mode="bilinear"), (t(1,5), size=8, mode="nearest"),
    # (t(1,2,3), size=(3,5), mode="bilinear", align_corners=True)
    ("upsample", {"scale": 2, "mode": "bilinear"}, (1, 2, 3), {}, (1, 4, 6),
     [1, 1.25, 1.75, 2.25, 2.75, 3, 1.75, 2, 2.5, 3, 3.5, 3.75, 3.25, 3.5, 4, 4.5, 5, 5.25, 4, 4.25, 4.75, 5.25,
      5.75, 6]),
    ("upsample", {"size": 8}, (1, 5), {}, (1, 8), [1, 1, 2, 2, 3, 4, 4, 5]),
    ("upsample", {"size": (3, 5), "mode": "bilinear", "align_corners": True}, (1, 2, 3), {}, (1, 3, 5),
     [1, 1.5, 2, 2.5, 3, 2.5, 3, 3.5, 4, 4.5, 4, 4.5, 5, 5.5, 6]),
    # F.interpolate(t(1,1,4), size=2, mode="linear", align_corners=True), and size=1: the corners stay
    ("upsample", {"size": 2, "mode": "bilinear", "align_corners": True}, (1, 4), {}, (1, 2), [1, 4]),
    ("upsample", {"size": 1, "mode": "bilinear", "align_corners": True}, (1, 4), {}, (1, 1), [1]),
    # F.local_response_norm(t(5,1), 4, alpha=4., beta=1., k=0.)
    ("local_response_norm", {"size": 4, "alpha": 4, "beta": 1, "k": 0}, (5, 1), {}, (5, 1),
     [0.2, 0.142857, 0.1, 0.074074, 0.1]),
    # F.instance_norm(t(2,3)), F.group_norm(t(4,2), 2), F.normalize(t(2,2), dim=1)
    ("instance_norm", {}, (2, 3), {}, (2, 3), [-1.224736, 0, 1.224736, -1.224736, 0, 1.224735]),
    # F.batch_norm(t(1,2,3), None, None, training=True)
    ("batch_norm", {"statistics": False, "scale": False, "shift": False}, (2, 3), {}, (2, 3),
     [-1.224736, 0, 1.224736, -1.224736, 0, 1.224735]),
    ("group_norm", {"groups": 2, "scale": False, "shift": False}, (4, 2), {}, (4, 2),
     [-1.341635, -0.447212, 0.447212, 1.341635, -1.341635, -0.447212, 0.447212, 1.341635]),
    ("l2_norm", {}, (2, 2), {}, (2, 2), [0.316228, 0.447214, 0.948683, 0.894427]),
    # F.channel_shuffle(t(6,1,1), 3), F.pixel_shuffle(t(4,1,2), 2), F.pixel_unshuffle(t(2,2,2), 2)
    ("channel_shuffle", {"groups": 3}, (6, 1, 1), {}, (6, 1, 1), [1, 3, 5, 2, 4, 6]),
    ("depth_to_space", {"block": 2}, (4, 1, 2), {}, (1, 2, 4), [1, 3, 2, 4, 5, 7, 6, 8]),
    ("space_to_depth", {"block": 2}, (2, 2, 2), {}, (8, 1, 1), [1, 2, 3, 4, 5, 6, 7, 8]),
]  # fmt: skip


@together("kind, args, shape, given, out, expected", TORCH)
def test_as_pytorch(
    kind: str, args: dict[str, Any], shape: tuple[int, ...], given: dict[str, list[float]], out: tuple[int, ...],
    expected: list[float],
) -> None:  # fmt: skip
    result = execute(kind, args, [counting(*shape)], given)
    assert result.shape == out
    assert result.data == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("weights", "learned", "shares"),
    [  # torch.softmax(torch.tensor([800., 799., -800.]), 0)
        ("softmax", [800.0, 799.0, -800.0], [0.731059, 0.268941, 0.0]),
        ("softmax", [-800.0, -799.0, -798.0], [0.090031, 0.244728, 0.665241]),
        # Tan et al. 2020, section 3.3: max(w, 0)/(0.0001 + sum of these)
        ("fast", [3.0, -5.0, 1.0], [3 / 4.0001, 0.0, 1 / 4.0001]),
        ("fast", [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_learned_factors_of_a_sum(weights: str, learned: list[float], shares: list[float]) -> None:
    units = [Tensor((3,), [float(place == branch) for place in range(3)]) for branch in range(3)]
    found = execute("add", {"weights": weights}, units, {"weight": learned})
    assert found.data == pytest.approx(shares, abs=1e-6)


def test_a_bias_by_distance_counts_in_keys() -> None:
    """Graham et al. 2021, LeViT: a query of a map at half the size stands at twice its place.  With q and k of 0 the
    shares are the exponentials of the table, 1, 2, 3, ... for the distances 0, 1, 2, ..., row-major.
    """
    table = {"bias_table": [log(number) for number in range(1, 9)]}
    zeros, args = Tensor((1, 1, 2), [0.0, 0.0]), {"heads": 1, "bias": "distance"}
    pair = Tensor((2, 2, 4), [0.0] * 8 + [float(value) for value in range(1, 9)])
    found = execute("attention", args, [zeros, pair], table).data
    first, second = [1, 2, 3, 4, 5, 6, 7, 8], [3, 2, 1, 2, 7, 6, 5, 6]
    assert found == pytest.approx([_mean(first), _mean(second)])


def test_a_bias_by_relative_position_leaves_tokens_alone() -> None:
    """Liu et al. 2021, Swin: a query at i and a key at j have the entry i - j + (size - 1); here of a map of 2 behind
    a token, which has none.  With q and k of 0 the shares are the exponentials of the table, and 1 for the token."""
    qkv = Tensor((3, 3), [0.0] * 6 + [1.0, 2.0, 3.0])
    table = Tensor((1, 3), [log(2), log(3), log(5)])
    expected = pytest.approx([_mean([1, 1, 1]), _mean([1, 3, 2]), _mean([1, 5, 3])])
    assert execute("attention", {"heads": 1, "bias": "t", "maps": 2}, [qkv, table], {}).data == expected
    learned = {"bias_table": table.data}
    assert execute("attention", {"heads": 1, "bias": "relative", "maps": 2}, [qkv], learned).data == expected


def _mean(shares: list[int]) -> float:
    """The mean of 1, 2, 3, ... by their shares."""
    return sum(value * share for value, share in enumerate(shares, 1)) / sum(shares)


def test_linear_attention_is_divided_by_a_sum_above_zero() -> None:
    """Cai et al. 2023, EfficientViT: their code adds 1e-15 to the sum of the products."""
    for key, expected in ((1e-7, 0.5), (1e-6, 10 / 11), (0.0, 0.0), (-1.0, 0.0)):
        qkv = Tensor((3, 1), [1e-8, key, 1.0])
        assert execute("attention", {"heads": 1, "mode": "linear"}, [qkv], {}).data == pytest.approx([expected])


def test_coordinates_go_from_end_to_end() -> None:
    """torch.linspace(-1, 1, 5) along the height; one position alone is at 0, two are at the ends."""
    ends = [-1, -0.5, 0, 0.5, 1]
    assert execute("coordinates", {"sizes": (5, 1)}, [], {}).data == [*ends, *[0] * 5]
    assert execute("coordinates", {"sizes": (1, 5)}, [], {}).data == [*[0] * 5, *ends]
    assert execute("coordinates", {"sizes": 2}, [], {}).data == [-1, 1]
    assert execute("coordinates", {"sizes": (2, 3)}, [], {}).data == [-1, -1, -1, 1, 1, 1, -1, 0, 1, -1, 0, 1]


@pytest.mark.parametrize(
    ("axes", "shape", "wide"),
    [
        ("one", (1,), [[0, 0, 0], [0, 0, 0]]),
        ("channels", (2,), [[0, 0, 0], [1, 1, 1]]),
        ("positions", (1, 3), [[0, 1, 2], [0, 1, 2]]),
        ("length", (1, 3), [[0, 1, 2], [0, 1, 2]]),
        ("all", (2, 3), [[0, 1, 2], [3, 4, 5]]),
        (("length", "channels"), (2, 3), [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_a_learned_tensor_is_the_same_along_the_other_axes(axes: Any, shape: Any, wide: list[list[int]]) -> None:
    """As NumPy broadcasts it: np.arange(n).reshape(shape) + np.zeros((2, 3))."""
    given = [float(number) for number in range(prod(shape))]
    flat = [number for row in wide for number in row]
    zeros, ones = Tensor((2, 3), [0.0] * 6), Tensor((2, 3), [1.0] * 6)
    assert execute("offset", {"axes": axes}, [zeros], {"bias": given}).data == flat
    assert execute("factor", {"axes": axes}, [ones], {"weight": given}).data == flat
    assert make(KINDS["offset"], {"axes": axes}).weight_shapes(((2, 3),))[0].shape == shape


ACTIVATIONS = {  # F.gelu(torch.tensor([-3., -1., -.25, 0., .5, 2.])) and so on
    "gelu": [-0.00405, -0.158655, -0.100323, 0.0, 0.345731, 1.9545],
    "silu": [-0.142278, -0.268941, -0.109456, 0.0, 0.31123, 1.761594],
    "mish": [-0.145647, -0.303401, -0.129927, 0.0, 0.375245, 1.943959],
    "softplus": [0.048587, 0.313262, 0.575939, 0.693147, 0.974077, 2.126928],
    "elu": [-0.950213, -0.632121, -0.221199, 0.0, 0.5, 2.0],
    "selu": [-1.670569, -1.111331, -0.38889, 0.0, 0.525351, 2.101402],
    "hard_swish": [0.0, -0.333333, -0.114583, 0.0, 0.291667, 1.666667],
    "hard_sigmoid": [0.0, 0.333333, 0.458333, 0.5, 0.583333, 0.833333],
    "relu6": [0.0, 0.0, 0.0, 0.0, 0.5, 2.0],
    "tanh": [-0.995055, -0.761594, -0.244919, 0.0, 0.462117, 0.964028],
    "sigmoid": [0.047426, 0.268941, 0.437824, 0.5, 0.622459, 0.880797],
}


@together("kind, expected", ACTIVATIONS.items())
def test_activations_as_pytorch(kind: str, expected: list[float]) -> None:
    x = Tensor((6,), [-3.0, -1.0, -0.25, 0.0, 0.5, 2.0])
    assert execute(kind, {}, [x], {}).data == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", [*ACTIVATIONS, "softmax", "log_softmax", "relu", "leaky_relu"])
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_no_exponential_grows_too_large(kind: str, value: float) -> None:
    (result,) = execute(kind, {}, [Tensor((1,), [value])], {}).data
    assert abs(result) <= 1.1e4


def test_strides_of_the_notes() -> None:
    """The kernel [1, 0, -1] on a row of seven, by hand: each output is x[i] - x[i+2]."""
    row, kernel = Tensor((1, 7), [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]), {"weight": [1.0, 0.0, -1.0]}
    args = {"channels": 1, "kernel": 3, "bias": False}
    assert execute("conv", args, [row], kernel).data == [-1, 0, -1, -8, 3]
    assert execute("conv", args | {"stride": 2}, [row], kernel).data == [-1, -1, 3]
