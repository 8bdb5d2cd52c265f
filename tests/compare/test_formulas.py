"""Formulas against figures from outside, and where they hold: polynomials, domains, residues, errors."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.compare.formulas import Formula
from cnncalc.compare.polynomials import degree, through
from cnncalc.diagnostics import Fault, SpecError


def only(name: str, *names: str, of: str = "params") -> Formula:
    (found,) = cnncalc.load(name).formula(*names, of=(of,))
    return found


def texts(found: Formula) -> list[tuple[str, str]]:
    return [(piece.polynomial.text(), ", ".join(s.text for s in piece.stretches)) for piece in found.pieces]


# -- polynomials -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 0], 0),
        ([7, 7, 7, 7], 0),
        ([1, 2, 3, 4, 5], 1),
        ([0, 1, 4, 9, 16, 25], 2),
        ([1, 2, 4, 8, 16, 32, 64, 128], None),
        ([1, 2, 3, 4], None),  # too few to tell
        ([], None),
    ],
)
def test_the_degree_of_values(values: list[int], expected: int | None) -> None:
    assert degree(values) == expected


def test_the_polynomial_through_a_grid() -> None:
    """Random polynomials come back from their values, term by term."""
    generator = random.Random(3)
    for _ in range(20):
        powers = [(i, j) for i in range(3) for j in (0, 1)]
        terms = {each: Fraction(generator.randrange(-9, 10), generator.randrange(1, 4)) for each in powers}
        axes = {
            "a": [Fraction(generator.randrange(1, 4)) + 4 * n for n in range(3)],
            "b": [Fraction(1, 2), Fraction(3)],
        }
        values: Any = {
            (m, n): sum(c * x**i * y**j for (i, j), c in terms.items())
            for m, x in enumerate(axes["a"])
            for n, y in enumerate(axes["b"])
        }
        found = {t.powers: t.coefficient for t in through(axes, values).terms}
        named = {tuple((n, power) for n, power in zip("ab", each) if power): c for each, c in terms.items()}
        assert found == {each: c for each, c in named.items() if c}


def test_how_a_polynomial_is_written() -> None:
    axes = {"x": [Fraction(n) for n in range(3)]}
    found = through(axes, {(n,): -n * n + 1234 * n for n in range(3)})
    assert found.text() == "-x**2 + 1234*x"
    assert found.text(separators=True) == "-x**2 + 1,234*x"
    assert found.to_list() == [[-1, {"x": 2}], [1234, {"x": 1}]]
    halves = through(axes, {(n,): n * (n - 1) // 2 for n in range(3)})
    assert halves.text() == "1/2*x**2 - 1/2*x"
    assert halves.to_list() == [[[1, 2], {"x": 2}], [[-1, 2], {"x": 1}]]
    assert eval(halves.text(), {"x": 7}) == 21
    assert through(axes, {(n,): 0 for n in range(3)}).text() == "0"


# -- networks ----------------------------------------------------------------------------------------------------------


def test_classes_of_vgg() -> None:
    """4,096 weights and a bias each; torchvision's VGG-16 has 138,357,544 parameters with 1,000 of them."""
    assert texts(only("vgg16", "classes")) == [("4097*classes + 134260544", "classes whole, from 1")]
    assert 4_097 * 1_000 + 134_260_544 == 138_357_544


def test_classes_of_resnet() -> None:
    """torchvision: resnet50(num_classes=10) has 23,528,522 parameters, with 1,000 it has 25,557,032."""
    piece = only("resnet50", "classes").pieces[0]
    assert [piece.polynomial.value({"classes": n}) for n in (10, 1_000)] == [23_528_522, 25_557_032]


def test_the_width_of_mobilenet_v1() -> None:
    """Keras' MobileNet: alpha 0.25, 0.5, 0.75 and 1 have 470,072, 1,331,592, 2,585,560 and 4,231,976 learned
    parameters; `int(32*0.3)` is no 9.6, and the formula does not claim it."""
    found = only("mobilenet_v1", "width")
    (piece,) = found.pieces
    (stretch,) = piece.stretches
    given = {"1/4": 470_072, "1/2": 1_331_592, "3/4": 2_585_560, "1": 4_231_976}
    assert {at: piece.polynomial.value({"width": Fraction(at)}) for at in given} == given
    assert Fraction("0.3") % stretch.step != 0
    assert any("rounds (`int`)" in note for note in found.notes)
    assert min(found.checked["width"]) < 1 < max(found.checked["width"])


