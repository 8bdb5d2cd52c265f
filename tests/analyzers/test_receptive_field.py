"""Receptive fields that are known by hand: joins, notes, the smallest path, global paths, several inputs."""

from __future__ import annotations

from typing import Any

import pytest

import cnncalc
from cnncalc.analyzers import receptive_field


def fields(text: str, of: str | None = None) -> dict[str, Any]:
    """Every row's field with its notes, by name."""
    report = cnncalc.loads(text).receptive_field(of).to_dict()
    return {
        row["name"]: row["receptive_field"] and {**row["receptive_field"], "notes": row["notes"]}
        for row in report["layers"]
    }


def last(steps: str, sizes: str = "64") -> Any:
    """The field of the last layer of a one-dimensional network."""
    return list(fields(f"input: [1, {sizes}]\nlayers:\n{steps}").values())[-1]


def test_the_smallest_path_goes_through_the_identities() -> None:
    """Three residual units of two 3x3 each: 13 through the convolutions, 1 past them."""
    field = last("  - {repeat: 3, add: [x, [{conv: 1, kernel: 3, padding: 1, repeat: 2}]]}\n")
    assert (field["size"], field["min_size"]) == ([13], [1])


def test_the_smallest_path_of_a_strided_shortcut() -> None:
    """1x1 at stride 2 after a 3x3: the shortcut sees 3, the convolutions 3 + 2 + 2*2."""
    field = last(
        "  - {conv: 1, kernel: 3, padding: 1}\n"
        "  - add: [[{conv: 1, kernel: 3, padding: 1, stride: 2}, {conv: 1, kernel: 3, padding: 1}],"
        " [{conv: 1, kernel: 1, stride: 2}]]\n"
    )
    assert (field["size"], field["min_size"], field["stride"]) == ([9], [3], [2])


def test_branches_of_equal_stride_and_unequal_centers() -> None:
    field = last("  - add: [[{conv: 1, kernel: 3, padding: [[2, 0]]}], [{conv: 1, kernel: 3, padding: 1}]]\n")
    assert (field["size"], field["start"]) == ([4], [-2])
    assert len(field["notes"]) == 1
    assert "misaligned" in field["notes"][0]
    assert "conv1" in field["notes"][0]
    assert "conv2" in field["notes"][0]


def test_branches_of_unequal_stride() -> None:
    """Cropped to equal size: one branch walks two pixels a step, the other one."""
    field = last("  - add: [[{conv: 1, kernel: 3, padding: 1, stride: 2}], [{crop: 16}]]\n")
    assert field["size"] == [{"min": 1, "max": 3}]
    assert field["stride"] == [{"min": 1, "max": 2}]
    assert "unequal stride" in field["notes"][0]


def test_an_unequal_stride_is_told_as_a_fraction() -> None:
    field = last("  - add: [[{conv: 1, kernel: 1, stride: 2}], [{upsample: 2}, {crop: [[0, 96]]}]]\n")
    assert field["notes"][0] == "branches of unequal stride: `conv1` and `crop1` have 2 and 1/2"


def test_what_sees_everything_has_the_size_of_the_input() -> None:
    """And its step would be that size; the center lies between the middle pixels."""
    rows = fields("input: [1, 9, 6]\nlayers: [{conv: 1, kernel: 3}, global_avg_pool, {conv: 2, kernel: 1}]\n")
    for name in ("global_avg_pool1", "conv2"):
        assert rows[name] == {
            "size": [9, 6],
            "stride": [9, 6],
            "start": [0, 0],
            "center": [4, 2.5],
            "min_size": [9, 6],
            "global": True,
            "notes": [],
        }


def test_aligned_branches_have_no_note() -> None:
    assert last("  - concat: [[{conv: 1, kernel: 7, padding: 3}], [{conv: 1, kernel: 1}]]\n")["notes"] == []


@pytest.mark.parametrize(
    "layer", ["global_avg_pool", "global_max_pool", "{adaptive_avg_pool: 1}", "flatten", "{permute: [1, 0]}"]
)
def test_what_sees_everything(layer: str) -> None:
    field = last(f"  - {{conv: 1, kernel: 3}}\n  - {layer}\n")
    assert (field["global"], field["size"], field["stride"], field["start"]) == (True, [64], [64], [0])


def test_a_gate_is_global_and_keeps_the_local_size() -> None:
    gate = "  - multiply: [x, [global_avg_pool, {conv: 1, kernel: 1}]]\n"
    field = last(f"  - {{conv: 1, kernel: 5}}\n{gate}  - {{conv: 1, kernel: 3}}\n")
    assert (field["global"], field["size"], field["min_size"]) == (True, [7], [7])


def test_the_networks_own_field_is_that_of_the_last_layer_with_a_local_path() -> None:
    text = "input: [1, 64]\nlayers: [{conv: 1, kernel: 5, stride: 2}, global_avg_pool, flatten, {linear: 3}]\n"
    report = cnncalc.loads(text).receptive_field()
    assert (report.field.size, report.field.start) == (((5, 5),), (0,))


