"""Attention written out in ONNX: the ways in which exporters scale its products, and what only looks like it."""

from __future__ import annotations

import re
from math import prod

import pytest
from convert.executing import rows
from convert.written import written
from sampling import together

from cnncalc.convert import Imported
from cnncalc.convert.onnx import read_bytes
from cnncalc.diagnostics import SpecError

INFINITE = float("-inf")


def mask(hidden: float) -> str:
    """Five queries that look at no later key."""
    return " ".join(str(hidden if key > query else 0.0) for query in range(5) for key in range(5))


CONSTANTS = [
    *(f"three: [3, 5, 5] {mask(-1e9)}", f"row: [1, 5] {'0.0 ' * 4}-1e9", f"rows: [3, 1, 5] {'0.0 ' * 4}-1e9"),
    *("bias: [5, 5]", "odd: [3, 4] 1.0", "copies: [3] 3 5 4", "turned: [3] 3 4 5"),
    *("half: [] 0.5", "quarter: [] 0.25", "two: [] 2.0", "four: [] 4.0", "tiny: [] 1e-30", "last: [] 2"),
    *("shape: [3] 1 5 5", "zeros: [5, 5] 0.0", f"hidden: [5, 5] {'0.0 ' * 4}-1e9", "ones: [5, 5] 1", "none: [5, 5] 0"),
    *(f"causal: [5, 5] {mask(-1e9)}", f"infinite: [5, 5] {mask(INFINITE)}", f"fifty: [5, 5] {mask(-50.0)}"),
    *("more: [3, 5, 5] 0.0", "one: [] 1.0", "nothing: [] 0.0", "known: [1, 2, 5, 2]", "weight: [4, 4]"),
    *("equal: [1, 5]", "some: [1, 5] 0.0 0.0 0.0 0.5 -1e9", "few: [1, 5] 0.0 0.0 0.0 0.0 -49.5"),
]


def model(steps: list[str], opset: int = 17, shape: list[int] | None = None) -> bytes:
    """A model of these lines on five tokens `x` of four channels; `t` is x turned."""
    nodes = ["t = Transpose(x) perm=[0, 2, 1]", *steps]
    used = set(re.findall(r"\w+", " ".join(nodes)))
    constants = [line for line in CONSTANTS if line.partition(":")[0] in used]
    return written([*constants, *nodes], [1, 5, 4], shape or [1, 5, 4], opset)


END = ["s = Softmax(p) axis=-1", "y = MatMul(s, x)"]
SCALED = {
    "not at all": (["p = MatMul(x, t)"], 1.0),
    "by a number behind": (["a = MatMul(x, t)", "p = Mul(a, quarter)"], 0.25),
    "by a number in front": (["a = MatMul(x, t)", "p = Mul(quarter, a)"], 0.25),
    "divided": (["a = MatMul(x, t)", "p = Div(a, four)"], 0.25),
    "divided by one": (["a = MatMul(x, t)", "p = Div(a, one)"], 1.0),
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


@together("name", SCALED)
def test_products_that_are_scaled(name: str) -> None:
    steps, scale = SCALED[name]
    found = read_bytes(model([*steps, *END]), "net.onnx")
    expected = "attention heads=1" if scale is None else f"attention heads=1 scale={scale}"
    assert [row for row in rows(found) if not row.startswith(("permute", "concat"))] == [expected]
    assert found.account.failures() == []
    assert found.graph.nodes[-1].operation.output in ((5, 4), (4, 5))


def chain(kind: str, count: int, first: str, other: str) -> list[str]:
    """So many operators of a kind, one after the other; the last one gives `e`."""
    names = [first, *(f"e{place}" for place in range(1, count)), "e"]
    return [f"{names[place + 1]} = {kind}({names[place]}, {other})" for place in range(count)]


ROOT = ["n = Shape(x)", "c = Gather(n, last)", "f = Cast(c) to=1", "r = Sqrt(f)"]


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        # twelve operators between a shape and the number that is worked out from it, four of them here
        *[[[*ROOT, *chain("Mul", count, "r", "half"), "a = MatMul(x, t)", "p = Div(a, e)"] for count in (8, 9)]],
        # six between the products and their softmax
        *[[["a = MatMul(x, t)", *chain("Add", count, "a", "zeros"), "p = Add(e, zeros)"] for count in (5, 6)]],
    ],
)
def test_few_operators_are_looked_at(within: list[str], beyond: list[str]) -> None:
    assert "attention" in [row.split()[0] for row in rows(read_bytes(model([*within, *END]), "net.onnx"))]
    assert "attention" not in [row.split()[0] for row in rows(read_bytes(model([*beyond, *END]), "net.onnx"))]