def test_the_width_of_mobilenet_v2() -> None:
    """torchvision: mobilenet_v2 has 3,504,872 parameters, with width_mult 2 it has 11,258,088.

    With 0.5 it has 1,968,680, and the formula does not hold there.
    """
    found = only("mobilenet_v2", "width")
    (piece,) = found.pieces
    assert [piece.polynomial.value({"width": n}) for n in (1, 2)] == [3_504_872, 11_258_088]
    assert piece.polynomial.value({"width": Fraction(1, 2)}) != 1_968_680
    assert piece.stretches[0].step == 1
    assert any("multiples of 1/2" in note for note in found.notes)


def test_two_arguments_together() -> None:
    found = only("mobilenet_v1", "width", "classes")
    value = found.pieces[0].polynomial.value
    assert value({"width": Fraction(1, 2), "classes": 1000}) == 1_331_592
    direct = cnncalc.load("mobilenet_v1", args={"width": 1.75, "classes": 7}).params().totals.params
    assert value({"width": Fraction(7, 4), "classes": 7}) == direct


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mobilenet_v1", "--in", "width"), "at width = 1/8, 1/4, 3/8, 1/2, 5/8, 3/4, 7/8, 1, 9/8, 3/2, 2, 17/8\n"),
        (
            ("alexnet", "--in", "size"),
            "at size = 64, 65, 66, 67, 68, 69, … (192 values), 459, 460, 461, 462, 463, 464\n",
        ),
    ],
)
def test_the_settings_of_a_check_are_listed(arguments: tuple[str, ...], told: str, run: Any) -> None:
    """Twelve of them in full; of more the first six and the last six."""
    assert told in run("formula", *arguments, "--of", "macs").out


def test_macs_by_size_are_told_by_residue() -> None:
    """Every piece, one for each residue of the stride 16 of its last convolutions, against a network that
    it was not made from; torchvision's AlexNet has 714,188,480 at 224."""
    found = only("alexnet", "size", of="macs")
    assert len(found.pieces) == found.pieces[0].stretches[0].step == 16
    for piece in found.pieces:
        (stretch,) = piece.stretches
        size = stretch.at(40)
        assert size not in found.checked["size"]
        macs = cnncalc.load("alexnet", inputs=(3, int(size), int(size))).summary().totals.macs
        assert piece.polynomial.value({"size": size}) == macs
    own = next(piece for piece in found.pieces if (224 - piece.stretches[0].first) % 16 == 0)
    assert own.polynomial.value({"size": 224}) == 714_188_480
    assert own is found.pieces[0]


def test_what_is_no_polynomial(tmp_path: Path) -> None:
    path = tmp_path / "powers.yaml"
    path.write_text("args: {n: 3}\ninput: [1, 8, 8]\nlayers: [{conv: 2**n, kernel: 1, bias: false}]\n")
    with pytest.raises(Fault, match="`params` is no polynomial in `n`"):
        only(str(path), "n")


def of_text(tmp_path: Path, text: str, *names: str, of: str = "params") -> Formula:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    return only(str(path), *names, of=of)


@pytest.mark.parametrize(("base", "step"), [("0.625", "1/8"), ("0.75", "1/4"), ("0.5", "1/2"), ("1", "1/8")])
def test_the_distances_of_what_scales(base: str, step: str, tmp_path: Path) -> None:
    """Channels have to be whole: 8, 4 or 2 times the width are where it is a multiple of 1/8, 1/4 or 1/2."""
    times = Fraction(1) / Fraction(step)
    text = f"args: {{width: {base}}}\ninput: [1, 1, 1]\nlayers: [{{conv: {times}*width, kernel: 1, bias: false}}]\n"
    found = of_text(tmp_path, text, "width")
    assert texts(found) == [(f"{times}*width", f"width in multiples of {step}")]
    assert found.notes == ()


