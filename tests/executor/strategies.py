"""Layers and networks that nobody chose, for the tests of the executor."""

from __future__ import annotations

from math import prod
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape
from cnncalc.graph import Graph
from cnncalc.layers import KINDS
from cnncalc.layers.base import make

CONVOLUTIONS = ("conv", "depthwise_conv", "separable_conv", "conv_transpose")
POOLS = ("max_pool", "avg_pool", "lp_pool")
JOINS = ("concat", "add", "subtract", "multiply")
PAIRS = ("crop_like", "matmul", "max_unpool")
"""Kinds that take two tensors, one of them by name."""
ALONE = ("parameter", "coordinates")
"""Kinds that read nothing."""


def divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


@st.composite
def windows(draw: Any, rank: int, transposed: bool) -> dict[str, Any]:
    """Kernel, stride, dilation and padding, the same for all axes or one for each."""

    def sizes(least: int, most: int) -> Any:
        one = st.integers(least, most)
        return draw(one | st.tuples(*[one] * rank))

    pair = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(st.sampled_from(["valid", "same", "same_lower", "half"]) | st.tuples(*[pair] * rank) | st.just(1))
    args = {"kernel": sizes(1, 4), "stride": sizes(1, 3), "dilation": sizes(1, 2), "padding": padding}
    return args | ({"output_padding": sizes(0, 1)} if transposed else {})


@st.composite
def arguments(draw: Any, kind: str, shapes: list[Shape]) -> dict[str, Any]:
    """Arguments for a kind on inputs of these shapes; not all of them fit."""
    shape = shapes[0]
    channels, rank = shape[0], len(shape) - 1
    flag = st.booleans()
    if kind in CONVOLUTIONS:
        args = draw(windows(rank, kind == "conv_transpose")) | {"bias": draw(flag)}
        if kind in ("conv", "conv_transpose"):
            groups = draw(st.sampled_from(divisors(channels)))
            args |= {"groups": groups, "channels": groups * draw(st.integers(1, 3))}
        if kind == "separable_conv":
            args["channels"] = draw(st.integers(1, 4))
        if kind == "depthwise_conv":
            args["multiplier"] = draw(st.integers(1, 2))
        return args
    if kind in POOLS:
        args = draw(windows(rank, False)) | {"ceil_mode": draw(flag)}
        return args | ({"count_include_pad": draw(flag)} if kind == "avg_pool" else {})
    if kind == "attention":
        return draw(attention(shapes))
    over = st.sampled_from(["channels", "positions"])
    spread = st.sampled_from(["one", "channels", "positions", "all"])
    simple: dict[str, Any] = {
        "matmul": st.fixed_dictionaries(
            {
                "tensors": st.just(("a", "b")),
                "over": st.sampled_from(["none", "channels", "positions"]),
                "groups": st.sampled_from(divisors(channels)),
            }
        ),
        "max_unpool": st.just({"layer": "pool", "kernel": 2, "stride": 2}),
        "offset": st.one_of(st.builds(lambda axes: {"axes": axes}, spread), st.just({"axes": "one", "value": 2})),
        "factor": st.one_of(st.builds(lambda axes: {"axes": axes}, spread), st.just({"axes": "one", "value": 0.5})),
        "parameter": st.fixed_dictionaries({"shape": st.just((2, 3))}),
        "coordinates": st.fixed_dictionaries({"sizes": st.just((3, 2))}),
        "reduce": st.fixed_dictionaries({"way": st.sampled_from(["mean", "max", "sum", "norm"]), "over": over}),
        "softmax": st.fixed_dictionaries({"over": over}),
        "log_softmax": st.fixed_dictionaries({"over": over}),
        "concat": st.fixed_dictionaries({"over": over}),
        "add": st.fixed_dictionaries({"weights": st.sampled_from(["none", "fast", "softmax"])}),
        "flatten": st.fixed_dictionaries({"over": st.sampled_from(["all", "positions"])}),
        "linear": st.fixed_dictionaries({"features": st.integers(1, 30), "bias": flag}),
        "adaptive_avg_pool": st.fixed_dictionaries({"size": st.integers(1, 4)}),
        "adaptive_max_pool": st.fixed_dictionaries({"size": st.integers(1, 4)}),
        "group_norm": st.fixed_dictionaries({"groups": st.sampled_from(divisors(channels))}),
        "channel_shuffle": st.fixed_dictionaries({"groups": st.sampled_from(divisors(channels))}),
        "batch_norm": st.fixed_dictionaries({"scale": flag, "shift": flag, "statistics": flag}),
        "instance_norm": st.fixed_dictionaries({"scale": flag, "shift": flag, "statistics": flag}),
        "layer_norm": st.fixed_dictionaries(
            {"over": st.sampled_from(["channels", "all"]), "scale": flag, "shift": flag}
        ),
        "global_response_norm": st.fixed_dictionaries({"scale": flag, "shift": flag}),
        "local_response_norm": st.fixed_dictionaries({"size": st.integers(1, 5)}),
        "prelu": st.fixed_dictionaries({"slopes": st.sampled_from([1, channels])}),
        "reshape": st.sampled_from([{"shape": (prod(shape),)}, {"shape": (1, -1)}, {"shape": (-1, 1, 1)}]),
        "permute": st.permutations(range(len(shape))).map(lambda axes: {"axes": tuple(axes)}),
        "slice": st.integers(1, channels).map(lambda stop: {"channels": (draw(st.integers(0, stop - 1)), stop)}),
        "pad": st.fixed_dictionaries({"amount": st.integers(0, 2), "channels": st.tuples(*[st.integers(0, 1)] * 2)}),
        "crop": st.fixed_dictionaries({"amount": st.tuples(*[st.tuples(*[st.integers(0, 2)] * 2)] * rank)}),
        "crop_like": st.just({"layer": "other"}),
        "space_to_depth": st.fixed_dictionaries({"block": st.integers(1, 3), "order": st.sampled_from(["crd", "dcr"])}),
        "depth_to_space": st.fixed_dictionaries({"block": st.integers(1, 2), "order": st.sampled_from(["crd", "dcr"])}),
        "upsample": st.sampled_from([{"scale": 2}, {"scale": 1.5}, {"size": 5}, {"scale": 0.5}, {"scale": 3}]).flatmap(
            lambda size: st.sampled_from(["nearest", "bilinear"]).map(lambda mode: size | {"mode": mode})
        ),
        "opaque": st.fixed_dictionaries({"output": st.just((2, 3)), "params": st.none() | st.integers(0, 9)}),
    }
    return dict(draw(simple.get(kind, st.just({}))))


