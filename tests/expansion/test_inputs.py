"""Other input shapes than the spec's: what they mean, and what would silently be another network."""

from __future__ import annotations

import pytest
from sampling import together

import cnncalc

IMAGE = "input: [3, 32, 32]\nlayers:\n  - {conv: 4, kernel: 3}\n"
VIDEO = "input: [3, 8, 32, 32]\nlayers:\n  - {conv: 4, kernel: 3}\n"
FLAT = "input: [10]\nlayers:\n  - {linear: 4}\n"


@pytest.mark.parametrize(
    ("spec", "given", "channels_last", "meant"),
    [
        (IMAGE, (1, 64, 48), False, (1, 64, 48)),
        (IMAGE, (64, 48), False, (3, 64, 48)),
        (IMAGE, (64, 48, 1), True, (1, 64, 48)),
        (IMAGE, (64, 48), True, (3, 64, 48)),
        (VIDEO, (16, 64, 48), False, (3, 16, 64, 48)),
        (VIDEO, (16, 64, 48, 1), True, (1, 16, 64, 48)),
        (FLAT, (20,), False, (20,)),
    ],
)
def test_what_a_shape_means(spec: str, given: tuple[int, ...], channels_last: bool, meant: tuple[int, ...]) -> None:
    last = {"channels_last": True} if channels_last else {}
    assert cnncalc.loads(spec, inputs=given, **last).graph.inputs == (("input", meant),)


@pytest.mark.parametrize(
    ("spec", "given", "help"),
    [
        (IMAGE, (1, 3, 64, 64), "the batch stays out: write `3x64x64`"),
        (VIDEO, (1, 3, 8, 64, 64), "the batch stays out: write `3x8x64x64`"),
        (IMAGE, (8, 3, 64, 64), "give 3 sizes, or 2 to keep the channels"),
        (IMAGE, (64,), "give 3 sizes, or 2 to keep the channels"),
        (FLAT, (3, 10), "give the number of features"),
        (FLAT, (1, 10), "the batch stays out: write `10`"),
    ],
)
def test_another_number_of_axes_is_an_error(spec: str, given: tuple[int, ...], help: str) -> None:
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.loads(spec, inputs=given)
    found = caught.value.diagnostics[0]
    assert (found.code, found.help) == ("wrong-rank", help)
    assert found.span is not None
    assert found.span.line == 1


def test_the_layout_holds_for_input_and_output(run) -> None:
    """ResNet-50 has 25,557,032 parameters (torchvision), whichever way its input is written."""
    first, last = run("summary", "resnet50"), run("summary", "resnet50", "--layout", "nhwc", "--input", "224x224x3")
    assert "ResNet (resnet50), input 224 x 224 x 3," in last.out
    assert first.out.splitlines()[-1] == last.out.splitlines()[-1].replace("224x224x3", "3x224x224")
    assert "25.56 M params" in last.out.splitlines()[-1]


@together(
    "given, meant",
    [
        ("[28, 28, 1]", "channels come first: write `input: [1, 28, 28]`"),
        ("[5, 28, 3]", "channels come first: write `input: [3, 5, 28]`"),
        ("[28, 28, 4]", "channels come first: write `input: [4, 28, 28]`"),
        ("[4, 28, 4]", ""),
        ("[28, 28, 2]", ""),
        ("[28, 28, 5]", ""),
        ("[1, 3, 3, 28]", "the batch stays out: write `input: [3, 3, 28]`"),
        ("[2, 3, 3, 28]", ""),
    ],
)
def test_what_an_input_was_probably_meant_as(given: str, meant: str) -> None:
    """Of images 1, 3 or 4 channels; a window that is too large says so, and what else the sizes may be."""
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.loads(f"input: {given}\nlayers: [{{conv: 4, kernel: 7}}]\n")
    (found,) = caught.value.diagnostics
    assert found.code == "window-too-large"
    assert meant in found.help
    assert ("write `input" in found.help) == bool(meant)
