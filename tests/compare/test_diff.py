"""Differences of two networks: matching that survives renames and insertions, totals, limits, revisions of git."""

from __future__ import annotations

import os
import random
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sampling import some, together

import cnncalc
from cnncalc.compare.diff import Difference, diff, match
from cnncalc.compare.failing import limits
from cnncalc.compare.revisions import load_revision, split
from cnncalc.diagnostics import SpecError
from cnncalc.network import build

CHAIN = """
input: [3, 32, 32]
defaults:
  conv: {padding: half, norm: batch, act: relu}
layers:
  - {conv: 16, kernel: 3}
  - {conv: 16, kernel: 3}
  - {max_pool: 2}
  - {conv: 32, kernel: 3, name: wide}
  - {conv: 32, kernel: 3}
  - {conv: 32, kernel: 3}
  - global_avg_pool
  - flatten
  - {linear: 10, name: scores}
"""


def of(old: str, new: str) -> Difference:
    return diff(cnncalc.loads(old).graph, cnncalc.loads(new).graph)


def rows(found: Difference) -> list[tuple[str, str | None, str | None]]:
    return [(change.change, change.old, change.new) for change in found.changes]


def test_the_same() -> None:
    found = of(CHAIN, CHAIN)
    assert (found.changes, found.unchanged, found.further) == ([], 19, 0)
    assert all(old == new for old, new in found.totals.values())


def test_a_changed_field_is_one_line() -> None:
    found = of(CHAIN, CHAIN.replace("{conv: 32, kernel: 3, name: wide}", "{conv: 32, kernel: 5, name: wide}"))
    assert rows(found) == [("changed", "wide", "wide")]
    (change,) = found.changes
    assert change.fields == {"kernel": (3, 5)}
    assert change.output_shape == ([32, 16, 16], [32, 16, 16])
    assert change.params == (32 * 16 * 9 + 32, 32 * 16 * 25 + 32)
    assert change.macs == (256 * 32 * 16 * 9, 256 * 32 * 16 * 25)
    assert found.further > 0
    assert found.totals["params"][1] - found.totals["params"][0] == 32 * 16 * 16


def test_an_inserted_layer_is_its_own_lines() -> None:
    """The convolution comes with its norm and activation; all after it are renumbered, and are the same."""
    inserted = CHAIN.replace("  - {max_pool: 2}", "  - {conv: 16, kernel: 1}\n  - {max_pool: 2}")
    found = of(CHAIN, inserted)
    assert [change.change for change in found.changes] == ["added"] * 3
    assert found.unchanged == 19
    assert found.changes[0].fields == {}
    assert found.changes[0].params == (None, 16 * 16 + 16)
    back = of(inserted, CHAIN)
    assert [change.change for change in back.changes] == ["removed"] * 3


def test_an_insertion_at_the_front() -> None:
    found = of(CHAIN, CHAIN.replace("layers:\n", "layers:\n  - {conv: 3, kernel: 1, norm: none, act: none}\n"))
    assert rows(found) == [("added", None, "conv1")]


def test_a_renamed_layer_is_one_line() -> None:
    found = of(CHAIN, CHAIN.replace("name: wide", "name: broad"))
    assert rows(found) == [("changed", "wide", "broad")]
    assert found.changes[0].fields == {}


def test_a_renamed_stage_is_one_line() -> None:
    old = cnncalc.load("resnet18")
    text = Path(old.file.source.location).read_text(encoding="utf-8").replace("name: layer$k", "name: stage$k")
    text = text.partition("expect:")[0] + "lint:\n  allow: [stride-gap]\n"
    found = diff(old.graph, cnncalc.loads(text, "resnet18").graph)
    assert rows(found) == [("changed", f"layer{k}", f"stage{k}") for k in (1, 2, 3, 4)]


