"""Many networks, two networks, and one as other tools count it: the cells of their tables, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.compare.conventions import Convention
from cnncalc.compare.diff import diff
from cnncalc.compare.selection import selection
from cnncalc.compare.settings import read_over
from cnncalc.compare.sweep import compare, open_spec
from cnncalc.tables.comparison import sweep_to_dict, tabulate_conventions, tabulate_diff, tabulate_sweep
from cnncalc.tables.table import DETAIL, Column, Table
from cnncalc.values import AtLeast, Bytes, Change, Factor, Sizes

NETS = {
    "conv": "args: {k: 3, w: 1}\ninput: [1, 8, 6]\nvariants: {conv: {}, large: {k: 5}}\n"
    "layers: [{conv: w, kernel: k}]\n",
    "pool": "input: [1, 8, 8]\nlayers: [{max_pool: 2}]\n",
    "flat": "input: [3]\nlayers: [{linear: 2}]\n",
    "opaque": "input: [1, 8, 8]\nlayers: [{conv: 1, kernel: 3}, {opaque: [5]}]\n",
    "last": "input: [1]\nlayers: [relu]\n",
}


pytestmark = pytest.mark.usefixtures("nets")


def swept(
    *specs: str, over: tuple[str, ...] = (), columns: str = "params", where: str | None = None, **given: Any
) -> Table:
    """The table of some specs in some settings."""
    found, chosen = measured(*specs, over=over, columns=columns, where=where, **given)
    return tabulate_sweep(found, chosen.of(found.rows), chosen.columns)


def measured(*specs: str, over: tuple[str, ...], columns: str, where: str | None = None, **given: Any) -> Any:
    arguments = [each.partition("=")[0] for each in over]
    chosen = selection(columns, where, arguments=arguments)
    opened = [open_spec(spec) for spec in specs]
    return compare(opened, [read_over(text) for text in over], chosen.keys(arguments), **given), chosen


def test_figures_are_multiples_of_the_first_that_builds() -> None:
    """A kernel of 7 does not fit 6 columns; of 3 and 5 it has 10 and 26 parameters, and 4 x 6 and 2 x 4 positions."""
    table = swept("conv", over=("k=7,3,5", "w=1"), columns="params,macs,peak_memory")
    assert table.columns == [
        Column("Network"),
        Column("k", True),
        Column("w", True),
        Column("Input"),
        Column("Params", True),
        Column("Params x", True, DETAIL),
        Column("MACs", True),
        Column("MACs x", True, DETAIL),
        Column("Peak", True),
        Column("Peak x", True, DETAIL),
    ]
    failing, first, second = (line.cells for line in table.lines)
    assert failing == ["conv", 7, 1, "kernel 7 does not fit the width 6", *[None] * 6]
    assert first == ["conv", 3, 1, Sizes((1, 8, 6)), 10, None, 216, None, Bytes(4 * (48 + 24)), None]
    factors = Factor(26 / 10), Factor(200 / 216), Factor(56 / 72)
    assert second[4:] == [26, factors[0], 200, factors[1], Bytes(4 * 56), factors[2]]
    assert table.remarks == ()


def test_a_single_network_is_no_multiple() -> None:
    assert swept("conv").columns == [Column("Network"), Column("Input"), Column("Params", True)]
    assert swept("conv").lines[0].cells == ["conv", Sizes((1, 8, 6)), 10]


def test_what_has_no_multiple() -> None:
    """Of 0 parameters nothing is a multiple, nor is a figure of what does not apply; 0 is 0 times as many."""
    assert [line.cells[2:] for line in swept("pool", "conv").lines] == [[0, None], [10, None]]
    assert [line.cells[2:] for line in swept("conv", "pool").lines] == [[10, None], [0, Factor(0.0)]]
    fields = [line.cells[2:] for line in swept("conv", "flat", "pool", columns="field").lines]
    assert fields == [[3, None], [None, None], [2, Factor(2 / 3)]]
    assert [line.cells[2:] for line in swept("flat", "conv", columns="field").lines] == [[None, None], [3, None]]


def test_a_lower_bound_is_one_and_its_quotients_are_not_known() -> None:
    """What an opaque layer has of parameters and MACs is not known; the convolution has 10, and 36 x 9."""
    table = swept("conv", "opaque", columns="params,macs / params,layers")
    assert [column.title for column in table.columns][2::2] == ["Params", "macs / params", "Layers"]
    assert table.lines[0].cells[2::2] == [10, 21.6, 1]
    assert table.lines[1].cells[2:] == [AtLeast(10), Factor(1.0), None, Factor(32.4 / 21.6), 2, Factor(2.0)]


def test_variants_are_named_where_they_are_no_column() -> None:
    assert [line.cells[0] for line in swept("conv", "pool").lines] == ["conv", "pool"]
    opened = [open_spec("conv"), open_spec("conv", "large"), open_spec("conv", "conv")]
    found = compare(opened, keys=["params"])
    table = tabulate_sweep(found, found.rows, selection("params").columns)
    assert [line.cells[0] for line in table.lines] == ["conv", "conv (large)", "conv"]
    assert [line.cells[:2] for line in swept("conv", over=("variant=*",)).lines] == [
        ["conv", "conv"],
        ["conv", "large"],
    ]


def test_what_is_not_in_the_table_is_said_below_it() -> None:
    assert swept("conv", "pool", where="params > 10").remarks == ("none of 2 meets the condition",)
    (told,) = swept("conv", counted_as="thop").remarks
    assert told == "MACs: what thop 0.1.1 counts, and calls `MACs`"
    for count, names in ((4, "pool, flat, opaque, last"), (5, "pool, flat, opaque, last, …")):
        others = ("pool", "flat", "opaque", "last", "pool")[:count]
        table = swept("conv", *others, over=("k=3",), lenient=True)
        assert table.remarks == (f"{count} networks have not what is swept over, and are left out: {names}",)
    (told,) = swept("conv", "pool", over=("k=3",), lenient=True).remarks
    assert told == "1 network has not what is swept over, and is left out: pool"
    found, chosen = measured("conv", over=("k=1..6",), columns="params")
    table = tabulate_sweep(found._replace(rows=found.rows[:2]), found.rows[:2], chosen.columns)
    assert table.remarks == ("interrupted: 2 of 6 settings were measured",)


def test_a_comparison_as_data() -> None:
    found, chosen = measured("conv", over=("k=3,9",), columns="params,k,peak_memory,macs / params")
    first, failing = sweep_to_dict(found, found.rows, chosen.columns)["rows"]
    assert first == {
        "spec": "conv",
        "variant": None,
        "settings": {"k": 3},
        "input": {"input": [1, 8, 6]},
        "params": 10,
        "peak_bytes": 288,
        "macs": 216,
        "macs / params": 21.6,
        "receptive_field": None,
        "lower_bound": [],
        "error": None,
    }
    assert failing["error"] == "kernel 9 does not fit the height 8"
    assert (failing["input"], failing.get("params"), failing["macs / params"]) == ({}, None, None)


def test_fields_and_bounds_as_data() -> None:
    """Behind a stride of 2 and an upsampling by 2, a 2 x 2 kernel sees 3 pixels or 5: one or two windows of 3."""
    Path("range").write_text(
        "input: [1, 9, 9]\nlayers: [{conv: 1, kernel: 3, stride: 2}, {upsample: 2}, {conv: 1, kernel: [2, 1]}]\n"
    )
    found, chosen = measured("range", "opaque", "flat", over=(), columns="field,params,weights_memory,kept_memory")
    rows = sweep_to_dict(found, found.rows, chosen.columns)["rows"]
    assert rows[0]["receptive_field"] == {"size": [{"min": 3, "max": 5}, 3]}
    assert rows[1]["lower_bound"] == ["field", "params", "weights_bytes", "kept_bytes"]
    assert [row["params"] for row in rows] == [10 + 3, 10, 8]
    assert (rows[2]["receptive_field"], rows[2]["lower_bound"]) == ({"size": []}, [])


def changed(old: str, new: str) -> Table:
    head = "input: [4, 8, 8]\nlayers:\n"
    graphs = [cnncalc.loads(head + text).graph for text in (old, new)]
    return tabulate_diff(diff(*graphs), ("old", "new"))


CONV = "  - {conv: 4, kernel: 3, padding: 1, name: a}\n"
DIFFERENCES = [
    # a layer that is there in one alone; what is equal on both sides, or has one side, is told once
    (CONV, CONV + "  - {max_pool: 2, name: p}\n", [["added", "p", None, Sizes((4, 4, 4)), None, None]]),
    (CONV + "  - {max_pool: 2, name: p}\n", CONV, [["removed", "p", None, Sizes((4, 4, 4)), None, None]]),
    # 4*(4*9 + 1) parameters, 64*4*36 MACs; without a bias 4 less, with a kernel of 1 a ninth
    (
        CONV,
        "  - {conv: 4, kernel: 1, bias: false, name: a}\n",
        [
            [
                "changed",
                "a",
                "kernel: 3 -> 1, padding: 1 -> valid, bias: true -> false",
                Sizes((4, 8, 8)),
                Change(148, 16),
                Change(9_216, 1_024),
            ]
        ],
    ),
    (CONV, CONV.replace("name: a", "name: b"), [["changed", "a -> b", None, Sizes((4, 8, 8)), 148, 9_216]]),
    (
        CONV,
        CONV.replace("conv: 4", "conv: 2"),
        [
            [
                "changed",
                "a",
                "channels: 4 -> 2",
                Change(Sizes((4, 8, 8)), Sizes((2, 8, 8))),
                Change(148, 74),
                Change(9_216, 4_608),
            ]
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "cells"), DIFFERENCES)
def test_a_line_for_every_layer_that_differs(old: str, new: str, cells: list[list[Any]]) -> None:
    table = changed(old, new)
    assert [line.cells for line in table.lines] == cells
    assert table.heading == ("old -> new",)


def test_totals_of_two_networks() -> None:
    """Parameters by hand; alive are an input and a result of 256 numbers each, of 4 bytes, and of 4 x 4 x 4 behind."""
    relu = "  - {relu, name: r}\n"
    found = {
        total.title: total.value
        for total in changed(CONV + relu, CONV.replace("kernel: 3, padding: 1", "kernel: 1") + relu).totals
    }
    assert found == {
        "Params (-86.49%)": Change(148, 20),
        "State": 0,
        "MACs (-88.89%)": Change(9_216, 1_024),
        "Peak": Bytes(2_048),
        "Field (-66.67%)": Change(3, 1),
    }
    assert changed(CONV + relu, CONV.replace("kernel: 3, padding: 1", "kernel: 1") + relu).remarks == (
        "1 layer is the same",
        "1 of them sees another stretch of the input",
    )
    same = changed(CONV + relu, CONV + relu)
    assert ([total.title for total in same.totals], same.remarks) == (
        ["Params", "State", "MACs", "Peak", "Field"],
        ("2 layers are the same",),
    )
    twice = changed(CONV, CONV + "  - {conv: 4, kernel: 1, bias: false}\n  - batch_norm\n").totals
    assert [(total.title, total.value) for total in twice[:3]] == [
        ("Params (+16.22%)", Change(148, 172)),
        ("State", Change(0, 8)),
        ("MACs (+11.11%)", Change(9_216, 10_240)),
    ]
    # without positions there is no field, and all that is alive is 4 + 4 numbers
    flat = [
        cnncalc.loads(text).graph
        for text in ("input: [4]\nlayers: [relu]\n", "input: [1, 4]\nlayers: [{conv: 1, kernel: 3}]\n")
    ]
    for graphs in (flat, flat[::-1]):
        totals = tabulate_diff(diff(*graphs), ("old", "new")).totals
        assert (totals[-1].title, totals[-1].value) == ("Field", 3)


def test_parts_of_what_another_tool_counts() -> None:
    found = [
        Convention("one", "MACs", "1.0", 1_234, {"macs": 1_000, "bias": 234}, ("a", "b")),
        Convention("two", "flops", "2.0", 900, {"macs": 1_000, "unseen": -100}),
    ]
    table = tabulate_conventions(cnncalc.loads("name: Net\nsource: here\ninput: [1]\nlayers: [relu]\n").graph, found)
    assert [line.cells for line in table.lines] == [
        ["one", "MACs", 1_234, "macs 1,000 + bias 234", "1.0"],
        ["two", "flops", 900, "macs 1,000 - unseen 100", "2.0"],
    ]
    assert table.columns == [
        Column("Tool"),
        Column("Calls it"),
        Column("Total", True),
        Column("Parts"),
        Column("Checked with", drop=DETAIL),
    ]
    assert table.remarks == ("one: a", "one: b")
    assert (table.heading, table.source) == (("Net, as other tools count it",), "here")
