"""What Keras lacks for attention and learned tensors, as text: those that a network needs are written into its source.

They are channels last, and work on every backend.
"""

from __future__ import annotations

POSITION_ATTENTION = '''
@keras.saving.register_keras_serializable()
class PositionAttention(layers.Layer):
    """Scaled dot-product attention between positions: of the whole map, within windows, or over grids.

    With a `table` of so many positions per axis there is a learned bias by relative position, with `given` it is the
    last input; `cosine` norms queries and keys, and learns a scale per head.
    """

    def __init__(
        self, heads, window=None, shift=None, grid=False, table=None, given=False, cosine=False, scale=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.heads = heads
        self.window = window and tuple(window)
        self.shift = shift and tuple(shift)
        self.grid = grid
        self.table = table and tuple(table)
        self.given = given
        self.cosine = cosine
        self.scale = scale

    def build(self, input_shape):
        if self.cosine:
            initializer = keras.initializers.Constant(2.302585)
            self.logit_scale = self.add_weight(shape=(self.heads,), initializer=initializer, name="logit_scale")
        if self.table:
            shape = (self.heads, *(2 * size - 1 for size in self.table))
            self.bias_table = self.add_weight(shape=shape, initializer="zeros", name="bias_table")

    def call(self, inputs):
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        table = inputs.pop() if self.given else None
        if len(inputs) < 3:
            *inputs, joined = inputs
            inputs = [*inputs, *ops.split(joined, 3 - len(inputs), axis=-1)]
        sizes, channels = inputs[0].shape[1:-1], inputs[2].shape[-1]
        window = self.window or None
        shift = self.shift or (0,) * len(sizes)
        q, k, v = (self.apart(x, window, shift) for x in inputs)
        if self.cosine:
            q, k = unit(q), unit(k)
            scale = ops.exp(ops.minimum(self.logit_scale, 4.605170185988092))[:, None, None]
        else:
            scale = self.scale or (inputs[0].shape[-1] // self.heads) ** -0.5
        scores = ops.matmul(q, ops.swapaxes(k, -1, -2)) * scale
        if self.table:
            scores = scores + relative_bias(ops.reshape(self.bias_table, (self.heads, -1)), self.table, window or sizes)
        if self.given:
            wide = [(size + 1) // 2 for size in table.shape[1:-1]]
            flat = ops.transpose(ops.reshape(table, (-1, table.shape[1] * table.shape[2], self.heads)), (0, 2, 1))
            scores = scores + relative_bias(flat, wide, window or sizes)[:, None]
        if any(shift):
            scores = scores + shift_mask(sizes, window, shift)
        return self.together(ops.matmul(ops.softmax(scores, axis=-1), v), sizes, channels, window, shift)

    def apart(self, x, window, shift):
        """Batch, windows, heads, positions, channels of a head."""
        *sizes, channels = x.shape[1:]
        rank = len(sizes)
        counts = [size // wide for size, wide in zip(sizes, window or sizes)]
        for axis, step in enumerate(shift, 1):
            x = ops.roll(x, -step, axis=axis) if step else x
        pairs = zip(window or sizes, counts) if self.grid else zip(counts, window or sizes)
        x = ops.reshape(x, (-1, *(size for pair in pairs for size in pair), self.heads, channels // self.heads))
        first, second = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        outer, inner = (second, first) if self.grid else (first, second)
        x = ops.transpose(x, (0, *outer, 2 * rank + 1, *inner, 2 * rank + 2))
        windows, positions = product(counts), product(window or sizes)
        return ops.reshape(x, (-1, windows, self.heads, positions, channels // self.heads))

    def together(self, x, sizes, channels, window, shift):
        """The map again: the inverse of `apart`."""
        rank = len(sizes)
        counts = [size // wide for size, wide in zip(sizes, window or sizes)]
        x = ops.reshape(x, (-1, *counts, self.heads, *(window or sizes), channels // self.heads))
        outer, inner = range(1, rank + 1), range(rank + 2, 2 * rank + 2)
        pairs = zip(inner, outer) if self.grid else zip(outer, inner)
        x = ops.transpose(x, (0, *(axis for pair in pairs for axis in pair), rank + 1, 2 * rank + 2))
        x = ops.reshape(x, (-1, *sizes, channels))
        for axis, step in enumerate(shift, 1):
            x = ops.roll(x, step, axis=axis) if step else x
        return x

    def get_config(self):
        names = ("heads", "window", "shift", "grid", "table", "given", "cosine", "scale")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
'''