def test_a_stage_that_moves_into_a_block_is_one_line() -> None:
    """The parts of a name that are equal are left out, the last that is left never."""
    block = "blocks:\n  stage:\n    layers: [{conv: 4, kernel: 1}, relu]\n"
    inner = "{stage, name: stage}"
    flat = f"input: [4, 8, 8]\n{block}layers:\n  - {inner}\n"
    deep = f"input: [4, 8, 8]\n{block}  body:\n    layers: [{inner}]\nlayers:\n  - {{body, name: body}}\n"
    assert rows(of(flat, deep)) == [("changed", "stage", "body.stage")]
    assert rows(of(deep, flat)) == [("changed", "body.stage", "stage")]
    assert of(flat, deep).unchanged == 1


def test_what_is_shared_and_what_learns_are_fields() -> None:
    text = "input: [4, 8, 8]\nlayers:\n  - {conv: 4, kernel: 1, name: a}\n  - {conv: 4, kernel: 1, name: b}\n"
    shared = text.replace("name: b", "name: b, share: a")
    (change,) = of(text, shared).changes
    assert change.fields == {"share": (None, "a")}
    assert change.params == (20, 0)
    (change,) = of(shared, text).changes
    assert change.fields == {"share": ("a", None)}
    assert of(shared, shared).changes == []


def test_a_deeper_network() -> None:
    found = diff(cnncalc.load("resnet18").graph, cnncalc.load("resnet34").graph)
    assert {change.change for change in found.changes} == {"added"}
    assert len(found.changes) == (1 + 2 + 4 + 1) * 7
    assert found.unchanged == len(cnncalc.load("resnet18").graph.nodes)


def test_wiring_is_a_change_of_its_own() -> None:
    text = "input: [4, 8, 8]\nlayers:\n  - {conv: 4, kernel: 1, name: a}\n  - {conv: 4, kernel: 1, name: b}\n"
    found = of(
        text + "  - {relu, from: a, name: end}\n  - add: [end, b]\n",
        text + "  - {relu, name: end}\n  - add: [end, a]\n",
    )
    assert {change.new: change.fields for change in found.changes} == {
        "end": {"from": (["a"], ["b"])},
        "add1": {"from": (["end", "b"], ["end", "a"])},
    }


def test_another_input_is_a_change_of_wiring() -> None:
    text = "input: {left: [4, 8, 8], right: [4, 8, 8]}\nlayers:\n  - {relu, name: a}\n  - {add: [a, right], name: b}\n"
    (change,) = of(text, text.replace("{relu, name", "{relu, from: right, name")).changes
    assert (change.new, change.fields) == ("a", {"from": (["left"], ["right"])})
    (change,) = of(text, text.replace("[a, right]", "[a, left]")).changes
    assert (change.new, change.fields) == ("b", {"from": (["a", "right"], ["a", "left"])})
    (change,) = of(text, text.replace("[a, right]", "[a, right, left]")).changes
    assert (change.new, change.fields) == ("b", {"from": (["a", "right"], ["a", "right", "left"])})


def test_one_more_of_the_same() -> None:
    """Of three equal layers two are the same as before, and one is added, or removed."""
    two, three = (f"input: [4, 8, 8]\nlayers: [{', '.join(['relu'] * count)}]\n" for count in (2, 3))
    assert rows(of(two, three)) == [("added", None, "relu3")]
    assert rows(of(three, two)) == [("removed", "relu3", None)]
    assert (of(two, three).unchanged, of(three, two).unchanged) == (2, 2)


def test_what_is_not_given_is_told_as_such() -> None:
    """The stride of a pool is its kernel's size, unless it is given."""
    text = "input: [4, 9, 9]\nlayers: [{max_pool: 3}, {conv: 4, kernel: 1}]\n"
    change, behind = of(text, text.replace("max_pool: 3", "max_pool: 3, stride: 2")).changes
    assert change.fields == {"stride": (None, 2)}
    assert change.output_shape == behind.output_shape == ([4, 3, 3], [4, 4, 4])
    assert behind.fields == {}
    text = "input: [4, 9, 9]\nlayers: [{conv: 4, kernel: 3, act: relu}]\n"
    changes = of(text, text.replace("relu", "{leaky_relu: 0.1}")).changes
    assert [change.fields for change in changes] == [
        {"act": ("relu", "{leaky_relu, negative_slope: 0.1}")},
        {"kind": ("relu", "leaky_relu")},
    ]


