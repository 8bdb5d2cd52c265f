"""The generated reference: current in the README, and true of every kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnncalc
from cnncalc import reference
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


SHAPES = (
    "[64, 32, 32]",
    "[64, 32]",
    "[64, 8, 8, 8]",
    "[4096]",
    "[12544]",
    "[64, 14, 14]",
    "[12544, 1]",
    "[96, 16, 16]",
)
"""Inputs of which an example fits one at least."""
BEFORE = {
    "crop_like": "  - {max_pool: 2, name: up64}\n  - {identity, from: input, name: down64}\n",
    "max_unpool": "  - {max_pool: 2, name: pool1}\n",
}
MADE_OF = {"separable_conv": "depthwise_conv", "split": "slice"}
"""What stands in the graph for a kind that is made of others."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_works(kind: str) -> None:
    """The example of a kind is a step that makes a layer of this kind."""
    example = KINDS[kind].example or kind
    if KINDS[kind].joins:
        example = f"{{{example}}}"
    made: list[str] = []
    refused = []
    for shape in SHAPES:
        text = f"input: {shape}\nlayers:\n{BEFORE.get(kind, '')}  - {example}\n"
        try:
            made += [node.kind for node in cnncalc.loads(text).graph.nodes]
        except cnncalc.SpecError as error:
            refused.append(error.diagnostics[0].code)
    assert made
    assert MADE_OF.get(kind, kind) in made
    assert {"unknown-argument", "missing-argument", "unknown-kind", "syntax", "yaml"}.isdisjoint(refused)


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_names_every_argument(kind: str) -> None:
    page = reference.page(kind)
    assert page.startswith(f"{kind}: ")
    for name, field in KINDS[kind].fields.items():
        assert re.search(rf"^  {name}(?: \(main argument\))?: \S", page, re.MULTILINE), name
        assert field.doc[0].islower() or not field.doc[0].isalpha()
        assert not field.doc.endswith(".")
    assert KINDS[kind].example in page
    if any(field.default is REQUIRED for field in KINDS[kind].fields.values()) or KINDS[kind].joins:
        assert KINDS[kind].example, f"{kind} has an argument that is required, and no example"


def test_every_kind_has_a_page_and_a_line() -> None:
    overview, tables = reference.overview(), reference.markdown()
    for kind in KINDS:
        assert re.search(rf"^  {kind} +\S", overview, re.MULTILINE)
        assert f"| `{kind}` |" in tables
    assert sum(map(len, families().values())) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_pass_their_own_fields(kind: str) -> None:
    """A default that is written out is the default."""
    for name, field in KINDS[kind].fields.items():
        if field.default is not REQUIRED and field.default is not None:
            assert field.type.read(field.default) == field.default, name


def test_the_command_prints_pages(run) -> None:
    assert run("layers").out == reference.overview()
    assert run("layers", "conv").out == reference.page("conv")
