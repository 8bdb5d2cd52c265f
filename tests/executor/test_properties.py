"""Execution and analysis agree on layers and networks that nobody chose."""

from __future__ import annotations

from math import prod
from typing import Any

from executor.strategies import ALONE, CONVOLUTIONS, JOINS, PAIRS, POOLS, append, arguments, inputs, single
from hypothesis import assume, given
from hypothesis import strategies as st
from sampling import examples

from cnncalc.executor.algebras import Bits, Floats
from cnncalc.executor.machine import Machine, run
from cnncalc.executor.sights import PADDED, Sights, own_positions
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape
from cnncalc.graph import Graph
from cnncalc.layers import KINDS
from cnncalc.verify.network import verify


@st.composite
def network(draw: Any) -> Graph:
    """A branching network: every layer takes a random tensor, or joins tensors that fit each other."""
    graph = Graph("network", None, "", [("input", draw(inputs()))])
    for place in range(draw(st.integers(2, 8))):
        shapes = list(graph.shapes)
        source = draw(st.integers(max(0, len(shapes) - 3), len(shapes) - 1))
        peers = [tensor for tensor, shape in enumerate(shapes) if shape == shapes[source]]
        spatial = len(shapes[source]) > 1
        kind = draw(st.sampled_from([kind for kind in KINDS if kind not in APART and (spatial or kind in FLAT)]))
        joined = kind in JOINS or kind == "attention"
        tensors = tuple(draw(st.lists(st.sampled_from(peers), min_size=1, max_size=3))) if joined else (source,)
        args = draw(arguments(kind, [shapes[tensor] for tensor in tensors]))
        append(graph, f"layer{place}", kind, args, () if kind in ALONE else tensors)
        assume(prod(graph.shapes[-1]) < 3_000)
    return graph


APART = (*PAIRS, "split")
FLAT = ("linear", "relu", "gelu", "prelu", "softmax", "batch_norm", "dropout", *JOINS)


@examples(600, 40)
@given(st.data())
def test_every_kind(data: st.DataObject) -> None:
    graph = data.draw(single(data.draw(st.sampled_from([kind for kind in KINDS if kind != "split"]))))
    assert verify(graph).differences == []


@examples(1_000, 40)
@given(st.sampled_from((*CONVOLUTIONS, *POOLS, "upsample")).flatmap(single))
def test_every_window(graph: Graph) -> None:
    assert verify(graph).differences == []


@examples(200, 10)
@given(single("attention"))
def test_every_attention(graph: Graph) -> None:
    assert verify(graph).differences == []


@examples(200, 20)
@given(network())
def test_networks(graph: Graph) -> None:
    assert verify(graph).differences == []


@examples(200, 20)
@given(st.sampled_from((*CONVOLUTIONS, "linear")).flatmap(single))
def test_products_are_the_macs(graph: Graph) -> None:
    """Counted where they are made."""
    machine = Machine(Floats(), lambda owner, name, shape: [0.0] * prod(shape))
    shape = graph.inputs[0][1]
    for layer, _ in run(graph, machine, [Tensor(shape, [0.0] * prod(shape))]):
        assert machine.made == layer.operation.macs


@examples(100, 10)
@given(network())
def test_sets_by_axis_are_the_sets(graph: Graph) -> None:
    """Dependency sets of every single unit, projected on an axis, are those that were found axis by axis."""
    shape = graph.inputs[0][1]
    bits = [1 << place for place in range(prod(shape[1:]))] * shape[0]
    machine = Machine(Bits(), lambda owner, name, shape: [0] * prod(shape))
    pairs = zip(run(graph, machine, [Tensor(shape, bits)]), run(graph, Sights(), [own_positions(shape)]))
    for (_, tensor), (_, sight) in pairs:
        if sight.is_global or sight.axes is None:
            continue
        for axis, sets in enumerate(sight.axes):
            found = projected(tensor, axis, shape)
            complete = all(any(positions > PADDED for positions in other) for other in sight.axes)
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