def test_a_layer_that_sees_more_than_the_input() -> None:
    notes = {
        name: field["notes"]
        for name, field in fields("input: [1, 6]\nlayers: [{conv: 1, kernel: 5, padding: 2, repeat: 2}]\n").items()
    }
    assert notes["conv1.0"] == []
    assert "sees more than the input" in notes["conv1.1"][0]


def test_a_layer_that_sees_just_the_input() -> None:
    """A 7-wide kernel on a 7-wide input sees all of it, and nothing beyond."""
    text = "input: [1, 7, 7]\nlayers: [{conv: 1, kernel: 7}]\n"
    field = cnncalc.loads(text).summary().fields[-1]
    assert field.size == ((7, 7), (7, 7))
    assert field.notes == ()


def test_the_networks_own_field_alone() -> None:
    """A comparison works out no other: it is the same one where nothing is local, on every axis."""
    found = cnncalc.loads("input: [3, 5, 9]\nlayers: [global_avg_pool]\n")
    alone = receptive_field.field_alone(found.graph, {})
    assert alone is not None
    assert alone.size == ((5, 5), (9, 9)) == found.summary().field.size


def test_what_is_remembered_of_a_window_is_not_that_of_a_transposed_one() -> None:
    """A convolution and a transposed one of equal numbers: 3 pixels each 2, and 1 or 2 each 1/2."""
    memo: receptive_field.Memo = {}
    found = []
    for kind in ("conv", "conv_transpose"):
        graph = cnncalc.loads(f"input: [1, 9]\nlayers: [{{{kind}: 1, kernel: 3, stride: 2, padding: 1}}]\n").graph
        for field in (receptive_field.field_alone(graph, memo), receptive_field.receptive_fields(graph, None, memo)[0]):
            assert field is not None
            found.append((field.size, field.stride))
    assert found == [(((3, 3),), (((2, 1), (2, 1)),))] * 2 + [(((1, 2),), (((1, 2), (1, 2)),))] * 2


def test_branches_that_do_not_fit_are_named_at_each_join() -> None:
    """Two joins of equal branches under other names: each says its own."""
    steps = "".join(
        f"  - {{conv: 4, kernel: 3, padding: [[0, 2]], from: input, name: a{n}}}\n"
        f"  - {{conv: 4, kernel: 1, from: input, name: b{n}}}\n  - {{add: [a{n}, b{n}]}}\n"
        for n in (1, 2)
    )
    found = fields(f"input: [1, 9]\nlayers:\n{steps}")
    notes = [row["notes"] for row in found.values() if row["notes"]]
    assert notes == [[f"misaligned branches: the centers of `a{n}` and `b{n}` lie 1 pixel apart"] for n in (1, 2)]


def test_the_field_towards_each_of_two_inputs() -> None:
    text = """input: {left: [1, 32], right: [1, 32]}
layers:
  - {conv: 1, kernel: 5, padding: 2, name: a}
  - {conv: 1, kernel: 3, padding: 1, from: right, name: b}
  - {add: [a, b], name: sum}
"""
    left, right = fields(text), fields(text, "right")
    assert (left["a"]["size"], left["b"], left["sum"]["size"]) == ([5], None, [5])
    assert (right["a"], right["b"]["size"], right["sum"]["size"]) == (None, [3], [3])


def test_a_slice_keeps_the_field_of_all_channels() -> None:
    text = "input: [1, 32]\nlayers: [{concat: [[{conv: 1, kernel: 7, padding: 3}], x]}, {slice: [1, 2]}]\n"
    assert list(fields(text).values())[-1]["size"] == [7]


def test_elements_move_with_the_pixels_of_space_to_depth() -> None:
    field = last("  - {space_to_depth: 2}\n  - {conv: 2, kernel: 3}\n  - {depth_to_space: 2}\n")
    assert (field["size"], field["stride"]) == ([6], [1])


def test_a_transposed_convolution_by_hand() -> None:
    """Kernel 3 at stride 2: outputs see one input or two, by turns (Dumoulin and Visin 2016, figure 4.5)."""
    field = last("  - {conv_transpose: 1, kernel: 3, stride: 2}\n")
    assert (field["size"], field["stride"], field["start"]) == ([{"min": 1, "max": 2}], [[1, 2]], [-1])


def test_linear_upsampling_by_hand() -> None:
    """Twice as large, half-pixel: every output lies between two inputs; with aligned corners some lie on one."""
    assert last("  - {upsample: 2, mode: bilinear}\n")["size"] == [2]
    corners = last("  - {upsample: 2, mode: bilinear, align_corners: true}\n", "5")
    assert corners["size"] == [{"min": 1, "max": 2}]
    assert corners["stride"] == [[4, 9]]


def test_axes_are_apart() -> None:
    text = "input: [1, 8, 32, 48]\nlayers: [{conv: 1, kernel: 1x3x5, stride: [1, 2, 3], padding: half}]\n"
    field = fields(text)["conv1"]
    assert (field["size"], field["stride"], field["start"]) == ([1, 3, 5], [1, 2, 3], [0, -1, -2])