@pytest.mark.parametrize("every", [2, 3, 5, 12, 20, 24, 32, 64])
def test_what_is_rounded_is_told_by_residue(every: int, tmp_path: Path) -> None:
    """n // m is (n - r)/m for the residue r; up to 64 of them are told."""
    text = f"args: {{n: {every + 1}}}\ninput: [1, 1, 1]\nlayers: [{{conv: 2 + n // {every}, kernel: 1, bias: false}}]\n"
    found = of_text(tmp_path, text, "n")
    assert [piece.stretches[0].step for piece in found.pieces] == [every] * every
    for piece in found.pieces:
        (stretch,) = piece.stretches
        at = stretch.at(7)
        assert piece.polynomial.value({"n": at}) == 2 + at // every
    assert len(found.notes) == 2
    assert "another polynomial for every residue" in found.notes[0]
    assert found.notes[1] == "the spec rounds (`//`): other settings may differ"


def test_of_more_residues_only_the_own_is_told(tmp_path: Path) -> None:
    text = "args: {n: 13, m: 7}\ninput: [1, 1, 1]\n"
    text += "layers: [{conv: 1 + n // 12, kernel: 1, bias: false}, {conv: 1 + m // 6, kernel: 1, bias: false}]\n"
    found = of_text(tmp_path, text, "n", "m")
    ((piece, domain),) = zip(found.pieces, (each[1] for each in texts(found)))
    assert domain == "n = 1 + 12*k, m = 1 + 6*k"
    value = piece.polynomial.value({"n": 37, "m": 25})  # 1 + 3 channels, and 1 + 4
    assert value == 4 + 4 * 5
    assert found.notes[0] == "other residues are left out"


def test_degrees_up_to_eight(tmp_path: Path) -> None:
    text = "args: {n: 2}\ninput: [1, 1, 1]\ndefaults: {conv: {kernel: 1, bias: false}}\n"
    found = of_text(tmp_path, text + "layers: [{conv: n**4}, {conv: n**4}]\n", "n")
    assert texts(found) == [("n**8 + n**4", "n whole, from 1")]
    with pytest.raises(Fault, match="no polynomial in `n` of degree 8 or less"):
        of_text(tmp_path, text + "layers: [{conv: n**4}, {conv: n**5}]\n", "n")


def test_a_single_setting_that_does_not_build_is_no_residue_left_out(tmp_path: Path) -> None:
    """21 alone has no network; a formula for even numbers would hide the odd ones that have."""
    text = "args: {n: 20}\ninput: [1, 1, 1]\nlayers: [{conv: 0 if n == 21 else n // 2, kernel: 1}]\n"
    with pytest.raises(Fault, match="no polynomial in `n`"):
        of_text(tmp_path, text, "n")


def test_residues_that_do_not_build_are_left_out(tmp_path: Path) -> None:
    """Two poolings of 2 that are upsampled and added again need multiples of 4; 3*3 weights at every one of them."""
    text = """\
input: [1, 16, 16]
layers:
  - {conv: 1, kernel: 3, padding: 1, bias: false, name: whole}
  - add: [[{max_pool: 2}, {max_pool: 2}, {upsample: 4}], whole]
"""
    found = of_text(tmp_path, text, "size", of="macs")
    assert texts(found) == [("9*size**2", "size = 4 + 4*k")]


def test_fields_and_depth(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("args: {n: 3}\ninput: [1, 64, 64]\nlayers: [{conv: 1, kernel: 3, padding: 1, repeat: n}]\n")
    assert texts(only(str(path), "n", of="field")) == [("2*n + 1", "n whole, from 1")]
    assert texts(only(str(path), "n", of="layers")) == [("n", "n whole, from 1")]


@pytest.mark.parametrize(
    ("names", "of", "message", "help"),
    [
        (("clases",), "params", "no argument `clases`", "did you mean `classes`?"),
        (("beauty",), "params", "no argument `beauty`", "it has `convs`, `norm`, `classes`, `size`"),
        (("classes",), "parms", "unknown quantity `parms`", "did you mean `params`?"),
        (("classes",), "beauty", "unknown quantity `beauty`", "quantities are `params`, `state`, "),
        (("classes", "classes"), "params", "given twice", ""),
    ],
)
def test_what_is_refused(names: tuple[str, ...], of: str, message: str, help: str) -> None:
    with pytest.raises(Fault, match=message) as caught:
        only("vgg16", *names, of=of)
    assert caught.value.help.startswith(help)


def test_words_are_no_numbers() -> None:
    with pytest.raises(Fault, match="`act` is no number"):
        only("mobilenet_v2", "act")


def test_a_spec_that_does_not_build() -> None:
    with pytest.raises(SpecError):
        cnncalc.load("unet", inputs=(1, 10, 10))
