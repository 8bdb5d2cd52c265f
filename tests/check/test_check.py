"""`cnncalc check`: files of every sort, every format against a golden file, and values written into `expect`."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from conftest import Expected, run_command
from sampling import some

from cnncalc.check import files as check
from cnncalc.language.library import UnknownSpec, bundled_files, load_text

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "check"
FORMATS = {"table": "txt", "json": "json", "junit": "xml", "github": "github", "sarif": "sarif"}


def run(*arguments: str, code: int) -> tuple[str, str]:
    """Standard output and error of a command that must end with this code."""
    done = run_command("check", *arguments)
    assert done.code == code, done.out + done.err
    return done.out, done.err


@pytest.fixture
def in_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TESTS / "data")


@pytest.mark.usefixtures("in_data")
@pytest.mark.parametrize("format", FORMATS)
def test_formats(format: str, expected: Expected) -> None:
    text, _ = run("check", "--format", format, code=1)
    expected.check(GOLDEN / f"all.{FORMATS[format]}", text)


@pytest.mark.usefixtures("in_data")
@pytest.mark.parametrize("format", ["junit", "github", "sarif"])
def test_lints_that_fail(format: str, expected: Expected) -> None:
    text, _ = run("check/bad.yaml", "--format", format, "--fail-on", "lint", code=1)
    expected.check(GOLDEN / f"lints.{FORMATS[format]}", text)


@pytest.mark.usefixtures("in_data")
def test_a_good_file_is_one_line(expected: Expected) -> None:
    assert run("check/good.yaml", code=0)[0] == "1 file, 2 networks: 8 expectations hold\n"


@pytest.mark.parametrize(
    ("texts", "code", "said"),
    [
        (["expect: {params: 16}"], 0, "1 file, 1 network: 1 expectation holds"),
        (["expect: {params: 1}"], 1, "1 file, 1 network: 0 expectations hold, 1 fails"),
        (["expect: {params: 1, macs: 1, output: [4, 8, 8]}"], 1, "1 file, 1 network: 1 expectation holds, 2 fail"),
        (["", "expect: {layers: {a: {params: 1}}}"], 1, "2 files, 2 networks: 0 expectations hold; 1 other problem"),
        (["args: {a: 1}"], 0, "1 file, 1 network: 0 expectations hold; 1 lint"),
        (["args: {a: 1, b: 1}"], 0, "1 file, 1 network: 0 expectations hold; 2 lints"),
        (
            ["args: {a: 1}\nexpect: {params: 1, layers: {a: {params: 1}, b: {params: 1}}}"],
            1,
            "1 file, 1 network: 0 expectations hold, 1 fails; 2 other problems; 1 lint",
        ),
    ],
)
def test_the_sum_in_one_sentence(texts: list[str], code: int, said: str, tmp_path: Path) -> None:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(f"input: [3, 8, 8]\nlayers: [{{conv: 4, kernel: 1}}]\n{text}\n")
    told = run(str(tmp_path), code=code)[0].splitlines()
    assert told[-1] == said
    assert told[0].startswith("File ") == (len(texts) > 1)


@pytest.mark.usefixtures("in_data")
def test_junit_counts_what_it_holds() -> None:
    root = ElementTree.fromstring(run("check", "--format", "junit", code=1)[0])
    suites = root.findall("testsuite")
    assert len(suites) == 5
    for suite in suites:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert int(root.attrib["tests"]) == sum(int(suite.attrib["tests"]) for suite in suites)
    assert int(root.attrib["failures"]) == sum(int(suite.attrib["failures"]) for suite in suites) == 5


@pytest.mark.usefixtures("in_data")
def test_sarif_has_what_the_standard_requires() -> None:
    """Sections 3.13 to 3.30 of SARIF 2.1.0; the whole schema is large, and was used once by hand."""
    log = json.loads(run("check", "--format", "sarif", code=1)[0])
    assert log["version"] == "2.1.0"
    [only] = log["runs"]
    rules = [rule["id"] for rule in only["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    assert only["results"]
    for result in only["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning")
        assert result["message"]["text"]
        for location in result.get("locations", []):
            region = location["physicalLocation"]["region"]
            assert region["startLine"] >= 1
            assert 1 <= region["startColumn"] < region["endColumn"]
            assert not location["physicalLocation"]["artifactLocation"]["uri"].startswith("/")


def test_sarif_keeps_every_letter(tmp_path: Path) -> None:
    """The file is UTF-8 for people to read, its name in a URI is not."""
    path = tmp_path / "größe.yaml"
    path.write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: grün}]\n", encoding="utf-8")
    text, _ = run(str(path), "--format", "sarif", code=1)
    [result] = json.loads(text)["runs"][0]["results"]
    assert "`grün`" in result["message"]["text"]
    assert "`grün`" in text
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"file://{tmp_path}/gr%C3%B6%C3%9Fe.yaml"


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty good files, two of them deeper, and a broken one among them."""
    (tmp_path / "deep" / ".hidden").mkdir(parents=True)
    for number in range(38):
        (tmp_path / f"net{number:02}.yaml").write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 3}]\n")
    for name in ("a.yml", "b.yaml"):
        (tmp_path / "deep" / name).write_text("input: [3, 8, 8]\nlayers: [relu]\n")
    (tmp_path / "deep" / ".hidden" / "c.yaml").write_text("no spec")
    (tmp_path / "deep" / "notes.txt").write_text("no spec")
    (tmp_path / "net17.yaml").write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 30}]\n")
    return tmp_path


