"""What stands in the tables of single networks: cells, totals and remarks, worked out by hand."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.analyzers.memory import CONVENTION
from cnncalc.check.files import check_all, find_tasks
from cnncalc.compare.formulas import Formula, Piece, Stretch
from cnncalc.compare.polynomials import through
from cnncalc.compare.selection import selection
from cnncalc.compare.sizes import Size, Sizes
from cnncalc.compare.sweep import compare, open_spec
from cnncalc.diagnostics import UsageFault
from cnncalc.gallery import Entry
from cnncalc.render.layout import layout
from cnncalc.tables import checks, formulas, gallery, memory, verification, words
from cnncalc.tables.report import tabulate
from cnncalc.tables.rows import sort_key
from cnncalc.tables.table import DETAIL, KIND, Column, Total, View
from cnncalc.values import AtLeast, Bar, Bytes, PerAxis, Prose, Range
from cnncalc.values import Formula as Text
from cnncalc.values import Sizes as Shape
from cnncalc.verify.network import Verification
from cnncalc.verify.numbers import NOT_RUN, Observed

Run = Any

# -- memory ------------------------------------------------------------------------------------------------------------

CHAIN = "input: [2, 4, 4]\nlayers: [{conv: 2, kernel: 1}, relu, {conv: 4, kernel: 1}, tanh]\n"
"""In bytes of int8: 32 of the input, 32 and 32, 64 and 64; live are 64, 32, 96, 64."""


def test_what_is_alive_is_drawn_against_the_peak() -> None:
    table = memory.tabulate(cnncalc.loads(CHAIN).memory("int8"))
    assert table.columns == [
        Column("Layer"),
        Column("Type", drop=KIND),
        Column("Output"),
        Column("Bytes", True),
        Column("Live", True),
        Column("Timeline", drop=DETAIL),
    ]
    assert [line.cells for line in table.lines] == [
        ["conv1", "conv", Shape((2, 4, 4)), Bytes(32), Bytes(64), Bar(64, 96)],
        ["relu1", "relu", Shape((2, 4, 4)), Bytes(32), Bytes(32), Bar(32, 96)],
        ["conv2", "conv", Shape((4, 4, 4)), Bytes(64), Bytes(96), Bar(96, 96, "peak")],
        ["tanh1", "tanh", Shape((4, 4, 4)), Bytes(64), Bytes(64), Bar(64, 96)],
    ]
    # 2*(2 + 1) and 4*(2 + 1) weights
    assert table.totals == (
        Total("Largest output", 64, "bytes"),
        Total("Peak", 96, "bytes"),
        Total("Weights", 18, "bytes"),
    )
    assert (table.remarks, table.sentence) == (("the peak is at conv2", CONVENTION), ())


@pytest.mark.parametrize(("layers", "told"), [(4, "relu1, relu2, relu3, relu4"), (5, "relu1, relu2, relu3, relu4, …")])
def test_four_places_of_the_peak_are_named(layers: int, told: str) -> None:
    found = cnncalc.loads(f"input: [8]\nlayers: [{', '.join(['relu'] * layers)}]\n").memory(reuse=False)
    assert memory.tabulate(found).remarks[0] == f"the peak is at {told}"
    assert memory.tabulate(cnncalc.loads(CHAIN).memory(budget=1, reuse=False)).sentence[-1] == (
        " too many, at conv1, relu1, conv2, tanh1"
    )
    short = cnncalc.loads(f"input: [8]\nlayers: [{', '.join(['relu'] * layers)}]\n").memory(
        "int8", reuse=False, budget=15
    )
    assert memory.tabulate(short).sentence == ("does not fit into ", Bytes(15), ": ", Bytes(1), f" too many, at {told}")


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (96, ("fits into ", Bytes(96), ", ", Bytes(0), " to spare; the largest batch that fits is ", 1)),
        (192, ("fits into ", Bytes(192), ", ", Bytes(96), " to spare; the largest batch that fits is ", 2)),
        (95, ("does not fit into ", Bytes(95), ": ", Bytes(1), " too many, at conv2")),
    ],
)
def test_a_budget_in_a_sentence(limit: int, told: Prose) -> None:
    assert memory.tabulate(cnncalc.loads(CHAIN).memory("int8", budget=limit)).sentence == told


def test_a_step_of_training_names_no_layer() -> None:
    """Kept are the inputs of the convolutions and the results of the activations, 32 + 32 and 64 bytes; 18 of weights
    and 18 of their gradients."""
    table = memory.tabulate(cnncalc.loads(CHAIN).memory("int8", training=True, budget=100))
    kept = [line.cells[5] for line in table.lines]
    assert ([column.title for column in table.columns][5:], kept) == (
        ["Kept", "Timeline"],
        [Bytes(32), Bytes(32), Bytes(0), Bytes(64)],
    )
    assert table.totals[-1] == Total("Training step", 128 + 36, "bytes")
    assert table.sentence == ("does not fit into ", Bytes(100), ": ", Bytes(64), " too many")


@pytest.mark.parametrize(
    ("layers", "told"),
    [(1, "1 layer does not tell what it keeps"), (2, "2 layers do not tell what they keep")],
)
def test_what_a_layer_does_not_tell(layers: int, told: str) -> None:
    net = cnncalc.loads(f"input: [4]\nlayers: [{', '.join(['{linear: 4}', *['{opaque: [4]}'] * layers])}]\n")
    table = memory.tabulate(net.memory(training=True))
    assert table.remarks[2:] == (
        "a layer does not tell its weights: they are a lower bound",
        f"{told}: what is kept is a lower bound",
    )
    assert {total.title: total.value for total in table.totals}["Weights"] == AtLeast(4 * 20)
    assert memory.tabulate(net.memory()).remarks[2:] == table.remarks[2:3]
    assert memory.tabulate(cnncalc.loads(CHAIN).memory(training=True)).remarks[2:] == ()


# -- sizes and formulas ------------------------------------------------------------------------------------------------


def tried(*sizes: tuple[int, bool, str], output: int = 5) -> Sizes:
    """What sizes come to: whether they are clean, or why not; in brackets where they do not build."""
    every = [Size(size, () if why == "[]" else ((1, output),), clean, why) for size, clean, why in sizes]
    return Sizes((1, 100), every)


def test_sizes_that_give_the_same_are_one_line() -> None:
    """A pool of 2 gives n // 2, and is clean where n is even."""
    net = cnncalc.loads("input: [1, 4, 4]\nlayers: [{max_pool: 2}]\n")
    table = formulas.tabulate_sizes("pool", net.sizes(1, 9))
    shape = [((1, half, half),) for half in (1, 2, 3, 4)]
    assert [line.cells for line in table.lines] == [[2 * half, shape[half - 1]] for half in (1, 2, 3, 4)]
    assert table.columns == [Column("Size", True), Column("Output")]
    assert table.totals == (Total("Builds", "2..9"), Total("Clean", "2 + 2*k"))
    assert table.heading == ("pool, input sizes 1 to 9",)
    assert table.remarks[1:] == ("4 sizes: `max_pool1` leaves pixels unread",)
    flat = cnncalc.loads("input: [1, 4, 4]\nlayers: [global_max_pool, {upsample: 3}]\n")
    lines = formulas.tabulate_sizes("flat", flat.sizes(1, 9)).lines
    assert [line.cells for line in lines] == [[Range(1, 9), ((1, 3, 3),)]]


