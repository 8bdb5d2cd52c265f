"""What commands answer to a line that cannot be meant so: the reason, and what to write in its place."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from conftest import PROGRAM, run_command
from sampling import together

import cnncalc
from cnncalc import gallery
from cnncalc.cli.choosing import size_in_bytes
from cnncalc.cli.commands import app, command_name, only_the_named_command
from cnncalc.cli.flags import complete_variant, count, input_shapes
from cnncalc.cli.help import PANELS, SYNONYMS
from cnncalc.cli.output import guarded
from cnncalc.diagnostics import UsageFault
from cnncalc.language import library
from cnncalc.verify.network import Verification
from cnncalc.verify.numbers import Observed

NETS = {
    "net.yaml": "name: Net\ninput: [1, 8, 8]\nargs: {width: 2}\nvariants: {net: {}, wide: {width: 4}}\n"
    "layers: [{conv: width, kernel: 3, name: first}, relu]\n",
    "flat.yaml": "input: [4]\nlayers: [{linear: 2, name: only}]\n",
    "two.yaml": "input: {a: [1, 8, 8], b: [1, 8, 8]}\nlayers: [{add: [a, b]}]\n",
    "broken.yaml": "input: [4]\nlayers: [linaer]\n",
}


pytestmark = pytest.mark.usefixtures("nets")

ANSWERS = [
    # of flags that belong together, or exclude each other
    ("memory net.yaml --optimizer adam", "--optimizer is for --training"),
    ("memory net.yaml --training --optimizer adm", "did you mean `adam`?"),
    ("memory net.yaml -f csv --weights-dtype int8", "are felt in the totals, which csv has not"),
    ("memory net.yaml -f csv --training --optimizer adam", "are felt in the totals, which csv has not"),
    ("memory net.yaml --dtype int7", "--> --dtype:1:1"),
    ("memory net.yaml --weights-dtype int7", "--> --weights-dtype:1:1"),
    ("compare net.yaml --dtype int7", "--> --dtype:1:1"),
    ("compare net.yaml --plot a.b.png", "write `--plot a.b.svg`"),
    ("compare net.yaml --all", "name SPECs, or --all"),
    ("compare", "for example `cnncalc compare resnet18 resnet50`"),
    ("verify net.yaml --all", "name SPECs, or --all"),
    ("verify net.yaml --up-to 1M", "--up-to is for --all"),
    ("verify --all --up-to x", "for example `--up-to 100M`"),
    ("export net.yaml --to keras --seed 0", "--weights and --seed are for `--to onnx` and `--to pytorch`"),
    ("export net.yaml --to keras --weights w.json", "--weights and --seed are for `--to onnx` and `--to pytorch`"),
    ("export net.yaml --to pytorch --opset 18", "--opset is for `--to onnx`"),
    ("export net.yaml --to keras --opset 18 -o a.py", "--opset is for `--to onnx`"),
    ("export net.yaml --to onnx", "name a file with `-o FILE`"),
    ("export net.yaml --to pytorch --seed 0", "name a file with `-o FILE`"),
    ("export net.yaml --to torch", "write `pytorch`"),
    ("check --update", "the bundled networks are not yours to change"),
    ("check net.yaml --fail-on lints", "write `lint`"),
    ("check net.yaml -f md", "got 'md'\n"),
    ("layers conv --from keras", "takes no KIND"),
    ("layers --from tf", "write `tensorflow`"),
    ("layers conv -f markdown", "the reference has no form markdown"),
    ("layers -f csv", "the reference has no form csv"),
    ("layers Conv2d", "`cnncalc layers conv` tells all"),
    ("layers nonsense", "unknown layer kind 'nonsense'; `cnncalc layers` lists them"),
    ("summary net.yaml --full --depth 1", "choose one"),
    ("summary net.yaml --layout channels_last", "write `nhwc`"),
    ("summary net.yaml -f MD", "write `markdown`"),
    ("explain net.yaml -f markdown", "--format takes table, json; got 'markdown'\n"),
    ("expand net.yaml flat.yaml", "this command takes one network"),
    ("expand net.yaml --variant *", "this command takes one network"),
    ("summary net.yaml -f csv --of input", "use rf"),
    ("summary net.yaml -f csv --of input --sort params", "use rf"),
    # of values
    ("summary net.yaml --set width", "--set takes ARG=VALUE; got 'width'"),
    ("summary net.yaml --input 1,8,8", "write `1x8x8`"),
    ("summary two.yaml --input a=(1, 9, 9)", "write `a=1x9x9`"),
    ("summary net.yaml --input 1xAx3", "such as 3x320x320; got '1xAx3'\n"),
    ("summary net.yaml --input 1x0x8", "at most 5 sizes from 1 to 2,147,483,647; got '1x0x8'"),
    ("summary net.yaml --input 1x8x2147483648", "at most 5 sizes from 1 to 2,147,483,647"),
    ("summary net.yaml --input 1x2x3x4x5x6", "at most 5 sizes from 1 to 2,147,483,647"),
    ("summary two.yaml --input 1x9x9 --input a=1x9x9", "either every input or none"),
    ("formula net.yaml --in ,width", "for example `--in width`"),
    ("formula net.yaml --in width --of params,,macs", "`--of params,,macs` lacks a name"),
    ("sizes net.yaml --range 1-5", "for example `--range 1..1024`"),
    ("sizes net.yaml --range x..5", "`x..5` is no range of sizes"),
    ("sizes net.yaml --range 1..", "`1..` is no range of sizes"),
    (f"sizes net.yaml --range 1..{10**36}", "has more than"),
    (f"sizes net.yaml --range 1..{10**37}", "is no range of sizes"),
    # of options and commands that others have
    ("summary net.yaml --batch-size 3", "No such option: --batch-size; write `--batch`"),
    ("summary net.yaml --shape 3", "write `--input`"),
    ("shapes --json net.yaml", "write `-f json`"),
    ("schema --json", "No such option: --json"),
    ("help", "write `cnncalc --help`"),
    ("help summary rf", "write `cnncalc summary --help`"),
    ("help nonsense", "write `cnncalc --help`"),
    ("version", "write `cnncalc --version`"),
    ("zoo", "write `cnncalc list`"),
    ("sumary", "write `cnncalc summary`"),
    ("sumary nonsense", "`cnncalc --help` lists the commands"),
    ("paramters nonsense", "write `cnncalc params nonsense`"),
    ("FLOPS net.yaml", "write `cnncalc summary net.yaml`"),
    ("nonsense net.yaml --full", "write `cnncalc summary net.yaml --full`"),
    ("nonsense nonsense", "`cnncalc --help` lists the commands"),
]


@together("line, told", ANSWERS)
def test_what_is_said_of_a_line(line: str, told: str) -> None:
    command, *words = line.replace(", ", ",~").split()
    done = run_command(command, *(word.replace(",~", ", ") for word in words))
    assert (done.code, done.out) == (2, "")
    assert told in done.err


LEAST = [
    *("summary net.yaml --top 1", "summary net.yaml --depth 1", "summary net.yaml --batch 1"),
    *("memory net.yaml --batch 1", "summary flat.yaml --max-steps 1", "check flat.yaml --jobs 1"),
    "compare net.yaml --over width=2 --max-settings 1",
]


@pytest.mark.parametrize("line", LEAST)
def test_the_least_that_an_option_takes(line: str) -> None:
    """1, and nothing below it."""
    assert run_command(*line.split()).code == 0
    less = run_command(*line.removesuffix("1").split(), "0")
    assert (less.code, less.out) == (2, "")
    assert "0 is not in the range x>=1" in less.err


def test_a_file_that_is_there_is_not_begun_again() -> None:
    """The message names the first that is free."""
    for free in ("net2.yaml", "net3.yaml", "net4.yaml"):
        assert f"name another file: `cnncalc init {free}`" in run_command("init", "net.yaml").err
        Path(free).touch()


def test_settings_are_limited_to_100_000() -> None:
    done = run_command("compare", "net.yaml", "--over", "width=1..100001")
    assert (done.code, done.out) == (1, "")
    assert "100,001 settings are more than 100,000" in done.err


def test_data_has_letters_as_they_are() -> None:
    Path("size.yaml").write_text("name: Größe 層\ninput: [4]\nlayers: [relu]\n", encoding="utf-8")
    for line in ("summary size.yaml -f json", "shapes size.yaml -f json", "memory size.yaml -f json"):
        assert '"name": "Größe 層"' in run_command(*line.split()).out


def test_data_of_one_network_is_an_object_and_of_several_a_list() -> None:
    for command in ("summary", "memory", "verify"):
        one, other = (json.loads(run_command(command, name, "-f", "json").out) for name in ("flat.yaml", "net.yaml"))
        both = json.loads(run_command(command, "flat.yaml", "net.yaml", "-f", "json").out)
        assert both == [one, other]


def test_two_samples() -> None:
    """8 products and a result of 2 numbers, twice."""
    found = json.loads(run_command("summary", "flat.yaml", "--batch", "2", "-f", "json").out)
    assert (found["batch"], found["totals"]["macs"]) == (2, 16)


def test_of_a_network_whose_first_layer_fails_no_row_is_shown() -> None:
    Path("first.yaml").write_text("input: [1, 8, 8]\nlayers: [{conv: 1, kernel: 9}]\n")
    done = run_command("summary", "first.yaml")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error[window-too-large]")


HELPS = [
    ("summary net.yaml first", "for one layer write `cnncalc explain net.yaml first`"),
    ("summary net.yaml frist", "`cnncalc list` lists the bundled networks"),
    ("explain first", "a layer stands behind its network: `cnncalc explain resnet50 first`"),
    ("explain no/first.yaml", ""),
    ("explain first net.yaml", "the network comes first: `cnncalc explain net.yaml first`"),
    ("explain first second", ""),
]


@pytest.mark.parametrize(("line", "told"), HELPS)
def test_a_word_that_is_no_network(line: str, told: str) -> None:
    done = run_command(*line.split())
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    for text in ("behind its network", "comes first", "for one layer"):
        assert (text in done.err) is (text in told)


def test_words_for_commands_are_answered_with_them() -> None:
    for command, words in SYNONYMS.items():
        first, *others = words.split()
        assert PROGRAM.instead(first, ["net.yaml"]) == f"write `cnncalc {command} net.yaml`"  # type: ignore[attr-defined]
        assert not {first, *others} & set(PROGRAM.commands)  # type: ignore[attr-defined]
    assert {command_name(each) for each in app.registered_commands} == {
        name for names in PANELS.values() for name in names
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [("448", 448), ("448B", 448), ("2 KiB", 2048), ("1.5KiB", 1536), ("0.5 MiB", 2**19), (" 3GiB ", 3 * 2**30)],
)
def test_sizes_in_bytes(text: str, number: int) -> None:
    assert size_in_bytes(text) == number


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("2mb", "write `2MiB`; units are powers of 1024"),
        ("1.5 k", "write `1.5KiB`; units are powers of 1024"),
        ("3 gIB", "write `3GiB`; units are powers of 1024"),
        ("many", "for example `--budget 256KiB`; units are powers of 1024"),
        ("0", ""),
        ("0.5", ""),
    ],
)
def test_what_is_no_size(text: str, help: str) -> None:
    with pytest.raises(UsageFault) as caught:
        size_in_bytes(text)
    assert caught.value.help == help
    assert caught.value.place is not None
    assert (caught.value.place.column, caught.value.place.end) == (1, len(text) + 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), ("1,000,000", 10**6), ("1 M", 10**6), ("1.5k", 1_500), ("0.25G", 250_000_000), (" 2T", 2 * 10**12)],
)
def test_counts(text: str, number: int) -> None:
    assert count(text, "--up-to") == number


def test_shapes_of_inputs() -> None:
    assert input_shapes([]) is None
    assert input_shapes(["3x8x9"]) == (3, 8, 9)
    assert input_shapes(["3X8 x 9"]) == (3, 8, 9)
    assert input_shapes(["1", "2x3"]) == (2, 3)
    assert input_shapes(["a=3x8", "b=1x2x3x4x2147483647"]) == {"a": (3, 8), "b": (1, 2, 3, 4, 2_147_483_647)}


def test_exit_codes_of_what_a_command_raises(capsys: pytest.CaptureFixture[str]) -> None:
    """130 where it was interrupted; a fault of ours is told in three lines, without a traceback, and is 3."""

    def left_with(raised: BaseException) -> int:
        @guarded
        def command() -> None:
            raise raised

        with pytest.raises(typer.Exit) as left:
            command()
        return left.value.exit_code

    assert left_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""
    assert left_with(ZeroDivisionError("by hand")) == 3
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"cnncalc {cnncalc.__version__} has a bug: ZeroDivisionError: by hand"
    assert re.fullmatch(r"  at test_messages\.py:\d+ in command", told[1])
    assert told[2:] == ["please report it with the spec and the command"]


def test_an_interrupted_sweep_shows_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(work: Any, tasks: Any, *others: Any) -> Any:
        yield from map(work, tasks[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr("cnncalc.compare.sweep.side_by_side", interrupted)
    done = run_command("compare", "net.yaml", "--over", "width=1..5", "--columns", "params")
    assert (done.code, done.err) == (130, "")
    assert "interrupted: 2 of 5 settings were measured" in done.out
    assert re.findall(r"^net\.yaml +(\d)", done.out, re.MULTILINE) == ["1", "2"]


@pytest.mark.parametrize(("lost", "told"), [(20, ""), (21, "1 further warning;"), (22, "2 further warnings;")])
def test_twenty_warnings_are_told_one_by_one(lost: int, told: str) -> None:
    steps = "".join(f"  - {{relu, name: lost{number}, from: input}}\n" for number in range(lost))
    Path("lost.yaml").write_text(f"input: [4]\nlayers:\n{steps}  - {{tanh, from: input}}\n")
    done = run_command("shapes", "lost.yaml")
    assert done.code == 0
    assert done.err.count("warning[unused-layer]") == 20
    assert done.err.rstrip().endswith("`cnncalc check` tells all") is bool(told)
    assert told in done.err


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all bundled files the one with notes_stride1 and notes_stride2 (3 weights, at 5 and 3 places), and a folded
    one."""
    paths = [library.find("notes_stride1")[0], library.find("notes_filters")[0]]
    for module in (gallery, library):
        monkeypatch.setattr(module, "bundled_files", lambda: paths)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("most", "names"), [("8", []), ("9", ["notes_stride2"]), ("15", ["notes_stride1", "notes_stride2"])]
)
def test_all_of_at_most_so_many_macs(most: str, names: list[str]) -> None:
    done = run_command("verify", "--all", "--up-to", most)
    if not names:
        assert (done.code, done.out) == (2, "")
        return
    assert done.code == 0
    assert re.findall(r"\((notes_\w+)\).*: agrees$", done.err, re.MULTILINE) == names
    assert re.findall(r"\((notes_\w+)\).*: verified by execution", done.out) == names
    assert done.out.count("\n") == len(names)
    data = json.loads(run_command("verify", "--all", "--up-to", most, "-f", "json").out)
    assert [each["agrees"] for each in (data if isinstance(data, list) else [data])] == [True] * len(names)


