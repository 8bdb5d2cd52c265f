"""Lifting: a graph becomes the spec that a person would write, and never another network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from convert import exporting, importing
from convert.lifting import OF_ALL, SMALL_ONES
from convert.networks import NETWORKS, REFUSED, network
from sampling import together

import cnncalc
from cnncalc.convert import lift as lifting
from cnncalc.convert.lift import lift
from cnncalc.convert.spec_text import flat
from cnncalc.graph import Graph

Run = Callable[..., Any]
DATA = Path(__file__).parents[1] / "data" / "convert"

NOTHING = ("identity", "concat", "flatten", "reshape")
"""Kinds whose rows a text may leave out, or join otherwise, without another network."""


def rows(graph: Graph) -> list[tuple[Any, ...]]:
    """What every layer is and computes, in no order."""
    return sorted(
        (node.kind, node.operation.inputs, node.operation.output, str(node.operation.weights), node.operation.macs or 0)
        for node in graph.nodes
        if node.kind not in NOTHING
    )


def lifted(graph: Graph) -> tuple[str, cnncalc.Network]:
    """The text of a network, and what it expands to, once that is the same network."""
    text = lift(graph).text
    again = cnncalc.loads(text)
    assert rows(again.graph) == rows(graph)
    mine, theirs = cnncalc.Network(None, graph).summary(), again.summary()
    for name in ("params", "state", "macs"):
        assert getattr(mine.totals, name) == getattr(theirs.totals, name)
    assert [graph.shapes[tensor] for _, tensor in graph.outputs] == [
        again.graph.shapes[tensor] for _, tensor in again.graph.outputs
    ]
    assert len(text) <= len(flat(graph))
    assert max(map(len, text.splitlines())) <= 120
    for arguments in re.findall(r"^    args: \{(.*)\}$", text, re.M):
        assert arguments.count(": ") <= 6
    return text, again


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rewrite is right: none has to be left out afterwards."""

    def blamed(graph: Graph, count: int, left_out: frozenset[int]) -> int:
        pytest.fail(f"one of {count} rewrites of `{graph.name}` gives another network")

    monkeypatch.setattr(lifting, "first_wrong", blamed)


# -- bundled networks --------------------------------------------------------------------------------------------------