PRODUCT = '''
def product(numbers):
    """All numbers multiplied."""
    found = 1
    for number in numbers:
        found *= number
    return found
'''

UNIT = '''
def unit(x):
    """Divided by its norm over the last axis."""
    return x / ops.maximum(ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)), 1e-12)
'''

RELATIVE_BIAS = '''
def relative_bias(table, wide, sizes):
    """Of a flat table by relative position, on maps of up to `wide` positions, the bias of all queries and keys."""
    places, count = ops.zeros((1, 1), dtype="int32"), 1
    for size, most in zip(sizes, wide):
        line = ops.arange(size, dtype="int32")
        axis = line[:, None] - line[None, :] + (most - 1)
        count *= size
        places = places[:, None, :, None] * (2 * most - 1) + axis[None, :, None, :]
        places = ops.reshape(places, (count, count))
    return ops.take(table, places, axis=-1)
'''

SHIFT_MASK = '''
def shift_mask(sizes, window, shift):
    """Hides from every position of a window those that a shift has moved there from the other side of the map."""
    windows, count = ops.zeros((1, 1), dtype="int32"), 1
    for size, wide, step in zip(sizes, window, shift):
        rolled = ops.cast(ops.less((ops.arange(size, dtype="int32") + step) % size, step), "int32")
        parts = ops.reshape(rolled, (-1, wide))
        count *= wide
        windows = 2 * windows[:, None, :, None] + parts[None, :, None, :]
        windows = ops.reshape(windows, (-1, count))
    return ops.where(ops.equal(windows[:, None, :, None], windows[:, None, None, :]), 0.0, -1e9)
'''

LINEAR_ATTENTION = '''
def linear_attention(*inputs, heads):
    """Attention by relu in place of a softmax, normalised by its sum, so that keys are summed first."""
    if len(inputs) < 3:
        *first, joined = inputs
        inputs = [*first, *ops.split(joined, 3 - len(first), axis=-1)]
    sizes, channels = inputs[0].shape[1:-1], inputs[2].shape[-1]
    split = [ops.reshape(x, (-1, product(x.shape[1:-1]), heads, x.shape[-1] // heads)) for x in inputs]
    q, k, v = (ops.transpose(x, (0, 2, 1, 3)) for x in split)
    q, k = ops.relu(q), ops.relu(k)
    total = ops.matmul(q, ops.swapaxes(ops.sum(k, axis=2, keepdims=True), -1, -2)) + 1e-15
    x = ops.matmul(q, ops.matmul(ops.swapaxes(k, -1, -2), v)) / total
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, *sizes, channels))
'''

MATMUL = '''
def matmul(a, b, over="none", groups=1):
    """Product of matrices of channels by positions, group by group: a b, over positions a b', over channels a' b."""
    sizes = b.shape[1:-1]
    split = [ops.reshape(x, (-1, product(x.shape[1:-1]), groups, x.shape[-1] // groups)) for x in (a, b)]
    a, b = (ops.transpose(x, (0, 2, 3, 1)) for x in split)
    a, b = ops.swapaxes(a, -1, -2) if over == "channels" else a, ops.swapaxes(b, -1, -2) if over == "positions" else b
    x = ops.transpose(ops.matmul(a, b), (0, 3, 1, 2))
    channels = x.shape[2] * x.shape[3]
    return ops.reshape(x, (-1, x.shape[1], channels) if over == "positions" else (-1, *sizes, channels))
'''

EUCLIDEAN = '''
def euclidean(x, axis):
    """The norm along axes, which stay."""
    return ops.sqrt(ops.sum(ops.square(x), axis=axis, keepdims=True))
'''

