"""The fast path against the plain path, number by number, and what it promises of time and memory."""

from __future__ import annotations

from math import prod
from random import Random
from typing import Any

import pytest
from executor.strategies import CONVOLUTIONS, single
from hypothesis import given
from hypothesis import strategies as st
from sampling import examples, together

from cnncalc.executor import fast, packed
from cnncalc.executor.algebras import Bytes
from cnncalc.executor.fast import Fast, drawn, shared
from cnncalc.executor.machine import Machine
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Operation, make


@pytest.fixture(autouse=True)
def _everything_is_worth_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "WORTH", 0)
    monkeypatch.setattr(fast, "MANY", 1)
    monkeypatch.setattr(fast, "FEW", 1)
    monkeypatch.setattr(packed, "STRIP", 40)


def both(node: Node, inputs: list[Tensor], processes: int = 1) -> None:
    """Run a node on both paths: equal shapes, numbers and counts."""
    plain, quick = Machine(Bytes(), drawn), Fast(drawn, processes)
    expected, found = plain.execute(node, inputs), quick.execute(node, inputs)
    assert found.shape == expected.shape
    assert list(found.data) == list(expected.data)
    assert quick.made == plain.made
    assert quick.consumed == plain.consumed


def noise(shape: Shape, seed: int = 0) -> Tensor:
    return Tensor(shape, Random(seed).randbytes(prod(shape)))


@examples(150, 40)
@given(st.sampled_from((*CONVOLUTIONS, "linear", "max_pool")).flatmap(single), st.integers(0, 99))
def test_random_layers(graph: Graph, seed: int) -> None:
    tensor = noise(graph.inputs[0][1], seed)
    for node in graph.nodes:
        both(node, [tensor])
        tensor = Machine(Bytes(), drawn).execute(node, [tensor])