def test_a_broken_file_does_not_stop_the_others(folder: Path) -> None:
    text, _ = run(str(folder), code=1)
    assert "40 files, 40 networks: 0 expectations hold; 1 other problem\n" in text
    assert text.count("error[") == 1
    assert "net17.yaml:2:28" in text


def test_folders_globs_and_repeats(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert [task.shown for task in check.find_tasks(["deep"])] == [
        os.path.join("deep", name) for name in ("a.yml", "b.yaml")
    ]
    assert len(check.find_tasks(["net0*.yaml", "net00.yaml", "."])) == 40
    assert [task.shown for task in check.find_tasks(["**/a.yml"])] == ["deep/a.yml"]
    assert [task.shown for task in check.find_tasks(["dee*"])] == ["deep/a.yml", "deep/b.yaml"]
    assert len(check.find_tasks(["*"])) == 38  # of several matches the files
    assert [(task.variant, os.path.basename(task.path)) for task in check.find_tasks(["resnet18"])] == [
        ("resnet18", "resnet.yaml")
    ]


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("empty", "no-specs", "empty holds no specs"),
        ("none.yaml", "no-such-file", "there is no file none.yaml"),
        ("no/such/thing", "no-such-file", "there is no file no/such/thing"),
        ("*.spec", "no-such-file", "*.spec matches no file"),
        ("binary.yaml", "not-text", "binary.yaml is a binary file, not a YAML spec"),
    ],
)
def test_paths_without_a_spec(
    path: str, code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"\0\1")
    (tmp_path / "good.yaml").write_text("input: [3, 8, 8]\nlayers: [relu]\n")
    bad, good = check.check_all(check.find_tasks([path, "good.yaml"]))
    assert [(problem.code, problem.message) for problem in bad.failures] == [(code, message)]
    assert not good.failures
    assert f"error[{code}]: {message}" in run(path, "good.yaml", code=1)[0]


def test_an_unknown_name_is_a_usage_error() -> None:
    with pytest.raises(UnknownSpec):
        check.find_tasks(["resnet5O"])
    run("resnet5O", code=2)
    run("--fail-on", "everything", code=2)
    assert "help: did you mean `stride-gap`?" in run("--allow", "stride-gaps", code=2)[1]
    assert "help: codes are stride-unread, stride-gap, " in run("--allow", "beauty", code=2)[1]
    run("--update", code=2)
    run("resnet18", "--jobs", "0", code=2)
    run("resnet18", "--jobs", "1", code=0)


