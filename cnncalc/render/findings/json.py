"""The results of a check as JSON: one object, a file a line."""

from __future__ import annotations

from cnncalc.check.files import Checked
from cnncalc.render.json import encode, header
from cnncalc.tables.checks import to_dict


def render(results: list[Checked], lints_fail: bool, colour: bool, width: int | None) -> str:
    """The files with their networks, verdicts, problems and lints, and the sums."""
    found = to_dict(results)
    files = ",\n".join(map(encode, found["files"]))
    return f'{encode(header())[:-1]}, "files": [\n{files}\n], "totals": {encode(found["totals"])}}}\n'
