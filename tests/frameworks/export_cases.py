"""Networks to export, and what the reference executor computes for them: for the proofs in other engines."""

from __future__ import annotations

import os
import random
from array import array
from collections.abc import Sequence
from functools import cache, lru_cache
from math import isfinite, prod
from pathlib import Path
from textwrap import dedent

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
from cnncalc.layers import KINDS

EVERY = tuple(kind for kind in KINDS if kind != "opaque")
"""What PyTorch and ONNX can say."""

SMALL = ("[64, 8, 8]", "[96, 8, 8]", "[64, 9]", "[64, 4, 4, 4]", "[40]", "[256, 7, 7]")
"""Inputs of which an example fits one at least, small enough for plain Python."""


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


@cache
def examples(kinds: tuple[str, ...] = EVERY) -> list[tuple[str, Graph]]:
    """The example of every kind in the reference, on the first input that it fits at a size for plain Python."""
    found = []
    for kind in kinds:
        example = KINDS[kind].example or kind
        if KINDS[kind].joins:
            example = f"{{{example}}}"
        for shape in SMALL:
            before = "".join(f"  - {step}\n" for step in KINDS[kind].shown_after)
            text = f"input: {shape}\nlayers:\n{before}  - {example}\n"
            try:
                graph = cnncalc.loads(text).graph
            except cnncalc.SpecError:
                continue
            found.append((f"{kind} on {shape}", graph))
            if kind == "reshape":
                break
    assert {name.partition(" ")[0] for name, _ in found} == set(kinds)
    return found


SPECIAL = {
    "borders": """
        input: [3, 7, 6]
        layers:
          - {conv: 4, kernel: 3, padding: 2, padding_mode: reflect}
          - {conv: 4, kernel: 3, padding: [[1, 2], [0, 1]], padding_mode: circular, stride: 2}
          - {conv: 4, kernel: 3, padding: 4, padding_mode: reflect}
          - {depthwise_conv: 3, padding: 1, padding_mode: replicate, act: sigmoid}
        """,
    "pads": """
        input: [3, 4, 5]
        layers:
          - {pad: [[1, 2], [0, 1]], mode: reflect}
          - {pad: 2, mode: circular, channels: [1, 0]}
          - {pad: 1, mode: constant, value: 0.5, channels: [0, 2]}
          - {pad: 1, mode: replicate}
        """,
    "rounded up": """
        input: [2, 6, 5]
        layers:
          - {max_pool: 3, stride: 2, ceil_mode: true, name: all}
          - {avg_pool: [2, 3], stride: [2, 3], padding: [0, 1], ceil_mode: true, from: input, name: one}
          - {avg_pool: 3, stride: 2, padding: 1, ceil_mode: true, count_include_pad: false, from: input, name: inside}
          - {max_pool: [2, 2], stride: [5, 3], padding: 1, ceil_mode: true, from: input, name: other}
          - {lp_pool: 3, stride: 2, ceil_mode: true, p: 3, from: input, name: power}
        outputs: [all, one, inside, other, power]
        """,
    "activated": """
        input: [3, 6, 6]
        layers:
          - {conv_transpose: 4, kernel: 3, stride: 2, padding: 1, act: sigmoid}
          - {conv_transpose: 4, kernel: 2, stride: 3, padding: same, act: tanh}
          - {conv_transpose: 4, kernel: 3, stride: 2, padding: same_lower, groups: 2, act: silu}
          - {conv: 4, kernel: 3, stride: 2, dilation: 2, padding: same, act: sigmoid}
        """,
    "resized": """
        input: [2, 5, 7]
        layers:
          - {upsample: 2, mode: bilinear, align_corners: true, name: corners}
          - {upsample, size: [8, 3], from: input, name: nearest}
          - {upsample, size: [9, 4], mode: bilinear, from: input, name: linear}
          - {upsample: 1.5, mode: bilinear, align_corners: true, from: input, name: odd}
          - {upsample: [2, 3], from: input, name: uneven}
        outputs: [corners, nearest, linear, odd, uneven]
        """,
    "shared and fixed": """
        input: {left: [3, 8, 8], right: [3, 6, 8]}
        layers:
          - {conv: 3, kernel: 3, padding: same, norm: batch, act: relu, name: one, from: left}
          - {conv: 3, kernel: 3, padding: same, norm: batch, act: relu, name: two, from: right, share: one}
          - {conv: 1, kernel: 1, bias: false, weights: [1, 2, 3], learned: false, name: three}
          - {max_pool: 2, from: one, name: four}
        outputs: [three, four]
        """,
    "inputs and outputs twice": """
        input: {image: [2, 3], other: [2, 3]}
        layers:
          - {add: [[{identity, from: image}], [{relu, from: other}]], name: sum}
        outputs: [sum, image]
        """,
    "activations": """
        input: [3, 4]
        layers:
          - {leaky_relu: 0.2}
          - {elu: 0.7}
          - {selu: 1.5, gamma: 1.1}
          - {hard_sigmoid: 0.2, beta: 0.4}
          - {softplus: 2}
          - {gelu: tanh}
          - {prelu: 3}
        """,
    "norms": """
        input: [4, 3, 3]
        layers:
          - {l2_norm: true}
          - {batch_norm: false, statistics: false}
          - {local_response_norm: 4, alpha: 0.5, k: 2}
          - {instance_norm: true, shift: true}
          - {layer_norm: false, eps: 0.001}
          - {layer_scale: 0.1}
        """,
}
"""Networks of what random layers seldom are."""


