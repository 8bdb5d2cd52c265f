"""Unread positions, the separable what-if and lower bounds, against counting one by one and figures by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.geometry import Window


def report(steps: str, shape: str = "[4, 9, 9]") -> cnncalc.Report:
    return cnncalc.loads(f"input: {shape}\nlayers:\n{steps}").summary()


def test_unread_positions_counted_one_by_one() -> None:
    for size, stride, dilation, before, after, ceil, width in itertools.product(
        (1, 2, 3, 5), (1, 2, 3, 4), (1, 2, 3), (0, 1), (0, 2), (False, True), (6, 9, 10)
    ):
        window = Window(size, stride, dilation, before, after, ceil)
        count = window.output(width)
        if count < 1 or width + before + after < window.extent:
            continue
        read = {stride * o + dilation * tap for o in range(count) for tap in range(size)}
        padded = width + before + after
        assert window.unread(width) == padded - len(read & set(range(padded))), (window, width)


@pytest.mark.parametrize(
    ("step", "note"),
    [
        ("{max_pool: 2}", "the stride leaves 1 row and 1 column of the padded input unread"),
        ("{conv: 4, kernel: [2, 3], stride: [2, 3]}", "the stride leaves 1 row of the padded input unread"),
        ("{conv: 4, kernel: 1, stride: 2}", "the stride leaves 4 rows and 4 columns of the padded input unread"),
        ("{conv: 4, kernel: 3, stride: 2}", None),
        ("{max_pool: 2, ceil_mode: true}", None),
        ("{crop: 1}", None),
    ],
)
def test_unread_notes(step: str, note: str | None) -> None:
    notes = [found for found in report(f"  - {step}\n").layers[0].notes if "unread" in found]
    assert notes == ([note] if note else [])


@together(
    "step, params, separable",
    [
        # 3x3 from 4 to 8: 9*4*8 + 8 against 9*4 + 4*8 + 8, the bias once
        ("{conv: 8, kernel: 3}", 296, 76),
        ("{conv: 8, kernel: 3, bias: false}", 288, 68),
        ("{conv: 8, kernel: 1x3}", 104, 52),
        # these stay as they are
        ("{conv: 8, kernel: 1}", 40, 40),
        ("{conv: 8, kernel: 3, groups: 2}", 152, 152),
        ("{depthwise_conv: 3}", 40, 40),
        ("{conv_transpose: 8, kernel: 3}", 296, 296),
        ("{separable_conv: 8, kernel: 3}", 76, 76),
    ],
)
def test_the_separable_what_if(step: str, params: int, separable: int) -> None:
    totals = report(f"  - {step}\n").totals
    assert (totals.params, totals.separable_params) == (params, separable)


def test_a_shared_convolution_is_separable_once() -> None:
    steps = "  - {conv: 4, kernel: 3, padding: 1, name: a}\n  - {conv: 4, kernel: 3, padding: 1, share: a}\n"
    assert report(steps).totals.separable_params == 9 * 4 + 4 * 4 + 4


@pytest.mark.parametrize(
    ("step", "bound", "params", "macs"),
    [
        ("{opaque: [4, 9, 9]}", ["macs", "params", "receptive_field"], 20, 1296),
        ("{opaque: [4, 9, 9], params: 7}", ["macs", "receptive_field"], 27, 1296),
        ("{opaque: [4, 9, 9], params: 7, macs: 100}", ["receptive_field"], 27, 1396),
    ],
)
def test_unknown_is_never_zero(step: str, bound: list[str], params: int, macs: int) -> None:
    found = report(f"  - {{conv: 4, kernel: 1}}\n  - {step}\n")
    assert (found.totals.lower_bound, found.totals.params, found.totals.macs) == (bound, params, macs)
    layer: Any = found.layers[1]
    assert (layer.params is None) is ("params" in bound)
    assert (layer.macs is None) is ("macs" in bound)


def test_what_does_not_apply_is_null_and_no_zero() -> None:
    rows = {row["name"]: row for row in report("  - {conv: 4, kernel: 1}\n  - relu\n  - flatten\n").to_dict()["layers"]}
    assert (rows["conv1"]["params"], rows["conv1"]["state"]) == (20, 0)
    assert (rows["relu1"]["params"], rows["relu1"]["macs"]) == (None, None)


def test_padded_taps_count_and_bias_does_not() -> None:
    """9 * 9 outputs of 4 * 9 taps each, also at the border."""
    assert report("  - {conv: 1, kernel: 3, padding: 1}\n").totals.macs == 81 * 36


def test_transposed_by_input_positions() -> None:
    assert report("  - {conv_transpose: 5, kernel: 3, stride: 2, padding: 1}\n").totals.macs == 4 * 81 * 5 * 9


def test_what_is_fixed_is_state() -> None:
    """A factor, an offset, a mean and a variance for each of 4 channels, none of which is learned."""
    (row,) = report("  - {batch_norm, learned: false}\n").layers
    assert (row.params, row.state) == (0, 16)