def test_processes_find_what_one_finds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "POOL_AFTER", 0.0)
    heard: list[tuple[int, int]] = []
    tasks = check.find_tasks([str(folder), str(TESTS / "data" / "check"), "none.yaml"])
    many = check.check_all(tasks, 2, lambda done, total, name: heard.append((done, total)))
    one = check.check_all(tasks, 1)
    assert [list(map(str, each.failures)) for each in many] == [list(map(str, each.failures)) for each in one]
    assert [each.path for each in many] == [each.path for each in one] == [task.shown for task in tasks]
    assert many[-1].failures[0].code == "no-such-file"
    assert heard == [(number, 46) for number in range(1, 47)]


@pytest.mark.thorough
@pytest.mark.every
def test_all_bundled_files_hold() -> None:
    text, _ = run(*some(bundled_files(), each=10), code=0)
    assert " fail" not in text.splitlines()[-1]


def test_a_file_is_parsed_once() -> None:
    file = load_text((TESTS / "data" / "check" / "good.yaml").read_text())
    assert [case.name for case in check.check_spec(file).cases] == ["good", "good_wide"]
    assert [case.name for case in check.check_spec(file, "good_wide").cases] == ["good_wide"]


def test_what_two_files_have_of_a_third_is_told_once_but_for_what_differs(tmp_path: Path) -> None:
    """A lint at one place is one, whatever the layers are called; two mistakes in what is given are two."""
    library = "blocks:\n  gap: {layers: [{conv: 8, kernel: 1, stride: 3}]}\n"
    library += "  group: {args: {g: required}, layers: [{conv: 15, kernel: 1, groups: g, bias: false}]}\n"
    (tmp_path / "library.yaml").write_text(library)
    for name, groups in (("one", 2), ("two", 7)):
        text = f"import: {{l: library.yaml}}\ninput: [15, 32, 32]\nlayers: [{{l.gap, name: {name}}}]\n"
        (tmp_path / f"{name}.yaml").write_text(text)
        (tmp_path / f"{name}_wrong.yaml").write_text(
            f"import: {{l: library.yaml}}\ninput: [15, 8, 8]\nlayers: [l.group: {groups}]\n"
        )
    text, _ = run(str(tmp_path), code=1)
    assert text.count("warning[stride-gap]") == 1
    assert "1 lint" in text.splitlines()[-1]
    assert text.count("error[groups]") == 2
    assert all(f"{groups} groups do not divide the 15 input channels" in text for groups in (2, 7))


# -- update ------------------------------------------------------------------------------------------------------------

