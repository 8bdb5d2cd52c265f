"""Networks to export, and what the reference executor computes for them: for the proofs in other engines."""

from __future__ import annotations

import os
import random
from array import array
from collections.abc import Sequence
from functools import cache, lru_cache
from math import isfinite, prod
from pathlib import Path

from convert.networks import EVERY
from executor.strategies import single
from hypothesis import given, settings
from hypothesis import strategies as st

import cnncalc
from cnncalc.executor.algebras import Floats
from cnncalc.executor.data import Weights
from cnncalc.executor.machine import Machine, Tensor, run
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node
from cnncalc.language.library import bundled_files, load_file, variant_names


@cache
def singles(count: int, kinds: tuple[str, ...] = EVERY) -> list[Graph]:
    """So many networks of a single layer that nobody chose, the same ones every time."""
    found: list[Graph] = []

    @settings(max_examples=count, database=None)
    @given(st.sampled_from(kinds).flatmap(single))
    def collect(graph: Graph) -> None:
        graph.outputs = [("result", len(graph.shapes) - 1)]
        found.append(graph)

    collect()
    return found


def drawn_inputs(graph: Graph, seed: int = 1) -> list[Tensor]:
    """A tensor for every input, of numbers around 0."""
    generator = random.Random(seed)
    return [Tensor(shape, [generator.gauss(0, 1) for _ in range(prod(shape))]) for _, shape in graph.inputs]


@lru_cache(maxsize=1)
def weights(graph: Graph, seed: int = 0) -> Weights:
    """Weights drawn as ``run`` and the exports draw them; those of the last graph are kept."""
    return Weights(graph, {}, "", seed)


@cache
def reference(graph: Graph) -> list[Tensor]:
    """What leaves the network for `drawn_inputs` according to the reference executor, worked out once for a graph."""
    inputs = drawn_inputs(graph)
    values = dict(enumerate(inputs))
    wanted = {tensor for _, tensor in graph.outputs}
    for node, tensor in run(graph, Machine(Floats(), weights(graph)), inputs):
        if node.number in wanted:
            values[node.number] = tensor
    return [values[tensor] for _, tensor in graph.outputs]


def finite(tensors: list[Tensor]) -> bool:
    """Whether engines can agree: a window that reads padding alone has no mean."""
    return all(isfinite(value) for tensor in tensors for value in tensor.data)


# -- the bundled networks ----------------------------------------------------------------------------------------------


def bundled() -> list[str]:
    """Every bundled network and variant, by name."""
    found: list[str] = []
    for path in bundled_files():
        if load_file(path).steps_span is not None:
            found += [*variant_names(path)] or [Path(path).stem]
    return found


def sampled() -> list[str]:
    """The first variant of every file, and `MORE`; every network where the environment sets ``EVERY_NETWORK``."""
    every = bundled()
    if os.environ.get("EVERY_NETWORK"):
        return every
    firsts = {(variant_names(path) or [Path(path).stem])[0] for path in bundled_files()}
    return [name for name in every if name in firsts or name in MORE]


MORE = ("regnet_y_400mf", "resnext50_32x4d", "vgg11_bn", "mobilenet_v3_small", "googlenet_aux", "inception_v3_aux")
MORE += ("fcn_resnet50_aux", "deeplabv3_mobilenet_v3_large_aux", "swin_v2_t", "mvit_v2_s", "efficientnet_b5")
"""Variants that differ from the first of their file in more than numbers."""


@cache
def small(most: int = 6_000_000) -> list[str]:
    """Those that plain Python runs in some seconds at their own size."""
    return [name for name in bundled() if cnncalc.load(name).summary().total("macs") <= most]


@cache
def computable(name: str) -> Graph:
    """A network of `small` or `REDUCED`, at the input at which plain Python runs it."""
    return cnncalc.load(name, inputs=REDUCED.get(name)).graph


REDUCED: dict[str, Shape] = {
    "squeezenet1_1": (3, 33, 33),
    "shufflenet_v2_x0_5": (3, 32, 32),
    "mobilenet_v2": (3, 32, 32),
    "mobilenet_v3_small": (3, 32, 32),
    "mnasnet0_5": (3, 32, 32),
    "resnet18": (3, 32, 32),
    "regnet_y_400mf": (3, 32, 32),
    "efficientnet_b0": (3, 32, 32),
}
"""Networks of other families at inputs small enough for plain Python."""

if os.environ.get("EVERY_NETWORK"):
    REDUCED["alexnet"] = (3, 63, 63)  # a minute in each engine, for 61 million weights


class Nothing(Weights):
    """Weights that are all 0: for what only shapes matter to."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, {}, "", 0)

    def __call__(self, owner: Node, name: str, shape: Shape) -> Sequence[float]:
        return array("f", bytes(4 * prod(shape)))