@pytest.mark.parametrize("flags", [("net.yaml",), ("net.yaml", "-f", "json")])
def test_what_differs_is_1(flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference is made: the analyzers and the executor have none that is known."""
    layers = [Observed("first", "conv", (2, 6, 6), 20, 0, 648, "exact", ["it makes one product more"])]
    monkeypatch.setattr(cnncalc.Network, "verify", lambda *given: Verification("Net @ 1x8x8", layers, True, []))
    done = run_command("verify", *flags)
    assert done.code == 1
    assert "first: it makes one product more" in done.out or '"it makes one product more"' in done.out


@pytest.mark.usefixtures("few")
def test_all_tells_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [Observed("first", "conv", (2, 6, 6), 20, 0, 648, "exact", ["it makes one product more"])]
    monkeypatch.setattr(cnncalc.Network, "verify", lambda *given: Verification("Net", layers, True, []))
    done = run_command("verify", "--all", "--up-to", "9")
    assert (done.code, done.err) == (1, "Net: differs\n")
    assert done.out == (
        "first: it makes one product more\nNet: 1 of the 1 layers that were executed differ from the report\n"
    )


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ((), ["notes_filters", "notes_stride1", "notes_stride2"]),
        (("--over", "variant=*"), ["notes_filters", "notes_stride", "notes_stride"]),
    ],
)
def test_all_are_variants_or_files(flags: tuple[str, ...], names: list[str]) -> None:
    """Where variants are swept over, it is files that have them."""
    found = json.loads(run_command("compare", "--all", *flags, "--columns", "params", "-f", "json").out)
    assert (sorted(row["spec"] for row in found["rows"]), found["left_out"]) == (names, [])


def test_a_picture_is_written_where_it_is_asked_for() -> None:
    done = run_command("compare", "net.yaml", "--over", "width=1,2", "--plot", "a.svg", "-o", "a.csv", "-f", "csv")
    assert (done.code, done.out, sorted(name for name in os.listdir() if name[0] == "a")) == (0, "", ["a.csv", "a.svg"])
    before = Path("net.yaml").read_text()
    for flags in (("-o", "net.yaml"), ("--plot", "./net.svg", "-o", "./net.yaml")):
        done = run_command("compare", "net.yaml", *flags)
        assert (done.code, "would write over" in done.err, Path("net.yaml").read_text()) == (2, True, before)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("expand net.yaml -o net.yaml", "`-o net.yaml` would write over `net.yaml`, which is read"),
        ("summary flat.yaml net.yaml -o ./net.yaml", "`-o ./net.yaml` would write over `./net.yaml`"),
        ("import net.yaml --names net.yaml", "`--names net.yaml` would write over"),
        ("export net.yaml --to pytorch --weights w.safetensors -o w.py", "`-o w.py` would write over `w.safetensors`"),
        ("diff net.yaml flat.yaml -o flat.yaml", "`-o flat.yaml` would write over"),
        ("run flat.yaml --data row.json -o row.json", "`-o row.json` would write over"),
    ],
)
def test_what_is_read_is_not_written_over(line: str, told: str) -> None:
    Path("w.safetensors").write_bytes(b"weights")
    Path("row.json").write_text("[1, 2, 3, 4]")
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    done = run_command(*line.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error[unwritable]: {told}")
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before


def test_a_long_flat_import_stays_flat() -> None:
    """From 500 layers on lifting tells its progress; what is asked for stays the same."""
    Path("long.yaml").write_text("input: [4]\nlayers: [{relu, repeat: 500}]\n")
    flat = run_command("import", "long.yaml", "--flat", "--names", "names.json")
    assert (flat.code, flat.out.count("  - ")) == (0, 500)
    assert len(json.loads(Path("names.json").read_text())["rows"]) == 500
    lifted = run_command("import", "long.yaml")
    assert (lifted.code, lifted.out.count("\n  - "), "500" in lifted.out) == (0, 1, True)


DARKNET = "[net]\nwidth=8\nheight=8\nchannels=3\n[%s]\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=linear\n"


def test_a_strict_import_passes_nothing_opaque() -> None:
    """Darknet's `local` is a convolution with other weights at every place, which no kind here is."""
    Path("good.cfg").write_text(DARKNET % "convolutional")
    Path("local.cfg").write_text(DARKNET % "local")
    good, strict = run_command("import", "good.cfg"), run_command("import", "good.cfg", "--strict")
    assert (good.code, good) == (0, strict)
    assert good.err == "good.cfg: 1 node as 1 layer; 112 parameters; nothing opaque\n"
    plain, refused = run_command("import", "local.cfg"), run_command("import", "local.cfg", "--strict")
    assert (plain.code, refused.code, refused.out) == (0, 1, plain.out)
    assert "error[opaque]: local.cfg: cnncalc does not know the operator `local`" in refused.err
    assert "error" not in plain.err
    spec = run_command("import", "flat.yaml", "--strict")
    assert (spec.code, spec.err) == (0, "")


@pytest.mark.parametrize(
    ("specs", "arguments", "begun", "names"),
    [
        (["net.yaml"], [], "", ["net", "wide"]),
        (None, ["net.yaml"], "w", ["wide"]),
        (["flat.yaml"], ["net.yaml"], "n", ["net"]),
        (["notes_stride"], [], "notes_stride2", ["notes_stride2"]),
        (["no_such_network"], [], "", []),
        (["net.yaml", "syntax.yaml"], [], "", []),
    ],
)
def test_variants_complete(specs: list[str] | None, arguments: list[str], begun: str, names: list[str]) -> None:
    Path("syntax.yaml").write_text("layers: [")
    context: Any = SimpleNamespace(params={"specs": specs}, args=arguments)
    assert complete_variant(context, begun) == names


@pytest.mark.parametrize(
    ("line", "named"), [("list", ["list"]), ("summary list", ["summary"]), ("--help", None), ("show list", None)]
)
def test_one_command_is_built_where_it_is_named(
    line: str, named: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = list(app.registered_commands)
    monkeypatch.setattr(app, "registered_commands", every)
    monkeypatch.setattr("sys.argv", ["cnncalc", *line.split()])
    only_the_named_command()
    assert [command_name(each) for each in app.registered_commands] == (named or list(map(command_name, every)))


def test_a_seed_draws_weights() -> None:
    """What is drawn is that of the seed, and that of 0 where none is named."""
    Path("row.json").write_text("[1, 2, 3, 4]")
    flags = ((), ("--seed", "0"), ("--seed", "1"))
    results = [run_command("run", "flat.yaml", "--data", "row.json", *each).out for each in flags]
    assert results[0] == results[1] != results[2]


def test_the_exit_code_tells_whether_all_networks_fit() -> None:
    """flat.yaml needs 4 + 2 numbers of 4 bytes, net.yaml 64 + 72."""
    for names, size, code in (
        (("flat.yaml",), "24B", 0),
        (("flat.yaml",), "23B", 1),
        (("flat.yaml", "net.yaml"), "544B", 0),
        (("flat.yaml", "net.yaml"), "543B", 1),
        (("net.yaml", "flat.yaml"), "24B", 1),
    ):
        assert run_command("memory", *names, "--budget", size).code == code


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (-1, "note: `width` was given at --set width:1:1"),
        ([1, 2], "note: `width` was given at --set width:1:1"),
        ("-1", "note: `width` was given at --set width:1:1"),
        ("2 *", "  --> --set width:1:3"),
        ("2 + nothing", "  --> --set width:1:5"),
    ],
)
def test_where_a_value_from_outside_is_at_fault(value: Any, place: str) -> None:
    """A value is at its line and column, as if it were a file of its own."""
    text = "args: {width: 4}\ninput: [3, 8, 8]\nlayers: [{conv: width, kernel: 3}]\n"
    with pytest.raises(cnncalc.SpecError) as refused:
        cnncalc.loads(text, args={"width": value})
    assert place in str(refused.value).splitlines()