PRODUCTS = {
    "windows beside windows that are larger than the map": """
input: [12, 4, 6]
layers:
  - {attention: 2, window: [4, 3], shift: [1, 1], bias: relative, name: one}
  - {attention: 2, window: 7, bias: relative, from: input, name: two}
  - {attention: 2, window: [2, 3], mode: cosine, from: input, name: three}
  - {attention: 2, grid: 2, scale: 0.3, bias: relative, from: input, name: four}
outputs: [one, two, three, four]
""",
    "tokens": """
input: [12, 7]
layers:
  - {attention: 2, bias: relative, maps: [2, 3], name: one}
  - {attention: 2, bias: decomposed, maps: [2, 3], from: input, name: two}
  - {attention: 2, bias: distance, maps: [2, 3], from: input, name: three}
  - {attention: 2, mode: cosine, bias: relative, from: input, name: four}
outputs: [one, two, three, four]
""",
    "a table that is computed": """
input: [12, 4, 6]
layers:
  - {coordinates: [7, 5]}
  - {conv: 8, kernel: 1, act: relu}
  - {conv: 2, kernel: 1, name: table}
  - {attention: 2, window: [4, 3], shift: [0, 2], mode: cosine, bias: table, from: input}
""",
    "queries that are learned": """
input: [12, 5]
layers:
  - {conv: 8, kernel: 1, name: keys}
  - {parameter: [4, 3], name: queries}
  - {attention: 2, from: [queries, keys], name: found}
  - {parameter: [12, 1], name: token}
  - {concat: [token, input], over: positions, name: tokens}
  - {conv: 4, kernel: 1, name: fewer}
  - {matmul: [fewer, found], over: channels, groups: 2, name: product}
outputs: [found, tokens, product]
""",
    "parts": """
input: [8, 5, 5]
blocks:
  unit: {layers: [{conv: 4, kernel: 3, padding: 1, norm: batch, act: relu}, {max_pool: 2}]}
layers:
  - {conv: 2, kernel: 3, padding: same, act: relu, parts: 2, name: a}
  - {unit, parts: 4, from: input, name: b}
outputs: [a, b]
""",
    "kernels of mean 0": """
input: [4, 5, 5]
layers:
  - {conv: 4, kernel: 3, weight_norm: standardize, padding: [[0, 1], [1, 0]]}
  - {conv: 4, kernel: 3, weight_norm: standardize_gain, groups: 2, bias: false}
  - {depthwise_conv: 1, weight_norm: gain}
""",
    "maxima that go back": """
input: [2, 7, 6]
layers:
  - {max_pool: 2, ceil_mode: true, name: one}
  - {max_pool: 3, stride: 2, padding: 1, name: two}
  - {conv: 2, kernel: 1}
  - {max_unpool: two}
  - {max_unpool: one}
""",
}
"""What else the language can say of products, and of weights."""


@cache
def special() -> list[tuple[str, Graph]]:
    """The graphs of `SPECIAL`."""
    return [(name, cnncalc.loads(dedent(text)).graph) for name, text in SPECIAL.items()]


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