def test_no_size_is_clean() -> None:
    found = tried((3, False, "a"), (4, False, "a"), (6, False, "b"))
    table = formulas.tabulate_sizes("net", found)
    assert table.totals == (Total("Builds", "3..4, 6"), Total("Clean", "none"))
    assert [line.cells[0] for line in table.lines] == [Range(3, 6)]
    assert table.remarks[1:] == ("2 sizes: a", "1 size: b")
    assert formulas.tabulate_sizes("net", tried((3, True, ""), (4, True, ""), (6, True, ""))).totals[1] == (
        Total("Clean", "3 sizes, in no closed form")
    )


@pytest.mark.parametrize(("stretches", "told"), [(4, "1, 3, 5, 7"), (5, "1, 3, 5, 7, … (5 stretches)")])
def test_four_stretches_are_listed(stretches: int, told: str) -> None:
    found = tried(*((2 * number + 1, False, str(number)) for number in range(stretches)))
    assert formulas.tabulate_sizes("net", found).totals[0] == Total("Builds", told)


def test_the_five_most_frequent_reasons_are_told() -> None:
    """Those of sizes that build and are not clean, the most frequent first."""
    reasons = "f" + "a" * 6 + "b" * 5 + "c" * 4 + "d" * 3 + "e" * 2
    found = tried((1, True, ""), (2, False, "[]"), *((3 + n, False, why) for n, why in enumerate(reasons)))
    told = formulas.tabulate_sizes("net", found).remarks[1:]
    assert told == ("6 sizes: a", "5 sizes: b", "4 sizes: c", "3 sizes: d", "2 sizes: e")