@st.composite
def attention(draw: Any, shapes: list[Shape]) -> dict[str, Any]:
    """Arguments for attention on one, two or three tensors of the same shape; not all of them fit."""
    channels, *sizes = shapes[0]
    whole = {1: channels // 3, 2: channels}.get(len(shapes), channels) or 1
    args: dict[str, Any] = {"heads": draw(st.sampled_from(divisors(whole)))}
    form = draw(st.sampled_from(["whole", "window", "shift", "grid", "linear"]))
    per_axis = tuple(draw(st.sampled_from(divisors(size))) for size in sizes)
    if form in ("window", "shift", "grid"):
        args["grid" if form == "grid" else "window"] = per_axis
    if form == "shift":
        args["shift"] = draw(st.integers(0, 3))
    if form == "linear":
        return args | {"mode": "linear"}
    args["mode"] = draw(st.sampled_from(["softmax", "cosine"]))
    if args["mode"] == "softmax":
        args["scale"] = draw(st.none() | st.just(0.5))
    whole_maps = ["distance", "decomposed"] if form == "whole" else []
    args["bias"] = draw(st.sampled_from(["none", "relative", *whole_maps]))
    if form == "whole" and len(sizes) == 1 and sizes[0] > 2 and args["bias"] != "none":
        args["maps"] = draw(st.none() | st.just(sizes[0] - 1))
    return args


@st.composite
def inputs(draw: Any, flat: bool = False) -> Shape:
    rank = 0 if flat else draw(st.integers(1, 3))
    return (draw(st.integers(1, 6)), *(draw(st.integers(1, 9 if rank < 3 else 5)) for _ in range(rank)))


def append(graph: Graph, name: str, kind: str, args: dict[str, Any], tensors: tuple[int, ...]) -> None:
    """Add a layer, or those that it is made of; an example whose layer does not fit its inputs is dropped."""
    try:
        for suffix, layer in make(KINDS[kind], args).parts():
            tensors = (graph.append(layer, tensors, name + suffix).number,)
    except Fault:
        assume(False)


@st.composite
def single(draw: Any, kind: str) -> Graph:
    """A network of one layer of a kind."""
    shape = draw(inputs(flat=kind == "linear"))
    many = kind in JOINS or kind == "attention"
    shapes = [shape] * (draw(st.integers(1, 3)) if many else 2 if kind in PAIRS else 1)
    if kind == "max_unpool":
        shapes[1] = (shape[0], *(2 * size for size in shape[1:]))
    if kind == "attention":
        shapes = [(6 * shape[0], *shape[1:])] * len(shapes)
    graph = Graph("single", None, "", [(f"input{place}", shape) for place, shape in enumerate(shapes)])
    append(graph, "layer", kind, draw(arguments(kind, shapes)), () if kind in ALONE else tuple(range(len(shapes))))
    return graph
