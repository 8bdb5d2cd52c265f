"""The rows of a paper's table: what stands in one row, what is a heading, which turns are equal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.tables.report import tabulate
from cnncalc.tables.table import Line, View
from cnncalc.values import Share, Subtotal, shares


def lines(text: str, view: View | None = None) -> list[Line]:
    return tabulate(cnncalc.loads(text).summary(), view).lines


def rows(text: str, view: View | None = None) -> list[tuple[int, str, str]]:
    """Depth, name and type of every row."""
    return [(line.depth, line.cells[0], line.cells[1]) for line in lines(text, view)]


def spec(layers: str, blocks: str = "") -> str:
    return f"input: [4, 16, 16]\n{blocks}layers:\n{layers}"


def test_a_heading_over_another_one_is_left_out_but_for_its_block() -> None:
    cell = "{layers: [{layers: [{conv: 4, kernel: 3, padding: 1}, relu], repeat: 2, name: turn}]}"
    blocks = f"blocks:\n  cell: {cell}\n  other: {{layers: [{{cell, name: only}}]}}\n"
    found = rows(spec("  - {cell, name: first}\n  - {other, name: second}\n", blocks), View(depth=1))
    assert [row[1:] for row in found] == [("first.turn", "cell"), ("second.only.turn", "cell")]


FUSED = [
    ("{conv: 4, kernel: 3, norm: batch, act: relu}", ["conv 3x3 + batch_norm + relu"]),
    ("{conv: 4, kernel: 3, stride: 2}", ["conv 3x3/2"]),
    ("{conv: 4, kernel: [1, 3], stride: [1, 2]}", ["conv 1x3/1x2"]),
    ("{conv: 4, kernel: 3, dilation: 2, groups: 2}", ["conv 3x3, dilation 2, 2 groups"]),
    ("{conv_transpose: 4, kernel: 2, stride: 2}", ["conv_transpose 2x2/2"]),
    ("{max_pool: 2}, relu", ["max_pool 2x2/2", "relu"]),
    ("{conv: 4, kernel: 1}, batch_norm, relu", ["conv 1x1 + batch_norm + relu"]),
    ("{conv: 4, kernel: 1}, relu, batch_norm", ["conv 1x1 + relu", "batch_norm"]),
    ("{conv: 4, kernel: 1}, relu, sigmoid", ["conv 1x1 + relu", "sigmoid"]),
    ("batch_norm, relu, {conv: 4, kernel: 1}", ["batch_norm + relu", "conv 1x1"]),
    ("{add: [x, [{conv: 4, kernel: 1, act: relu}]]}, relu", ["conv 1x1 + relu", "add + relu"]),
    ("{conv: 4, kernel: 1, name: a}, relu, {add: [a, x]}", ["conv 1x1", "relu", "add"]),
    (
        "flatten, {linear: 10, act: relu}, dropout, {linear: 3}, softmax",
        ["flatten", "linear + relu", "dropout", "linear + softmax"],
    ),
]


@together("steps, kinds", FUSED)
def test_one_row_holds_a_layer_and_what_follows_it(steps: str, kinds: list[str]) -> None:
    text = f"input: [4, 16, 16]\nlayers: [{steps}]\n"
    assert [kind for _, _, kind in rows(text)] == kinds


def test_what_stands_outside_a_block_is_a_row_of_its_own() -> None:
    blocks = "blocks:\n  cell: {layers: [{max_pool: 1}, {conv: 4, kernel: 1}]}\n"
    found = rows(spec("  - {cell, name: a}\n  - relu\n", blocks))
    assert [kind for _, _, kind in found] == ["cell", "max_pool 1x1", "conv 1x1", "relu"]


def test_what_leaves_the_network_ends_its_row() -> None:
    text = "input: [4, 8, 8]\nlayers: [{conv: 4, kernel: 1, name: a}, relu]\noutputs: [a, relu1]\n"
    assert [kind for _, _, kind in rows(text)] == ["conv 1x1", "relu"]


CELL = """blocks:
  cell:
    args: {c: required, s: 1}
    layers: [{conv: c, kernel: 3, padding: 1, stride: s}, relu, {max_pool: 3, stride: 1, padding: 1}]