COORDINATES = '''
@keras.saving.register_keras_serializable()
class Coordinates(layers.Layer):
    """A channel per axis, from -1 at its first position to 1 at its last, for every sample of its input."""

    def __init__(self, sizes, **kwargs):
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)

    def call(self, inputs):
        rank = len(self.sizes)
        found = []
        for axis, size in enumerate(self.sizes):
            line = [2 * place / (size - 1) - 1 if size > 1 else 0.0 for place in range(size)]
            line = ops.convert_to_tensor(line, dtype="float32")
            line = ops.reshape(line, [-1 if other == axis else 1 for other in range(rank)])
            found.append(ops.broadcast_to(line, self.sizes))
        return ops.broadcast_to(ops.stack(found, axis=-1), (ops.shape(inputs)[0], *self.sizes, rank))

    def get_config(self):
        return {**super().get_config(), "sizes": self.sizes}
'''

SPREAD = '''
@keras.saving.register_keras_serializable()
class {name}(layers.Layer):
    """{says}"""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def build(self, input_shape):
        self.weight = self.add_weight(shape=self.shape, initializer="{initial}", name="weight")

    def call(self, inputs):
        return {call}

    def get_config(self):
        return {{**super().get_config(), "shape": self.shape}}
'''

GLOBAL_RESPONSE_NORM = '''
@keras.saving.register_keras_serializable()
class GlobalResponseNormalization(layers.Layer):
    """Channels by how strong they respond over the whole map (ConvNeXt V2), with the input added."""

    def __init__(self, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="gamma")
        self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="beta")

    def call(self, inputs):
        axes = list(range(1, len(inputs.shape) - 1))
        squares = ops.square(inputs)
        norm = ops.sqrt(ops.sum(squares, axis=axes, keepdims=True) if axes else squares)
        share = norm / (ops.mean(norm, axis=-1, keepdims=True) + self.epsilon)
        return inputs + self.gamma * (inputs * share) + self.beta

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
'''

WEIGHTED_SUM = '''
@keras.saving.register_keras_serializable()
class WeightedSum(layers.Layer):
    """Sum by learned shares: of what is above 0 of each weight (BiFPN), or of a softmax."""

    def __init__(self, softmax=False, **kwargs):
        super().__init__(**kwargs)
        self.softmax = softmax

    def build(self, input_shape):
        count = len(input_shape) if isinstance(input_shape[0], (list, tuple)) else 1
        self.weight = self.add_weight(shape=(count,), initializer="ones", name="weight")

    def call(self, inputs):
        inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        shares = ops.softmax(self.weight) if self.softmax else ops.relu(self.weight)
        total = 1.0 if self.softmax else ops.sum(shares) + 1e-4
        return sum(shares[place] * x for place, x in enumerate(inputs)) / total

    def get_config(self):
        return {**super().get_config(), "softmax": self.softmax}
'''

OFFSET = SPREAD.format(
    name="Offset", says="A learned tensor that is added.", initial="random_normal", call="inputs + self.weight"
)
FACTOR = SPREAD.format(name="Factor", says="A learned factor.", initial="ones", call="inputs * self.weight")
LEARNED = SPREAD.format(
    name="Learned",
    says="A learned tensor of its own, for every sample of its input.",
    initial="random_normal",
    call="ops.broadcast_to(self.weight, (ops.shape(inputs)[0], *self.shape))",
)

ATTENDING = {
    "product": PRODUCT,
    "unit": UNIT,
    "relative_bias": RELATIVE_BIAS,
    "shift_mask": SHIFT_MASK,
    "linear_attention": LINEAR_ATTENTION,
    "matmul": MATMUL,
    "euclidean": EUCLIDEAN,
    "Coordinates": COORDINATES,
    "Offset": OFFSET,
    "Factor": FACTOR,
    "Learned": LEARNED,
    "GlobalResponseNormalization": GLOBAL_RESPONSE_NORM,
    "WeightedSum": WEIGHTED_SUM,
    "PositionAttention": POSITION_ATTENTION,
}
"""By the name that the source calls, in the order in which they are written."""

USES = {
    "PositionAttention": ("product", "unit", "relative_bias", "shift_mask"),
    "linear_attention": ("product",),
    "matmul": ("product",),
}
"""What stands in the source for what uses it."""
