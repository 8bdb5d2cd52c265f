"""The generated reference: current in the README, and true of every kind."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from sampling import together

import cnncalc
from cnncalc import examples, reference
from cnncalc.check.files import check_spec
from cnncalc.diagnostics import Fault
from cnncalc.examples import MOST_UNITS
from cnncalc.executor.sliding import unbordered
from cnncalc.geometry import Slide, Transposed, Window, adaptive, linear, nearest
from cnncalc.language.library import load_text
from cnncalc.language.names import BLOCK_KEYS, FILE_KEYS, MODIFIERS
from cnncalc.layers import KINDS, families
from cnncalc.layers.base import REQUIRED

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_the_current_reference() -> None:
    """Print it anew with ``python -c "from cnncalc import reference; print(reference.markdown())"``."""
    found = re.search(r"<!-- layers -->\n(.*?)<!-- /layers -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert found[1].strip() == reference.markdown().strip()


def test_the_readme_has_the_current_quantities() -> None:
    """Print it anew with ``python -c "from cnncalc import reference; print(reference.quantities())"``."""
    found = re.search(r"<!-- quantities -->\n(.*?)<!-- /quantities -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert found[1] == reference.quantities()


MADE_OF = {"separable_conv": "depthwise_conv", "split": "slice"}
"""What stands in the graph for a kind that is made of others."""


@together("kind", KINDS)
def test_every_example_works(kind: str) -> None:
    """The example of a kind is a network with a layer of this kind, and the page tells what comes of it."""
    text = examples.spec_of(KINDS[kind])
    node = next(node for node in cnncalc.loads(text).graph.nodes if node.kind == MADE_OF.get(kind, kind))
    told = examples.of_kind(kind)
    assert "".join(f"  {line}\n" for line in text.splitlines()) in told
    assert f"\n  {node.name}: " in told
    assert f"-> {' x '.join(map(str, node.operation.output))}\n" in told or not node.inputs
    assert ("\n  MACs" in told) == (node.operation.macs is not None or kind == "opaque")


@together("form", examples.SPEC_FORMS)
def test_every_form_has_an_example_that_shows_it(form: str) -> None:
    text = examples.SPEC_FORMS[form]
    found = check_spec(load_text(text))
    assert [case.problems for case in found.cases if case.problems] == []
    assert re.search(rf"\b{form}:", text)
    told = examples.of_form(form)
    assert told.startswith(f"{form}: {examples.DOCS[form]}\n")
    for node in cnncalc.loads(text).graph.nodes:
        assert f"\n  {node.name} " in told


def test_every_modifier_and_key_of_the_language_is_shown() -> None:
    assert set(MODIFIERS) | set(BLOCK_KEYS) <= set(examples.SPEC_FORMS)
    assert set(FILE_KEYS) - {"name", "source", "input", "variants", "lint"} <= set(examples.SPEC_FORMS)
    for form in examples.SPEC_FORMS:
        assert re.search(rf"^  {form} +\S", examples.told(None), re.MULTILINE)


@pytest.mark.parametrize(
    "slide", [Slide(3), Slide(3, 2, 1, 1, 1), Slide(2, 2), Slide(3, 1, 2, 2, 2), Slide(4, 3, 1, 0, 1)]
)
def test_what_is_drawn_is_what_slides(slide: Slide) -> None:
    """The executor slides without a formula; a scattered window reads what writes to a position."""
    width = 9
    window = Window(slide.size, slide.stride, slide.dilation, slide.before, slide.after)
    slid = unbordered(slide, width, False)
    assert [window.reads(unit) for unit in range(window.output(width))] == list(map(list, slid))
    scattered = Transposed(slide.size, slide.stride, slide.dilation, slide.before, slide.after)
    writes = [
        [place * slide.stride + tap * slide.dilation - slide.before for tap in range(slide.size)]
        for place in range(width)
    ]
    for unit in range(scattered.output(width)):
        places = [place for place in range(width) if unit in writes[place]]
        assert sorted(place for place in scattered.reads(unit) if 0 <= place < width) == places


@together("width, length", [(7, 3), (6, 3), (3, 7), (5, 8), (4, 1), (1, 4), (2, 6), (9, 6)])
def test_what_resampling_reads(width: int, length: int) -> None:
    """By the formulas that PyTorch documents, position by position, where they stay within the input."""
    ratio = Fraction(width, length)
    units = range(min(length, 2 * MOST_UNITS))
    pooled = adaptive(width, length)
    assert [pooled.reads(unit) for unit in units] == [
        list(range(floor(unit * ratio), ceil((unit + 1) * ratio))) for unit in units
    ]
    assert [nearest(length, ratio).reads(unit) for unit in units] == [[floor(unit * ratio)] for unit in units]
    corners = Fraction(width - 1, max(1, length - 1))
    for aligned, sources in (
        (False, [(unit + Fraction(1, 2)) * ratio - Fraction(1, 2) for unit in units]),
        (True, [unit * corners for unit in units]),
    ):
        found = linear(width, length, ratio, aligned)
        assert [found.reads(unit) for unit in units] == [sorted({floor(at), ceil(at)}) for at in sources]
    assert pooled.output(width) == nearest(length, ratio).output(width) == length


def test_a_pattern_is_worked_out_up_to_a_limit() -> None:
    nearest(65_537, Fraction(1, 65_536))
    with pytest.raises(Fault, match="repeats only after 65,537; the limit is 65,536"):
        nearest(65_538, Fraction(1, 65_537))


def test_a_drawing() -> None:
    """Dumoulin and Visin 2016, figure 2.6: kernel 3, stride 2, padding 1, on 5 positions."""
    assert examples.drawn(Window(3, 2, 1, 1, 1), 5) == [
        "  input    .01234.",
        "  output 0 ###",
        "  output 1   ###",
        "  output 2     ###",
    ]


def test_the_bundled_blocks_are_told_as_they_are_called() -> None:
    told = examples.library()
    assert "  - {common.mbconv: x.channels, expand: 6, kernel: 3, stride: 1, squeezed: x.channels//4}\n" in told
    assert "  - {common.patch_embedding: required, patch: 16}\n    Dosovitskiy et al. 2021, section 3.1" in told
    assert "  - {common.fpn_level: above.channels, norm: none, from: [level, above]}\n" in told
    for line in told.splitlines():
        if line.startswith("  - ") and "from:" not in line:
            filled = line.replace("required", "16").replace(" channels//4", " 16")
            cnncalc.loads(f"import: {{common: blocks}}\ninput: [64, 32, 32]\nlayers:\n{filled}\n")


@together("kind", KINDS)
def test_every_page_names_every_argument(kind: str) -> None:
    page = reference.page(kind)
    assert page.startswith(f"{kind}: ")
    for name, field in KINDS[kind].fields.items():
        assert re.search(rf"^  {name}(?: \(main argument\))?: \S", page, re.MULTILINE), name
        assert field.doc[0].islower() or not field.doc[0].isalpha()
        assert not field.doc.endswith(".")
    if any(field.default is REQUIRED for field in KINDS[kind].fields.values()) or KINDS[kind].joins:
        assert KINDS[kind].example, f"{kind} has an argument that is required, and no example"


def test_a_page_has_every_paragraph_and_tells_the_main_argument() -> None:
    sentence, _, more, _, first, *_ = reference.page("split").splitlines()
    assert (
        sentence == "split: Parts of the channels, or of the positions, by name, beside each other: each is a `slice`"
    )
    assert more == "The current tensor stays the whole. Parts of size `rest` share what is left equally."
    assert first == "  sizes (main argument): names of the parts, with their sizes"
    sentence, _, main, _, first, *_ = reference.page("add").splitlines()
    assert sentence == "add: Sum of branches; sizes of 1 are broadcast, as an offset per channel needs"
    assert main == "main argument: a list of branches; a branch is a list of steps, or the name of a tensor"
    assert first.startswith("  weights: a learned factor per branch")


def test_every_kind_has_a_page_and_a_line() -> None:
    overview, tables = reference.overview(), reference.markdown()
    for kind in KINDS:
        assert re.search(rf"^  {kind} +\S", overview, re.MULTILINE)
        assert f"| `{kind}` |" in tables
    assert sum(map(len, families().values())) == len(KINDS)


@together("kind", KINDS)
def test_defaults_pass_their_own_fields(kind: str) -> None:
    """A default that is written out is the default."""
    for name, field in KINDS[kind].fields.items():
        if field.default is not REQUIRED and field.default is not None:
            assert field.type.read(field.default) == field.default, name


def test_the_command_prints_pages(run) -> None:
    assert run("layers").out == examples.told(None)
    assert run("layers", "conv").out == examples.of_kind("conv")
    assert run("layers", "repeat").out == examples.of_form("repeat")
    assert run("layers", "blocks").out == f"{examples.of_form('blocks')}\n{examples.library()}"
    for kind, example in (("linear", "{linear: 1000}"), ("relu", "relu")):
        (told,) = json.loads(run("layers", kind, "--format", "json").out)["kinds"]
        assert (told["kind"], told["example"]) == (kind, example)
    plain = json.loads(run("layers", "repeat", "--format", "json").out)
    assert (plain["kinds"], plain["forms"]) == ([], examples.to_dict("repeat"))
