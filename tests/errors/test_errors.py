"""One file is one case: a spec above, below the line `# exit N` what cnncalc says about it on standard error.

A first line `# command: rf spec.yaml --of x` gives another command than `shapes spec.yaml`, and a line
`# file: other.yaml` begins a further file.  ``pytest --rewrite`` writes the expected texts anew: read the diff.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.language.names import FILE_KEYS

CASES = sorted(Path(__file__).parent.glob("*.yaml"))
COMMAND = "# command: "
PACKAGE = Path(__file__).parents[2] / "cnncalc"
EXPECTED = re.compile(r"^# exit (\d)\n", re.MULTILINE)
FILE = re.compile(r"^# file: (.+)\n", re.MULTILINE)


def parts(case: Path) -> tuple[str, int, str]:
    """The spec, the exit code and the message that a case expects."""
    text = case.read_bytes().decode()
    found = EXPECTED.search(text)
    assert found is not None, f"{case.name} has no line `# exit N`"
    return text[: found.start()], int(found[1]), text[found.end() :]


@together("case", CASES, lambda case: case.stem)
def test_message(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run, expected) -> None:
    spec, _, _ = parts(case)
    first, *others = FILE.split(spec)
    folder = tmp_path / case.stem
    for name, text in [("spec.yaml", first), *zip(others[::2], others[1::2])]:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    line = spec.partition("\n")[0]
    command = line.removeprefix(COMMAND) if line.startswith(COMMAND) else "shapes spec.yaml"
    monkeypatch.chdir(folder)
    done = run(*command.split())
    expected.check(case, f"{spec}# exit {done.code}\n{done.err}")


@together("case", CASES, lambda case: case.stem)
def test_form(case: Path) -> None:
    """Every case is named after the code it shows first; messages are lowercase, without a full stop."""
    _, code, text = parts(case)
    heads = re.findall(r"^(error|warning)\[([\w-]+)\]: (.*)$", text, re.MULTILINE)
    assert heads
    assert case.stem == heads[0][1] or case.stem.startswith(f"{heads[0][1]}-")
    assert code == (0 if all(severity == "warning" for severity, _, _ in heads) else 1)
    helps = re.findall(r"^help: (.*)$", text, re.MULTILINE)
    notes = re.findall(r"^note: (.*)$", text, re.MULTILINE)
    for message in [*(message for _, _, message in heads), *helps, *notes]:
        assert message
        assert not message.endswith(".")
        assert message.count("`") % 2 == 0
    for _, _, message in heads:
        assert not message[0].isupper()


# -- every next step, taken to the letter ------------------------------------------------------------------------------

ENTRY = r"(?:, )?\b{}\b(?:: (?:\[[^\]]*\]|\([^)]*\)|[^,}}]*))?"
"""A key of a flow mapping with its value, and the comma before it."""


def followed(spec: str, problem: Diagnostic) -> str | None:
    """The spec as the help of a problem says; None where that is no text to put somewhere."""
    assert problem.span is not None
    lines = spec.splitlines()
    line = lines[problem.span.line - 1]
    meant = line[problem.span.column - 1 : problem.span.end - 1]
    write = re.fullmatch(r"(?:.*: )?write `(.*?)`(?:, or .*)?", problem.help)
    name = re.fullmatch(r"did you mean `(.*?)`\?", problem.help)
    parts = re.fullmatch(r"use (\d+) \w+, or .*", problem.help)
    step = re.match(r"\s*- ", line)
    if problem.help.startswith("leave it out"):
        line = re.sub(ENTRY.format(re.escape(meant)), "", line)
    elif parts is not None:
        line = line.replace(meant, parts[1])
    elif (write is None and name is None) or problem.code == "name":
        return None
    elif name is not None and not name[1].startswith("{"):
        line = line[: problem.span.column - 1] + name[1] + line[problem.span.end - 1 :]
    else:
        text = (write or name)[1]  # type: ignore[index]
        key = re.match(r"(\w+): ", text)
        at_top = key is not None and key[1] in FILE_KEYS
        if at_top or text == "layers:":
            found = ((n, re.match(rf"( *){text.partition(':')[0]}\b", each)) for n, each in enumerate(lines))
            place, indent = next((n, each[1]) for n, each in found if each)
            return "\n".join([*lines[:place], indent + text, *lines[place + 1 :]]) + "\n"
        in_place = ("wrong-word", "syntax", "groups", "number", "branch", "wrong-shape")
        if problem.code in in_place or (problem.code == "yaml" and not text.startswith("{")):
            line = line.replace(meant, text)
            return "\n".join([*lines[: problem.span.line - 1], line, *lines[problem.span.line :]]) + "\n"
        if step is None:
            return None
        if key is not None and f"{key[1]}: {meant}" in line:
            line = line.replace(f"{key[1]}: {meant}", text)
        elif key is None:
            rest = [each for each in lines[problem.span.line :] if not each.startswith(" " * (step.end()))]
            return "\n".join([*lines[: problem.span.line - 1], step[0] + text, *rest]) + "\n"
        else:
            line = re.sub(ENTRY.format(re.escape(meant)), "", line)
            line, count = re.subn(rf"(?<=[{{ ]){key[1]}(?:: [^,}}]*)?(?=[,}}])", text, line)
            line = line if count else line.replace("}", f", {text}}}")
    return "\n".join([*lines[: problem.span.line - 1], line, *lines[problem.span.line :]]) + "\n"


FOLLOWED = [case for case in CASES if "-slip-" in case.stem]
NOT_TO_THE_LETTER = {
    "unknown-argument-slip-axis": "which axis is meant depends on the framework's order",
    "unknown-kind-slip-route": "the layers' names are the user's",
    "unknown-kind-slip-shortcut": "the layers' names are the user's",
    "unknown-kind-slip-name-in-brackets": "brackets to take away",
    "unknown-kind-slip-loop-of-branches": "brackets to take away",
    "unknown-kind-slip-global-pool": "two steps",
    "unknown-kind-slip-pool": "a choice of two",
    "wrong-form-slip-list": "an example",
    "wrong-form-slip-layers-mapping": "an example",
    "unknown-kind-slip-library": "two places to write in",
    "unknown-layer-slip-number": "a name to choose",
    "unknown-name-slip-classes": "a number to choose",
    "name-slip-for-python": "a loop of two keys",
    "unknown-key-slip-model": "a key alone",
    "unknown-key-slip-do": "a key alone",
    "unknown-key-slip-rf": "a key alone",
    "unknown-key-slip-flops": "a key alone",
    "name-slip-block": "two lines",
    "name-slip-braces": "with what else a name may be",
    "missing-argument-slip-block": "a value to choose",
    "unknown-argument-slip-block": "a name to choose",
    "unknown-kind-slip-se": "two places to write in",
    "unknown-key-slip-input-shape": "a key alone",
    "unknown-key-slip-output": "a key alone",
    "branch-shapes-slip-padding": "a step of one branch",
    "branch-shapes-slip-channels": "a step of one branch",
    "branch-shapes-slip-stride": "a step of one branch",
    "branch-shapes-slip-upsample": "a step of one branch",
    "branch-shapes-slip-token": "a step of one branch",
    "unknown-argument-slip-positional": "a name before a value",
    "wrong-word-slip-causal": "a value for another network's rank",
    "no-such-file-slip-bundled": "a name in a mapping",
    **dict.fromkeys(
        (f"unknown-kind-slip-{name}" for name in ("unpool", "downsample", "softmin", "min-pool", "lstm")),
        "nothing stands for it but `opaque`",
    ),
}


@together("case", FOLLOWED, lambda case: case.stem)
def test_the_next_step_of_a_slip_works(case: Path) -> None:
    """Each message names the place and the reason; what it says to write makes a network."""
    spec = parts(case)[0]
    with pytest.raises(SpecError) as error:
        cnncalc.loads(spec)
    (problem,) = error.value.diagnostics
    assert problem.span is not None
    assert problem.help
    text = followed(spec, problem)
    assert (text is None) == (case.stem in NOT_TO_THE_LETTER)
    if text is not None:
        assert text != spec
        cnncalc.loads(text)


def test_more_than_forty_slips_are_followed() -> None:
    assert len(FOLLOWED) - len(NOT_TO_THE_LETTER) > 40


# -- no code without a case --------------------------------------------------------------------------------------------

CODE_AT = {"Fault": 0, "ExpressionFault": 0, "Diagnostic": 0, "problem": 0, "report": 0, "refuse": 0}
CODE_AT |= {"fail": 1, "fail_at": 1}
ELSEWHERE = {
    "batch": "more than one sample as another tool counts; in test_choosing.py",
    "not-a-spec": "another program's file; in test_cli.py",
    "not-a-file": "a folder; in test_cli.py",
    "unknown-dtype": "of a way to hold numbers; in test_memory.py",
    "unknown-optimizer": "of a step of training; in test_memory.py",
    "unreadable": "a file without permission; in test_cli.py, where the user is not root",
    "unknown-spec": "lists the bundled networks; in test_cli.py",
    "unwritable": "of --output; in test_cli.py",
}


def codes() -> dict[str, str]:
    """Every code that the language, the layers and the library raise, and one place of it."""
    found = {}
    for pattern in RAISING:
        for path in PACKAGE.glob(pattern):
            if path.name in OTHERS:
                continue
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(call, ast.Call):
                    continue
                name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
                at = CODE_AT.get(name)
                if at is None or len(call.args) <= at:
                    continue
                for part in ast.walk(call.args[at]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found[part.value] = f"{path.name}:{call.lineno}"
    return found


RAISING = (
    "language/*.py",
    "expansion/*.py",
    "layers/*.py",
    "analyzers/*.py",
    "geometry.py",
    "network.py",
    "explain.py",
    "cli/*.py",
)
OTHERS = ("expectations.py", "lint.py")
"""Modules with tests of their own for what they say."""


def test_every_code_has_a_case() -> None:
    shown = {code for case in CASES for code in re.findall(r"^(?:error|warning)\[([\w-]+)\]", parts(case)[2], re.M)}
    raised = codes()
    assert len(raised) > 50
    missing = {code: place for code, place in raised.items() if code not in shown | ELSEWHERE.keys()}
    assert missing == {}
    assert shown.isdisjoint(ELSEWHERE)
