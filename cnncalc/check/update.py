"""Writing measured values into `expect`: edits of a spec's text, comments and layout kept, whole or not at all.

What was measured comes from a check; limits and ranges are requirements, and are left to the author.
"""

from __future__ import annotations

from cnncalc.check.expectations import Edit
from cnncalc.check.files import Case, Checked, Task, check_spec
from cnncalc.diagnostics import Diagnostic, Fault, SpecError
from cnncalc.language.library import load_edited, load_file
from cnncalc.language.source import read_source
from cnncalc.writing import write

REPAIRED = ("expectation", "unused-layer")
"""Failures beside which a file can be updated: one that names nothing, or is not valid, is for the author."""
BOM = b"\xef\xbb\xbf"


def update(task: Task, checked: Checked) -> tuple[Checked, int]:
    """Write what a check has measured into its file; returns the check of the new text, and how many figures changed.

    A file that is not valid stays as it is.  Raises `SpecError` where the edits contradict each other, or the
    file cannot be written.
    """
    if not checked.cases or any(failure.code not in REPAIRED for failure in checked.failures):
        return checked, 0
    text = read_source(task.path).text
    file = load_file(task.path, task.shown)
    if file.expect_span is None:
        figures, new = 2 * len(checked.cases), text + _created(checked.cases, text)
    else:
        edits = _edits(checked)
        figures, new = len(edits), edited(text, edits)
    if not figures:
        return checked, 0
    again = check_spec(load_edited(task.path, new, task.shown), task.variant, task.allow, task.max_steps)
    left = [verdict for verdict in again.verdicts if verdict.edits]
    if left:
        raise _refused(checked.path, f"`{left[0].what}` would not hold afterwards")
    write_marked(task.path, new)
    return again, figures


def _edits(checked: Checked) -> list[Edit]:
    """The edits of all failing figures; raises `SpecError` where variants want different text at one place."""
    found: dict[tuple[int, int], Edit] = {}
    for verdict in checked.verdicts:
        for edit in verdict.edits or ():
            other = found.setdefault((edit.line, edit.start), edit)
            if other != edit:
                message = (
                    f"`{verdict.what}` on line {edit.line} is `{other.text}` in one variant, `{edit.text}` in another"
                )
                raise _refused(checked.path, message, "expect it of each variant")
    return list(found.values())


def edited(text: str, edits: list[Edit]) -> str:
    """`text` with the edits made; all else stays as it is, line breaks included."""
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, reverse=True):
        line = lines[edit.line - 1]
        lines[edit.line - 1] = line[: edit.start - 1] + edit.text + line[edit.end - 1 :]
    return "".join(lines)


def _created(cases: list[Case], text: str) -> str:
    """An `expect` with the parameters and MACs of every network, for the end of a file that has none."""
    line = "\r\n" if "\r\n" in text else "\n"
    start = "" if text.endswith("\n") else line
    figures = {case.variant: f"{{params: {case.params}, macs: {case.macs}}}" for case in cases}
    if None in figures:
        return f"{start}expect: {figures[None]}{line}"
    return start + line.join(["expect:", *(f"  {variant}: {entry}" for variant, entry in figures.items()), ""])


def _refused(path: str, reason: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic("update", f"{path}: not updated: {reason}", help=help)])


def write_marked(path: str, text: str) -> None:
    """Put `text` in place of a spec, whole or not at all; a byte order mark stays.  Raises `SpecError`."""
    try:
        with open(path, "rb") as file:
            mark = BOM if file.read(len(BOM)) == BOM else b""
        write(path, mark + text.encode("utf-8"))
    except OSError as error:
        raise _refused(path, (error.strerror or str(error)).lower()) from None
    except Fault as fault:
        raise SpecError([fault.at(None)]) from None