CASES: list[tuple[str, dict[str, Any], Shape]] = [
    ("conv", {"channels": 5, "kernel": 7, "stride": 2, "padding": 3}, (3, 29, 31)),
    ("conv", {"channels": 40, "kernel": 3, "padding": 1}, (20, 5, 5)),  # channels packed
    ("conv", {"channels": 60, "kernel": 3, "groups": 3}, (6, 5, 5)),
    ("conv", {"channels": 3, "kernel": 1}, (1, 9, 9)),  # sums of one product, which are not divided
    ("conv", {"channels": 4, "kernel": 3, "padding": 1}, (20, 15, 15)),  # pixels packed
    ("conv", {"channels": 4, "kernel": 3, "padding": 4, "dilation": 4, "padding_mode": "reflect"}, (4, 12, 15)),
    ("conv", {"channels": 6, "kernel": (2, 3, 3), "stride": (2, 1, 2), "padding": 1, "groups": 2}, (4, 5, 6, 7)),
    ("conv", {"channels": 3, "kernel": 25, "stride": 4, "padding": "same"}, (2, 90)),
    ("conv_transpose", {"channels": 12, "kernel": 4, "stride": 2, "padding": 1, "groups": 3}, (6, 7, 5)),
    ("conv_transpose", {"channels": 5, "kernel": 2, "stride": 3, "output_padding": 1, "dilation": 2}, (3, 9)),
    ("depthwise_conv", {"kernel": 5, "stride": 3, "multiplier": 2, "padding": "same_lower"}, (7, 17, 16)),
    ("linear", {"features": 70}, (300,)),
    ("linear", {"features": 3}, (40_000,)),  # a slot of four bytes
    ("max_pool", {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (8, 15, 16)),
    ("max_pool", {"kernel": 4, "stride": 3, "ceil_mode": True}, (2, 3)),
    ("gelu", {}, (4, 9, 9)),
    ("batch_norm", {}, (4, 9, 9)),
    ("layer_norm", {}, (4, 9, 9)),
    ("softmax", {}, (4, 9, 9)),
]


@together("kind, args, shape", CASES)
def test_layers(kind: str, args: dict[str, Any], shape: Shape) -> None:
    both(Node("layer", Operation(make(KINDS[kind], args), (shape,)), (0,), 0, 0), [noise(shape)])


@together(
    "shape, other",
    [
        ((6, 7, 8), (6, 7, 8)),
        ((6, 7, 8), (6, 1, 1)),
        ((6, 7, 8), (6, 7, 1)),
        ((6, 7, 8), (1, 7, 8)),
        ((6, 7, 8), (1, 1, 1)),
        ((6, 1, 1), (6, 7, 8)),
        ((6, 1, 2), (6, 1, 2)),
        ((6, 1, 2), (6, 9, 2)),
        ((6,), (6,)),
        ((6,), (1,)),
    ],
)
def test_joins(shape: Shape, other: Shape) -> None:
    for kind in ("multiply",) if other != shape else ("multiply", "add", "concat"):
        node = Node("layer", Operation(make(KINDS[kind], {}), (shape, other)), (0, 1), 0, 0)
        both(node, [noise(shape), noise(other, 1)])


@pytest.mark.parametrize(("value", "result"), [(0, 0), (127, 254), (128, 255), (255, 255)])
def test_products_of_tensors_are_clipped(value: int, result: int) -> None:
    """64 products of 64 and `value`, divided by 2**(4 + 7): twice the value, within 8 bits."""
    rows, table = [bytes([64] * 64), bytes(64)], [bytes([value] * 8)] * 64
    for machine in (Machine(Bytes(), drawn), Fast(drawn)):
        assert [list(row) for row in machine.matrix(rows, table)] == [[result] * 8, [0] * 8]
        assert machine.algebra.products == 2 * 64 * 8


def test_sums_of_many_products_stay_within_their_slots() -> None:
    """66,052 products of 255 and 255 are more than 32 bits hold; next to them stand those of zeros."""
    count = 66_052
    rows, table = [bytes([255]) * count, bytes(count - 100) + bytes([255]) * 100], [bytes([255, 0, 255])] * count
    few = 255 * 255 * 100 >> 4 + 17  # 17 bits write 66,052
    assert [list(row) for row in Fast(drawn).matrix(rows, table)] == [[255, 0, 255], [few, 0, few]]


def test_weights_that_are_drawn_are_small_whole_numbers_of_either_sign() -> None:
    graph = Graph("net", None, "", [("x", (40, 3))])
    node = graph.append(make(KINDS["batch_norm"], {}), (0,))
    assert set(drawn(node, "weight", (1_000,))) == {-3, -2, -1, 0, 1, 2, 3}
    assert set(drawn(node, "running_var", (1_000,))) == {1, 2, 3}


def test_greatest_sums_stay_within_their_slots() -> None:
    """The bound is reached: all pixels 255, all weights at their greatest, in either direction."""
    shape = (85, 12, 12)  # 85*9 weights of 3 on 255 are 585,225
    for sign in (3, -3):

        def weights(owner: Node, name: str, shape: Shape, sign: int = sign) -> memoryview:
            return memoryview(bytes([sign & 0xFF]) * prod(shape)).cast("b")

        node = Node("layer", Operation(make(KINDS["conv"], {"channels": 2, "kernel": 3}), (shape,)), (0,), 0, 0)
        full = Tensor(shape, b"\xff" * prod(shape))
        expected, found = Machine(Bytes(), weights).execute(node, [full]), Fast(weights).execute(node, [full])
        assert list(found.data) == list(expected.data)


@pytest.mark.parametrize(
    ("kind", "args", "shape", "weight", "bias"),
    [
        # 255 and 16*2049 are 33,039, which is more than 15 bits and a sign hold
        ("conv", {"channels": 2, "kernel": 1}, (1, 6, 6), 1, 2049),
        ("conv", {"channels": 2, "kernel": 1}, (1, 6, 6), -1, -2049),
        ("conv", {"channels": 20, "kernel": 1}, (1, 2, 2), 1, 2049),
        ("conv", {"channels": 20, "kernel": 1}, (1, 2, 2), -1, -2049),
        ("linear", {"features": 2}, (65_536,), 0, 0),  # a sum of nothing, divided by 2**8
    ],
)
def test_sums_with_their_biases_stay_within_their_slots(
    kind: str, args: dict[str, Any], shape: Shape, weight: int, bias: int
) -> None:
    def weights(owner: Node, name: str, shape: Shape) -> Any:
        return bytes([weight & 0xFF]) * prod(shape) if name == "weight" else [bias] * shape[0]

    def plainly(owner: Node, name: str, shape: Shape) -> Any:
        return [weight if name == "weight" else bias] * prod(shape)

    node = Node("layer", Operation(make(KINDS[kind], args), (shape,)), (0,), 0, 0)
    x = Tensor(shape, b"\xff" * prod(shape))
    expected, found = Machine(Bytes(), plainly).execute(node, [x]), Fast(weights).execute(node, [x])
    assert list(found.data) == list(expected.data)


@pytest.mark.parametrize(("weight", "bias"), [(1, 0), (-1, 500)])
def test_kernels_that_are_made_of_weights_stay_within_a_byte(weight: int, bias: int) -> None:
    """One of 800 weights is not 0: standardised it is sqrt(799) = 28.3, which is 452 steps of 1/16."""

    def weights(owner: Node, name: str, shape: Shape) -> list[int]:
        return ([weight] + [0] * (prod(shape[1:]) - 1)) * shape[0] if name == "weight" else [bias] * shape[0]

    shape = (32, 9, 9)
    layer = make(KINDS["conv"], {"channels": 2, "kernel": 5, "weight_norm": "standardize"})
    node = Node("layer", Operation(layer, (shape,)), (0,), 0, 0)
    x = Tensor(shape, bytes(range(81)) + bytes(31 * 81))
    expected, found = Machine(Bytes(), weights).execute(node, [x]), Fast(weights).execute(node, [x])
    assert list(found.data) == list(expected.data)
    assert len(set(found.data)) > 1


def test_processes_share_the_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "WORTH_FORKING", 0)
    shape = (4, 12, 12)
    layer = make(KINDS["conv"], {"channels": 6, "kernel": 3, "groups": 2, "padding": 1})
    both(Node("layer", Operation(layer, (shape,)), (0,), 0, 0), [noise(shape)], processes=2)


def test_work_of_a_killed_process_is_done_again() -> None:
    import os

    parent = os.getpid()

    def work(first: int, last: int) -> tuple[bytes, int]:
        if os.getpid() != parent:
            os._exit(1)
        return bytes(range(first, last)), last - first

    assert shared(work, 10, 3) == (bytes(range(10)), 10)
