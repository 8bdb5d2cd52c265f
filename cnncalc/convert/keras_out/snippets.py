"""Functions and layers that Keras does not have, as text: those that a network needs are written into its source.

They are channels last, and work on every backend.
"""

from __future__ import annotations

BORDER = '''
def border(x, axis, before, after, mode):
    """Add positions that repeat the border, mirror it, or come from the other side."""
    width = x.shape[axis]
    places = range(-before, width + after)
    if mode == "replicate":
        indices = [min(max(place, 0), width - 1) for place in places]
    elif mode == "circular":
        indices = [place % width for place in places]
    else:
        indices = [abs((place + width - 1) % max(2 * width - 2, 1) - width + 1) for place in places]
    return ops.take(x, indices, axis=axis)
'''

AVERAGE = '''
def average(x, axis, windows, inside=True):
    """Mean along an axis over windows of positions; those outside it are 0, and count unless `inside`."""
    shares = [[0.0] * len(windows) for _ in range(x.shape[axis])]
    for output, window in enumerate(windows):
        taps = [tap for tap in window if 0 <= tap < x.shape[axis]]
        for tap in taps:
            shares[tap][output] += 1 / len(taps if inside else window)
    x = ops.tensordot(x, ops.convert_to_tensor(shares, dtype="float32"), axes=[[axis], [0]])
    return ops.moveaxis(x, -1, axis)
'''

MAXIMUM = '''
def maximum(x, axis, windows):
    """Maximum along an axis over windows of positions; those outside it do not count."""
    taps = [[tap for tap in window if 0 <= tap < x.shape[axis]] for window in windows]
    found = [ops.max(ops.take(x, each, axis=axis), axis=axis, keepdims=True) for each in taps]
    return ops.concatenate(found, axis=axis)
'''

LP_POOL = '''
def lp_pool(x, axis, windows, p):
    """The p-th root of the sum of p-th powers along an axis over windows of positions."""
    powers = ops.power(ops.abs(x), p)
    taps = [[tap for tap in window if 0 <= tap < x.shape[axis]] for window in windows]
    sums = [ops.sum(ops.take(powers, each, axis=axis), axis=axis, keepdims=True) for each in taps]
    return ops.power(ops.concatenate(sums, axis=axis), 1 / p)
'''

INTERPOLATE = '''
def interpolate(x, axis, places):
    """Linear interpolation along an axis, at places given in input positions."""
    last = x.shape[axis] - 1
    places = [min(max(place, 0), last) for place in places]
    share = ops.reshape([place - int(place) for place in places], [-1] + [1] * (len(x.shape) - 1 - axis))
    low = ops.take(x, [int(place) for place in places], axis=axis)
    high = ops.take(x, [min(int(place) + 1, last) for place in places], axis=axis)
    return low + share * (high - low)
'''

CHANNEL_SHUFFLE = '''
def channel_shuffle(x, groups):
    """Interleave the channels of all groups (Zhang et al. 2017, ShuffleNet)."""
    *sizes, channels = x.shape[1:]
    x = ops.reshape(x, (-1, *sizes, groups, channels // groups))
    return ops.reshape(ops.swapaxes(x, -1, -2), (-1, *sizes, channels))
'''

SPACE_TO_DEPTH = '''
def space_to_depth(x, blocks, order="crd"):
    """Blocks of positions become channels: a channel's own next to each other (`crd`), or a position's (`dcr`)."""
    *sizes, channels = x.shape[1:]
    rank = len(sizes)
    left = [size // block for size, block in zip(sizes, blocks)]
    x = ops.reshape(x, (-1, *(part for pair in zip(left, blocks) for part in pair), channels))
    outer, inner, last = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2), 2 * rank + 1
    x = ops.transpose(x, (0, *outer, last, *inner) if order == "crd" else (0, *outer, *inner, last))
    for block in blocks:
        channels *= block
    return ops.reshape(x, (-1, *left, channels))
'''

DEPTH_TO_SPACE = '''
def depth_to_space(x, blocks, order="crd"):
    """Channels become blocks of positions: the inverse of `space_to_depth`."""
    *sizes, left = x.shape[1:]
    rank = len(sizes)
    for block in blocks:
        left //= block
    split = (left, *blocks) if order == "crd" else (*blocks, left)
    x = ops.reshape(x, (-1, *sizes, *split))
    first, last = (rank + 2, rank + 1) if order == "crd" else (rank + 1, 2 * rank + 1)
    x = ops.transpose(x, (0, *(axis for place in range(rank) for axis in (place + 1, place + first)), last))
    return ops.reshape(x, (-1, *(size * block for size, block in zip(sizes, blocks)), left))
'''

