"""What stands around the rows of a report: columns that are there, shares, remarks, totals, and the sentence."""

from __future__ import annotations

from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.tables.report import tabulate
from cnncalc.tables.table import Table, View
from cnncalc.values import AtLeast, Share, Short, Sizes, Subtotal


def of(text: str, command: str = "summary", view: View | None = None, **given: Any) -> Table:
    return tabulate(getattr(cnncalc.loads(text), command)(**given), view)


def chain(*layers: str, shape: str = "[4, 9, 9]") -> str:
    return f"input: {shape}\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers)


CONV = "{conv: 4, kernel: 1, bias: false}"
COLUMNS = [
    (chain("relu"), {}, ["Layer", "Type", "Output", "Params", "MACs"]),
    (chain(CONV), {}, ["Layer", "Type", "Output", "Params", "%", "MACs", "%"]),
    (chain(CONV), {"view": View(flat=True)}, ["Layer", "Type", "Output", "Params", "MACs"]),
    (chain(CONV), {"view": View(top=1)}, ["Layer", "Type", "Output", "Params", "MACs"]),
    (chain(CONV), {"view": View(sort="size")}, ["Layer", "Type", "Output", "Params", "%", "MACs", "%", "Size"]),
    (chain(CONV), {"view": View(sort="macs")}, ["Layer", "Type", "Output", "Params", "%", "MACs", "%"]),
    (chain(CONV), {"view": View(sort="name")}, ["Layer", "Type", "Output", "Params", "%", "MACs", "%"]),
    (chain(CONV, "{opaque: [5]}"), {}, ["Layer", "Type", "Output", "Params", "MACs"]),
    (chain(CONV, "{opaque: [5], macs: 3}"), {}, ["Layer", "Type", "Output", "Params", "MACs", "%"]),
    (chain(CONV, "{relu, from: input}"), {}, ["Layer", "Type", "From", "Output", "Params", "%", "MACs", "%"]),
    (chain("batch_norm"), {"command": "params"}, ["Layer", "Type", "Output", "Params", "%", "State", "Separable"]),
    (chain("relu"), {"command": "params"}, ["Layer", "Type", "Output", "Params", "Separable"]),
    (
        chain("{matmul: [x, x], over: positions}", shape="[4, 6]"),
        {},
        ["Layer", "Type", "From", "Output", "Params", "MACs", "%", "Product MACs"],
    ),
    (chain("{max_pool: 2}"), {"command": "shapes"}, ["Layer", "Type", "Input", "Output", "Unread"]),
    (chain("{max_pool: 3}"), {"command": "shapes"}, ["Layer", "Type", "Input", "Output"]),
]


@together("text, given, titles", COLUMNS)
def test_columns_that_say_nothing_are_left_out(text: str, given: dict[str, Any], titles: list[str]) -> None:
    """Shares stand beside what adds up, where rows are told as a paper does; what nothing is known of has none."""
    assert [column.title for column in of(text, **given).columns] == titles


def test_shares_of_headings_are_sums_of_what_stands_below_them() -> None:
    """Eight equal convolutions."""
    blocks = f"blocks:\n  inner: {{layers: [{CONV}, relu, {CONV}]}}\n  outer: {{layers: [inner, {CONV}, inner]}}\n"
    table = of(f"input: [4, 9, 9]\n{blocks}layers:\n  - {{outer, name: a}}\n  - {CONV}\n  - {{inner, name: b}}\n")
    shares = [(line.depth, line.heading, line.cells[4]) for line in table.lines]
    leaves = [share for _, heading, share in shares if not heading]
    assert leaves == [Share(125)] * 8
    for place, (depth, heading, share) in enumerate(shares):
        if heading:
            end = next((at for at in range(place + 1, len(shares)) if shares[at][0] <= depth), len(shares))
            below = [each.tenths for _, above, each in shares[place + 1 : end] if not above]
            assert share == Subtotal(Share(sum(below)))
    assert [depth for depth, heading, _ in shares if heading] == [0, 1, 1, 0]