def formula(values: int, notes: tuple[str, ...] = (), lower_bound: bool = False) -> Formula:
    """1,500*n + 2, checked at so many values of n, the first of them a half."""
    axis = [Fraction(n) for n in range(3)]
    polynomial = through({"n": axis}, {(n,): 1500 * n + 2 for n in range(3)})
    pieces = tuple(Piece(polynomial, (Stretch("n", Fraction(first), Fraction(2), 1),), 5) for first in (1, 2))
    at = [Fraction(1, 2), *(Fraction(1000 * n) for n in range(1, values))]
    return Formula("macs", pieces, {"n": at}, notes, lower_bound)


def test_formulas_with_where_they_hold() -> None:
    graph = cnncalc.loads("name: Net\ninput: [1]\nlayers: [relu]\n").graph
    table = formulas.tabulate_formulas(graph, [formula(3, ("rounded",), True), formula(2)])
    assert table.columns == [Column("Figure"), Column("Formula"), Column("Holds for"), Column("Checked at", True)]
    text = Text("1500*n + 2", "1,500*n + 2")
    assert [line.cells for line in table.lines] == [["macs", text, f"n = {n} + 2*k", 5] for n in (1, 2, 1, 2)]
    assert table.remarks[:-1] == (
        "macs was checked at n = 1/2, 1,000, 2,000",
        "macs: rounded",
        "macs is a lower bound: a layer does not tell all of it",
        "macs was checked at n = 1/2, 1,000",
    )
    assert table.heading == ("Net", ", in formulas")


def test_twelve_values_are_listed() -> None:
    graph = cnncalc.loads("input: [1]\nlayers: [relu]\n").graph
    thousands = [f"{n},000" for n in range(1, 13)]
    for count, told in (
        (12, ["1/2", *thousands[:11]]),
        (13, ["1/2", *thousands[:5], "… (13 values)", *thousands[6:]]),
    ):
        (first, _) = formulas.tabulate_formulas(graph, [formula(count)]).remarks
        assert first == f"macs was checked at n = {', '.join(told)}"


# -- the words of other frameworks -------------------------------------------------------------------------------------


def test_the_words_of_a_framework(run: Run) -> None:
    """Caffe's `num_output` is one word for channels and features; arguments that have one name stand in no table."""
    things, renamed = words.tabulate("caffe")
    assert [column.title for column in things.columns] == ["Caffe", "Here", "Note"]
    rows = {line.cells[0].partition("(")[0]: line.cells[1:] for line in things.lines}
    assert rows["Convolution"] == ["{conv: 64, kernel: 3, padding: 1}", None]
    assert rows["Data"] == [None, "leave it out: it is no layer of the network"]
    assert [column.title for column in renamed.columns] == ["Caffe's argument", "Here"]
    ours = dict(line.cells for line in renamed.lines)
    assert ours["num_output"] == "channels or features"
    assert not {"stride", "dilation"} & set(ours)
    of_pytorch = dict(line.cells for line in words.tabulate("pytorch")[1].lines)
    assert (of_pytorch["in_channels"], of_pytorch["out_channels"]) == ("left out", "channels")
    found = json.loads(run("layers", "--from", "caffe", "--format", "json").out)
    assert found["framework"] == "caffe"
    assert found["words"][0] == {
        "names": ["Convolution"],
        "theirs": "Convolution(num_output=64, kernel_size=3, pad=1)",
        "ours": "{conv: 64, kernel: 3, padding: 1}",
        "note": None,
    }
    assert {"theirs": "num_output", "ours": ["channels", "features"]} in found["arguments"]
    (data,) = [word for word in found["words"] if "Data" in word["names"]]
    assert (data["ours"], data["note"]) == (None, "leave it out: it is no layer of the network")


