"""A layer kind that states a wrong reach is found out by `verify`, whatever is wrong with it; a right one never is.

The kind still executes rightly and gives the right shape: only what it says of its windows is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sampling import some

from cnncalc.geometry import Intervals, Transposed, Window
from cnncalc.layers import KINDS

Axis = Window | Transposed | Intervals


@pytest.fixture
def differing(run: Callable[..., Any], tmp_path: Path) -> Callable[[str, str], list[tuple[str, str]]]:
    """Verifies a network of steps; returns the layers that differ, and what is said of them."""

    def found(steps: str, shape: str) -> list[tuple[str, str]]:
        path = tmp_path / "net.yaml"
        path.write_text(f"input: {shape}\nlayers: [{steps}]\n")
        done = run("verify", str(path))
        assert done.err == ""
        told = re.findall(r"^(\S+): (receptive field: .*|weights: .*|products: .*|output .*)$", done.out, re.MULTILINE)
        assert done.code == (1 if told else 0), done.out
        assert ("verified by execution" in done.out) is not bool(told)
        return told

    return found


def state(monkeypatch: pytest.MonkeyPatch, kind: str, change: Callable[[Any], Axis]) -> None:
    """Let a kind state `change` of what it reads on the last axis; its output's shape stays."""
    layer = KINDS[kind]
    reach, shape = layer.reach, layer.out_shape

    def wrong(self: Any, inputs: Any) -> Any:
        axes = reach(self, inputs)
        assert isinstance(axes, tuple)
        return (*axes[:-1], change(axes[-1]))

    def right(self: Any, inputs: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(layer, "reach", reach)
            return shape(self, inputs)

    monkeypatch.setattr(layer, "reach", wrong)
    monkeypatch.setattr(layer, "out_shape", right)


def plus(**more: int) -> Callable[[Any], Axis]:
    """Adds to fields of a window."""
    return lambda axis: axis._replace(**{name: getattr(axis, name) + by for name, by in more.items()})


def spans(change: Callable[[tuple[int, int]], tuple[int, int]]) -> Callable[[Any], Axis]:
    """Changes every interval of a pattern."""
    return lambda axis: axis._replace(spans=tuple(map(change, axis.spans)))


CONV = "{conv: 1, kernel: 5, stride: 2, dilation: 2, padding: 3}"
TRANSPOSED = "{conv_transpose: 1, kernel: 5, stride: 3, padding: 2}"
NEAREST = "{upsample: 3}"
LINEAR = "{upsample: 2, mode: bilinear}"
POOL = "{max_pool: 3, stride: 2, padding: 1}"


@pytest.mark.every
@pytest.mark.parametrize("shape", some(["[1, 7, 61]", "[1, 61]", "[1, 6, 8, 9]", "[2, 50, 9]"], each=2))
@pytest.mark.parametrize(
    "steps",
    [
        CONV,
        "{conv: 1, kernel: 4, stride: 3, padding: same}",
        "{conv: 1, kernel: 3, padding: 1, padding_mode: reflect}",
        "{conv: 1, kernel: 3, padding: 1, padding_mode: circular}, {conv: 1, kernel: 3}",
        TRANSPOSED,
        NEAREST,
        LINEAR,
        POOL,
        f"{CONV}, {TRANSPOSED}, {POOL}",
        f"{CONV}, {NEAREST}, {{conv: 1, kernel: 3, padding: 1}}",
        f"{CONV}, {LINEAR}, {CONV}",
        "{upsample: 2}, {conv: 1, kernel: 3, padding: 1}, {upsample: 3}, {conv: 1, kernel: 2, stride: 2}",
        "{conv_transpose: 1, kernel: 1, stride: 2}, {conv: 1, kernel: 3, stride: 2}",
        "{add: [[{conv: 1, kernel: 3, padding: 1}], [{conv: 1, kernel: 1}]]}",
        "{space_to_depth: 1}, {crop: 1}, {pad: 2}",
    ],
)
def test_what_is_right_is_never_refused(
    steps: str, shape: str, differing: Callable[[str, str], list[tuple[str, str]]]
) -> None:
    assert differing(steps, shape) == []


def test_units_that_see_nothing_stand_for_no_others(differing: Callable[[str, str], list[tuple[str, str]]]) -> None:
    """A kernel at dilation 2 and stride 2 reaches every second unit; of a short input, only the others are inside."""
    assert differing("{conv_transpose: 1, kernel: 4, stride: 2, dilation: 2, output_padding: 1}", "[1, 3]") == []


@pytest.mark.parametrize(
    ("steps", "kind", "change", "layer"),
    [
        (CONV, "conv", plus(before=1), "conv1"),
        (CONV, "conv", plus(before=-1), "conv1"),
        (CONV, "conv", plus(size=1), "conv1"),
        (CONV, "conv", plus(size=-1), "conv1"),
        (CONV, "conv", plus(size=1, before=2), "conv1"),
        (CONV, "conv", plus(size=-1, before=-2), "conv1"),
        (CONV, "conv", plus(stride=1), "conv1"),
        (CONV, "conv", plus(stride=-1), "conv1"),
        (CONV, "conv", plus(dilation=1), "conv1"),
        (CONV, "conv", plus(dilation=-1), "conv1"),
        (CONV, "conv", plus(dilation=1, before=2), "conv1"),
        ("{conv: 1, kernel: 3, padding: 1, padding_mode: reflect}", "conv", plus(before=1), "conv1"),
        ("{conv: 1, kernel: 3, padding: 1, padding_mode: reflect}", "conv", plus(size=1), "conv1"),
        (POOL, "max_pool", plus(before=1), "max_pool1"),
        (POOL, "max_pool", plus(size=1), "max_pool1"),
        (POOL, "max_pool", plus(size=-1), "max_pool1"),
        (POOL, "max_pool", plus(stride=-1), "max_pool1"),
        (TRANSPOSED, "conv_transpose", plus(before=-1), "conv_transpose1"),
        (TRANSPOSED, "conv_transpose", plus(size=1), "conv_transpose1"),
        (TRANSPOSED, "conv_transpose", plus(size=-2), "conv_transpose1"),
        (TRANSPOSED, "conv_transpose", plus(stride=1), "conv_transpose1"),
        (TRANSPOSED, "conv_transpose", plus(stride=-1), "conv_transpose1"),
        (NEAREST, "upsample", spans(lambda span: (span[0] + 1, span[1] + 1)), "upsample1"),
        (NEAREST, "upsample", spans(lambda span: (span[0] - 1, span[1] - 1)), "upsample1"),
        (NEAREST, "upsample", spans(lambda span: (span[0], span[1] + 1)), "upsample1"),
        (NEAREST, "upsample", spans(lambda span: (span[0] - 1, span[1])), "upsample1"),
        (NEAREST, "upsample", plus(step=1), "upsample1"),
        (NEAREST, "upsample", plus(step=2), "upsample1"),
        (NEAREST, "upsample", lambda axis: axis._replace(spans=axis.spans[1:]), "upsample1"),
        (NEAREST, "upsample", lambda axis: axis._replace(spans=axis.spans * 2), "upsample1"),
        (NEAREST, "upsample", lambda axis: axis._replace(spans=((0, 1), *axis.spans[1:])), "upsample1"),
        (LINEAR, "upsample", spans(lambda span: (span[0] + 1, span[1])), "upsample1"),
        (LINEAR, "upsample", spans(lambda span: (span[0] + 1, span[1] + 1)), "upsample1"),
        (LINEAR, "upsample", spans(lambda span: (span[0], span[1] + 1)), "upsample1"),
        (LINEAR, "upsample", plus(step=1), "upsample1"),
        (
            "{adaptive_avg_pool: 16}",
            "adaptive_avg_pool",
            spans(lambda span: (span[0], span[1] + 1)),
            "adaptive_avg_pool1",
        ),
        (
            "{adaptive_avg_pool: 16}",
            "adaptive_avg_pool",
            spans(lambda span: (span[0], span[1] - 1)),
            "adaptive_avg_pool1",
        ),
        ("{crop: 2}", "crop", plus(before=1), "crop1"),
        ("{pad: 2}", "pad", plus(before=-1), "pad1"),
    ],
)
@pytest.mark.every
@pytest.mark.parametrize("shape", some(["[1, 61]", "[1, 7, 61]"], each=2))
def test_a_wrong_reach_is_found(
    steps: str,
    kind: str,
    change: Callable[[Any], Axis],
    layer: str,
    shape: str,
    differing: Callable[[str, str], list[tuple[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state(monkeypatch, kind, change)
    found = differing(steps, shape)
    assert found
    assert {name for name, _ in found} == {layer}
    assert all(text.startswith("receptive field: ") for _, text in found)
    last = shape.count(",") - 1
    assert all(f"axis {last} " in text or f"axis {last}:" in text for _, text in found), found


def test_what_a_difference_says(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel of 3 at stride 2 with padding 1: unit 1 is the first that sees no padding, and sees 1 to 3."""
    state(monkeypatch, "conv", plus(size=1))
    assert differing("{conv: 1, kernel: 3, stride: 2, padding: 1}", "[1, 9]") == [
        ("conv1", "receptive field: unit 1 of axis 0 sees (1, 3), reported (1, 4)")
    ]


def test_a_second_axis_that_differs_from_the_first(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reported alike though they are not, and reported otherwise though they are alike."""
    state(monkeypatch, "conv", plus(size=-2))
    for steps, shape in (("{conv: 1, kernel: [3, 5]}", "[1, 9, 11]"), ("{conv: 1, kernel: 5}", "[1, 9, 9]")):
        assert differing(steps, shape) == [("conv1", "receptive field: unit 0 of axis 1 sees (0, 4), reported (0, 2)")]


def test_what_is_not_said_to_be_seen(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KINDS["relu"], "reaches", lambda self, inputs, output: ())
    assert differing("{conv: 1, kernel: 3}, relu", "[1, 9]") == [
        ("relu1", "receptive field: only one of execution and report sees the input")
    ]


def test_a_path_that_is_said_to_see_everything(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KINDS["relu"], "reaches", lambda self, inputs, output: ((0, "global"),))
    assert differing("{conv: 1, kernel: 3}, relu", "[1, 9]") == [
        ("relu1", "receptive field: local and global paths differ from those that were executed")
    ]


def test_what_a_difference_at_the_border_says(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel of 9 on 5 positions: every unit sees all of them, and padding; it is told once."""
    state(monkeypatch, "conv", plus(before=-4))
    assert differing("{conv: 1, kernel: 9, padding: 4}", "[1, 5]") == [
        ("conv1", "receptive field: unit 1 of axis 0 sees (0, 4), beyond (1, 9)")
    ]


def test_what_a_difference_of_a_pattern_says(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    state(monkeypatch, "upsample", spans(lambda span: (span[0] + 1, span[1] + 1)))
    assert differing("{upsample: 2}", "[1, 12]") == [("upsample1", "receptive field: axis 0 starts at 0, reported 1")]


def test_what_a_difference_of_sizes_says(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    state(monkeypatch, "upsample", spans(lambda span: (span[0], span[1] + 1)))
    assert differing("{upsample: 2}", "[1, 12]") == [
        ("upsample1", "receptive field: units of axis 0 see 1 to 1, reported 2 to 2")
    ]


def test_a_wrong_stride_of_a_pattern_is_told(
    differing: Callable[[str, str], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two units see each input; reported to go 2/2 of a pixel further each, the third would see input 2 and not 1."""
    state(monkeypatch, "upsample", plus(step=1))
    [(_, text)] = differing("{upsample: 2}", "[1, 60]")
    assert text == "receptive field: unit 2 of axis 0 sees (1, 1), by the reported period of 2 expected (2, 2)"
