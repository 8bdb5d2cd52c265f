"""The flat spec of a network is a spec of the same network, whatever names tensors in it."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.convert.spec_text import flat

NAMING = ("bifpn", "levit_128s", "mvit_v1_b", "pointnet", "segnet", "swin_v2_t", "vit_b_32")
"""Bundled networks with layers that name tensors, read nothing, take several, or join over positions."""


@pytest.mark.parametrize("name", NAMING)
def test_it_gives_the_same_rows(name: str) -> None:
    graph = cnncalc.load(name).graph
    text = flat(graph)
    again = cnncalc.loads(text).graph
    assert [node.name for node in again.nodes] == [node.name for node in graph.nodes]
    for mine, theirs in zip(graph.nodes, again.nodes):
        assert theirs.inputs == mine.inputs, mine.name
        assert (theirs.operation.inputs, theirs.operation.output) == (mine.operation.inputs, mine.operation.output)
        assert theirs.operation.weights == mine.operation.weights, mine.name
        assert theirs.operation.macs == mine.operation.macs, mine.name
    assert flat(again) == text


def test_an_open_end_is_written_as_a_word() -> None:
    text = "input: [8, 4, 4]\nlayers: [{slice: [2, none]}]\n"
    assert "{slice: [2, none], name: slice1}" in flat(cnncalc.loads(text).graph)


def test_an_opaque_layer_may_take_several() -> None:
    text = """name: several
input: [4, 8, 8]
layers:
  - {conv: 4, kernel: 1, name: a}
  - {opaque: [2, 8, 8], from: [a, input], name: what}
outputs: [what]
"""
    net = cnncalc.loads(text)
    assert flat(net.graph) == text
    assert "from: [x, input]" in net.lift().text


POOLS = r"""name: pools
source: "5: \"of\" one\\two"
input:
  left: [4, 6, 6]
  right: [4, 6, 6]
layers:
  - {sigmoid, name: other}
  - {max_pool: 3, stride: 3, from: left, name: wide}
  - {max_pool: 2, from: left, name: pool}
  - {conv: 4, kernel: 1, name: a}
  - {conv: 4, kernel: 1, from: pool, name: b, share: a, learned: false}
  - {max_unpool: pool, name: back}
  - {attention: 2, from: [right, back, back], name: seen}
outputs: {end: seen, other: other, wide: wide, a: a}
"""

NOTHING = """name: "ends with a blank "
input: [3, 4]
layers:
  - {identity, repeat: 0}
outputs: {out: input}
"""


@pytest.mark.parametrize("text", [POOLS, NOTHING], ids=["pools", "nothing"])
def test_a_flat_spec_stays_as_it_is(text: str) -> None:
    """Of what takes the same tensor as a pool, the pool is what its inverse names."""
    assert flat(cnncalc.loads(text).graph) == text