def test_an_argument_that_cannot_be_taken_over_is_not_left_out() -> None:
    """PyTorch's `ceil_mode` and Keras' `groups` are there under their names or told in a note; `-` is no name."""
    for framework in words.TITLES:
        assert "-" not in {name for ours in words.renamings(framework).values() for name in ours}
    assert "padding_mode" not in words.renamings("pytorch")


# -- verification and checks -------------------------------------------------------------------------------------------


def test_what_was_observed_of_each_layer() -> None:
    layers = [
        Observed("a", "conv", (2, 3), 5, 0, 7, "exact", []),
        Observed("b", "relu", (2, 3), 0, 4, 0, "exact", ["one", "two"]),
        Observed("c", "opaque", (2, 3), 0, 0, 0, NOT_RUN, []),
    ]
    found = Verification("Net @ 2x3", layers, True, [])
    table = verification.tabulate(found)
    shape = Shape((2, 3))
    assert [line.cells for line in table.lines] == [
        ["a", "conv", shape, 5, None, 7, "exact", "yes"],
        ["b", "relu", shape, None, 4, None, "exact", "NO"],
        ["c", "opaque", shape, None, None, None, NOT_RUN, None],
    ]
    assert [(column.title, column.numeric, column.drop) for column in table.columns] == [
        ("Layer", False, 0),
        ("Type", False, DETAIL),
        ("Executed output", False, 0),
        ("Params", True, 0),
        ("State", True, DETAIL),
        ("Products", True, 0),
        ("Receptive field", False, 0),
        ("Agrees", False, 0),
    ]
    assert table.remarks[:2] == ("b: one", "b: two")
    assert verification.to_dict(found)["agrees"] is False
    assert verification.to_dict(found._replace(layers=layers[::2]))["agrees"] is True


CHECKED = """name: Net
input: [1, 8, 8]
variants: {net: {}, other: {}}
layers: [{conv: 1, kernel: 3, name: c}]
expect:
  net: {params: 10, layers: {c: {macs: 999}}}
"""


