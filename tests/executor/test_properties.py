"""Execution and analysis agree on layers and networks that nobody chose."""

from __future__ import annotations

from math import prod
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx_cases import NOWHERE

from cnncalc.diagnostics import Fault
from cnncalc.executor.algebras import Bits, Counts
from cnncalc.executor.reference import Machine, Tensor, run
from cnncalc.executor.sights import PADDED, Sights, seen
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Operation, make
from cnncalc.verify import verify

QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
CONVOLUTIONS = ("conv", "depthwise_conv", "separable_conv", "conv_transpose")
POOLS = ("max_pool", "avg_pool", "lp_pool")
JOINS = ("concat", "add", "multiply")


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
    simple: dict[str, Any] = {
        "linear": st.fixed_dictionaries({"features": st.integers(1, 30), "bias": flag}),
        "adaptive_avg_pool": st.fixed_dictionaries({"size": st.integers(1, 4)}),
        "adaptive_max_pool": st.fixed_dictionaries({"size": st.integers(1, 4)}),
        "group_norm": st.fixed_dictionaries({"groups": st.sampled_from(divisors(channels))}),
        "channel_shuffle": st.fixed_dictionaries({"groups": st.sampled_from(divisors(channels))}),
        "batch_norm": st.fixed_dictionaries({"scale": flag, "shift": flag, "statistics": flag}),
        "instance_norm": st.fixed_dictionaries({"scale": flag, "shift": flag, "statistics": flag}),
        "layer_norm": st.fixed_dictionaries({"scale": flag, "shift": flag}),
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
def inputs(draw: Any, flat: bool = False) -> Shape:
    rank = 0 if flat else draw(st.integers(1, 3))
    return (draw(st.integers(1, 6)), *(draw(st.integers(1, 9 if rank < 3 else 5)) for _ in range(rank)))


def append(graph: Graph, name: str, kind: str, args: dict[str, Any], tensors: tuple[int, ...]) -> None:
    """Add a layer, or those that it is made of; an example whose layer does not fit its inputs is dropped."""
    try:
        for suffix, layer in make(KINDS[kind], args).parts():
            operation = Operation(layer, tuple(graph.shape(tensor) for tensor in tensors))
            graph.nodes.append(Node(name + suffix, operation, tensors, NOWHERE))
            tensors = (len(graph.inputs) + len(graph.nodes) - 1,)
    except Fault:
        assume(False)


@st.composite
def single(draw: Any, kind: str) -> Graph:
    """A network of one layer of a kind."""
    shape = draw(inputs(flat=kind == "linear"))
    shapes = [shape] * (draw(st.integers(1, 3)) if kind in JOINS else 2 if kind == "crop_like" else 1)
    graph = Graph("single", None, "", [(f"input{place}", shape) for place, shape in enumerate(shapes)])
    append(graph, "layer", kind, draw(arguments(kind, shapes)), tuple(range(len(shapes))))
    return graph


@st.composite
def network(draw: Any) -> Graph:
    """A branching network: every layer takes a random tensor, or joins tensors that fit each other."""
    graph = Graph("network", None, "", [("input", draw(inputs()))])
    for place in range(draw(st.integers(2, 8))):
        shapes = [graph.shape(tensor) for tensor in range(len(graph.nodes) + 1)]
        source = draw(st.integers(max(0, len(shapes) - 3), len(shapes) - 1))
        peers = [tensor for tensor, shape in enumerate(shapes) if shape == shapes[source]]
        spatial = len(shapes[source]) > 1
        kind = draw(st.sampled_from([kind for kind in KINDS if kind != "crop_like" and (spatial or kind in FLAT)]))
        tensors = tuple(draw(st.lists(st.sampled_from(peers), min_size=1, max_size=3))) if kind in JOINS else (source,)
        append(graph, f"layer{place}", kind, draw(arguments(kind, [shapes[tensor] for tensor in tensors])), tensors)
        assume(prod(graph.shape(len(graph.nodes))) < 3_000)
    return graph


FLAT = ("linear", "relu", "gelu", "prelu", "softmax", "batch_norm", "dropout", *JOINS)


@QUICK
@given(st.data())
def test_every_kind(data: st.DataObject) -> None:
    graph = data.draw(single(data.draw(st.sampled_from(list(KINDS)))))
    assert verify(graph).differences == []


@settings(QUICK, max_examples=250)
@given(st.sampled_from((*CONVOLUTIONS, *POOLS, "upsample")).flatmap(single))
def test_every_window(graph: Graph) -> None:
    assert verify(graph).differences == []


@settings(QUICK, max_examples=200)
@given(network())
def test_networks(graph: Graph) -> None:
    assert verify(graph).differences == []


@settings(QUICK, max_examples=60)
@given(st.sampled_from((*CONVOLUTIONS, "linear")).flatmap(single))
def test_products_are_the_macs(graph: Graph) -> None:
    """Counted by an algebra that knows nothing else."""
    machine = Machine(Counts(), lambda owner, name, shape: [0] * prod(shape))
    shape = graph.inputs[0][1]
    for layer, _ in run(graph, machine, [Tensor(shape, [0] * prod(shape))]):
        assert machine.made == layer.operation.macs


@settings(QUICK, max_examples=100)
@given(network())
def test_sets_by_axis_are_the_sets(graph: Graph) -> None:
    """Dependency sets of every single unit, projected on an axis, are those that were found axis by axis."""
    shape = graph.inputs[0][1]
    bits = [1 << place for place in range(prod(shape[1:]))] * shape[0]
    machine = Machine(Bits(), lambda owner, name, shape: [0] * prod(shape))
    pairs = zip(run(graph, machine, [Tensor(shape, bits)]), run(graph, Sights(), [seen(shape)]))  # type: ignore[list-item]
    for (_, tensor), (_, sight) in pairs:
        if sight.is_global or sight.axes is None:  # type: ignore[attr-defined]
            continue
        for axis, sets in enumerate(sight.axes):  # type: ignore[attr-defined]
            found = projected(tensor, axis, shape)
            complete = all(any(positions > PADDED for positions in other) for other in sight.axes)  # type: ignore[attr-defined]
            assert not complete or [positions >> 1 for positions in sets] == found


def projected(tensor: Tensor, axis: int, shape: Shape) -> list[int]:
    """Per position on one axis of the output, the positions on that axis of the input that its units see."""
    size, inner = tensor.shape[1 + axis], prod(tensor.shape[2 + axis :])
    width, step = shape[1 + axis], prod(shape[2 + axis :])
    found = [0] * size
    for place, positions in enumerate(tensor.data):
        for position in range(positions.bit_length()):
            found[place // inner % size] |= (positions >> position & 1) << (position // step % width)
    return found