KNOWN = ("vgg16", "resnet50", "googlenet", "mobilenet_v2")
LARGE = ("densenet121", "efficientnet_b0")


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", [*KNOWN, *(pytest.param(name, marks=pytest.mark.thorough) for name in LARGE)])
def test_the_well_known_read_as_one_would_write_them(name: str, request: pytest.FixtureRequest) -> None:
    graph = cnncalc.load(name).graph
    text, again = lifted(cnncalc.loads(flat(graph)).graph)
    path = DATA / "lift" / f"{name}.yaml"
    if request.config.getoption("--rewrite"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert again.receptive_field().field == cnncalc.load(name).receptive_field().field


SMALL = (
    *(
        "alexnet",
        "bifpn",
        "convnextv2_atto",
        "dcgan_generator",
        "dla34",
        "edsr_baseline_x4",
        "efficientnet_v2_s",
        "efficientvit_b0",
    ),
    *("googlenet_aux", "inception_module", "lenet5", "levit_128s", "mobilenet_v3_small", "mobilenetv4_conv_small"),
    *("notes_stride1", "pointnet", "repvgg_a0", "segnet", "squeezenet1_0", "swin_t", "tcn_mnist", "unet", "yolov8n"),
)


@pytest.mark.usefixtures("at_once")
@pytest.mark.thorough
def test_texts(request: pytest.FixtureRequest) -> None:
    """Letter by letter, and each the network that it was."""
    graphs = {name: network(name) for name in (*NETWORKS, *REFUSED) if name not in OF_ALL}
    graphs |= {name: cnncalc.load(name).graph for name in SMALL}
    found = {name: lifted(graph)[0] for name, graph in graphs.items()}
    exporting.check(importing.GOLDEN / "lifted.txt", found, request.config.getoption("--rewrite"))


# -- what a text must not lose -----------------------------------------------------------------------------------------

CASES = {
    "several inputs and outputs": """
input: {left: [3, 8, 8], right: [3, 8, 8]}
layers:
  - {conv: 4, kernel: 3, padding: half, name: a}
  - {conv: 4, kernel: 3, padding: half, from: right, name: b}
  - {add: [a, b]}
  - {conv: 2, kernel: 1, name: head}
outputs: {first: a, second: head, third: head}
""",
    "shared weights": """
input: [4, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: half, norm: batch, act: relu, name: one}
  - {conv: 4, kernel: 3, padding: half, norm: batch, act: relu, share: one}
  - {conv: 4, kernel: 3, padding: half, norm: batch, act: relu, share: one}
""",
    "fixed weights": """
input: [1, 8, 8]
layers:
  - {conv: 1, kernel: 1x3, bias: false, weights: [1, 0, -1], learned: false}
  - {batch_norm, learned: false}
""",
    "opaque layers": """
input: [4, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: half}
  - {opaque: [8, 4, 4], params: 123, macs: 456}
  - {opaque: [8, 4, 4]}
""",
    "one input as the output": "input: [4, 8, 8]\nlayers: [{identity, repeat: 0}]\n",
    "attention of three tensors": """
input: [12, 4, 4]
layers:
  - {conv: 12, kernel: 1, name: q}
  - {conv: 12, kernel: 1, from: input, name: k}
  - {conv: 12, kernel: 1, from: input, name: v}
  - {attention: 3, from: [q, k, v], window: 2, bias: relative}
  - {matmul: [q, x], over: channels}
""",
    "tensors of their own": """
input: [9, 4, 4]
layers:
  - {flatten, over: positions}
  - concat:
      - [{parameter: [9, 1]}]
      - x
    over: positions
  - {offset: all}
  - {attention: 1}
""",
    "an unpooling": """
input: [4, 8, 8]
layers:
  - {max_pool: 2, name: pool}
  - {conv: 4, kernel: 3, padding: half}
  - {max_unpool: pool}
""",
    "a layer that nothing takes": """
input: [4, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: half, name: a}
  - {conv: 9, kernel: 1, name: lost}
  - {relu, from: a}
""",
    "norms that differ": """
input: [4, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: half, norm: batch}
  - {leaky_relu: 0.1}
  - {conv: 4, kernel: 3, padding: half}
  - {leaky_relu: 0.2}
  - {batch_norm, eps: 0.001}
  - leaky_relu
""",
    "a long branch beside one that another takes": f"""
input: [5, 8, 8]
layers:
{"".join(f"  - {{conv: {4 + place % 2}, kernel: 3, padding: half, name: a{place}}}{chr(10)}" for place in range(16))}
  - {{conv: 5, kernel: 1, from: input, name: c}}
  - {{add: [a15, c], name: s}}
  - {{multiply: [s, c]}}
""",
    "a branch that begins with a tensor of its own": """
input: [12, 4]
layers:
  - {parameter: [12, 9]}
  - relu
  - {sigmoid, name: k}
  - {conv: 12, kernel: 1, from: input}
  - {relu, name: q}
  - {attention: 3, from: [q, k, k]}
""",
    "a text as long as the flat one, in which every row keeps its name": """
input: [4, 8, 8]
layers:
  - {relu, name: a}
  - {relu, from: input}
""",
    "open ends": "input: [8, 4, 4]\nlayers: [{slice: [2, none]}, {slice: [-3, -1]}]\n",
}


LONGER = ("blocks", "modules", "turns")


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    "part",
    ["exports", *(pytest.param(part, marks=pytest.mark.thorough) if part in LONGER else part for part in SMALL_ONES)],
)
def test_small_ones_read_as_one_would_write_them(part: str, request: pytest.FixtureRequest) -> None:
    """Letter by letter, each read by a person, and the network that it was."""
    graphs = {name: cnncalc.loads(text).graph for name, text in SMALL_ONES.get(part, {}).items()}
    graphs = graphs or {name: network(name) for name in OF_ALL}
    found = {}
    for name, graph in graphs.items():
        found[name] = lift(graph).text
        assert rows(cnncalc.loads(found[name]).graph) == rows(graph), name
    exporting.check(importing.GOLDEN / f"lifted_{part}.txt", found, request.config.getoption("--rewrite"))