def test_results_of_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 3 x 3 convolution has 10 parameters and makes 6 * 6 * 9 products."""
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(CHECKED)
    Path("good.yaml").write_text("input: [1]\nlayers: [relu]\n")
    Path("blocks.yaml").write_text("blocks: {a: {layers: [relu]}}\n")
    results = check_all(find_tasks(["blocks.yaml", "good.yaml", "net.yaml"]))
    table = checks.tabulate(results)
    assert [line.cells for line in table.lines] == [
        ["blocks.yaml", 0, 0, 0, "ok (a library)"],
        ["good.yaml", 1, 0, 0, "ok"],
        ["net.yaml", 2, 2, 2, "1 failed"],
    ]
    assert [column.numeric for column in table.columns] == [False, True, True, True, False]
    found = checks.to_dict(results)
    assert found["totals"] == {"files": 3, "networks": 3, "expectations": 2, "failed": 1, "lints": 2}
    assert [each["ok"] for each in found["files"]] == [True, True, False]
    net, other = found["files"][2]["networks"]
    assert (net["ok"], other["ok"], net["params"], net["macs"]) == (False, True, 10, 324)
    params, macs = net["expectations"]
    assert (params["of"], params["ok"], params["difference"]) == (None, True, None)
    assert (macs["of"], macs["ok"], macs["actual"], macs["difference"]) == ("c", False, 324, 324 / 999 - 1)
    lint = found["files"][2]["lints"][0]
    assert (lint["code"], lint["severity"], lint["notes"]) == (
        "unused-variant",
        "warning",
        ["`net` is at net.yaml:3:12"],
    )
    assert lint["help"] == "leave one of them out"
    (problem,) = net["problems"]
    assert (problem["severity"], problem["help"], problem["at"]["line"]) == ("error", None, 6)


# -- the list of bundled networks --------------------------------------------------------------------------------------

LISTED = {
    "wide": "source: Doe 2013\ninput: [1, 8, 8]\nlayers: [{conv: 1, kernel: [3, 1], bias: false}]\n",
    "part": "input: [1, 8, 8]\nlayers: [{conv: 1, kernel: 3}, {opaque: [5]}]\n",
}


def entry(name: str, tmp_path: Path) -> Entry:
    """The line of a spec, as the list has it."""
    path = tmp_path / name
    path.write_text(LISTED[name])
    spec = open_spec(str(path))
    (row,) = compare([spec], keys=("params", "macs", "field", "layers")).rows
    assert spec.file is not None
    year = 2013 if "2013" in LISTED[name] else None
    row = row._replace(spec=name)
    field = row.receptive_field
    assert field is not None
    sizes = tuple(low if low == high else Range(low, high) for low, high in field.size)
    params = AtLeast(row.figures["params"]) if row.lower_bound else row.figures["params"]
    return Entry(name, "Title", "", year, (1, 8, 8), params, row.figures["macs"], sizes, row)


def test_the_list_has_a_line_for_every_network(tmp_path: Path) -> None:
    """A 3 x 1 kernel has 3 weights, and 6 x 8 positions; of an opaque layer nothing is known."""
    entries = [entry(name, tmp_path) for name in LISTED]
    chosen = selection("params,field,layers,macs / params").columns
    table = gallery.tabulate(entries, chosen)
    assert table.columns == [
        Column("Name"),
        Column("Year", True, DETAIL),
        Column("Input"),
        *(Column(title, True) for title in ("Params", "Field", "Layers", "macs / params")),
    ]
    size = Shape((1, 8, 8))
    assert [line.cells for line in table.lines] == [
        ["wide", "2013", size, 3, PerAxis((3, 1)), 1, 48.0],
        ["part", None, size, AtLeast(10), PerAxis((3, 3)), 2, None],
    ]
    assert table.heading == (2, " bundled networks")
    assert table.remarks == ("Field: the receptive field, in pixels of the input",)
    table = gallery.tabulate(entries[:1], selection("params").columns)
    assert (table.heading, table.remarks) == ((1, " bundled network"), ())
    found = gallery.to_dict(entries[0], chosen)
    assert list(found)[-2:] == ["layers", "macs / params"]
    assert (found["params"], found["layers"], found["macs / params"]) == (3, 1, 48.0)
    assert not {"row", "field"} & set(found)


# -- rows --------------------------------------------------------------------------------------------------------------


@together(
    "word, key",
    [
        ("name", "name"),
        ("kind", "kind"),
        ("params", "params"),
        ("peak_bytes", "live_bytes"),
        ("mac", "macs"),
        ("k", None),
        ("s", None),
        ("flops", "flops"),
    ],
)
def test_what_rows_are_sorted_by(word: str, key: str | None) -> None:
    if key is None:
        with pytest.raises(UsageFault, match=f"rows cannot be sorted by `{word}`"):
            sort_key(word)
    else:
        assert sort_key(word) == key


LAYERS = """input: [4, 8, 8]
blocks: {cell: {layers: [{conv: 3, kernel: 1}, relu, {max_pool: 2}]}}
layers:
  - {conv: 2, kernel: 1, name: b}
  - {cell, name: c}
  - {conv: 9, kernel: 1, name: a, norm: batch}
