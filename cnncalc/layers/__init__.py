"""Every layer kind, in an explicit table: the reference lists them in this order."""

from __future__ import annotations

from cnncalc.layers.activation import ACTIVATIONS
from cnncalc.layers.base import Layer
from cnncalc.layers.convolution import Conv, ConvTranspose, DepthwiseConv, SeparableConv
from cnncalc.layers.dense import Linear
from cnncalc.layers.joining import Add, Concat, Multiply
from cnncalc.layers.normalisation import NORMALISATIONS
from cnncalc.layers.other import Dropout, DropPath, LayerScale, Opaque
from cnncalc.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    LpPool,
    MaxPool,
)
from cnncalc.layers.resampling import Upsample
from cnncalc.layers.shaping import (
    ChannelShuffle,
    Crop,
    CropLike,
    DepthToSpace,
    Flatten,
    Identity,
    Pad,
    Permute,
    Reshape,
    Slice,
    SpaceToDepth,
)

FAMILIES: dict[str, tuple[type[Layer], ...]] = {
    "convolution": (Conv, DepthwiseConv, SeparableConv, ConvTranspose),
    "pooling": (MaxPool, AvgPool, LpPool, GlobalAvgPool, GlobalMaxPool, AdaptiveAvgPool, AdaptiveMaxPool),
    "dense": (Linear,),
    "normalisation": NORMALISATIONS,
    "activation": ACTIVATIONS,
    "shape": (
        Flatten,
        Reshape,
        Permute,
        ChannelShuffle,
        Slice,
        Pad,
        Crop,
        CropLike,
        SpaceToDepth,
        DepthToSpace,
        Identity,
    ),
    "resampling": (Upsample,),
    "join": (Concat, Add, Multiply),
    "other": (Dropout, DropPath, LayerScale, Opaque),
}

KINDS: dict[str, type[Layer]] = {kind.kind: kind for family in FAMILIES.values() for kind in family}
