"""What holds of every network, tried on random ones; and that any text gives a network or an error with a place."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import examples, some

import cnncalc
from cnncalc.convert.spec_text import flat
from cnncalc.diagnostics import Fault, SpecError
from cnncalc.expansion.expand import MAX_STEPS

pytestmark = pytest.mark.thorough

SPECS = sorted((Path(__file__).parents[1] / "architectures").glob("*.yaml"))

# -- random networks ---------------------------------------------------------------------------------------------------

ACTS = st.sampled_from(["none", "relu", "hard_swish", "sigmoid", "prelu"])
NORMS = st.sampled_from(["none", "batch", "layer_norm", "instance_norm"])
SMALL = st.integers(1, 3)


def spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def mapping(head: str, fields: dict[str, Any]) -> str:
    return "{" + ", ".join([head, *(f"{name}: {spelled(value)}" for name, value in fields.items())]) + "}"


@st.composite
def convolution(draw: st.DrawFn, keep: bool = False) -> str:
    """A convolution; with `keep` of equal size and channels."""
    fields: dict[str, Any] = {"kernel": draw(st.sampled_from([1, 3, 5])), "padding": "half"}
    fields |= {"bias": draw(st.booleans()), "norm": draw(NORMS), "act": draw(ACTS)}
    kind = draw(st.sampled_from(["conv", "conv", "depthwise_conv", "separable_conv"]))
    if not keep:
        fields["stride"] = draw(st.integers(1, 2))
        fields["padding"] = draw(st.sampled_from(["same", "same_lower", "half", 4, "[[4, 5], [5, 4]]"]))
    fields["dilation"] = draw(st.sampled_from([1, 1, 2]))
    if kind == "depthwise_conv":
        kernel = fields.pop("kernel")
        return mapping(f"{kind}: {kernel}", fields)
    return mapping(f"{kind}: {'x.channels' if keep else draw(st.integers(1, 6))}", fields)


@st.composite
def other(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            [
                "relu",
                "{max_pool: 2, padding: 1}",
                "{avg_pool: 3, stride: 2, padding: 1, ceil_mode: true}",
                "{upsample: 2}",
                "{upsample: 1.5, mode: bilinear}",
                "{conv_transpose: 3, kernel: 3, stride: 2, padding: 1, output_padding: 1}",
                "{pad: 1, mode: replicate}",
                "{batch_norm, learned: false}",
                "{adaptive_avg_pool: 5}",
                "{dropout: 0.25}",
                "{slice: [0, 1]}",
                "identity",
            ]
        )
    )


@st.composite
def joined(draw: st.DrawFn) -> str:
    """A join of branches of equal shape."""
    branches = draw(st.lists(st.lists(convolution(keep=True), min_size=1, max_size=2), min_size=1, max_size=3))
    written = [f"[{', '.join(steps)}]" for steps in branches]
    kind = draw(st.sampled_from(["add", "concat", "multiply"]))
    if draw(st.booleans()):
        written.insert(0, "x")
    if kind == "multiply":
        written.append("[global_avg_pool, {conv: x.channels, kernel: 1, act: sigmoid}]")
    return f"{{{kind}: [{', '.join(written)}]}}"


@st.composite
def network(draw: st.DrawFn) -> str:
    """A random network with names, repeats, groups, conditions and shared weights."""
    lines = []
    for number in range(draw(st.integers(1, 6))):
        choice = draw(st.integers(0, 9))
        if choice < 4:
            step = draw(convolution())
        elif choice < 6:
            step = draw(other())
        elif choice < 8:
            step = draw(joined())
        else:
            inner = draw(st.lists(convolution(keep=True), min_size=1, max_size=2))
            modifier = draw(
                st.sampled_from(["repeat: 2", "repeat: 2, gather: concat", "repeat: 0", "if: x.height > 6"])
            )
            step = f"{{layers: [{', '.join(inner)}], {modifier}}}"
        if draw(st.booleans()):
            step = f"{{{step}, name: n{number}}}" if not step.startswith("{") else f"{step[:-1]}, name: n{number}}}"
        lines.append(f"  - {step}")
    if draw(st.booleans()):
        lines.append("  - {conv: x.channels, kernel: 3, padding: 1, name: first}")
        lines.append("  - {conv: x.channels, kernel: 3, padding: 1, share: first}")
    if draw(st.booleans()):
        lines += ["  - flatten", "  - {linear: 7, act: relu}"]
    channels, height, width = draw(st.integers(1, 4)), draw(st.integers(5, 14)), draw(st.integers(5, 14))
    return f"name: random\ninput: [{channels}, {height}, {width}]\nlayers:\n" + "\n".join(lines) + "\n"


FIGURES = ("name", "kind", "inputs", "input_shapes", "output_shape", "params", "state", "macs", "separable_params")
FIGURES += ("receptive_field", "unread", "shares", "notes")


def figures(report: dict[str, Any]) -> list[list[Any]]:
    return [[row[key] for key in FIGURES] for row in report["layers"]]


@examples(100, 25)
@given(network())
def test_totals_are_sums_of_rows(text: str) -> None:
    report = cnncalc.loads(text).summary()
    for name in ("params", "state", "macs", "separable_params"):
        assert getattr(report.totals, name) == sum(getattr(layer, name) or 0 for layer in report.layers)


@examples(100, 25)
@given(network())
def test_the_expanded_spec_gives_the_same_figures(text: str) -> None:
    net = cnncalc.loads(text)
    again = cnncalc.loads(flat(net.graph))
    first, second = net.summary().to_dict(), again.summary().to_dict()
    assert figures(first) == figures(second)
    assert first["totals"] == second["totals"]
    assert [name for name, _ in net.graph.outputs] == [name for name, _ in again.graph.outputs]
    assert flat(again.graph) == flat(net.graph)


@examples(40, 15)
@given(network())
def test_the_lifted_spec_is_the_same_network_and_no_longer(text: str) -> None:
    net = cnncalc.loads(text)
    lifted = net.lift()
    again = cnncalc.loads(lifted.text)
    assert len(lifted.text) <= len(flat(net.graph))
    kept = [
        sorted(
            (layer.kind, layer.output_shape, layer.params, layer.state, layer.macs or 0)
            for layer in side.summary().layers
            if layer.kind not in ("identity", "concat")
        )
        for side in (net, again)
    ]
    assert kept[0] == kept[1]
    assert again.receptive_field().field == net.receptive_field().field
    assert set(lifted.names.values()) <= {node.name for node in again.graph.nodes}


@examples(100, 25)
@given(network())
def test_json_round_trips(text: str) -> None:
    from cnncalc.render import json as written

    report = cnncalc.loads(text).summary()
    plain = json.loads(written.render([report]))
    assert plain == json.loads(json.dumps(report.to_dict()))
    assert [row["name"] for row in plain["layers"]] == [layer.name for layer in report.layers]


@examples(100, 25)
@given(network())
def test_names_are_unique_and_inputs_come_first(text: str) -> None:
    graph = cnncalc.loads(text).graph
    names = [name for name, _ in graph.inputs] + [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    for place, node in enumerate(graph.nodes, len(graph.inputs)):
        assert all(tensor < place for tensor in node.inputs)
        assert tuple(graph.shapes[tensor] for tensor in node.inputs) == node.operation.inputs
        assert re.fullmatch(r"[\w.\-/]+", node.name)
    assert cnncalc.loads(text).summary().to_dict() == cnncalc.loads(text).summary().to_dict()


@examples(100, 25)
@given(network(), st.integers(2, 5))
def test_a_folded_table_has_the_same_sums(text: str, depth: int) -> None:
    from cnncalc.tables.report import tabulate
    from cnncalc.tables.table import View
    from cnncalc.values import known

    report = cnncalc.loads(text).summary()
    for view in (View(), View(flat=True), View(depth=1), View(depth=depth), View(depth=depth, sort="macs")):
        table = tabulate(report, view)
        counted = [line for line in table.lines if not line.heading]
        assert sum(line.layers for line in counted) == len(report.layers)
        column = [column.title for column in table.columns].index("MACs")
        assert sum(known(line.cells[column]) for line in counted) == report.totals.macs


@examples(40, 15)
@given(network(), st.integers(1, 3))
def test_wider_input_changes_no_parameters_and_no_local_field(text: str, more: int) -> None:
    """Without a linear layer, parameters do not depend on the image, nor does what a unit of a plain chain sees."""
    if "linear" in text or "if:" in text:
        return
    net = cnncalc.loads(text)
    channels, height, width = net.graph.inputs[0][1]
    larger = cnncalc.loads(text, inputs=(channels, height + 8 * more, width + 8 * more))
    assert larger.params().totals.params == net.params().totals.params


# -- mutated texts -----------------------------------------------------------------------------------------------------

BITS = [
    *" :-{}[],#&*!|>'\"%@`?~$()=<+/.\t\n",
    "  ",
    "- ",
    "\n  ",
    "\n- ",
    "0",
    "-1",
    "10**12",
    "9**9**9",
    "x.__class__",
]
BITS += [
    "repeat: ",
    "if: ",
    "name: ",
    "from: ",
    "share: ",
    "gather: add",
    "[",
    "[[[[[[[[",
    "1e999",
    "$i",
    "$(",
    "é",
    "\x07",
]
BITS += ["true", "null", "input", "layers:", "x", "conv", "concat: ", "for: a, in: 3, ", "learned: no", "input: [1]\n"]


def mutated(text: str, chance: random.Random) -> str:
    """`text` with one to five changes: characters, words and lines put in, left out, moved."""
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(text) + 1)
        change = chance.randrange(5)
        if change == 0:
            text = text[:at] + chance.choice(BITS) + text[at:]
        elif change == 1:
            text = text[:at] + text[at + chance.randint(1, 8) :]
        elif change == 2:
            words = list(re.finditer(r"[\w.]+", text)) or [re.match("", text)]
            word, source = chance.choice(words), chance.choice(words)
            text = text[: word.start()] + source[0] + text[word.end() :]
        elif change == 3:
            words = list(re.finditer(r"\d+|\w+", text)) or [re.match("", text)]
            word = chance.choice(words)
            text = text[: word.start()] + chance.choice(BITS) + text[word.end() :]
        else:
            lines = text.splitlines(True)
            if lines:
                lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
            text = "".join(lines)
    return text


def tried(text: str, variant: str | None = None) -> str:
    """Everything that can be asked of a text; the outcome in a word."""
    try:
        net = cnncalc.loads(text, variant, max_steps=2_000)
        net.summary().to_dict()
        return "good"
    except SpecError as error:
        for found in error.diagnostics:
            assert found.span is not None or found.code in ("empty", "library", "unknown-variant"), (found, text)
            assert found.message
            str(found)
        return "wrong"
    except Fault as fault:  # of an analyzer: a pattern of positions that is too long
        return fault.code


@pytest.mark.every
@pytest.mark.parametrize("seed", some(range(20), each=4))
def test_mutated_specs_are_good_or_wrong_with_a_place(seed: int) -> None:
    chance = random.Random(seed)
    outcomes = set()
    for _ in range(12):
        path = chance.choice(SPECS)
        text = path.read_text(encoding="utf-8")
        if len(text) > 6_000:
            continue
        variants = re.findall(r"^  ([\w.\-]+): *\{", text.partition("variants:")[2].partition("\nlayers:")[0], re.M)
        outcomes.add(tried(mutated(text, chance), chance.choice(variants or [None])))
    assert "wrong" in outcomes
    assert outcomes <= {"good", "wrong", "too-large", "library"}


STEPS = [
    "relu",
    "{conv: 4, kernel: 3, norm: batch, act: relu, name: a}",
    "{add: [x, [{conv: 4, kernel: 1}]]}",
    "{linear: 3}",
]
STEPS += [
    "{for: k, in: [1, 3], layers: [{conv: k, kernel: k, padding: half, name: c$k}]}",
    "{unit: 4, repeat: 2, name: u$i}",
]
STEPS += [
    "{concat: [x, a, {x, if: true}]}",
    "{relu, repeat: 3, gather: concat}",
    "$act",
    "{upsample: 2}",
    "flatten",
    "u0.conv1",
]
STEPS += [
    "{crop_like: a, from: x}",
    "{slice: [0, 2]}",
    "{reshape: [-1, 2]}",
    "{max_pool: 2, share: a}",
    "{$b: 3, from: [a, x]}",
]
HEAD = """args: {act: relu, b: unit}
blocks:
  unit: {args: {c: 3}, layers: [{conv: c, kernel: 1}]}
input: [4, 12, 12]
layers:
"""


@pytest.mark.every
@pytest.mark.parametrize("seed", some(range(20), each=4))
def test_small_mutated_specs(seed: int) -> None:
    chance = random.Random(1000 + seed)
    outcomes = [
        tried(mutated(HEAD + "".join(f"  - {chance.choice(STEPS)}\n" for _ in range(chance.randint(1, 4))), chance))
        for _ in range(60)
    ]
    assert outcomes.count("wrong") > 10
    assert set(outcomes) <= {"good", "wrong", "too-large"}


@examples(600, 150)
@given(st.text("abcxi:-{}[],#&*!|>'\"%@`?~$() 01\n\t", max_size=60))
def test_any_text(text: str) -> None:
    assert tried(text) in ("good", "wrong")


def test_the_default_limit_stands() -> None:
    assert MAX_STEPS == 200_000
