"""Receptive fields that depend on the position, against a simulation that only knows what each layer reads.

The simulation follows single positions, as sets: nearest upsampling reads ``floor(o / factor)`` (PyTorch, "nearest"),
a window ``o*s - p + k*d``, a transposed one the inputs i with ``i*s - p + k*d = o`` (Dumoulin and Visin 2016),
adaptive pooling ``floor(o*W/L)`` up to ``ceil((o + 1)*W/L)``.  Positions are counted without borders.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import SpecError

Reads = Callable[[int], set[int]]
"""The input positions that an output position of one layer reads."""


def window(size: int, stride: int = 1, dilation: int = 1, before: int = 0) -> tuple[str, Reads]:
    text = f"{{conv: 1, kernel: {size}, stride: {stride}, dilation: {dilation}, padding: [[{before}, {before}]]}}"
    return text, lambda o: {o * stride - before + k * dilation for k in range(size)}


def transposed(size: int, stride: int, dilation: int = 1, before: int = 0) -> tuple[str, Reads]:
    def reads(o: int) -> set[int]:
        places = [o + before - k * dilation for k in range(size)]
        return {place // stride for place in places if place % stride == 0}

    text = f"{{conv_transpose: 1, kernel: {size}, stride: {stride}, dilation: {dilation}, padding: {before}}}"
    return text, reads


def nearest(factor: int) -> tuple[str, Reads]:
    return f"{{upsample: {factor}}}", lambda o: {o // factor}


def crop(before: int) -> tuple[str, Reads]:
    return f"{{crop: [[{before}, 0]]}}", lambda o: {o + before}


def adaptive(width: int, length: int) -> tuple[str, Reads]:
    return f"{{adaptive_avg_pool: {length}}}", lambda o: set(range(o * width // length, -(-(o + 1) * width // length)))


def through(layers: list[tuple[str, Reads]], position: int) -> set[int]:
    seen = {position}
    for _, reads in reversed(layers):
        seen = {source for place in seen for source in reads(place)}
    return seen


def last(layers: list[tuple[str, Reads]], length: int = 400) -> dict[str, Any]:
    steps = "".join(f"  - {text}\n" for text, _ in layers)
    rows = cnncalc.loads(f"input: [1, {length}]\nlayers:\n{steps}").receptive_field().to_dict()["layers"]
    field: dict[str, Any] = rows[-1]["receptive_field"]
    return field | {"notes": rows[-1]["notes"]}


def simulated(layers: list[tuple[str, Reads]], stride: Fraction) -> dict[str, Any]:
    """Size, start and stride over two periods; the period is one of at most 360 positions."""
    seen = [through(layers, position) for position in range(720)]
    sizes = [max(found) - min(found) + 1 if found else 0 for found in seen]
    least, greatest = min(sizes), max(sizes)
    first = next((position for position, found in enumerate(seen) if found), None)
    if first is not None:  # 360 positions on, all is further on by the stride
        assert seen[first + 360] == {place + 360 * stride for place in seen[first]}
    return {
        "size": [least if least == greatest else {"min": least, "max": greatest}],
        "stride": [stride.numerator if stride.denominator == 1 else [stride.numerator, stride.denominator]],
        "start": [min(seen[0]) if seen[0] else None],
        "center": [(min(seen[0]) + max(seen[0])) / 2 if seen[0] else None],
    }


def agree(layers: list[tuple[str, Reads]], stride: Fraction) -> None:
    field = last(layers)
    expected = simulated(layers, stride)
    assert {key: field[key] for key in expected} == expected


@together(
    "layers, stride",
    [
        ([nearest(3), window(2)], Fraction(1, 3)),
        ([nearest(2), window(3, 1, 1, 1), nearest(2), window(3)], Fraction(1, 4)),
        ([nearest(4), window(3, 2)], Fraction(1, 2)),
        ([nearest(4), window(3, 6)], Fraction(3, 2)),
        ([nearest(2), window(2, 2)], Fraction(1)),
        ([nearest(6), window(5, 4, 3)], Fraction(2, 3)),
        ([transposed(1, 2)], Fraction(1, 2)),
        ([transposed(1, 3), window(2)], Fraction(1, 3)),
        ([transposed(3, 2, 1, 1), window(3)], Fraction(1, 2)),
        ([transposed(4, 2, 1, 1)], Fraction(1, 2)),
        ([transposed(2, 4, 3)], Fraction(1, 4)),
        ([transposed(3, 4, 2)], Fraction(1, 4)),
        ([transposed(2, 2, 2)], Fraction(1, 2)),
        ([transposed(3, 6, 4, 1)], Fraction(1, 6)),
        ([nearest(2), transposed(3, 2)], Fraction(1, 4)),
        ([nearest(3), transposed(2, 3, 2)], Fraction(1, 9)),
        ([transposed(2, 3), transposed(3, 2)], Fraction(1, 6)),
        ([window(5, 2, 1, 2), nearest(4), window(3)], Fraction(1, 2)),
        ([window(3, 3), transposed(2, 3), window(4, 2)], Fraction(2)),
        ([nearest(2), adaptive(800, 600)], Fraction(2, 3)),
        ([nearest(6), adaptive(2400, 600), window(2)], Fraction(2, 3)),
        ([window(3, 2, 1, 1), transposed(4, 6, 4, 1)], Fraction(1, 3)),
        ([window(2, 2), transposed(5, 4, 6, 3), window(2)], Fraction(1, 2)),
    ],
)
def test_against_the_simulation(layers: list[tuple[str, Reads]], stride: Fraction) -> None:
    agree(layers, stride)


@pytest.mark.thorough
def test_random_chains_against_the_simulation() -> None:
    draw = random.Random(20)
    for _ in range(120):
        layers, stride = [], Fraction(1)
        for _ in range(draw.randint(1, 4)):
            kind = draw.randrange(4)
            if kind == 0:
                step = draw.choice((1, 2, 3))
                layers.append(window(draw.randint(1, 4), step, draw.choice((1, 2)), draw.choice((0, 1))))
                stride *= step
            elif kind == 1:
                step = draw.choice((1, 2, 3))
                layers.append(transposed(draw.randint(1, 4), step, draw.choice((1, 2, 3))))
                stride /= step
            elif kind == 2:
                factor = draw.choice((2, 3))
                layers.append(nearest(factor))
                stride /= factor
            else:
                layers.append(crop(draw.randint(0, 3)))
        if 360 % stride.denominator == 0:
            agree(layers, stride)


def test_units_that_see_nothing() -> None:
    """A kernel of 1 at stride 2 writes every other position; the positions between them see nothing, nor does what
    reads those alone, however large its windows, and wherever it goes further on."""
    between = [transposed(1, 2), crop(1), window(1, 2)]
    agree(between, Fraction(1))
    agree([*between, window(3, 3)], Fraction(3))
    agree([*between, window(3, 3), window(2, 2, 2, 1)], Fraction(6))
    agree([*between, nearest(2), window(2)], Fraction(1, 2))
    agree([*between, transposed(3, 2)], Fraction(1, 2))
    written = [transposed(1, 2), crop(2), window(1, 2)]
    agree(written, Fraction(1))


def test_a_branch_that_sees_nothing_beside_one_that_does() -> None:
    steps = "{transposed}, {add: [[{crop: [[0, 2]]}], [{crop: [[1, 1]]}]]}"
    steps = steps.replace("{transposed}", "{conv_transpose: 1, kernel: 1, stride: 2}")
    rows = cnncalc.loads(f"input: [1, 32]\nlayers: [{steps}]\n").receptive_field().to_dict()["layers"]
    field = rows[-1]["receptive_field"]
    assert (field["size"], field["stride"], field["start"]) == ([1], [[1, 2]], [0])


@pytest.mark.parametrize(("width", "length"), [(10, 4), (7, 3), (12, 5), (9, 6), (8, 8), (5, 7), (12, 4)])
def test_adaptive_pooling(width: int, length: int) -> None:
    """Each output's own interval, from PyTorch's definition; then a window of 2 over them."""
    spans = [(o * width // length, -(-(o + 1) * width // length) - 1) for o in range(length)]
    sizes = {high - low + 1 for low, high in spans}
    text = f"input: [1, {width}]\nlayers: [{{adaptive_avg_pool: {length}}}, {{max_pool: 2, stride: 1}}]\n"
    rows = cnncalc.loads(text).receptive_field().to_dict()["layers"]
    one, two = (row["receptive_field"] for row in rows)
    assert one["size"] == [min(sizes) if len(sizes) == 1 else {"min": min(sizes), "max": max(sizes)}]
    assert one["start"] == [0]
    assert Fraction(*one["stride"][0]) == Fraction(width, length) if isinstance(one["stride"][0], list) else True
    pairs = {after[1] - before[0] + 1 for before, after in itertools.pairwise(spans)}
    pairs.add(spans[0][1] + width - spans[-1][0] + 1)  # the pattern repeats: the last beside the next first
    assert two["size"] == [min(pairs) if len(pairs) == 1 else {"min": min(pairs), "max": max(pairs)}]


@together(
    "steps, note",
    [
        ("{max_pool: 2}", None),
        ("{upsample: 2}", 2),
        ("{upsample: 6}, {max_pool: 1, stride: 4}", 3),  # 6/gcd(6, 4) positions until the windows meet the pixels again
        ("{conv_transpose: 1, kernel: 3, stride: 2}", 2),
        ("{conv_transpose: 1, kernel: 4, stride: 2}", 2),
        ("{upsample: 2}, {max_pool: 2}", None),
        ("{upsample: 2}, {conv: 1, kernel: 3}, {upsample: 3}", 6),
        # every second pixel, told twice, lies within what the other branch sees
        ("{add: [[{conv: 1, kernel: 1, stride: 2}, {upsample: 2}], [{conv: 1, kernel: 3, padding: 1}]]}", None),
        ("{add: [[{conv: 1, kernel: 1, stride: 2}, {upsample: 2}], [{conv: 1, kernel: 2, padding: [[0, 1]]}]]}", 2),
        (
            "{crop: [[0, 1]]}, {add: [[{conv: 1, kernel: 1, stride: 3}, {upsample: 3}],"
            " [{conv: 1, kernel: 5, padding: 2}]]}",
            None,
        ),
        (
            "{add: [[{conv: 1, kernel: 1, stride: 4}, {upsample: 4}],"
            " [{conv: 1, kernel: 7, stride: 2, padding: 3}, {upsample: 2}]]}",
            2,
        ),
    ],
)
def test_the_period_is_told(steps: str, note: int | None) -> None:
    rows = cnncalc.loads(f"input: [1, 64]\nlayers: [{steps}]\n").receptive_field().to_dict()["layers"]
    text = f"what a unit sees depends on its position, with a period of {note} units"
    assert [told for told in rows[-1]["notes"] if "period" in told] == ([text] if note else [])


@together(
    "first, second, apart",
    [
        ("{conv: 1, kernel: 2, padding: [[0, 1]]}", "{conv: 1, kernel: 3, padding: 1}", "0.5 pixels"),
        ("{conv: 1, kernel: 3, padding: [[0, 2]]}", "{conv: 1, kernel: 3, padding: 1}", "1 pixel"),
        ("{conv: 1, kernel: 3, padding: [[0, 2]]}", "{conv: 1, kernel: 3, padding: [[2, 0]]}", "2 pixels"),
        ("{conv: 1, kernel: 3, padding: 1}", "{conv: 1, kernel: 5, padding: 2}", None),
        ("{conv: 1, kernel: 3, padding: 1}, {upsample: 2}", "{upsample: 2}", None),
        ("{conv: 1, kernel: 3, padding: [[0, 2]]}, {upsample: 2}", "{upsample: 2}", "1 pixel"),
        ("{upsample: 2}, {conv: 1, kernel: 3, padding: [[0, 2]]}", "{upsample: 2}", "0.5 pixels"),
        # 0 to 2 twice, three pixels further on 3 to 5; and 0 to 2, 1 to 3, 3 to 5: at 0 and 1 of 1.5 pixels
        (
            "{conv: 1, kernel: 3, stride: 3}, {upsample: 2}",
            "{upsample: 2}, {conv: 1, kernel: 5, stride: 3}",
            "0.5 pixels",
        ),
        # units 2*q see q, and 2*q + 1 q too, half a pixel before their place; or nothing
        ("{upsample: 2}", "{conv_transpose: 1, kernel: 1, stride: 2, output_padding: 1}", "0.25 pixels"),
    ],
)
def test_how_far_the_centers_lie_apart(first: str, second: str, apart: str | None) -> None:
    text = f"input: [1, 32]\nlayers: [{{add: [[{first}], [{second}]]}}]\n"
    rows = cnncalc.loads(text).receptive_field().to_dict()["layers"]
    notes = [note for note in rows[-1]["notes"] if note.startswith("misaligned")]
    assert [note.partition(" lie ")[2] for note in notes] == ([f"{apart} apart"] if apart else [])


# -- what is too long to be worked out ---------------------------------------------------------------------------------


def fault(text: str) -> str:
    try:
        cnncalc.loads(text).receptive_field().to_dict()
    except SpecError as error:
        return error.diagnostics[0].message
    return ""


TOO_LONG = "the receptive field's pattern of {:,} positions is too long to be worked out"


WINDOW = "input: [1, 40]\nlayers: [{upsample: 1000}, {max_pool: %d, stride: 1}]\n"
TRANSPOSED = "input: [1, 400]\nlayers: [{upsample: 1000}, {conv_transpose: 1, kernel: %d, stride: 2}]\n"
ADAPTIVE = "input: [1, %d]\nlayers: [{upsample: %d}, {adaptive_avg_pool: %d}]\n"
WHOLE = "input: [1, 4000]\nlayers: [{upsample: %d}, {max_pool: 999999, stride: 1}]\n"


@pytest.mark.parametrize(
    ("text", "period"),
    [
        (WINDOW % 1001, 1000),  # units of one period, times the positions that each reads
        (TRANSPOSED % 1001, 2000),  # a transposed kernel at stride 2 reads half of them, 501
        (ADAPTIVE % (19_601, 50, 20_001), 20_001),  # 980,050 positions, 50 of them each
        (WHOLE % 708, 708),  # two periods decide what a window sees, however large: 708 units look at 1416 positions
    ],
)
def test_more_than_a_million_positions_are_not_looked_at(text: str, period: int) -> None:
    assert fault(text) == TOO_LONG.format(period)


@pytest.mark.thorough
@pytest.mark.parametrize("text", [WINDOW % 1000, TRANSPOSED % 1000, ADAPTIVE % (9_899, 99, 20_000), WHOLE % 707])
def test_a_million_positions_are_looked_at(text: str) -> None:
    assert fault(text) == ""


@pytest.mark.thorough
def test_the_longest_period() -> None:
    """65,536 positions, and no more."""
    text = "input: [1, 4]\nlayers: [{upsample: %d}]\n"
    assert fault(text % 65_536) == ""
    assert "repeats only after 65,537; the limit is 65,536" in fault(text % 65_537)