@pytest.mark.usefixtures("at_once")
def test_nothing_is_lost(request: pytest.FixtureRequest) -> None:
    found = {}
    for name, text in CASES.items():
        graph = cnncalc.loads(text).graph
        found[name], again = lifted(graph)
        assert len(again.graph.inputs) == len(graph.inputs)
        if len(graph.outputs) > 1:
            assert [name for name, _ in again.graph.outputs] == [name for name, _ in graph.outputs]
        for side in ("frozen", "shares"):
            told = [sum(bool(getattr(node, side)) for node in net.nodes) for net in (graph, again.graph)]
            assert told[0] == told[1], (name, side)
    exporting.check(importing.GOLDEN / "lifted_odd.txt", found, request.config.getoption("--rewrite"))


@pytest.mark.usefixtures("at_once")
def test_equal_layers_become_a_repeat_and_alike_ones_a_table() -> None:
    steps = ["{conv: 8, kernel: 3, padding: 1}, relu"] * 5
    table = ((16, 3), (24, 5), (32, 7), (40, 3), (48, 5), (56, 7))
    steps += [f"{{conv: {c}, kernel: {k}, padding: half}}, relu, {{max_pool: 2}}" for c, k in table]
    text, _ = lifted(cnncalc.loads(f"input: [8, 64, 64]\nlayers: [{', '.join(steps)}]\n").graph)
    assert "repeat: 5" in text
    assert "for: [channels, kernel]" in text
    assert "[16, 3]" in text


DEFAULTS = {
    "most of three": ("batch_norm, eps: ", ["0.001"] * 3 + ["1e-05"], "eps: 0.001"),
    "of two": ("batch_norm, eps: ", ["0.001"] * 2, None),
    "half": ("batch_norm, eps: ", ["0.001"] * 3 + ["0.01"] * 3, None),
    "the usual one is said as often as the other was": ("batch_norm, eps: ", ["0.001"] * 3 + ["1e-05"] * 2, None),
    "the usual one is longer": ("batch_norm, eps: ", ["0.1"] * 3 + ["1e-05"] * 2, None),
    "the usual one is shorter": ("batch_norm, eps: ", ["0.00001234"] * 3 + ["1e-05"] * 2, "eps: 1.234e-05"),
    "four kernels of five": ("conv: 4, padding: half, kernel: ", ["3"] * 4 + ["1"], "padding: half"),
    "five kernels of six": ("conv: 4, padding: half, kernel: ", ["3"] * 5 + ["1"], "kernel: 3, padding: half"),
    "a stride of three, where one follows the kernel": (
        "max_pool: 2, stride: ",
        ["1"] * 3 + ["2"],
        "kernel: 2, stride: 1",
    ),
}


@pytest.mark.usefixtures("at_once")
@together("name", DEFAULTS)
def test_an_argument_is_a_default_where_most_have_it_and_it_saves_letters(name: str) -> None:
    """A kernel only where nearly all have it: it is what one looks for in a row."""
    step, values, wanted = DEFAULTS[name]
    apart = ("relu", "sigmoid", "tanh", "relu6", "elu", "silu")
    steps = [f"{{{step}{value}}}, {apart[place]}" for place, value in enumerate(values)]
    text, _ = lifted(cnncalc.loads(f"input: [4, 16, 16]\nlayers: [{', '.join(steps)}]\n").graph)
    told = re.search(r"^  \w+: \{(.*)\}$", text, re.M) if "\ndefaults:\n" in text else None
    assert (told and told[1]) == wanted


