"""Which calls a layer kind is in Keras, channels last: one function per kind or family, in the table `CALLS`.

What Keras cannot say in one layer is said by several: borders by `ZeroPadding2D` before, cut borders by `Cropping2D`
behind, channels-first orders by `Permute`; the rest by functions and layers that are written into the source
(`snippets`).
"""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.convert.keras_out.activations import WORDS, activation
from cnncalc.convert.keras_out.attending import (
    attention,
    coordinates,
    global_response_norm,
    matmul,
    parameter,
    reduce,
    spread,
    subtract,
)
from cnncalc.convert.keras_out.calls import Sketch
from cnncalc.convert.keras_out.moving import (
    add,
    blocks,
    channel_shuffle,
    concat,
    crop,
    drop_path,
    dropout,
    flatten,
    identity,
    joined,
    layer_scale,
    pad,
    permute,
    reshape,
    slice_,
    upsample,
)
from cnncalc.convert.keras_out.normalising import batch_norm, group_norm, l2_norm, layer_norm, local_response_norm
from cnncalc.convert.keras_out.padding import ways
from cnncalc.convert.keras_out.pooling import adaptive, avg_pool, global_pool, lp_pool, max_pool
from cnncalc.convert.keras_out.sliding import conv, conv_transpose, linear

CALLS: dict[str, Callable[..., int]] = {
    "conv": conv,
    "depthwise_conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "lp_pool": lp_pool,
    "global_avg_pool": global_pool("GlobalAveragePooling"),
    "global_max_pool": global_pool("GlobalMaxPooling"),
    "adaptive_avg_pool": adaptive("AveragePooling", "average"),
    "adaptive_max_pool": adaptive("MaxPooling", "maximum"),
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": batch_norm,
    "local_response_norm": local_response_norm,
    "l2_norm": l2_norm,
    **dict.fromkeys((*WORDS, "leaky_relu", "prelu"), activation),
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "slice": slice_,
    "pad": pad,
    "crop": crop,
    "crop_like": crop,
    "space_to_depth": blocks,
    "depth_to_space": blocks,
    "identity": identity,
    "upsample": upsample,
    "concat": concat,
    "add": add,
    "subtract": subtract,
    "multiply": joined("Multiply"),
    "dropout": dropout,
    "drop_path": drop_path,
    "layer_scale": layer_scale,
    "attention": attention,
    "matmul": matmul,
    "global_response_norm": global_response_norm,
    "reduce": reduce,
    "offset": spread,
    "factor": spread,
    "parameter": parameter,
    "coordinates": coordinates,
}
"""By kind; `opaque` has no place here, and `separable_conv` is two rows of other kinds."""


def padded_ways(s: Sketch) -> dict[int, list[str]]:
    """How every layer with windows could pad, by position: what `Sketch.agree` takes."""
    kinds = ("conv", "depthwise_conv", "max_pool", "avg_pool")
    return {node.place: ways(node) for node in s.graph.nodes if node.kind in kinds}


POSITIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax")
KEEPS_POSITIVE = ("max_pool", "avg_pool", "dropout", "drop_path", "concat", "add", "multiply", "identity", "slice")


def positive(s: Sketch) -> list[bool]:
    """For every tensor whether it holds nothing below 0: then padding by zeros changes no maximum."""
    found = [False] * len(s.graph.inputs)
    for node in s.graph.nodes:
        kept = node.kind in KEEPS_POSITIVE and all(found[tensor] for tensor in node.inputs)
        found.append(kept or node.kind in POSITIVE)
    return found