def test_a_layer_that_sees_all_has_no_size_of_a_field() -> None:
    (change,) = of(CHAIN, CHAIN.replace("{linear: 10", "{linear: 20")).changes
    assert (change.fields, change.field) == ({"features": (10, 20)}, (None, None))
    (change,) = of(CHAIN, CHAIN.replace("{max_pool: 2}", "{avg_pool: 2, name: max_pool1}")).changes
    assert change.field == ([6, 6], [6, 6])  # two kernels of 3, and one of 2


def test_long_stretches_are_aligned_by_their_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more layers than are aligned, those between the first and the last change are matched by place alone."""
    old = "input: [4, 8, 8]\nlayers: [relu, tanh, sigmoid, relu]\n"
    new = "input: [4, 8, 8]\nlayers: [relu, silu, tanh, gelu, relu]\n"
    whole = of(old, new)
    assert rows(whole) == [("added", None, "silu1"), ("added", None, "gelu1"), ("removed", "sigmoid1", None)]
    monkeypatch.setattr("cnncalc.compare.diff.MAX_ALIGNED", 5)  # two of old, three of new
    assert rows(of(old, new)) == rows(whole)
    monkeypatch.setattr("cnncalc.compare.diff.MAX_ALIGNED", 4)
    assert of(old, new).unchanged == 2


def test_a_change_of_kind() -> None:
    found = of(CHAIN, CHAIN.replace("{max_pool: 2}", "{avg_pool: 2, name: max_pool1}"))
    assert len(found.changes) == 1
    assert found.changes[0].fields["kind"] == ("max_pool", "avg_pool")


@pytest.mark.thorough
@pytest.mark.every
def test_everything_is_in_one_of_the_three() -> None:
    names = ["resnet18", "resnet50", "vgg11", "mobilenet_v2", "googlenet", "unet", "lenet", "densenet121"]
    graphs = [cnncalc.load(name).graph for name in names]
    for old, new in some(list(product(graphs, graphs)), each=3):
        pairs = match(old.nodes, new.nodes)
        assert sorted(a for a, _ in pairs if a is not None) == list(range(len(old.nodes)))
        assert sorted(b for _, b in pairs if b is not None) == list(range(len(new.nodes)))
        totals = diff(old, new).totals
        assert totals["params"] == tuple(graph_params(graph) for graph in (old, new))


def graph_params(graph: Any) -> int:
    return sum(
        count
        for node in graph.nodes
        if node.shares is None
        for count in [sum(_size(weight.shape) for weight in node.operation.weights if weight.learned)]
    )


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def test_params_of_the_rows_are_those_of_the_totals() -> None:
    """Random edits: what the rows add and take is what the totals differ by."""
    generator = random.Random(7)
    steps = [
        "{conv: 8, kernel: 3, padding: half}",
        "{conv: 8, kernel: 1}",
        "relu",
        "batch_norm",
        "{conv: 8, kernel: 5, padding: same}",
    ]
    for _ in range(60):
        chain = [generator.choice(steps) for _ in range(generator.randrange(1, 14))]
        edited = list(chain)
        for _ in range(generator.randrange(1, 4)):
            place = generator.randrange(len(edited) + 1)
            edited[place:place] = [generator.choice(steps)]
            if len(edited) > 1 and generator.random() < 0.5:
                edited.pop(generator.randrange(len(edited)))
        text = ["input: [8, 9, 9]\nlayers:\n" + "".join(f"  - {step}\n" for step in each) for each in (chain, edited)]
        found = of(*text)
        for key in ("params", "macs"):
            moved = sum((getattr(change, key)[1] or 0) - (getattr(change, key)[0] or 0) for change in found.changes)
            assert moved == found.totals[key][1] - found.totals[key][0]
        assert len(found.changes) <= 4 * 3 + 3


def test_as_json() -> None:
    found = of(CHAIN, CHAIN.replace("kernel: 3, name: wide", "kernel: 5, name: wide")).to_dict()
    assert found["unchanged"] == 18
    assert found["changes"][0]["fields"] == {"kernel": [3, 5]}
    assert set(found["changes"][0]) == {
        "change", "old", "new", "fields", "output_shape", "params", "macs", "receptive_field",
    }  # fmt: skip


@pytest.mark.thorough
def test_five_thousand_layers_each() -> None:
    text = "input: [1, 2, 2]\nlayers:\n  - {repeat: 1000, layers: [{repeat: 5, layers: [relu]}]}\n"
    found = of(text, text + "  - {conv: 1, kernel: 1}\n")
    assert rows(found) == [("added", None, "conv1")]


# -- limits ------------------------------------------------------------------------------------------------------------

TOTALS = {"params": (1000, 1100), "state": (0, 1), "macs": (100, 100), "peak_memory": (2048, 1024), "field": (None, 3)}


@together(
    "text, met",
    [
        ("params > +9%", True),
        ("params > +10%", False),
        ("params >= +10%", True),
        ("params > +99", True),
        ("params > +0.1 k", False),
        ("params > 1 k", True),
        ("params > 1.1k", False),
        ("macs > +0", False),
        ("peak_memory < -40%", True),
        ("peak_memory > 1 KiB", False),
        ("state > +50%", True),
        ("field > +1", False),
        ("field < +1", False),
        ("params < 1101", True),
        ("params < 1100", False),
        ("macs <= 100", True),
        ("macs <= +0", True),
        ("params >= 1.1 k", True),
        ("params > -1", True),
        ("peak_memory < -1 KiB", False),
        ("peak_memory <= -1 KiB", True),
        ("peak_memory < -50%", False),
        ("peak_memory <= -50%", True),
        ("state >= +50%", True),
        ("state < +50%", False),
        ("state <= +50%", False),
        ("gone >= +1%", False),
        ("params >= +10.5%", False),
        ("params >= 1.0995k", True),
    ],
)
def test_limits(text: str, met: bool) -> None:
    (limit,) = limits(text.replace("gone", "state"))
    totals = TOTALS | {"state": (0, 0)} if "gone" in text else TOTALS
    assert limit.is_met(totals) is met


def test_several_limits() -> None:
    found = limits("macs > +2%, params > +5%")
    assert [limit.text for limit in found if limit.is_met(TOTALS)] == ["params > +5%"]


@together(
    "text, code, place, help",
    [
        ("mac > +2%", "unknown-key", "mac", "did you mean `macs`?"),
        (
            "macs > +2%, beauty > 3",
            "unknown-key",
            "beauty",
            "quantities are `params`, `state`, `macs`, `peak_memory`, `f",
        ),
        ("macs > 2%", "value", "2", "write `macs > +2%`"),
        ("macs > +2 KiB", "wrong-unit", "KiB", "units of `macs` are %, k, M, G"),
        ("macs > +2 Q", "unknown-unit", "Q", "units of `macs` are %, k, M, G"),
        ("macs", "no-condition", "macs", "for example `macs > +2%`"),
        ("macs > +1,", "no-condition", "", "for example `macs > +2%`"),
        ("macs == 3", "no-condition", "macs == 3", "for example `macs > +2%`"),
    ],
)
def test_what_is_no_limit(text: str, code: str, place: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        limits(text)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.help.startswith(help)
    assert found.span is not None
    assert found.span.line == 1
    assert text[found.span.column - 1 : found.span.end - 1] == place


# -- revisions ---------------------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.org"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a spec in a folder, which imports another there."""
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / "blocks.yaml").write_text("blocks:\n  unit:\n    layers: [{conv: 4, kernel: 1}]\n")
    (folder / "net.yaml").write_text("import: {b: blocks.yaml}\ninput: [3, 8, 8]\nlayers: [b.unit, relu]\n")
    (folder / "link.yaml").symlink_to("net.yaml")
    (folder / "net.spec").write_text("input: [3, 8, 8]\nlayers: [relu]\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    (folder / "blocks.yaml").write_text("blocks:\n  unit:\n    layers: [{conv: 8, kernel: 1}]\n")
    git(tmp_path, "commit", "-qam", "two")
    return tmp_path


def test_a_revision_comes_with_its_imports(repository: Path) -> None:
    old = build(load_revision("HEAD~1", "nets/net.yaml", str(repository)))
    new = build(load_revision("HEAD", "./net.yaml", str(repository / "nets")))
    again = build(load_revision("HEAD", "./nets/net.yaml", str(repository)))
    (change,) = diff(old.graph, new.graph).changes[:1]
    assert change.fields == {"channels": (4, 8)}
    assert diff(new.graph, again.graph).changes == []
    assert new.file.source.path == "HEAD:./net.yaml"


@pytest.mark.parametrize(
    ("revision", "path", "message"),
    [
        ("HEAD~7", "nets/net.yaml", "there is no revision `HEAD~7`"),
        ("--output=x", "nets/net.yaml", "there is no revision `--output=x`"),
        ("HEAD", "net.yaml", "there is no file `net.yaml` in `HEAD`"),
        ("HEAD", "nets", "there is no file `nets`"),
        ("HEAD", "nets/link.yaml", "there is no file `nets/link.yaml`"),
        ("HEAD", "../../other.yaml", "outside the repository"),
        ("HEAD", "/etc/hosts", "outside the repository"),
    ],
)
def test_revisions_that_are_not_there(repository: Path, revision: str, path: str, message: str) -> None:
    with pytest.raises(SpecError, match=message.replace("~", r"\~")):
        load_revision(revision, path, str(repository))


def test_the_help_names_the_folder(repository: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_revision("HEAD", "net.yaml", str(repository / "nets"))
    (found,) = caught.value.diagnostics
    assert found.help.startswith("write `HEAD:./net.yaml`")
    assert str(found.span) == "REVISION:PATH:1:6"
    assert found.span is not None
    assert "HEAD:net.yaml"[found.span.column - 1 : found.span.end - 1] == "net.yaml"
    with pytest.raises(SpecError) as caught:
        load_revision("HEAD", "net.yaml", str(repository))
    assert caught.value.diagnostics[0].help == ""
    with pytest.raises(SpecError) as caught:
        load_revision("HEAD~7", "net.yaml", str(repository))
    (found,) = caught.value.diagnostics
    assert str(found.span) == "REVISION:PATH:1:1"
    assert found.span is not None
    assert "HEAD~7:net.yaml"[: found.span.end - 1] == "HEAD~7"


def test_a_spec_of_another_suffix(repository: Path) -> None:
    assert load_revision("HEAD", "nets/net.spec", str(repository)).source.path == "HEAD:nets/net.spec"


def test_only_so_many_specs_are_laid_out(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that lie in the folder of the one that is asked for and below; those elsewhere do not count."""
    monkeypatch.setattr("cnncalc.compare.revisions.MAX_FILES", 2)
    load_revision("HEAD", "nets/net.yaml", str(repository))
    blob = git(repository, "rev-parse", "HEAD:nets/net.yaml").strip()
    entries = "".join(f"100644 {blob}\tmany/net{number}.yaml\n" for number in range(5_001))
    command = ["git", "-C", str(repository), "update-index", "--index-info"]
    subprocess.run(command, input=entries, check=True, text=True, capture_output=True)
    git(repository, "commit", "-qm", "many")
    load_revision("HEAD", "nets/net.yaml", str(repository))
    monkeypatch.undo()
    with pytest.raises(SpecError, match=r"more than 5,000 spec files stand beside `many/net1\.yaml`"):
        load_revision("HEAD", "many/net1.yaml", str(repository))


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SpecError, match="git says: not a git repository"):
        load_revision("HEAD", "net.yaml", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpecError, match="needs git, which is not installed"):
        load_revision("HEAD", "net.yaml", str(tmp_path))


def test_an_error_in_a_revision_has_its_place(repository: Path) -> None:
    (repository / "nets" / "net.yaml").write_text("input: [3, 8, 8]\nlayers: [rely]\n")
    git(repository, "commit", "-qam", "three")
    with pytest.raises(SpecError) as caught:
        load_revision("HEAD", "nets/net.yaml", str(repository))
    assert str(caught.value.diagnostics[0].span) == "HEAD:nets/net.yaml:2:10"


def test_what_is_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a:b").write_text("")
    assert split("main:net.yaml") == ("main", "net.yaml")
    assert [split(text) for text in ("resnet50", "net.yaml", "a:b", ":x", "x:")] == [None] * 5