"""


def test_a_block_is_a_heading_with_its_subtotals() -> None:
    """A 3x3 convolution of 4 channels has 4*4*9 + 4 parameters, and 16*16*4*36 MACs."""
    found = lines(spec("  - {cell: 4, name: body}\n  - {conv: 2, kernel: 1}\n", CELL))
    assert [(line.depth, line.cells[0], line.heading) for line in found] == [
        (0, "body", True),
        (1, ".conv1", False),
        (1, ".max_pool1", False),
        (0, "conv1", False),
    ]
    assert found[0].cells[1:3] == ["cell", (4, 16, 16)]
    sums = [148, Share(937), 36_864, Share(947)]
    assert found[0].cells[3:] == list(map(Subtotal, sums))
    assert found[1].cells[3:] == sums
    assert found[3].cells[3:] == [10, Share(63), 2_048, Share(53)]


def test_equal_turns_are_one_row_with_their_sum() -> None:
    found = lines(spec("  - {cell: 4, s: 2 if i == 0 else 1, repeat: 6, name: body}\n", CELL), View(depth=2))
    assert [(line.cells[0], line.cells[1]) for line in found] == [
        ("body", "cell x 6"),
        (".0", "cell"),
        (".1 to .5", "cell x 5"),
    ]
    assert [line.cells[3] for line in found] == [Subtotal(6 * 148), 148, 5 * 148]
    assert [line.layers for line in found] == [18, 3, 15]


def test_rows_below_equal_turns_are_of_all_of_them() -> None:
    found = lines(spec("  - {cell: 4, repeat: 3, name: body}\n  - {conv: 2, kernel: 1}\n", CELL))
    assert [(line.cells[0], line.cells[1], line.cells[3]) for line in found] == [
        ("body", "cell x 3", Subtotal(444)),
        (".0.conv1", "(conv 3x3 + relu) x 3", 444),
        (".0.max_pool1", "max_pool 3x3 x 3", None),
        ("conv1", "conv 1x1", 10),
    ]


DIFFERENT = [
    "  - {cell: 4 + 4*i, repeat: 2, name: body}\n",
    "  - {conv: 4, kernel: 1 + 2*i, padding: half, repeat: 2, name: body}\n",
    "  - {add: [first, x], repeat: 2, name: body}\n",
]


@pytest.mark.parametrize("step", DIFFERENT)
def test_turns_that_differ_stay_apart(step: str) -> None:
    """In shape, in an argument, or by an input that lies further back."""
    found = rows(spec("  - {conv: 4, kernel: 1, name: first}\n" + step, CELL), View(depth=2))
    assert [name for _, name, _ in found if name[:2] in (".0", ".1")] == [".0", ".1"]


def test_turns_with_the_weights_of_another_layer_are_alike() -> None:
    step = "  - {conv: 4, kernel: 1, repeat: 2, name: body, share: first}\n"
    found = lines(spec("  - {conv: 4, kernel: 1, name: first}\n" + step))
    assert [(line.cells[0], line.cells[1], line.cells[3]) for line in found] == [
        ("first", "conv 1x1", 20),
        ("body", "conv 1x1 x 2", 0),
    ]


def test_receptive_fields_tell_turns_apart() -> None:
    network = cnncalc.loads(spec("  - {cell: 4, repeat: 3, name: body}\n", CELL))
    assert [line.cells[0] for line in tabulate(network.receptive_field(), View(depth=2)).lines] == [
        "body",
        ".0",
        ".1",
        ".2",
    ]


def test_a_heading_over_one_row_is_that_row() -> None:
    blocks = "blocks:\n  outer: {layers: [inner]}\n  inner: {layers: [{conv: 4, kernel: 1}]}\n"
    assert rows(spec("  - outer\n", blocks)) == [(0, "outer1.inner1.conv1", "conv 1x1")]


@pytest.mark.parametrize("name", ["resnet50", "unet", "swin_t", "yolov8n"])
def test_every_layer_is_counted_once(name: str) -> None:
    report = cnncalc.load(name).params()
    for view in (View(), View(depth=1), View(depth=3), View(flat=True), View(sort="params")):
        found = tabulate(report, view).lines
        assert sum(line.layers for line in found if not line.heading) == len(report.layers)


def test_sorted_rows_stand_alone() -> None:
    text = spec("  - {cell: 4, repeat: 2, name: body}\n  - {conv: 2, kernel: 1}\n", CELL)
    assert [name for _, name, _ in rows(text, View(sort="params", top=3))] == ["body.0.conv1", "body.1.conv1", "conv1"]


def test_shares_add_up() -> None:
    """Thirds are 33.3 each, and one of them is told as 33.4."""
    assert shares([1, 1, 1]) == [Share(334), Share(333), Share(333)]
    assert shares([0, 5]) == [Share(0), Share(1000)]
    assert shares([0, 0]) == [Share(0), Share(0)]
    assert sum(share.tenths for share in shares([3, 7, 11, 13, 17, 1, 1])) == 1000


def test_the_costliest_rows_stand_out() -> None:
    found = tabulate(cnncalc.load("vgg16").summary())
    params = [column.title for column in found.columns].index("Params")
    costly = [line.cells[0] for line in found.lines if params in line.costly]
    assert costly == ["fc6", "fc7", "fc8"]


def test_a_chain_of_many_turns_is_one_row() -> None:
    text = "input: [1, 4]\nlayers: [{layers: [{conv: 1, kernel: 1}, relu], repeat: 300}]\n"
    assert [(name, kind) for _, name, kind in rows(text)] == [("group1", "(conv 1 + relu) x 300")]


VARIANTS = """name: Net
input: [4, 8, 8]
args: {w: 4}
variants: {small: {w: 2}, wide: {w: 4}, odd: {w: 3}}
layers: [{conv: w, kernel: 1}]
"""


def test_variants_are_named() -> None:
    def told(**given: Any) -> tuple[str, str]:
        table = tabulate(cnncalc.loads(VARIANTS, **given).shapes())
        return table.heading[0], table.remarks[-1] if table.remarks else ""

    how = "`--variant NAME` shows one, `--variant '*'` all"
    assert told() == ("Net, as wide, input ", f"other variants: small, odd; {how}")
    assert told(args={"w": 3}) == ("Net, as odd, input ", f"other variants: small, wide; {how}")
    assert told(args={"w": 9}) == ("Net, input ", f"variants: small, wide, odd; {how}")
    assert told(variant="odd") == ("Net (odd), input ", "")


def test_notes_of_one_kind_are_one_line_where_another_command_tells_each() -> None:
    text = "input: [1, 20, 20]\nlayers: [{conv: 1, kernel: 3, stride: 4}, {conv: 1, kernel: 2, stride: 3}]\n"
    network = cnncalc.loads(text)
    (line,) = (remark for remark in tabulate(network.summary()).remarks if "unread" in remark)
    assert line == "2 layers: strides leave rows or columns unread; `cnncalc shapes` tells each"
    assert tabulate(network.shapes()).remarks == (
        "conv1: the stride leaves 5 rows and 5 columns of the padded input unread",
        "conv2: the stride leaves 1 row and 1 column of the padded input unread",
    )


def test_figures_in_python_are_numbers() -> None:
    """Behind an upsampling by 2 neighbouring units lie half a pixel apart."""
    network = cnncalc.loads("input: [1, 8, 8]\nlayers: [{conv: 1, kernel: 3, stride: 4, padding: 1}, {upsample: 8}]\n")
    conv, upsample = network.receptive_field().layers
    assert (conv.stride, type(conv.stride)) == ((4, 4), tuple)
    assert upsample.stride == (Fraction(1, 2), Fraction(1, 2))
    assert sum(upsample.stride) == 1
    assert network.receptive_field().totals.stride == upsample.stride


def test_a_notebook_shows_the_folded_table() -> None:
    """Names are indented below their headings, subtotals stand in brackets, and the costliest figures are bold."""
    shown = cnncalc.load("resnet50")._repr_html_()
    assert "bottleneck_block x 5" in shown
    assert "[215,808]" in shown
    assert "<b>8,925,184</b>" in shown
    assert "layer3.4.conv2" not in shown
    assert shown.count("<tr>") == 1 + 22


def test_what_another_tool_counts_is_of_one_sample() -> None:
    network = cnncalc.load("lenet5")
    assert network.summary(batch=8).totals.macs == 8 * network.summary().totals.macs
    with pytest.raises(cnncalc.Error, match="of one sample"):
        network.summary(counted_as="thop", batch=8)


def opened(text: str, view: View | None = None) -> list[str]:
    """The headings that have rows below them."""
    return [line.cells[0] for line in lines(text, view) if line.heading]


def test_depth_opens_so_many_levels() -> None:
    blocks = "blocks:\n  one: {layers: [two, {max_pool: 1}]}\n  two: {layers: [three, {max_pool: 1}]}\n"
    blocks += "  three: {layers: [{conv: 4, kernel: 1}, {max_pool: 1}]}\n"
    text = spec("  - {one, name: a}\n  - {max_pool: 1}\n", blocks)
    levels = [("a", "max_pool1"), (".two1", ".max_pool1"), (".three1", ".max_pool1"), (".conv1", ".max_pool1")]
    for depth in (1, 2, 3, 4, 5):
        names = [name for _, name, _ in rows(text, View(depth=depth))]
        down = [first for first, _ in levels[:depth]]
        assert names == down + [last for _, last in levels[:depth]][::-1]
        assert opened(text, View(depth=depth)) == down[: min(depth - 1, 3)]


def block(name: str, count: int) -> str:
    return f"  {name}: {{layers: [{', '.join(['{conv: 4, kernel: 1}'] * count)}]}}\n"


@pytest.mark.parametrize(
    ("sizes", "steps", "headings"),
    [
        ((15, 15), "pq", "pq"),  # 2 + 15 + 15 = 32 rows
        ((16, 15), "pq", "p"),  # one more: the first of each kind that still fits
        ((31, 2), "pq", "q"),  # 2 + 31 is too many, 2 + 2 is not
        ((30, 2), "pq", "p"),  # 2 + 30 = 32
        ((15, 14), "ppq", "pq"),  # 3 + 15 + 14 = 32, and the second p is as the first
        ((16, 14), "ppq", "p"),
        ((10, 10), "ppqq", "pq"),
    ],
)
def test_blocks_are_opened_while_there_is_room(sizes: tuple[int, int], steps: str, headings: str) -> None:
    """32 rows: whole levels first, then the first block of each kind."""
    blocks = f"blocks:\n{block('p', sizes[0])}{block('q', sizes[1])}"
    text = spec("".join(f"  - {{{step}, name: {step}{place}}}\n" for place, step in enumerate(steps)), blocks)
    assert [name[0] for name in opened(text)] == list(headings)
    assert len(lines(text)) == len(steps) + sum(sizes["pq".index(each)] for each in headings)


def test_a_group_of_equal_layers_is_not_worth_opening() -> None:
    """How many of what there are says it all; not so where they differ, or are a block."""
    equal = "{layers: [{conv: 4, kernel: 1}, {max_pool: 2}], repeat: 2, name: g}"
    assert opened(spec(f"  - {equal}\n  - {{conv: 2, kernel: 1}}\n")) == ["g", ".0", ".1"]
    once = "{layers: [{conv: 4, kernel: 1}], repeat: 3, name: g}"
    assert rows(spec(f"  - {once}\n  - {{conv: 2, kernel: 1}}\n"))[0] == (0, "g", "conv 1x1 x 3")
    growing = "{layers: [{conv: 4 + i, kernel: 1}], repeat: 3, name: g}"
    assert rows(spec(f"  - {growing}\n  - {{conv: 2, kernel: 1}}\n"))[:2] == [
        (0, "g", "conv 1x1 x 3"),
        (0, "conv1", "conv 1x1"),
    ]
