"""Attention written out in ONNX: the ways in which exporters scale its products, and what only looks like it."""

from __future__ import annotations

import struct
from array import array
from typing import Any

import pytest
from convert import standing_in
from convert.executing import rows

from cnncalc.convert.onnx import read_bytes

Nodes = list[tuple[str, list[str], str]]
"""Operator, operands and result; further ones where attributes are given with ``axis=1`` behind the operator."""

NUMBERS = {"half": 0.5, "quarter": 0.25, "two": 2.0, "four": 4.0, "tiny": 1e-30}
HIDDEN = [-1e9 if key == 4 else 0.0 for query in range(5) for key in range(5)]


def tensor(name: str, kind: int, dims: list[int], raw: bytes) -> standing_in.TensorProto:
    found = standing_in.TensorProto(name, dims, kind)
    found.raw_data = raw
    return found


def model(steps: list[str]) -> bytes:
    """A model of lines ``y = Operator(a, b) axis=1``, on five tokens `x` of four channels; `t` is x turned."""
    made = []
    for line in ["t = Transpose(x) perm=[0, 2, 1]", *steps]:
        result, _, call = line.partition(" = ")
        operator, _, rest = call.partition("(")
        operands, _, attributes = rest.partition(")")
        given: dict[str, Any] = {}
        for each in attributes.split(maxsplit=0):
            key, _, value = each.strip().partition("=")
            given[key] = eval(value, {})
        made.append(standing_in.make_node(operator, operands.split(", "), [result], result, **given))
    constants = [tensor(name, 1, [], struct.pack("<f", value)) for name, value in NUMBERS.items()]
    constants.append(tensor("zeros", 1, [5, 5], bytes(100)))
    constants.append(tensor("hidden", 1, [5, 5], array("f", HIDDEN).tobytes()))
    constants.append(tensor("last", 7, [], struct.pack("<q", 2)))
    constants.append(tensor("shape", 7, [3], struct.pack("<3q", 1, 5, 5)))
    used = {operand for node in made for operand in node.input}
    value = standing_in.make_tensor_value_info
    graph = standing_in.make_graph(
        made, "net", [value("x", 1, [1, 5, 4])], [value("y", 1, [1, 5, 4])],
        [each for each in constants if each.name in used], [],
    )  # fmt: skip
    given = {"ir_version": 8, "producer_name": "", "producer_version": "", "doc_string": ""}
    return standing_in.make_model(graph, [standing_in.make_opsetid("", 17)], **given).SerializeToString()


END = ["s = Softmax(p) axis=-1", "y = MatMul(s, x)"]
SCALED = {
    "not at all": (["p = MatMul(x, t)"], 1.0),
    "by a number behind": (["a = MatMul(x, t)", "p = Mul(a, quarter)"], 0.25),
    "by a number in front": (["a = MatMul(x, t)", "p = Mul(quarter, a)"], 0.25),
    "divided": (["a = MatMul(x, t)", "p = Div(a, four)"], 0.25),
    "as is usual": (["a = MatMul(x, t)", "p = Div(a, two)"], None),
    "queries and keys": (["q = Mul(x, half)", "k = Mul(half, t)", "p = MatMul(q, k)"], 0.25),
    "queries divided": (["q = Div(x, four)", "p = MatMul(q, t)"], 0.25),
    "twice": (["q = Div(x, two)", "a = MatMul(q, t)", "b = Mul(a, four)", "p = Mul(b, two)"], 4.0),
    "by the root of the channels": (
        ["n = Shape(x)", "c = Gather(n, last)", "f = Cast(c) to=1", "r = Sqrt(f)", "a = MatMul(x, t)", "p = Div(a, r)"],
        None,
    ),
    "with nothing added": (["a = MatMul(x, t)", "p = Add(a, zeros)"], 1.0),
    "with nothing in front": (["a = MatMul(x, t)", "b = Add(zeros, a)", "p = Identity(b)"], 1.0),
    "in a shape of its own": (["a = MatMul(x, t)", "b = Reshape(a, shape)", "p = Add(b, zeros)"], 1.0),
    "as a sum": (["p = Einsum(x, t) equation='bij,bjk->bik'"], 1.0),
    "as a sum by rows": (["a = Einsum(x, x) equation='b i d, b j d -> b i j'", "p = Mul(a, quarter)"], 0.25),
}


@pytest.mark.parametrize("name", SCALED)
def test_products_that_are_scaled(name: str) -> None:
    steps, scale = SCALED[name]
    found = read_bytes(model([*steps, *END]), "net.onnx")
    expected = "attention heads=1" if scale is None else f"attention heads=1 scale={scale}"
    assert [row for row in rows(found) if not row.startswith(("permute", "concat"))] == [expected]
    assert found.account.failures() == []
    assert found.graph.nodes[-1].operation.output in ((5, 4), (4, 5))


BETWEEN = {
    "a dropout": ["s = Softmax(p) axis=-1", "d = Dropout(s)", "y = MatMul(d, x)"],
    "a copy": ["s = Softmax(p)", "d = Identity(s)", "y = MatMul(d, x)"],
    "a cast": ["s = Softmax(p)", "d = Cast(s) to=1", "y = MatMul(d, x)"],
    "a sum": ["s = Softmax(p)", "y = Einsum(s, x) equation='bij,bjk->bik'"],
}


@pytest.mark.parametrize("name", BETWEEN)
def test_what_lies_between_changes_nothing(name: str) -> None:
    found = read_bytes(model(["a = MatMul(x, t)", "p = Mul(a, quarter)", *BETWEEN[name]]), "net.onnx")
    assert [row for row in rows(found) if row.startswith(("attention", "opaque"))] == ["attention heads=1 scale=0.25"]


OTHERS = {
    "the softmax of queries": ["p = MatMul(x, t)", "s = Softmax(p) axis=1", "y = MatMul(s, x)"],
    "a number over the products": ["a = MatMul(x, t)", "p = Div(quarter, a)", *END],
    "the products times themselves": ["a = MatMul(x, t)", "p = Mul(a, a)", *END],
    "other sums": ["p = Einsum(x, x) equation='bid,bjd->bji'", *END],
    "values in front": ["p = MatMul(x, t)", "s = Softmax(p)", "y = Einsum(s, x) equation='bij,bik->bjk'"],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_looks_like_it(name: str) -> None:
    found = read_bytes(model(OTHERS[name]), "net.onnx")
    assert not any(row.startswith("attention") for row in rows(found))


def test_a_mask_is_opaque_and_its_products_count() -> None:
    """5 queries by 5 keys of 4 channels, twice."""
    found = read_bytes(model(["a = MatMul(x, t)", "p = Add(a, hidden)", *END]), "net.onnx")
    assert sum(node.operation.macs or 0 for node in found.graph.nodes) == 2 * 5 * 5 * 4
    assert list(found.account.opaque) == ["Attention"]