LOCAL_RESPONSE_NORM = '''
def local_response_norm(x, size, alpha, beta, k):
    """Divide by what the squares of `size` neighbouring channels make (Krizhevsky et al. 2012)."""
    widths = [(0, 0)] * (len(x.shape) - 1) + [(size // 2, (size - 1) // 2)]
    squares = ops.pad(ops.square(x), widths)
    total = sum(squares[..., place : place + x.shape[-1]] for place in range(size))
    return x / (k + alpha / size * total) ** beta
'''

LAYER_SCALE = '''
@keras.saving.register_keras_serializable()
class LayerScale(layers.Layer):
    """A learned factor per channel (Touvron et al. 2021)."""

    def __init__(self, initial=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape):
        initializer = keras.initializers.Constant(self.initial)
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=initializer, name="gamma")

    def call(self, inputs):
        return inputs * self.gamma

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}
'''

L2_NORMALIZATION = '''
@keras.saving.register_keras_serializable()
class L2Normalization(layers.Layer):
    """Division by the Euclidean norm over the channels, and a learned factor per channel if `scale`."""

    def __init__(self, epsilon=1e-12, scale=False, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.scale = scale

    def build(self, input_shape):
        if self.scale:
            self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma")

    def call(self, inputs):
        norm = ops.sqrt(ops.sum(ops.square(inputs), axis=-1, keepdims=True))
        outputs = inputs / ops.maximum(norm, self.epsilon)
        return outputs * self.gamma if self.scale else outputs

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon, "scale": self.scale}
'''

BATCH_STATISTICS = '''
@keras.saving.register_keras_serializable()
class BatchStatisticsNormalization(layers.Layer):
    """Batch normalization that always uses the statistics of its batch, and keeps none."""

    def __init__(self, epsilon=1e-5, scale=True, center=True, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.scale = scale
        self.center = center

    def build(self, input_shape):
        if self.scale:
            self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma")
        if self.center:
            self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="beta")

    def call(self, inputs):
        axes = list(range(len(inputs.shape) - 1))
        mean, variance = ops.moments(inputs, axes=axes, keepdims=True)
        outputs = (inputs - mean) * ops.rsqrt(variance + self.epsilon)
        if self.scale:
            outputs = outputs * self.gamma
        return outputs + self.beta if self.center else outputs

    def get_config(self):
        config = {"epsilon": self.epsilon, "scale": self.scale, "center": self.center}
        return {**super().get_config(), **config}
'''

GROUPED_CONV_TRANSPOSE = '''
@keras.saving.register_keras_serializable()
class GroupedConvTranspose(layers.Layer):
    """Transposed convolution without padding, of `groups` groups of channels, each with its own kernels."""

    def __init__(self, filters, kernel_size, groups, strides, dilation_rate, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.groups = groups
        self.strides = tuple(strides)
        self.dilation_rate = tuple(dilation_rate)
        self.use_bias = use_bias

    def build(self, input_shape):
        shape = (*self.kernel_size, self.filters // self.groups, input_shape[-1])
        self.kernel = self.add_weight(shape=shape, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs):
        parts = zip(ops.split(inputs, self.groups, axis=-1), ops.split(self.kernel, self.groups, axis=-1))
        outputs = [
            ops.conv_transpose(
                part, kernel, self.strides, data_format="channels_last", dilation_rate=self.dilation_rate
            )
            for part, kernel in parts
        ]
        outputs = ops.concatenate(outputs, axis=-1)
        return outputs + self.bias if self.use_bias else outputs

    def get_config(self):
        names = ("filters", "kernel_size", "groups", "strides", "dilation_rate", "use_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
'''

SNIPPETS = {
    "border": BORDER,
    "average": AVERAGE,
    "maximum": MAXIMUM,
    "lp_pool": LP_POOL,
    "interpolate": INTERPOLATE,
    "channel_shuffle": CHANNEL_SHUFFLE,
    "space_to_depth": SPACE_TO_DEPTH,
    "depth_to_space": DEPTH_TO_SPACE,
    "local_response_norm": LOCAL_RESPONSE_NORM,
    "LayerScale": LAYER_SCALE,
    "L2Normalization": L2_NORMALIZATION,
    "BatchStatisticsNormalization": BATCH_STATISTICS,
    "GroupedConvTranspose": GROUPED_CONV_TRANSPOSE,
}
"""By the name that the source calls, in the order in which they are written."""