@pytest.mark.parametrize("sizes", [(1, 2, 3, 4, 5), (5, 4, 3, 2, 1), (1, 5, 2, 5, 3)])
def test_three_rows_stand_out(sizes: tuple[int, ...]) -> None:
    text = chain(*(f"{{conv: {size}, kernel: 1, bias: false, from: input}}" for size in sizes))
    table = of(text)
    found = [number for number, line in enumerate(table.lines) if 4 in line.costly]
    assert sorted(sizes[number] for number in found) == sorted(sizes)[-3:]
    assert all(line.costly in ((), (4, 5, 6, 7)) for line in table.lines)


HINTS = [
    ("[224, 224, 3]", "input: 224 x 224 x 3 is 224 channels; if they come last, the shape here is 3 x 224 x 224"),
    ("[17, 18, 4]", "input: 17 x 18 x 4 is 17 channels; if they come last, the shape here is 4 x 17 x 18"),
    ("[17, 16, 4]", ""),
    ("[16, 17, 4]", ""),
    ("[50, 50, 5]", ""),
    ("[3, 224, 224]", ""),
    ("[50, 3]", ""),
    ("[50, 50, 50, 3]", ""),
]


@together("shape, hint", HINTS)
def test_channels_that_seem_to_come_last(shape: str, hint: str) -> None:
    assert of(chain("relu", shape=shape), "shapes").remarks == ((hint,) if hint else ())


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (3, "conv1, conv2, conv3"),
        (4, "4 layers, conv1 to conv4"),
    ],
)
def test_three_layers_of_one_note_are_named(layers: int, told: str) -> None:
    text = chain(*["{conv: 1, kernel: 1, stride: 2, from: input}"] * layers, shape="[1, 9, 10]")
    assert of(text, "shapes").remarks == (f"{told}: the stride leaves 4 rows and 5 columns of the padded input unread",)


def test_five_notes_of_one_kind_are_told_one_by_one() -> None:
    def told(layers: int, command: str = "shapes") -> tuple[str, ...]:
        steps = [f"{{conv: 1, kernel: 1, stride: {2 + number}, from: input}}" for number in range(layers)]
        return of(chain(*steps, shape="[1, 842]"), command).remarks

    assert [remark.partition(":")[0] for remark in told(5)] == [f"conv{number}" for number in range(1, 6)]
    assert told(6) == ("6 layers: strides leave rows or columns unread; `explain` and `--format json` tell each",)
    assert told(5, "summary")[0] == "5 layers: strides leave rows or columns unread; `cnncalc shapes` tells each"
    assert told(1, "summary")[0].startswith("conv1: the stride leaves ")


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (1, "1 layer uses the weights of a; they count once"),
        (2, "2 layers use the weights of a; they count once"),
    ],
)
def test_weights_that_several_layers_use(layers: int, told: str) -> None:
    text = chain("{conv: 4, kernel: 1, name: a}", *["{conv: 4, kernel: 1, share: a}"] * layers)
    assert of(text).remarks[0] == told
    assert of(text, "params").remarks[0] == told
    assert of(text, "shapes").remarks == ()


def test_only_some_rows_are_shown() -> None:
    text = chain(CONV, CONV, CONV)
    assert of(text, view=View(top=2)).remarks[0] == "2 of 3 rows are shown; totals are of the whole network"
    for top in (3, 4):
        assert len(of(text, view=View(top=top)).remarks) == 1
    assert of(text, view=View(top=2)).totals == of(text).totals


def titles(table: Table) -> list[str]:
    return [total.title for total in table.totals]


