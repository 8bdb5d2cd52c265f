"""Every layer kind, in an explicit table: the reference lists them in this order.

A module of kinds is loaded when one of them is first asked for: what a spec does not name costs no start-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from cnncalc.layers.base import Layer

MODULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("convolution", "convolution", ("conv", "depthwise_conv", "separable_conv", "conv_transpose")),
    ("pooling", "pooling", ("max_pool", "avg_pool", "lp_pool", "global_avg_pool", "global_max_pool")),
    ("pooling", "pooling", ("adaptive_avg_pool", "adaptive_max_pool")),
    ("pooling", "reducing", ("reduce", "max_unpool")),
    ("dense", "dense", ("linear",)),
    ("attention", "attention", ("attention",)),
    ("attention", "products", ("matmul",)),
    ("normalisation", "normalisation", ("batch_norm", "layer_norm", "group_norm", "instance_norm")),
    ("normalisation", "normalisation", ("local_response_norm", "l2_norm", "global_response_norm")),
    ("activation", "activation", ("relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish")),
    ("activation", "activation", ("sigmoid", "hard_sigmoid", "hard_swish", "tanh", "softplus")),
    ("activation", "activation", ("softmax", "log_softmax")),
    ("shape", "shaping", ("flatten", "reshape", "permute", "channel_shuffle", "slice", "split", "pad", "crop")),
    ("shape", "shaping", ("crop_like",)),
    ("shape", "blocks", ("space_to_depth", "depth_to_space")),
    ("shape", "shaping", ("identity",)),
    ("resampling", "resampling", ("upsample",)),
    ("join", "joining", ("concat", "add", "subtract", "multiply")),
    ("learned", "learned", ("offset", "factor", "layer_scale", "parameter", "coordinates")),
    ("other", "other", ("dropout", "drop_path", "opaque")),
)
"""Families in order, with the module and the kinds of each: a new kind is a class, and its name here."""


class _Kinds(Mapping[str, type[Layer]]):
    """The class of every kind by its name, loaded when it is asked for."""

    def __init__(self) -> None:
        self._modules = {kind: module for _, module, kinds in MODULES for kind in kinds}
        self._loaded: dict[str, type[Layer]] = {}

    def __getitem__(self, kind: str) -> type[Layer]:
        found = self._loaded.get(kind)
        if found is None:
            module = import_module(f"cnncalc.layers.{self._modules[kind]}")
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, Layer) and value.kind:
                    self._loaded[value.kind] = value
            found = self._loaded[kind]
        return found

    def __contains__(self, kind: object) -> bool:
        return kind in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


KINDS: Mapping[str, type[Layer]] = _Kinds()


def names(family: str) -> tuple[str, ...]:
    """The kinds of a family by name, in order: none of them is loaded."""
    return tuple([kind for title, _, kinds in MODULES if title == family for kind in kinds])


def families() -> dict[str, tuple[type[Layer], ...]]:
    """The kinds of every family, in order: all of them are loaded."""
    found: dict[str, tuple[type[Layer], ...]] = {}
    for family, _, kinds in MODULES:
        found[family] = (*found.get(family, ()), *(KINDS[kind] for kind in kinds))
    return found