"""
SHAPES = {"b": (2, 8, 8), "c.conv1": (3, 8, 8), "c.relu1": (3, 8, 8), "c.max_pool1": (3, 4, 4), "a": (9, 4, 4)}


@together(
    "view, names, kinds",
    [
        (View(flat=True), [*SHAPES, "a.norm"], ["conv", "conv", "relu", "max_pool", "conv", "batch_norm"]),
        (View(flat=True, depth=1), ["b", "c", "a"], ["conv", "3 layers", "2 layers"]),
        (View(flat=True, depth=2), [*SHAPES, "a.norm"], ["conv", "conv", "relu", "max_pool", "conv", "batch_norm"]),
        (View(flat=True, depth=1, sort="name"), ["a", "b", "c"], ["2 layers", "conv", "3 layers"]),
        (View(flat=True, sort="kind", top=3), ["a.norm", "b", "c.conv1"], ["batch_norm", "conv", "conv"]),
        (View(flat=True, sort="params"), ["a", "a.norm", "c.conv1", "b"], ["conv", "batch_norm", "conv", "conv"]),
        (View(flat=True, top=1), ["b"], ["conv"]),
        (
            View(),
            ["b", "c", ".conv1", ".max_pool1", "a"],
            ["conv 1x1", "cell", "conv 1x1 + relu", "max_pool 2x2/2", "conv 1x1 + batch_norm"],
        ),
        (View(top=2), ["b", "c.conv1"], ["conv 1x1", "conv 1x1 + relu"]),
        (
            View(sort="kind"),
            ["b", "a", "c.conv1", "c.max_pool1"],
            ["conv 1x1", "conv 1x1 + batch_norm", "conv 1x1 + relu", "max_pool 2x2/2"],
        ),
        (View(depth=1), ["b", "c", "a"], ["conv 1x1", "cell", "conv 1x1 + batch_norm"]),
        (View(depth=1, sort="params"), ["a", "b", "c"], ["conv 1x1 + batch_norm", "conv 1x1", "cell"]),
    ],
)
def test_which_rows_a_view_has(view: View, names: list[str], kinds: list[str]) -> None:
    """By params 9*(3 + 1) and 2*9, 3*(2 + 1), 2*(4 + 1): 36, 18, 9, 10."""
    lines = tabulate(cnncalc.loads(LAYERS).params(), view).lines
    order = [(line.cells[0], line.cells[1]) for line in lines]
    if view.sort == "params" and view.depth is None:
        assert order[:4] == [("a", "conv"), ("a.norm", "batch_norm"), ("b", "conv"), ("c.conv1", "conv")]
        assert [line.cells[-1] for line in lines] == [36, 18, 10, 9, None, None]
    else:
        assert order == list(zip(names, kinds))


@pytest.mark.parametrize("last", [False, True])
def test_shapes_with_channels_first_or_last(last: bool) -> None:
    """Inputs and outputs, of rows, in the heading and in the totals; no other figure is a shape."""
    net = cnncalc.loads(
        "input: {a: [2, 8, 6], b: [3, 8, 6]}\nlayers: [{concat: [a, b]}, {max_pool: [3, 5], stride: 4}]\n"
    )
    table = tabulate(net.shapes(), View(channels_last=last))

    def of(*shapes: tuple[int, ...]) -> list[tuple[int, ...]]:
        return [(*shape[1:], shape[0]) if last else shape for shape in shapes]

    cells = {column.title: [line.cells[at] for line in table.lines] for at, column in enumerate(table.columns)}
    assert [list(shapes) for shapes in cells["Input"]] == [of((2, 8, 6), (3, 8, 6)), of((5, 8, 6))]
    assert cells["Output"] == of((5, 8, 6), (5, 2, 1))
    assert cells["Unread"] == [None, (2, 1)]
    assert [part for part in table.heading if isinstance(part, tuple)] == of((2, 8, 6), (3, 8, 6))
    assert table.totals[-1] == Total("Output", of((5, 2, 1))[0])


def test_columns_go_by_what_they_tell() -> None:
    """Shares of a total first, then where a layer takes its input from, what others nearly tell, what a layer is."""
    made = tabulate(cnncalc.loads(LAYERS.replace("a, norm", "a, from: b, norm")).summary(), View(sort="center"))
    assert [column.title for column in made.columns] == [
        *("Layer", "Type", "From", "Output", "Params", "%", "MACs", "%", "Center"),
    ]
    gone: list[str] = []
    for width in range(120, 20, -1):
        gone += [title for title in layout(made, width).dropped if title not in gone]
    assert gone[:4] == ["%", "From", "Center", "Type"]