def test_totals_of_every_report() -> None:
    """Of a 1x1 convolution of 4 channels: 16 weights of 4 bytes, 81 * 16 products."""
    net = chain(CONV)
    found = of(net).totals
    assert [(total.title, total.value, total.unit) for total in found[:5]] == [
        ("Params", 16, ""),
        ("State", 0, ""),
        ("MACs", 1_296, ""),
        ("FLOPs (2 x MACs)", 2_592, ""),
        ("Weights, 32-bit", 64, "bytes"),
    ]
    assert titles(of(net))[5:] == ["Receptive field", "Output"]
    assert titles(of(net, "shapes")) == ["Output"]
    assert titles(of(net, "params")) == ["Params", "State", "Params, separable"]
    assert titles(of(net, "receptive_field")) == ["Receptive field"]
    assert "Params + state" in titles(of(chain("batch_norm"), "params"))
    two = of(net + "  - {relu, from: input}\noutputs: [conv1, relu1]\n")
    assert titles(two)[-2:] == ["Output conv1", "Output relu1"]
    matmul = of(chain("{matmul: [x, x], over: positions}", CONV, shape="[4, 6]"))
    assert [total.value for total in matmul.totals if total.title == "of which products of tensors"] == [4 * 4 * 6]
    flat = of(chain("{linear: 2}", shape="[4]"))
    assert [total.value for total in flat.totals if total.title == "Receptive field"] == ["none: the input is flat"]


def test_headings() -> None:
    assert of(chain("relu")).heading[-4:] == (Sizes((4, 9, 9)), ", ", 1, " layer")
    assert of(chain("relu", "relu"), batch=2).heading[-5:] == (", batch ", 2, ", ", 2, " layers")
    two = of("name: N\ninput: {a: [1, 3], b: [2, 3]}\nlayers: [{concat: [a, b]}, relu]\n").heading
    assert two == ("N, input ", "", "a ", Sizes((1, 3)), ", ", "b ", Sizes((2, 3)), ", ", 2, " layers")


def test_the_sentence() -> None:
    assert of(chain(CONV), "params").sentence == ()
    local = of(chain(CONV)).sentence
    assert local[:8] == (
        "network @ 4x9x9",
        ": ",
        Short(16, "params"),
        ", ",
        "",
        Short(1_296, "MACs"),
        " (",
        Short(2_592, "FLOPs"),
    )
    assert local[-2:] == (", receptive field ", (1, 1))
    assert of(chain("{opaque: [5]}")).sentence[-1] == ")"
    assert of(chain("{linear: 1}", shape="[4]")).sentence[-1] == ")"
    assert of(chain(CONV), batch=2).sentence[1:3] == (", batch ", 2)
    assert of(chain(CONV, "{opaque: [5]}")).sentence[2:6] == (
        Short(AtLeast(16), "params"),
        ", ",
        "at least ",
        Short(1_296, "MACs"),
    )
    assert " as thop counts" in of(chain(CONV), counted_as="thop").sentence
    assert of(chain(CONV), view=View(channels_last=True)).sentence[0] == "network @ 9x9x4"


def test_where_a_row_takes_its_input_from() -> None:
    """The name of the block that gave it, where that is shorter; nothing where it is the row before."""
    blocks = "blocks:\n  cell: {layers: [{conv: 4, kernel: 1}, {max_pool: 1}]}\n"
    text = f"input: [4, 9, 9]\n{blocks}layers:\n  - {{cell, name: a}}\n  - {{cell, name: b}}\n  - {{add: [a, b]}}\n"
    table = of(text)
    assert [(line.cells[0], tuple(line.cells[2])) for line in table.lines] == [
        *[("a", ()), (".conv1", ()), (".max_pool1", ())],
        *[("b", ()), (".conv1", ()), (".max_pool1", ())],
        ("add1", ("a", "b")),
    ]
    assert tuple(of(text, view=View(flat=True)).lines[-1].cells[2]) == ("a.max_pool1", "b.max_pool1")
    cell = "{layers: [{conv: 4, kernel: 1, name: c}, relu, {add: [c, x]}]}"
    inner = of(f"input: [4, 9, 9]\nblocks: {{cell: {cell}}}\nlayers: [{{cell, name: a}}]\n")
    found = [line.cells[2] for line in inner.lines if line.cells[2]]
    assert [(tuple(names), names.block) for names in found] == [(("a.c", "a.relu1"), "a")]
