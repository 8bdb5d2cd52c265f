"""How the sources of bundled networks write some layers, where other tools count by it: data, by file.

A tool sees modules, or the functions that these call; a function in place of a module, a tensor's own method, or a
class that is derived from a known one changes its total and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase

from cnncalc.geometry import Shape
from cnncalc.graph import Node
from cnncalc.language.library import bundled_folder
from cnncalc.layers import KINDS
from cnncalc.layers.base import Operation, make
from cnncalc.records import NamedTuple


class Form(StrEnum):
    """What a layer is written as."""

    MODULE = "module"
    """A module of its kind, which calls the function of its kind."""
    FUNCTION = "function"
    """A function: `F.relu(x)`."""
    METHOD = "method"
    """A tensor's method, or arithmetic: `x.mean([2, 3])`."""
    DERIVED = "derived"
    """A module of a class that is derived from that of its kind."""
    ABSENT = "absent"
    """Nothing."""


class Writing(NamedTuple):
    """How some layers are written."""

    text: str
    """The same in words."""
    kind: str = ""
    """Of the layers that it holds for."""
    names: tuple[str, ...] = ("*",)
    """Patterns of their names."""
    form: Form = Form.MODULE
    counted_as: str = ""
    """The kind that they are written as, if it is another."""
    beside: tuple[str, Operation] | None = None
    """A layer that the source has and the spec does not, by its kind."""


def form_of(node: Node, written: Sequence[Writing]) -> tuple[Form, str]:
    """The form of a node, and the kind that it is written as."""
    for writing in written:
        if writing.kind == node.kind and any(fnmatchcase(node.name, pattern) for pattern in writing.names):
            return writing.form, writing.counted_as or node.kind
    return Form.MODULE, node.kind


def _pool(size: int, shape: Shape) -> tuple[str, Operation]:
    kind = "adaptive_avg_pool"
    return kind, Operation(make(KINDS[kind], {"size": size}), (shape,))


def _written() -> dict[str, tuple[Writing, ...]]:
    function, method, derived = Form.FUNCTION, Form.METHOD, Form.DERIVED
    projections = ("*.window_attention*", "*.projected", "*.cosine_attention?.conv3")
    mean = (Writing("torchvision takes the mean as a tensor's method", "global_avg_pool", form=method),)
    return {
        "vgg": (
            Writing("torchvision pools to 7 x 7 what is 7 x 7 already", beside=_pool(7, (512, 7, 7))),
            Writing("torchvision ends without the softmax", "softmax", form=Form.ABSENT),
        ),
        "densenet": (
            Writing("torchvision's last relu is a function", "relu", ("relu1",), function),
            Writing("torchvision's last pool is a function", "global_avg_pool", form=function),
        ),
        "googlenet": (Writing("torchvision's relus are functions", "relu", form=function),),
        "inception_v3": (
            Writing("torchvision's relus are functions", "relu", form=function),
            Writing("torchvision's pools in the branches are functions", "avg_pool", form=function),
            Writing("torchvision's pools in the branches are functions", "max_pool", ("Mixed_*",), function),
        ),
        "vit": (
            Writing("torchvision's MLPs are linear layers", "conv", ("*.mlp*",), counted_as="linear"),
            Writing(
                "torchvision's projections are inside PyTorch's multi-head attention, no modules",
                "conv",
                ("*attention*",),
                function,
                "attention_projection",
            ),
            Writing("torchvision's attention is PyTorch's own function", "attention", counted_as="fused_attention"),
        ),
        "swin": (
            Writing("torchvision's projections are functions", "conv", projections, function, "linear"),
            Writing(
                "torchvision's MLPs are linear layers", "conv", ("*.mlp*", "*.cosine_attention*"), counted_as="linear"
            ),
            Writing("torchvision's merging is a linear layer", "conv", ("merge*",), counted_as="linear"),
            Writing(
                "torchvision multiplies q and k by the operator `@` in version 2, which ptflops does not see",
                "attention",
                ("*.cosine_attention*",),
                counted_as="operator_attention",
            ),
        ),
        "mobilenet_v2": (Writing("torchvision's last pool is a function", "global_avg_pool", form=function),),
        "mnasnet": mean,
        "shufflenet_v2": mean,
        "convnext": (
            Writing("torchvision's pointwise convolutions are linear layers", "conv", ("stage*",), counted_as="linear"),
            Writing(
                "torchvision's norms between the stages are of a class of its own",
                "layer_norm",
                ("stem.norm", "downsample*", "layer_norm1"),
                derived,
            ),
        ),
    }


def written(path: str) -> tuple[Writing, ...]:
    """How the source of the spec file at `path` writes some layers; empty for files that are not bundled."""
    folder, name = os.path.split(os.path.realpath(path))
    return _written().get(os.path.splitext(name)[0], ()) if folder == os.path.realpath(bundled_folder()) else ()
