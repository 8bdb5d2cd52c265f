"""The account of an import, on a network of a convolution and a norm whose elements are counted by hand."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.convert.account import Account
from cnncalc.diagnostics import Fault
from cnncalc.graph import Graph, Node

NET = """
input: [2, 4, 4]
layers:
  - {conv: 3, kernel: 1, name: a}
  - {batch_norm, name: b}
"""
"""A weight of 6 elements and a bias of 3; a factor, an offset, a mean and a variance of 3 each."""

TENSORS = {
    "w": ("a", "weight", 6),
    "c": ("a", "bias", 3),
    "g": ("b", "weight", 3),
    "h": ("b", "bias", 3),
    "m": ("b", "running_mean", 3),
    "v": ("b", "running_var", 3),
}


def accounted(*changes: tuple[str, int], text: str = NET, held: dict[str, int] | None = None) -> Account:
    """The account of a source that holds `TENSORS`; `changes` are other numbers of elements that are used of them."""
    graph, used = cnncalc.loads(text).graph, dict(changes)
    account = Account("net.onnx")
    account.nodes = 5
    for tensor, (row, weight, count) in TENSORS.items():
        if held is None or tensor in held:
            account.hold(tensor, count if held is None else held[tensor])
            account.use(row_of(graph, row), weight, {tensor: used.get(tensor, count)})
    account.close(graph)
    return account


def row_of(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.name == name)


def messages(account: Account) -> list[str]:
    return [found.message.removeprefix("net.onnx: ") for found in account.failures()]


def test_every_element_is_counted_once() -> None:
    account = accounted()
    assert (account.parameters, account.state, account.constants) == (6 + 3 + 3 + 3, 3 + 3, 0)
    assert account.is_whole
    assert account.sentence == "net.onnx: 5 nodes as 2 layers; 15 parameters, all accounted for; nothing opaque"
    assert account.failures() == []
    assert (account.left_over, account.unequal, account.uneven) == ({}, [], {})


def test_a_source_without_weights_accounts_for_none() -> None:
    account = accounted(held={})
    account.nodes = 1
    assert account.sentence == "net.onnx: 1 node as 2 layers; 15 parameters; nothing opaque"
    assert account.failures() == []


def test_what_is_fixed_is_state() -> None:
    """Unless a row learns it, whichever comes first."""
    account = accounted(text=NET.replace("name: a", "name: a, learned: false"))
    assert (account.parameters, account.state, account.is_whole) == (6, 15, True)
    two = "input: [2, 4, 4]\nlayers:\n  - {conv: 3, kernel: 1, bias: false, name: a}\n"
    two += "  - {conv: 3, kernel: 1, bias: false, learned: false, from: input, name: b}\noutputs: [a, b]\n"
    for text in (two, two.replace(", name: a", ", learned: false, name: a").replace("learned: false, from", "from")):
        graph, account = cnncalc.loads(text).graph, Account("net.onnx")
        account.hold("w", 6)
        for node in graph.nodes:
            account.use(node, "weight", {"w": 6})
        account.close(graph)
        assert account.roles == {"w": "parameters"}
        assert messages(account) == ["`w` has 6 elements, 12 are counted"]


def test_weights_that_are_shared_count_once() -> None:
    text = NET.replace("  - {batch_norm, name: b}", "  - {conv: 3, kernel: 1, from: input, share: a, name: b}")
    graph, account = cnncalc.loads(text + "outputs: [a, b]\n").graph, Account("net.onnx")
    for tensor, count in (("w", 6), ("c", 3)):
        account.hold(tensor, count)
    for node in graph.nodes:
        account.use(node, "weight", {"w": 6})
        account.use(node, "bias", {"c": 3})
    account.close(graph)
    assert (account.parameters, account.is_whole, account.uneven) == (9, True, {})


def test_tensors_that_became_nothing() -> None:
    account = accounted()
    account.hold("y", 1)
    assert not account.is_whole
    assert account.sentence.split("; ")[1] == "15 parameters, 1 element of the source left over"
    assert messages(account) == ["1 tensor of weights left over: `y (1)`"]
    account.hold("z", 1200)
    assert account.sentence.split("; ")[1] == "15 parameters, 1,201 elements of the source left over"
    assert messages(account) == ["2 tensors of weights left over: `y (1)`, `z (1,200)`"]


def test_constants_are_no_weights() -> None:
    """Unless a row has them as such; what the source does not hold is none."""
    graph, account = cnncalc.loads(NET).graph, Account("net.onnx")
    for tensor, (row, weight, count) in TENSORS.items():
        account.hold(tensor, count)
        account.constant(tensor)
        account.use(row_of(graph, row), weight, {tensor: count})
    account.hold("low", 2)
    account.constant("low")
    account.constant("none")
    account.close(graph)
    assert (account.constants, account.is_whole, account.roles["w"]) == (2, True, "parameters")
    assert "none" not in account.roles


def test_elements_that_repeat_others_count_as_nothing() -> None:
    graph, account = cnncalc.loads(NET).graph, Account("net.onnx")
    for tensor, (row, weight, count) in TENSORS.items():
        account.hold(tensor, count + 8 * (tensor == "w"))
        account.use(row_of(graph, row), weight, {tensor: count})
    account.repeat("w", 8)
    account.close(graph)
    assert (account.is_whole, account.uneven, messages(account)) == (True, {}, [])


def test_weights_of_other_sizes() -> None:
    account = accounted(("w", 5))
    assert not account.is_whole
    assert (account.unequal, account.uneven) == (["a"], {"w": 5})
    assert account.sentence.split("; ")[1] == "15 parameters, against 21 elements in the source"
    assert messages(account) == [
        "the weights have other sizes in the file: `a`",
        "`w` has 6 elements, 5 are counted",
    ]
    account = accounted(held={name: count - (name == "w") for name, (_, _, count) in TENSORS.items()})
    assert messages(account) == ["`w` has 5 elements, 6 are counted"]


def test_weights_that_the_source_does_not_hold() -> None:
    graph, account = cnncalc.loads(NET).graph, Account("net.onnx")
    account.hold("w", 6)
    account.hold("low", 2)
    account.constant("low")
    account.use(row_of(graph, "a"), "weight", {"w": 6})
    account.close(graph)
    assert not account.is_whole
    assert messages(account) == ["23 elements are counted of 8"]
    account.use(row_of(graph, "a"), "bias", {"c": 3})
    account.close(graph)
    assert messages(account) == ["`c` has 0 elements, 3 are counted"]


@pytest.mark.parametrize(("count", "listed"), [(6, "`r5`"), (7, "`r5`, … (7 in all)")])
def test_operators_that_are_not_known(count: int, listed: str) -> None:
    account = accounted()
    graph = cnncalc.loads(f"input: [1]\nlayers: [{', '.join(f'{{relu, name: r{n}}}' for n in range(count))}]\n").graph
    for node in graph.nodes:
        account.unknown("Some", node)
    account.unknown("Other", graph.nodes[0])
    assert account.sentence.split("; ")[2] == f"opaque: 1 x Other, {count} x Some"
    assert messages(account) == [
        "cnncalc does not know the operator `Other` (`r0`)",
        f"cnncalc does not know the operator `Some` (`r0`, `r1`, `r2`, `r3`, `r4`, {listed})",
    ]


def test_shapes_that_the_source_states() -> None:
    account = Account("net.onnx")
    account.compare("node a", (3, None, 4), (3, 4, 4))
    account.compare("node a", (), ())
    assert account.compared == 2
    for stated, ours, told in [
        ((3, None, 5), (3, 4, 4), "states 3 x ? x 5, cnncalc finds 3 x 4 x 4"),
        ((3,), (3, 4), "states 3, cnncalc finds 3 x 4"),
        ((), (1,), "states a scalar, cnncalc finds 1"),
        ((2,), (), "states 2, cnncalc finds a scalar"),
    ]:
        with pytest.raises(Fault) as caught:
            account.compare("node a", stated, ours)
        assert caught.value.message == f"node a: the file {told}"
    assert account.compared == 2


def test_a_note_is_kept_once() -> None:
    account = Account("net.onnx")
    for text in ("one", "two", "one"):
        account.note(text)
    assert account.notes == ["one", "two"]
