"""Input sizes: which build, which waste nothing, in closed form; U-Net's are those of its paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.compare.sizes import Progression, progression, sizes
from cnncalc.compare.sweep import open_spec
from cnncalc.diagnostics import Fault, SpecError


def test_unet_takes_what_its_paper_takes() -> None:
    """Ronneberger et al. 2015: input 572 gives 388; each of four poolings needs an even size, so 188 + 16*k."""
    found = sizes(open_spec("unet"), (100, 600))
    assert found.builds == [(188, 600)]
    assert found.progression == Progression((188,), 16)
    outputs = {each.size: each.outputs for each in found.clean}
    assert outputs[572] == ((2, 388, 388),)
    assert {size - shapes[0][1] for size, shapes in outputs.items()} == {184}


def test_vgg_wants_multiples_of_32() -> None:
    """Five poolings of 2 without padding."""
    found = cnncalc.load("vgg16").sizes(1, 200)
    assert found.builds == [(32, 200)]
    assert found.progression == Progression((32,), 32)
    assert found.to_dict()["clean"] == {"first": 32, "step": 32}
    assert found.to_dict()["outputs"]["64"] == [[1000]]


def test_several_sizes_in_a_period() -> None:
    """A kernel of 5 with stride 4 and a padding of 1 ends at 4*k + 3; behind it may lie the one padded position."""
    found = cnncalc.loads("input: [1, 16, 16]\nlayers: [{conv: 1, kernel: 5, stride: 4, padding: 1}]\n").sizes(1, 60)
    assert found.builds == [(3, 60)]
    assert found.progression == Progression((3, 4), 4)
    assert {each.waste for each in found.every if each.outputs} == {"", "`conv1` leaves pixels unread"}


def test_what_lies_between_windows_is_no_waste() -> None:
    """A kernel of 1 at stride 2 takes every second pixel, whatever the size: none is cut off at the end."""
    found = cnncalc.loads("input: [1, 8, 8]\nlayers: [{conv: 1, kernel: 1, stride: 2}]\n").sizes(1, 20)
    assert [each.size for each in found.clean] == list(range(1, 21))
    found = cnncalc.loads("input: [1, 8, 8]\nlayers: [{conv: 1, kernel: [1, 4], stride: [1, 4]}]\n").sizes(1, 20)
    assert [each.size for each in found.clean] == [4, 8, 12, 16, 20]


def test_branches_whose_centers_lie_apart_are_not_clean() -> None:
    """Under a kernel of 3 and a stride of 2, TensorFlow's `same` pads an even size behind alone, and an odd one on both
    sides, as PyTorch's padding of 1 does: with even sizes the centers lie a pixel apart."""
    branches = "[{conv: 1, kernel: 3, stride: 2, padding: same}], [{max_pool: 3, stride: 2, padding: 1}]"
    found = cnncalc.loads(f"input: [1, 9, 9]\nlayers: [{{add: [{branches}]}}]\n").sizes(4, 12)
    assert found.builds == [(4, 12)]
    assert [each.size for each in found.clean] == [5, 7, 9, 11]
    assert {each.waste for each in found.every} == {"", "`add1` joins what is not aligned"}


def test_branches_that_do_not_fit_are_not_clean() -> None:
    """Pooled by 2 and upsampled again, a size of 2*k + 1 is one short: the sum does not build."""
    text = """\
input: [1, 16, 16]
layers:
  - {identity, name: whole}
  - add: [[{max_pool: 2}, {conv_transpose: 1, kernel: 2, stride: 2}], whole]
"""
    found = cnncalc.loads(text).sizes(1, 20)
    assert found.builds == [(even, even) for even in range(2, 21, 2)]


@together(
    "found, last, expected",
    [
        ([4, 8, 12], 15, Progression((4,), 4)),
        ([4, 8, 12], 16, None),  # 16 would be one more
        ([4, 8], 11, None),
        ([1, 2, 5, 6, 9, 10], 12, Progression((1, 2), 4)),
        ([1, 2, 4, 8, 16, 32], 40, None),
        ([], 10, None),
        ([4, 8, 12], 12, Progression((4,), 4)),
        ([n for n in range(40, 160) if n % 40 < 32], 159, Progression(tuple(range(40, 72)), 40)),
        ([n for n in range(40, 160) if n % 40 < 33], 159, None),  # longer than a formula should be
    ],
)
def test_closed_forms(found: list[int], last: int, expected: Progression | None) -> None:
    assert progression(found, last) == expected


def test_sizes_that_are_tried_where_nothing_is_said(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8]\nlayers: [relu]\n")
    assert cnncalc.load(str(path)).sizes().builds == [(1, 1024)]
    assert "input sizes 1 to 1,024" in run("sizes", str(path)).out


def test_a_range_may_begin_anywhere() -> None:
    """The number of sizes is limited, not the sizes."""
    network = cnncalc.loads("input: [1, 8]\nlayers: [{max_pool: 2}]\n")
    assert network.sizes(99_999, 100_001).builds == [(99_999, 100_001)]


def test_a_closed_form_in_words() -> None:
    assert Progression((188,), 16).text == "188 + 16*k"
    assert Progression((1, 2), 4).text == "{1, 2} + 4*k"
    assert Progression((3,), 1).text == "3 + k"
    assert Progression((3,), 2).to_dict() == {"first": 3, "step": 2}
    assert Progression((3, 4), 5).to_dict() == {"first": 3, "step": 5, "firsts": [3, 4]}


def test_what_is_refused() -> None:
    with pytest.raises(SpecError, match="does not fit"):
        sizes(open_spec("unet"), (1, 9))
    with pytest.raises(Fault, match="no range of sizes"):
        sizes(open_spec("unet"), (9, 1))
    with pytest.raises(Fault, match="no range of sizes"):
        sizes(open_spec("unet"), (0, 9))
    with pytest.raises(Fault, match="more than 100,000 sizes"):
        sizes(open_spec("unet"), (1, 100_001))
    with pytest.raises(Fault, match="it has one size"):
        sizes(open_spec(str(Path(__file__).parents[1] / "data" / "convert" / "act_relu.onnx")), (1, 9))
    with pytest.raises(Fault, match="is flat"):
        cnncalc.loads("input: [4]\nlayers: [{linear: 2}]\n").sizes()