SPEC = """\
# a comment
input: [3, 32, 32]
args: {width: 16}
variants: {small: {}, large: {width: 32}}
layers:
  - {conv: width, kernel: 3, padding: half, name: conv1}
  - {max_pool: 2}   # halves
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{params: 1}", "{params: 448}"),
        ("{params: '1',   macs:  442368} # exact", "{params: 448,   macs:  442368} # exact"),
        ("{macs: 1,234}", None),  # in braces a comma ends the value
        ("\n    macs: 1,234     # with separators", "\n    macs: 442,368     # with separators"),
        ("{macs: 1.00 M}", "{macs: 0.44 M}"),
        ("{macs: 1.00 G}", "{macs: 442368}"),
        ("{macs: 1 k, params: 0.4 k}", "{macs: 442 k, params: 0.4 k}"),
        ("{macs: 500 k +- 2%}", "{macs: 442 k +- 2%}"),
        ("{output: [8, 32, 16]}", "{output: [16, 16, 16]}"),
        ("{output: [8, 32]}  # two", "{output: [16, 16, 16]}  # two"),
        ("\n    output:\n      - 8\n      - 16\n      - 16", "\n    output:\n      - 16\n      - 16\n      - 16"),
        ("{receptive_field: 9}", "{receptive_field: 4}"),
        (
            "{receptive_field: {size: [4, 5], stride: 1, start: 0}}",
            "{receptive_field: {size: [4, 4], stride: 2, start: -1}}",
        ),
        ("[{params: 1}, {with: {width: 8}, params: 2}]", "[{params: 448}, {with: {width: 8}, params: 224}]"),
        ("{layers: {conv1: {params: 1}}}", "{layers: {conv1: {params: 448}}}"),
    ],
)
def test_update_writes_what_was_measured(before: str, after: str | None, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = f"{SPEC}expect:\n  small: %s\n  large: {{params: 896}} # stays\n"
    path.write_text(text % before)
    if after is None:
        run(str(path), "--update", code=1)
        assert path.read_text() == text % before
        return
    stdout, stderr = run(str(path), "--update", "--allow", "unchecked-variant", code=0)
    assert path.read_text() == text % after
    assert stderr.startswith(f"updated {path}: ")
    assert " hold" in stdout
    assert run(str(path), "--update", code=0)[1] == ""


def test_update_adds_an_expect_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SPEC.rstrip().replace("\n", "\r\n").encode())
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    assert run(str(link), "--update", code=0)[1] == f"updated {link}: 4 figures\n"
    written = path.read_bytes().decode()
    assert written == (
        "\ufeff" + SPEC.replace("\n", "\r\n") + "expect:\r\n"
        "  small: {params: 448, macs: 442368}\r\n  large: {params: 896, macs: 884736}\r\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    plain = tmp_path / "plain.yaml"
    plain.write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 1}]\n")
    assert run(str(plain), "--update", code=0)[1] == f"updated {plain}: 2 figures\n"
    assert plain.read_text().endswith("\nexpect: {params: 16, macs: 768}\n")


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ("{params: <= 400}", "expected <= 400"),  # a limit is a requirement
        ("{small: {params: 300 .. 400}, large: {params: 896}}", "expected 300 .. 400"),
        ("{params: 1}", "`params` on line 8 is `448` in one variant, `896` in another"),
        ("{small: {layers: {conv2: {params: 1}}, params: 1}}", "there is no layer `conv2`"),
    ],
)
def test_update_leaves_what_only_the_author_can_decide(expect: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"{SPEC}expect: {expect}\n")
    before = path.read_text()
    stdout, stderr = run(str(path), "--update", code=1)
    assert message in stdout + stderr
    assert path.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == ["net.yaml"]


def test_a_file_that_cannot_be_updated_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{SPEC}expect: {{params: 1}}\n")
    (tmp_path / "b.yaml").write_text(f"{SPEC}expect: {{small: {{params: 1}}, large: {{params: 896}}}}\n")
    stdout, stderr = run(str(tmp_path), "--update", code=1)
    assert "error[update]" in stdout
    assert stderr == f"updated {tmp_path / 'b.yaml'}: 1 figure\n"


def test_update_leaves_a_broken_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = SPEC.replace("large: {width: 32}", "large: {width: 0}") + "expect: {small: {params: 1}}\n"
    path.write_text(text)
    run(str(path), "--update", code=1)
    assert path.read_text() == text


# -- around it ---------------------------------------------------------------------------------------------------------


def test_other_commands_load_nothing_of_it(tmp_path: Path) -> None:
    code = "import sys; from cnncalc.cli import main; sys.argv = ['cnncalc', 'shapes', 'lenet5', '-o', sys.argv[1]]\n"
    code = f"{code}try:\n    main()\nexcept SystemExit:\n    print(sorted(sys.modules))\n"
    loaded = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "table")],
        capture_output=True,
        text=True,
        check=True,
        cwd=TESTS.parent,
    ).stdout
    assert "'cnncalc.report'" in loaded
    for name in ("check", "schema", "verify"):
        assert f"'cnncalc.{name}'" not in loaded
    for name in ("multiprocessing", "concurrent.futures", "xml", "rich"):
        assert f"'{name}'" not in loaded


def test_the_pre_commit_hook_names_the_command() -> None:
    [hook] = yaml.safe_load((TESTS.parent / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["entry"], hook["types"]) == ("cnncalc-check", "cnncalc check", ["yaml"])