KINDS = (
    *("relu", "sigmoid", "tanh", "elu", "silu", "gelu", "selu", "mish", "softplus", "hard_swish"),
    *("hard_sigmoid", "relu6", "softmax"),
)


def turned(width: int, turns: int) -> str:
    return ", ".join(KINDS[:width] * turns)


def skipped(width: int) -> str:
    """Two residual blocks, and before each its branch alone, as where the sizes do not allow the sum."""
    sizes = [f"{{conv: 4, kernel: {(1, 3, 5)[place % 3]}, padding: half}}" for place in range(width)]
    branch = ", ".join(sizes)
    return ", ".join([branch, "tanh", f"{{add: [x, [{branch}]]}}", "elu"] * 2)


def columns(width: int) -> str:
    """Five rows of as many convolutions, whose channels no formula gives."""
    sizes = [[3 + (7 * row + 5 * place + row * row * place) % 11 for place in range(width)] for row in range(5)]
    return ", ".join(f"{{conv: {size}, kernel: 1}}, {KINDS[place]}" for row in sizes for place, size in enumerate(row))


def joined(width: int, branches: int) -> str:
    """Six joins of so many branches with as many convolutions in all, whose channels no formula gives."""
    found = []
    for turn in range(6):
        lists: list[list[str]] = [[] for _ in range(branches)]
        for place in range(width):
            size, kernel = 3 + (7 * turn + 5 * place + turn * turn * place) % 11, 1 + 2 * (place % 2)
            step = f"{{conv: {size}, kernel: {kernel}, padding: half, norm: batch, act: relu}}, {{max_pool: 1}}"
            lists[place * branches // width].append(step)
        lists[-1].insert(0, "l2_norm")
        inner = ", ".join(f"[{', '.join(steps)}]" for steps in lists)
        found.append(f"{{concat: [{inner}]}}, {KINDS[turn]}")
    return ", ".join(found)


@together(
    "steps, sought, found",
    [
        (turned(3, 20), "repeat: 20", True),
        (turned(3, 19), "repeat: 19", False),  # blocks are sought first
        (turned(12, 20), "repeat: 20", True),
        (turned(13, 20), "repeat: 20", False),
        (skipped(10), "with_skip", True),
        (skipped(11), "with_skip", False),
        (joined(5, 2), "c5: required", True),
        (joined(6, 2), "c1: required", False),
        (joined(6, 4), "c6: required", True),
        (joined(7, 4), "c1: required", False),
        (columns(7), "channels7]", True),
        (columns(8), "channels7", False),
    ],
    label=lambda case: f"{case[1]} in {case[0][:60]}",
)
def test_what_is_sought_is_bounded(steps: str, sought: str, found: bool) -> None:
    """A table has at most seven columns, a branch that stands for a block without its skip at most ten steps, and a
    block five arguments, or six if it joins three branches or more."""
    assert (sought in lift(cnncalc.loads(f"input: [4, 8, 8]\nlayers: [{steps}]\n").graph).text) == found


@pytest.mark.thorough
def test_a_repeat_has_as_many_turns_as_the_language_allows() -> None:
    graph = cnncalc.loads(f"input: [4, 8, 8]\nlayers: [{'relu, ' * 10_001}relu]\n").graph
    assert "{relu, repeat: 10000}" in lift(graph).text


def test_a_residual_block_in_the_branch_of_another_ends() -> None:
    inner = (
        "{conv: 4, kernel: 3, padding: 1}, {add: [x, [{conv: 4, kernel: 3, padding: 1}, relu]]}, {conv: 4, kernel: 1}"
    )
    lifted(cnncalc.loads(f"input: [4, 8, 8]\nlayers: [{{add: [x, [{inner}]]}}, {inner}]\n").graph)


def test_a_given_name_is_not_hidden_by_a_row() -> None:
    """Rows of the repeated group `stage2` are called `stage2.0…`, as the source calls what a further layer takes."""
    row = "  - {batch_norm, name: stage2.0.mlp1.conv2.norm}\n"
    text = flat(cnncalc.load("levit_128s").graph)
    assert row in text
    graph = cnncalc.loads(text.replace(row, row + "  - {relu, name: further}\n")).graph
    again = lifted(graph)[1].graph
    (further,) = [node for node in again.nodes if node.kind == "relu"]
    assert again.node(further.inputs[0]).kind == "batch_norm"


@pytest.mark.parametrize(
    ("source", "broken"),
    [
        ("Somebody et al. 2025, " + "a long title;  with two spaces, " * 6 + "and its end", True),
        ("a" * 60 + " " + "b" * 51, False),  # behind `source: ` a line of 120 letters
        ("a" * 60 + " " + "b" * 52, True),
        ("a" * 60 + " " + "b" * 58, True),  # a letter too many for one line behind two spaces
    ],
)
def test_a_long_source_is_broken_between_words(source: str, broken: bool) -> None:
    text, again = lifted(cnncalc.loads(f'source: "{source}"\ninput: [1, 4, 4]\nlayers: [{{relu, repeat: 9}}]\n').graph)
    assert ("source: >-" in text) == broken
    assert again.graph.source == source


def test_a_deep_chain_is_no_recursion() -> None:
    text, _ = lifted(cnncalc.loads("input: [4, 8, 8]\nlayers: [{layers: [relu, sigmoid, tanh], repeat: 500}]\n").graph)
    assert "repeat: 500" in text


JOINED = f"input: [4, 8, 8]\nlayers: [{{add: [x, [sigmoid, tanh]]}}, {', '.join(['relu'] * 40)}]\n"


@pytest.mark.parametrize(
    ("network", "wrong", "left"), [("vgg16", "for:", "repeat:"), ("vgg16", "name:", ""), (JOINED, "- [", "repeat:")]
)
def test_a_rewrite_that_gives_another_network_is_left_out(
    network: str, wrong: str, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the expansion of a text with `wrong` in it were not the same network; `name:` stands in every text, and a
    branch of several steps is the very first rewrite."""
    graph = (cnncalc.loads(network) if network == JOINED else cnncalc.load(network)).graph
    real = lifting.rows_in
    assert wrong in lift(graph).text
    monkeypatch.setattr(lifting, "rows_in", lambda text, graph: None if wrong in text else real(text, graph))
    text = lift(graph).text
    if left:
        assert wrong not in text
        assert left in text
        assert len(text) < 0.5 * len(flat(graph))
    else:
        assert text == flat(graph)


@pytest.mark.parametrize(("wrong", "left"), [(3, ["silu", "mish"]), (4, [])])
def test_three_rewrites_are_left_out_alone_and_then_all_from_the_next(
    wrong: int, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("relu", "tanh", "sigmoid", "silu", "mish")
    graph = cnncalc.loads(f"input: [4]\nlayers: [{', '.join(kind for kind in kinds for _ in range(3))}]\n").graph
    real = lifting.rows_in
    bad = [f"{{{kind}, repeat: 3" for kind in kinds[:wrong]]
    monkeypatch.setattr(
        lifting, "rows_in", lambda text, graph: None if any(each in text for each in bad) else real(text, graph)
    )
    assert re.findall(r"\{(\w+), repeat: 3", lift(graph).text) == left


ONE = """
input: {left: [4, 8, 8], right: [4, 8, 8]}
layers:
  - {conv: 4, kernel: 3, padding: half, from: left, name: a}
  - {conv: 4, kernel: 3, padding: half, from: right, share: a, name: b}
  - {conv: 4, kernel: 3, padding: half, from: right, learned: false, name: c}
  - {subtract: [a, b], name: d}
  - {concat: [d, c], name: e}
outputs: {first: e, second: b}
"""
OTHERS = {
    "weights of its own": (", share: a", ""),
    "weights of another": ("from: right, learned: false", "from: right, share: a"),
    "learned weights": (", learned: false", ""),
    "an argument": ("conv: 4, kernel: 3, padding: half, from: left", "conv: 4, kernel: 1, from: left"),
    "another kind": ("{subtract:", "{add:"),
    "the order of operands": ("[a, b]", "[b, a]"),
    "another operand": ("[d, c]", "[d, b]"),
    "the order of joined ones": ("[d, c]", "[c, d]"),
    "another input": ("from: left", "from: right"),
    "the order of inputs": ("{left: [4, 8, 8], right: [4, 8, 8]}", "{right: [4, 8, 8], left: [4, 8, 8]}"),
    "the size of an input": ("right: [4, 8, 8]", "right: [4, 9, 8]"),
    "another output": ("second: b", "second: a"),
    "the name of an output": ("second: b", "third: b"),
    "fewer outputs": (", second: b", ""),
    "a layer more": ("outputs", "  - {relu, from: a}\noutputs"),
    "a layer between": ("outputs: {first: e", "  - {relu, from: e, name: f}\noutputs: {first: f"),
}


@together("name", OTHERS)
def test_what_is_another_network(name: str) -> None:
    """What every text is compared with before it is given: it stands for this network, and for no other."""
    graph = cnncalc.loads(ONE).graph
    other = ONE.replace(*OTHERS[name])
    assert other != ONE
    assert lifting.rows_in(ONE, graph) is not None
    assert lifting.rows_in(other, graph) is None


SAME = {
    "what is one position to itself": ("[4, 1, 1]", "{reshape: [4, 1, 1]}, relu", "relu"),
    "what is flat, flattened": ("[4]", "flatten, relu", "relu"),
    "one position flattened, and back": ("[4, 1, 1]", "flatten, {reshape: [4, 1, 1]}, relu", "relu"),
    "one position of a sequence flattened, and back": ("[4, 1]", "flatten, {reshape: [4, 1]}, relu", "relu"),
    "an identity, and a join of one": ("[4, 2, 2]", "{identity, name: i}, {add: [i]}, relu", "relu"),
    "a join in a join": (
        "[4, 2, 2]",
        "{relu, name: a}, {sigmoid, name: b}, {concat: [a, b], name: j}, {concat: [j, a, j]}",
        "{relu, name: a}, {sigmoid, name: b}, {concat: [a, b, a, a, b]}",
    ),
    "two joins that begin alike": (
        "[4, 2, 2]",
        "{relu, name: a}, {sigmoid, name: b}, {concat: [a, b], name: j}, {concat: [j, a], name: k}, {concat: [k, j]}",
        "{relu, name: a}, {sigmoid, name: b}, {concat: [a, b, a, a, b]}",
    ),
    "the order of branches": (
        "[4, 2, 2]",
        "{relu, name: a}, {tanh, name: b, from: input}, {subtract: [a, b]}",
        "{tanh, name: b}, {relu, name: a, from: input}, {subtract: [a, b]}",
    ),
    "half the kernel": (
        "[4, 9]",
        "{conv: 4, kernel: 5, padding: half, dilation: 2}",
        "{conv: 4, kernel: 5, padding: 4, dilation: 2}",
    ),
    "sizes of each axis": (
        "[4, 9, 9]",
        "{conv: 4, kernel: 3, padding: half, dilation: 2, groups: 2}, {max_pool: 2}, {upsample: 2}, {pad: 1}",
        "{conv: 4, kernel: [3, 3], padding: [[2, 2], 2], dilation: [2, 2], groups: 2, stride: [1, 1]},"
        " {max_pool: [2, 2], stride: 2, padding: valid}, {upsample: [2, 2]}, {pad: [[1, 1], 1]}",
    ),
}
DIFFERENT = {
    "many positions to themselves": ("[4, 2, 2]", "{reshape: [4, 2, 2]}, relu", "relu"),
    "a sequence to itself": ("[4, 3]", "{reshape: [4, 3]}, relu", "relu"),
    "a sequence flattened, and back": ("[4, 3]", "flatten, {reshape: [4, 3]}, relu", "relu"),
    "one position to another shape": ("[4, 1, 1]", "flatten, {reshape: [2, 2, 1]}, relu", "relu"),
    "the axis of a join": ("[4, 4]", "{concat: [x, x]}", "{concat: [x, x], over: positions}"),
    "a longer join": ("[4, 4]", "{concat: [x, x]}", "{concat: [x, x, x]}"),
    "the order in a join": (
        "[4, 2, 2]",
        "{relu, name: a}, {sigmoid, name: b}, {concat: [a, b], name: j}, {concat: [j, a]}",
        "{relu, name: a}, {sigmoid, name: b}, {concat: [a, b], name: j}, {concat: [a, j]}",
    ),
    "padding that depends on the size": (
        "[4, 9]",
        "{conv: 4, kernel: 3, padding: same}",
        "{conv: 4, kernel: 3, padding: 1}",
    ),
    "padding of one side": (
        "[4, 9]",
        "{conv: 4, kernel: 2, padding: [[0, 1]]}",
        "{conv: 4, kernel: 2, padding: [[1, 0]]}",
    ),
}


@together("name, same", [(name, True) for name in SAME] + [(name, False) for name in DIFFERENT])
def test_spellings_of_a_network(name: str, same: bool) -> None:
    """What computes nothing is nothing, but a reshape of several positions: behind one a receptive field is global."""
    shape, one, other = (SAME if same else DIFFERENT)[name]
    one, other = (f"input: {shape}\nlayers: [{layers}]\n" for layers in (one, other))
    for text, against in ((one, other), (other, one)):
        assert (lifting.rows_in(text, cnncalc.loads(against).graph) is not None) == same
        lifted(cnncalc.loads(text).graph)


def test_progress_is_told_stage_by_stage() -> None:
    heard: list[tuple[int, int, str]] = []
    graph = cnncalc.load("lenet5").graph
    assert lift(graph, lambda done, total, stage: heard.append((done, total, stage))) == lift(graph)
    assert [done for done, _, _ in heard] == list(range(len(heard)))
    assert {total for _, total, _ in heard} == {len(heard)}


# -- the command -------------------------------------------------------------------------------------------------------

FLAT = """name: net
input: [3, 32, 32]
layers:
  - {conv: 8, kernel: 3, padding: 1, name: block1.conv}
  - {batch_norm, name: block1.norm}
  - {relu, name: block1.relu}
outputs: [block1.relu]
"""


def test_import_lifts_a_flat_spec(tmp_path: Path, run: Run) -> None:
    path, names = tmp_path / "flat.yaml", tmp_path / "names.json"
    path.write_text(FLAT)
    done = run("import", str(path), "--names", str(names))
    assert (done.code, done.err) == (0, "")
    assert "  - {conv: 8, kernel: 3, padding: half, norm: batch, act: relu}\n" in done.out
    told = json.loads(names.read_text())["rows"]
    assert told == {"block1.conv": "conv1", "block1.norm": "conv1.norm", "block1.relu": "conv1.act"}
    assert run("import", str(path), "--flat").out == FLAT


def test_the_names_of_a_model_lead_to_rows(tmp_path: Path) -> None:
    net = cnncalc.from_onnx(str(DATA / "convnext_block.onnx"))
    found = net.lift()
    rows_there = {node.name for node in cnncalc.loads(found.text).graph.nodes}
    assert found.names
    assert set(found.names) <= set(net.account.names)
    assert set(found.names.values()) <= rows_there
