"""Where specs come from: what a name stands for, and under which path a file is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc
from cnncalc.language.library import bundled_names

Run = Callable[..., Any]
BUNDLED = Path(__file__).parents[2] / "architectures"

NET = "input: [1, 8, 8]\nimport: {p: %s}\nlayers: [p.part]\n"
BROKEN = "blocks: {part: {layers: [strange]}}\n"  # at column 26
FAILING = "blocks: {part: {layers: [{max_pool: 9}]}}\n"  # at column 37


def places(text: str) -> list[str]:
    """The places that a message shows, notes included."""
    return re.findall(r"(?:--> |at )(\S+?:\d+:\d+)", text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets" / "parts").mkdir(parents=True)
    return tmp_path


def test_an_imported_file_is_shown_from_where_the_command_runs(folder: Path, run: Run) -> None:
    (folder / "nets" / "net.yaml").write_text(NET % "parts/one.yaml")
    (folder / "nets" / "parts" / "one.yaml").write_text(BROKEN)
    for spec in ("nets/net.yaml", "./nets/net.yaml", str(folder / "nets" / "net.yaml")):
        done = run("shapes", spec)
        assert (done.code, places(done.err)) == (1, [f"{spec.removesuffix('net.yaml')}parts/one.yaml:1:26"])
    (folder / "nets" / "parts" / "one.yaml").write_text(FAILING)
    assert places(run("shapes", "nets/net.yaml").err) == ["nets/parts/one.yaml:1:37", "nets/net.yaml:3:10"]


def test_a_file_that_an_import_imports(folder: Path, run: Run) -> None:
    (folder / "nets" / "net.yaml").write_text(NET % "parts/one.yaml")
    (folder / "nets" / "parts" / "one.yaml").write_text(
        "import: {q: ../two.yaml}\nblocks: {part: {layers: [q.part]}}\n"
    )
    (folder / "nets" / "two.yaml").write_text(FAILING)
    assert places(run("shapes", "nets/net.yaml").err) == [
        "nets/parts/../two.yaml:1:37",
        "nets/parts/one.yaml:2:26",
        "nets/net.yaml:3:10",
    ]


def test_a_bundled_file_is_shown_by_its_name(folder: Path, run: Run) -> None:
    """Its `groups` of the convolution of 3x3 are set to 3, which do not divide the width of 4."""
    (folder / "net.yaml").write_text(
        "input: [8, 9, 9]\nimport: {r: {file: resnet, groups: 3}}\nlayers: [{r.bottleneck_block: 4, width: 4}]\n"
    )
    first, *others = places(run("shapes", "net.yaml").err)
    assert first == "resnet.yaml:38:84"
    assert "net.yaml:3:11" in others


def test_text_imports_bundled_networks_and_files_of_the_working_folder(folder: Path) -> None:
    (folder / "part.yaml").write_text("blocks: {part: {layers: [{conv: 3, kernel: 1}]}}\n")
    network = cnncalc.loads("input: [2, 8, 8]\nimport: {p: part.yaml}\nlayers: [p.part]\n")
    assert network.params().totals.params == 2 * 3 + 3
    (folder / "broken.yaml").write_text("blocks: {part: {layers: [relu], inputs: [x]}}\n")
    with pytest.raises(cnncalc.SpecError, match="cannot be called `x`") as caught:
        cnncalc.loads("input: [2]\nimport: {p: broken.yaml}\nlayers: [p.part]\n")
    assert str(caught.value.diagnostics[0].span) == "broken.yaml:1:42"
    with pytest.raises(cnncalc.SpecError, match="outside the folder"):
        cnncalc.loads("input: [2, 8, 8]\nimport: {p: ../part.yaml}\nlayers: [p.part]\n")


def test_an_import_is_as_it_was_however_often_it_is_named(folder: Path) -> None:
    (folder / "part.yaml").write_text("args: {c: 3}\nblocks: {part: {layers: [{conv: c, kernel: 1}]}}\n")
    text = "import: {p: part.yaml, q: {file: part.yaml, c: 5}}\nlayers: [p.part, q.part]\n"
    assert cnncalc.loads(f"input: [2, 8, 8]\n{text}").params().totals.params == 2 * 3 + 3 + 3 * 5 + 5


# -- names -------------------------------------------------------------------------------------------------------------


def test_the_bundled_names_are_those_that_yaml_reads() -> None:
    """By PyYAML: a file's own name, then its variants'."""
    expected = []
    for path in sorted(BUNDLED.glob("*.yaml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        expected += [path.stem, *(name for name in content.get("variants") or {} if name != path.stem)]
    assert bundled_names() == expected


@pytest.mark.parametrize("name", ["lenet5", "lenet5.yaml", "lenet5.yml", "resnet50", "resnet50.yaml"])
def test_a_bundled_name(name: str, folder: Path) -> None:
    assert cnncalc.load(name).variant == name.partition(".")[0]


def test_a_file_that_exists_wins(folder: Path) -> None:
    (folder / "lenet5").write_text("input: [1]\nlayers: [{linear: 7}]\n")
    assert cnncalc.load("lenet5").params().totals.params == 14
    (folder / "resnet50").mkdir()
    with pytest.raises(cnncalc.SpecError, match="is a folder"):
        cnncalc.load("resnet50")


KNOWN = "`cnncalc list` lists the bundled networks"


@pytest.mark.parametrize(
    ("name", "message", "near"),
    [
        ("alexnett", "there is no file and no bundled network `alexnett`", ["alexnet"]),
        ("ResNet-50", "there is no file and no bundled network `ResNet-50`", ["resnet50"]),
        ("mobilenetv2", "there is no file and no bundled network `mobilenetv2`", ["mobilenet_v2"]),
        ("nets/resnet50.yaml", "there is no file `nets/resnet50.yaml`", ["resnet50"]),
        ("zzzzzzzz", "there is no file and no bundled network `zzzzzzzz`", []),
        ("zzzzzzzz.yaml", "there is no file `zzzzzzzz.yaml`", []),
        ("zzzzzzzz.yml", "there is no file `zzzzzzzz.yml`", []),
        ("vgg1", "there is no file and no bundled network `vgg1`", ["vgg19", "vgg16", "vgg13"]),  # of eight
        ("nets/zzzz", "there is no file `nets/zzzz`", []),
    ],
)
def test_a_name_that_nothing_has(name: str, message: str, near: list[str], folder: Path, run: Run) -> None:
    """The nearest names are shown, three at most, and not all there are."""
    done = run("shapes", name)
    assert (done.code, done.out) == (2, "")
    first, help = done.err.splitlines()
    assert first == f"error[unknown-spec]: {message}"
    assert help.startswith("help: ")
    assert help.endswith(KNOWN)
    offered = re.findall(r"`(\w+)`", help)
    assert offered[: len(near)] == near
    assert len(offered) <= 3
    for each in offered:
        cnncalc.load(each)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nowhere", "no-such-file"),
        ("parts/nowhere.yaml", "no-such-file"),
        ("'/etc/hosts'", "import-outside"),
        ("../net.yaml", "import-outside"),
        ("net.yaml", "import-cycle"),
        ("parts/../net.yaml", "import-cycle"),
        ('"a\\0b"', "no-such-file"),
    ],
)
def test_what_an_import_cannot_name(text: str, code: str, folder: Path, run: Run) -> None:
    (folder / "nets" / "net.yaml").write_text(NET % text)
    (folder / "net.yaml").write_text("blocks: {part: {layers: [relu]}}\n")
    done = run("shapes", "nets/net.yaml")
    assert done.code == 1
    assert re.findall(r"^error\[([\w-]+)\]", done.err, re.MULTILINE) == [code], done.err


def test_a_misspelt_import_is_looked_for_beside_it(folder: Path, run: Run) -> None:
    (folder / "nets" / "net.yaml").write_text(NET % "parts/onne.yaml")
    (folder / "nets" / "parts" / "one.yaml").write_text(BROKEN)
    assert "help: did you mean `one.yaml`?" in run("shapes", "nets/net.yaml").err
    (folder / "nets" / "net.yaml").write_text(NET % "alexnett")
    assert "help: did you mean `alexnet`?" in run("shapes", "nets/net.yaml").err
    (folder / "nets" / "net.yaml").write_text(NET % "zzzzzzzz")
    assert "help: a file of your own is named with its `.yaml`" in run("shapes", "nets/net.yaml").err
