"""A call that equals an earlier one makes the same rows as one that has to be worked out anew.

Each spec is written twice: with calls that are equal, and with calls that differ in an argument which nothing uses.
"""

from __future__ import annotations

from typing import Any

import pytest

from cnncalc.diagnostics import SpecError
from cnncalc.expansion.expand import expand
from cnncalc.graph import Graph
from cnncalc.language.library import load_text

BODIES = {
    "a chain": "[{conv: 8, kernel: 3, padding: 1, norm: batch_norm, act: relu}, relu]",
    "names": "[{ONE, name: a}, {add: [x, [{ONE, from: a}]], name: b}, {relu, from: a}]",
    "a skipped name": "[{relu, name: a, if: false}, {ONE, name: a}, {relu, name: b, if: false}, {ONE, from: b}]",
    "a name of the input": "[{relu, name: a, if: false}, {ONE}, {add: [x, a]}]",
    "shared weights": "[{ONE, name: a}, {ONE, share: a}, {ONE, learned: false}]",
    "blocks in blocks": "[{inner, repeat: 2, name: pair}, {inner, name: last}, {add: [x, pair]}]",
    "parts": "[{conv: 4, kernel: 1, parts: 2}]",
    "loops": "[{for: [c, k], in: [[8, 1], [8, 3]], layers: [{conv: c, kernel: k, padding: same}]}]",
    "beside each other": "[{split: {p: 4, q: 4}}, {concat: [p, q]}]",
    "names behind names": "[{layers: [{inner, name: c}], repeat: 1, name: g}, {relu, from: c.d}]",
    "sizes": "[{ONE, name: a}, {conv: a.channels, kernel: 1}, {conv: 8, kernel: 3, padding: x.channels - 7}]",
}
SPEC = """
input: [8, 9, 9]
args: {z: 1}
blocks:
  inner: {args: {tag: 0}, layers: [{conv: 8, kernel: 1, name: c}, {relu, name: d}]}
  block: {args: {tag: 0}, layers: BODY}
layers:
  - {for: [n, t], in: [[one, 1], [two, TWO], [three, 1]], layers: [{block: t, name: $n}]}
  - {block: TURN, repeat: 3}
  - {for: [n, t], in: [[four, 1], [five, TWO]], layers: [{block: t, name: $n, share: one}]}
  - {for: [n, t], in: [[six, 1], [seven, TWO]], layers: [{block: t, name: $n, learned: false}]}
"""


def state(text: str, **options: Any) -> dict[str, Any]:
    graph: Graph = expand(load_text(text), {}, **options)
    nodes = [
        (node.name, node.operation.layer, node.inputs, node.place, node.number, node.frozen, node.names)
        for node in graph.nodes
    ]
    return {
        "nodes": nodes,
        "shares": [node.shares and node.shares.name for node in graph.nodes],
        "written": [
            {name: [str(note.span) for note in found] for name, found in node.written().items()} for node in graph.nodes
        ],
        "origins": [
            (str(node.origin.span), [str(note) for note in node.origin.notes()]) for node in graph.nodes if node.origin
        ],
        "found": {name: (graph.find(name).tensor, list(graph.find(name).layers)) for name in graph.names},
        "parts": graph.parts,
        "shapes": graph.shapes,
        "outputs": graph.outputs,
    }


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_equal_calls_are_as_unequal_ones(body: str) -> None:
    text = SPEC.replace("BODY", body).replace("ONE", "conv: 8, kernel: 1")
    equal, unequal = text.replace("TWO", "1").replace("TURN", "z"), text.replace("TWO", "2").replace("TURN", "i")
    assert state(equal) == state(unequal)


SMALL = """
input: [8, 9, 9]
blocks:
  block: {layers: [relu, relu, relu]}
layers: [{block, repeat: 3}]
"""


def test_their_steps_count() -> None:
    assert len(state(SMALL, max_steps=12)["nodes"]) == 9
    with pytest.raises(SpecError) as caught:
        state(SMALL, max_steps=11)
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.span)) == ("limit", "<string>:4:32")


def test_their_names_must_be_free() -> None:
    text = (
        "input: [8, 9, 9]\nblocks: {b: {layers: [{relu, name: a}]}}\n"
        "layers: [{relu, name: z.a}, {for: n, in: [y, z], layers: [{b, name: $n}]}]\n"
    )
    with pytest.raises(SpecError) as caught:
        expand(load_text(text), {})
    assert caught.value.diagnostics[0].code == "duplicate-name"


NAMED = """
input: [8, 9, 9]
blocks:
  inner: {layers: [{relu, name: d}, tanh]}
  b: {layers: [{layers: [{inner, name: c}, {gelu, name: e}], repeat: 1, name: g}, {tanh, name: a, if: IF}]}
layers: [{for: n, in: [p, q], layers: [{b, name: $n}]}, STEP]
"""


@pytest.mark.parametrize("call", ["p", "q"])
def test_their_names_are_as_those_of_the_first(call: str) -> None:
    """A layer of a call within a group is found by both names; a name that a skipped step has left is free."""
    for name in ("c.d", "e"):
        graph = expand(load_text(NAMED.replace("STEP", f"{{relu, from: {call}.{name}}}").replace("IF", "true")), {})
        assert [graph.tensor_name(tensor) for tensor in graph.nodes[-1].inputs] == [f"{call}.g.0.{name}"]
    again = NAMED.replace("STEP", f"{{relu, name: {call}.a}}")
    assert expand(load_text(again.replace("IF", "false")), {}).nodes[-1].name == f"{call}.a"
    with pytest.raises(SpecError) as caught:
        expand(load_text(again.replace("IF", "true")), {})
    assert caught.value.diagnostics[0].message == f"the name `{call}.a` is given twice"


def test_their_names_stay_within_the_limit() -> None:
    long = "n" * 290
    text = (
        "input: [8, 9, 9]\n"
        f"blocks: {{c: {{layers: [relu]}}, b: {{layers: [{{c, name: {long[:25]}}}]}}, "
        f"a: {{layers: [{{b, name: {long}}}]}}}}\n"
        f"layers: [{{for: n, in: [y, {long}], layers: [{{a, name: $n}}]}}]\n"
    )
    with pytest.raises(SpecError) as caught:
        expand(load_text(text), {})
    assert caught.value.diagnostics[0].code == "limit"
