"""One file is one case: a spec above, below the line `# exit N` what cnncalc says about it on standard error.

A first line `# command: rf spec.yaml --of x` gives another command than `shapes spec.yaml`, and a line
`# file: other.yaml` begins a further file.  ``pytest --rewrite`` writes the expected texts anew: read the diff.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_message(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run, expected) -> None:
    spec, _, _ = parts(case)
    first, *others = FILE.split(spec)
    for name, text in [("spec.yaml", first), *zip(others[::2], others[1::2])]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    line = spec.partition("\n")[0]
    command = line.removeprefix(COMMAND) if line.startswith(COMMAND) else "shapes spec.yaml"
    monkeypatch.chdir(tmp_path)
    done = run(*command.split())
    expected.check(case, f"{spec}# exit {done.code}\n{done.err}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
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


# -- no code without a case --------------------------------------------------------------------------------------------

CODE_AT = {"Fault": 0, "ExpressionFault": 0, "Diagnostic": 0, "problem": 0, "report": 0, "refuse": 0}
CODE_AT |= {"fail": 1, "fail_at": 1}
ELSEWHERE = {
    "batch": "of a figure that another tool counts; in test_outline.py",
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