BETWEEN = {
    "a dropout": ["s = Softmax(p) axis=-1", "d = Dropout(s)", "y = MatMul(d, x)"],
    "a copy": ["s = Softmax(p)", "d = Identity(s)", "y = MatMul(d, x)"],
    "a cast": ["s = Softmax(p)", "d = Cast(s) to=1", "y = MatMul(d, x)"],
    "a sum": ["s = Softmax(p)", "y = Einsum(s, x) equation='bij,bjk->bik'"],
    "an axis from the front": ["s = Softmax(p) axis=2", "y = Einsum(s, x) equation='bij,bjk->bik'"],
}


@pytest.mark.parametrize("name", BETWEEN)
def test_what_lies_between_changes_nothing(name: str) -> None:
    found = read_bytes(model(["a = MatMul(x, t)", "p = Mul(a, quarter)", *BETWEEN[name]]), "net.onnx")
    assert [row for row in rows(found) if row.startswith(("attention", "opaque"))] == ["attention heads=1 scale=0.25"]


OTHERS = {
    "the softmax of queries": ["p = MatMul(x, t)", "s = Softmax(p) axis=1", "y = MatMul(s, x)"],
    "a number over the products": ["a = MatMul(x, t)", "p = Div(quarter, a)", *END],
    "the products times themselves": ["a = MatMul(x, t)", "p = Mul(a, a)", *END],
    "a diagonal": ["a = MatMul(x, t)", "p = Einsum(a, a) equation='bii,bij->bij'", *END],
    "other sums": ["p = Einsum(x, x) equation='bid,bjd->bji'", *END],
    "a division by nothing": ["a = MatMul(x, t)", "p = Div(a, nothing)", *END],
    "values in front": ["p = MatMul(x, t)", "s = Softmax(p)", "y = Einsum(s, x) equation='bij,bik->bjk'"],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_looks_like_it(name: str) -> None:
    found = read_bytes(model(OTHERS[name]), "net.onnx")
    assert not any(row.startswith("attention") for row in rows(found))


@pytest.mark.parametrize("name", ["hidden", "causal", "infinite", "fifty"])
def test_a_mask_is_opaque_and_its_products_count(name: str) -> None:
    """5 queries by 5 keys of 4 channels, twice.  A causal mask is equal where offsets are, and no bias by position."""
    found = read_bytes(model(["a = MatMul(x, t)", f"p = Add(a, {name})", *END]), "net.onnx")
    assert sum(node.operation.macs or 0 for node in found.graph.nodes) == 2 * 5 * 5 * 4
    assert list(found.account.opaque) == ["Attention"]
    assert (found.account.parameters, found.account.constants) == (0, 25)


@pytest.mark.parametrize(("name", "count"), [("bias", 25), ("equal", 5), ("some", 5), ("few", 5)])
def test_a_bias_that_is_opaque_is_learned(name: str, count: int) -> None:
    """An untrained one, of zeros, among them: but for what is nothing, only what hides products is a constant."""
    found = read_bytes(model(["a = MatMul(x, t)", f"p = Add(a, {name})", *END]), "net.onnx")
    assert (list(found.account.opaque), found.account.parameters) == (["Attention"], count)


HEADS = [
    *("w: [4, 4]", "s: [4] 1 5 2 2", "e: [3] 1 5 4", "u = MatMul(x, w)", "h = Reshape(u, s)"),
    "q = Transpose(h) perm=[0, 2, 1, 3]",
    *("k = Transpose(h) perm=[0, 2, 3, 1]", "a = MatMul(q, k)", "p = Add(a, m)", "b = Softmax(p)", "o = MatMul(b, q)"),
    *("r = Transpose(o) perm=[0, 2, 1, 3]", "y = Reshape(r, e)"),
]
ONE_OF_SEVERAL = ["s: [4] 1 5 1 4" if line.startswith("s: ") else line for line in HEADS]
HEADS_ALONE = [
    *("w: [4, 4]", "s: [3] 5 2 2", "e: [3] 1 5 4", "u = MatMul(x, w)", "h = Reshape(u, s)"),
    *("q = Transpose(h) perm=[1, 0, 2]", "k = Transpose(h) perm=[1, 2, 0]", "a = MatMul(q, k)", "p = Add(a, m)"),
    *("b = Softmax(p)", "o = MatMul(b, q)", "r = Transpose(o) perm=[1, 0, 2]", "y = Reshape(r, e)"),
]
ONE_HEAD = ["t = Transpose(x) perm=[0, 2, 1]", "a = MatMul(x, t)", "p = Add(a, m)", *END]
NO_SAMPLES = [
    *("f: [2] 5 4", "g = Reshape(x, f)", "t = Transpose(g) perm=[1, 0]", "a = MatMul(g, t)", "p = Add(a, m)"),
    *("s = Softmax(p)", "y = MatMul(s, g)"),
]


@together(
    "sizes, lines, is_mask",
    [
        *((sizes, HEADS, True) for sizes in ("5, 5", "1, 5, 5", "1, 1, 5, 5")),
        *((sizes, HEADS, False) for sizes in ("5", "1, 5", "5, 1", "2, 5, 5", "1, 2, 5, 5")),
        *((sizes, ONE_HEAD, False) for sizes in ("5, 5", "1, 5, 5")),
        ("5, 5", ONE_OF_SEVERAL, False),
        ("5, 5", HEADS_ALONE, True),
        ("5, 5", NO_SAMPLES, False),
    ],
)
def test_what_is_added_and_not_in_the_file(sizes: str, lines: list[str], is_mask: bool) -> None:
    """It is learned, unless it says the same of all of several heads, for every query and key."""
    account = read_bytes(written([f"m: [{sizes}] absent", *lines], [1, 5, 4]), "net.onnx").account
    count = prod(map(int, sizes.split(",")))
    assert (list(account.opaque), account.notes) == (["Attention"], [])
    learned = account.parameters - (16 if "w: [4, 4]" in lines else 0)
    assert (learned, account.constants) == ((0, count) if is_mask else (count, 0))


SQUARE = " ".join(str((row - column) / 8) for row in range(5) for column in range(5))
"""Equal numbers where offsets are."""


def test_a_bias_of_two_tensors_is_opaque() -> None:
    """Each has an element for every two positions of one head, equal where their offsets are."""
    parts = [f"m1: [1, 1, 5, 5] {SQUARE}", f"m2: [1, 1, 5, 5] {SQUARE}", "m = Concat(m1, m2) axis=1"]
    account = read_bytes(written([*parts, *HEADS], [1, 5, 4]), "net.onnx").account
    assert (list(account.opaque), account.parameters) == (["Attention"], 16 + 50)
    account = read_bytes(written([f"m: [1, 2, 5, 5] {SQUARE}", *HEADS], [1, 5, 4]), "net.onnx").account
    assert (account.opaque, account.parameters, account.repeated) == ({}, 16 + 2 * 9, {"m": 50 - 18})


@pytest.mark.parametrize(
    ("scales", "is_known"), [("3.0 100.0", True), ("absent", True), ("3.0 100.25", False), ("3.0 0.0", False)]
)
def test_scales_of_cosines_that_exporters_have_worked_out(scales: str, is_known: bool) -> None:
    """They are above 0, and at most 100: e to the power of what is clipped to the logarithm of that."""
    lines = [line for line in HEADS if not line.startswith(("k = ", "a = ", "p = "))]
    place = lines.index("b = Softmax(p)")
    lines[place:place] = [
        *(f"m: [1, 2, 5, 5] {SQUARE}", f"g: [2, 1, 1] {scales}", "i = LpNormalization(q)", "j = LpNormalization(q)"),
        *("k = Transpose(j) perm=[0, 1, 3, 2]", "a = MatMul(i, k)", "c = Mul(a, g)", "p = Add(c, m)"),
    ]
    found = read_bytes(written(lines, [1, 5, 4]), "net.onnx")
    assert ("attention heads=2 mode=cosine bias=relative" in rows(found)) == is_known


LARGER = {
    "in front": (["a = MatMul(x, t)", "p = Add(a, three)", *END], [3, 5, 4], 1 + 3),
    "in front by nothing": (["a = MatMul(x, t)", "p = Add(a, more)", *END], [3, 5, 4], 1 + 3),
    "in front of one row": (["a = MatMul(x, t)", "p = Add(a, rows)", *END], [3, 5, 4], 1 + 3),
    "not at all": (["a = MatMul(x, t)", "p = Add(a, row)", *END], [1, 5, 4], 1 + 1),
    "in front of a bias": (["a = MatMul(x, t)", "b = Add(a, three)", "p = Add(b, bias)", *END], [3, 5, 4], 1 + 3),
    "values": (
        ["a = MatMul(x, t)", "p = Add(a, row)", "v = Expand(x, copies)", "s = Softmax(p)", "y = MatMul(s, v)"],
        [3, 5, 4],
        1 + 3,
    ),
    "keys": (
        ["k = Expand(t, turned)", "a = MatMul(x, k)", "p = Add(a, row)", *END],
        [3, 5, 4],
        3 + 3,
    ),
}


@pytest.mark.parametrize("name", LARGER)
def test_products_that_become_larger(name: str) -> None:
    """What is added to them repeats axes of size 1 by NumPy's rule, as ONNX Runtime finds (``frameworks``)."""
    steps, shape, products = LARGER[name]
    found = read_bytes(model(steps, shape=shape), "net.onnx")
    (_, tensor), *_ = found.graph.outputs
    assert found.graph.shapes[tensor] == tuple(shape if shape[0] > 1 else shape[1:])
    assert sum(node.operation.macs or 0 for node in found.graph.nodes) == products * 5 * 5 * 4


def test_products_that_do_not_fit() -> None:
    with pytest.raises(SpecError, match="do not go together"):
        read_bytes(model(["a = MatMul(x, t)", "p = Add(a, odd)", *END]), "net.onnx")


@pytest.mark.parametrize(("name", "opaque"), [("ones", []), ("none", ["Attention"])])
def test_whether_a_key_counts_is_no_bias(name: str, opaque: list[str]) -> None:
    """In the operator Attention a mask of truth values says which keys take part: where all do, it says nothing."""
    steps = [f"m = Cast({name}) to=9", "y = Attention(x, x, x, m) q_num_heads=1 kv_num_heads=1"]
    found = read_bytes(model(steps, 23), "net.onnx")
    assert list(found.account.opaque) == opaque


@pytest.mark.parametrize(
    ("inputs", "attributes", "opaque"),
    [
        ("u, u, u", "scale=0.5", []),
        ("u, u, u", "is_causal=0 softcap=0.0", []),
        ("u, u, u", "is_causal=1", ["Attention"]),
        ("u, u, u", "softcap=2.0", ["Attention"]),
        ("u, u, u", "of_later=1", ["Attention"]),
        ("u, u, u, , known, known", "", ["Attention"]),
    ],
)
def test_the_operator_attention(inputs: str, attributes: str, opaque: list[str]) -> None:
    """With what its attributes say beyond a softmax of products, or earlier keys and values, it is no layer."""
    steps = ["u = MatMul(x, weight)", f"y = Attention({inputs}) q_num_heads=2 kv_num_heads=2 {attributes}"]
    found = read_bytes(model(steps, 23), "net.onnx")
    assert list(found.account.opaque) == opaque


def test_a_mask_without_elements_hides_nothing() -> None:
    lines = ["b: [0, 3]", "y = Attention(x, x, x, b) q_num_heads=2 kv_num_heads=2"]
    account = read_bytes(written(lines, [2, 3, 4], opset=23), "net.onnx").account
    assert (list(account.opaque), account.parameters, account.constants) == (["Attention"], 0, 0)


def test_the_operator_attention_with_its_keys() -> None:
    with pytest.raises(SpecError, match="does not know the operator `Attention`"):
        read_bytes(model(["y, k = Attention(x, x, x) q_num_heads=2 kv_num_heads=2"], 23), "net.onnx")


Pair = tuple[int, int]


def windows(
    wrong: float | None = None, sizes: Pair = (12, 12), wide: Pair = (4, 4), shifts: Pair = (2, 2)
) -> list[str]:
    """Attention in shifted windows of a map, as Swin has it; one number of its mask may be another."""
    # which of a map's places along an axis were neighbours before the shift
    regions = [
        [(place >= size - each) + (place >= size - shift) for place in range(size)]
        for size, each, shift in zip(sizes, wide, shifts)
    ]
    (high, broad), counts = wide, [size // each for size, each in zip(sizes, wide)]
    inside = [
        [(regions[0][high * row + a], regions[1][broad * column + b]) for a in range(high) for b in range(broad)]
        for row in range(counts[0])
        for column in range(counts[1])
    ]
    each, count = high * broad, len(inside)
    # its windows are the last axis in the file, and become the first
    values = [
        0.0 if parts[query] == parts[key] else -100.0
        for query in range(each)
        for key in range(each)
        for parts in inside
    ]
    if wrong is not None:
        values[-1] = wrong
    (down, right), cut = shifts, f"{counts[0]} {high} {counts[1]} {broad}"
    return [
        f"m: [{each}, {each}, {count}] {' '.join(map(str, values))}", f"e: [1] {2**63 - 1}", "z: [1] 0",
        f"n: [1] {down}", f"o: [1] {right}", f"b: [1] {-down}", f"d: [1] {-right}", "r: [1] 2", "c: [1] 3",
        "one: [1] 1", f"cut: [6] 1 2 {cut}", f"tokens: [4] {count} 1 {each} 2",
        f"parts: [6] 1 {counts[0]} {counts[1]} {high} {broad} 2", f"whole: [4] 1 2 {sizes[0]} {sizes[1]}",
        "a1 = Slice(x, n, e, r)", "a2 = Slice(x, z, n, r)", "a3 = Concat(a1, a2) axis=2",
        "a4 = Slice(a3, o, e, c)", "a5 = Slice(a3, z, o, c)", "a6 = Concat(a4, a5) axis=3",
        "b1 = Reshape(a6, cut)", "b2 = Transpose(b1) perm=[0, 2, 4, 3, 5, 1]", "t = Reshape(b2, tokens)",
        "k = Transpose(t) perm=[0, 1, 3, 2]", "p = MatMul(t, k)", "m1 = Transpose(m) perm=[2, 0, 1]",
        "m2 = Unsqueeze(m1, one)", "q = Add(p, m2)", "s = Softmax(q) axis=-1", "u = MatMul(s, t)",
        "d1 = Reshape(u, parts)", "d2 = Transpose(d1) perm=[0, 5, 1, 3, 2, 4]", "d3 = Reshape(d2, whole)",
        "f1 = Slice(d3, b, e, r)", "f2 = Slice(d3, z, b, r)", "f3 = Concat(f1, f2) axis=2",
        "f4 = Slice(f3, d, e, c)", "f5 = Slice(f3, z, d, c)", "y = Concat(f4, f5) axis=3",
    ]  # fmt: skip


def shifted(lines: list[str], sizes: Pair = (12, 12)) -> Imported:
    return read_bytes(written(lines, [1, 2, *sizes], [1, 2, *sizes]), "net.onnx")


def test_a_large_mask_that_is_moved_is_read() -> None:
    """It is that of shifted windows, or the attention is no layer's."""
    found = shifted(windows())
    assert rows(found)[-1] == "attention heads=1 window=4 shift=2 scale=1.0"
    assert (found.account.opaque, found.account.notes) == ({}, [])
    for wrong in (-100.0, 1.0):
        assert "Attention" in shifted(windows(wrong)).account.opaque


def test_windows_of_two_sizes_and_shifts() -> None:
    found = shifted(windows(None, (4, 9), (2, 3), (1, 2)), (4, 9))
    assert rows(found)[-1] == "attention heads=1 window=(2, 3) shift=(1, 2) scale=1.0"
    assert "Attention" in shifted(windows(-100.0, (4, 9), (2, 3), (1, 2)), (4, 9)).account.opaque


FILLED = {
    "behind": (["least: [] -inf", "g = Where(h, least, g2)"], True),
    "in front": (["least: [] -inf", "k2 = Not(h)", "g = Where(k2, g2, least)"], True),
    "just so much": (["least: [] -50.0", "g = Where(h, least, g2)"], True),
    "too little": (["least: [] -49.5", "g = Where(h, least, g2)"], False),
    "where nothing hides": (["least: [] -inf", "g = Where(h, g2, least)"], False),
}


@pytest.mark.parametrize("name", FILLED)
def test_a_bias_that_is_filled_where_a_mask_hides(name: str) -> None:
    """PyTorch's `masked_fill` of what is added: a bias by relative position, and the mask of shifted windows."""
    lines, is_known = FILLED[name]
    for size, wide in ((4, 2), (12, 4)) if is_known else ((4, 2),):
        places = [(row, column) for row in range(wide) for column in range(wide)]
        span = 2 * wide - 1
        offsets = [span * (a - c + wide - 1) + b - d + wide - 1 for a, b in places for c, d in places]
        filled = [
            f"table: [{span**2}, 1]", f"at: [{wide**4}] {' '.join(map(str, offsets))}",
            f"square: [4] 1 1 {wide**2} {wide**2}", "low: [] -50.5", "g1 = Gather(table, at)",
            "g2 = Reshape(g1, square)", "h = Less(m2, low)", *lines, "q = Add(p, g)",
        ]  # fmt: skip
        whole = windows(None, (size, size), (wide, wide), (wide // 2, wide // 2))
        whole.remove("q = Add(p, m2)")
        end = whole.index("s = Softmax(q) axis=-1")
        found = shifted([*whole[:end], *filled, *whole[end:]], (size, size))
        if not is_known:
            assert list(found.account.opaque) == ["Attention"]
            continue
        expected = f"attention heads=1 window={wide} shift={wide // 2} scale=1.0 bias=relative"
        assert (rows(found)[-1], found.account.opaque, found.account.parameters) == (expected, {}, span**2)
        notes = [note.split("of")[0] for note in found.account.notes]
        # a larger mask has more numbers than are compared with others
        assert notes == (["the file does not hold the mask "] if size == 12 else [])
