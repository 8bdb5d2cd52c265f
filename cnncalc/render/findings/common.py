"""What the forms of a check share: findings of one cause once, and the sum in one sentence."""

from __future__ import annotations

from cnncalc.check.files import Checked
from cnncalc.diagnostics import Diagnostic


def unique(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, those of one cause once: a file that two others import is at fault but once."""
    found: dict[tuple[str, str, str], Diagnostic] = {}
    for each in diagnostics:
        found.setdefault((str(each.span), each.code, each.message if each.severity == "error" else ""), each)
    return list(found.values())


def sentence(results: list[Checked]) -> str:
    """``52 files, 145 networks: 496 expectations hold, 3 fail; 2 lints``."""
    verdicts = [verdict for each in results for verdict in each.verdicts]
    failing = sum(not verdict.ok for verdict in verdicts)
    problems = sum(len(each.failures) for each in results) - failing
    lints = len(unique([lint for each in results for lint in each.lints]))
    networks = sum(len(each.cases) for each in results)
    parts = [f"{plural(len(verdicts) - failing, 'expectation')} hold{'s' if len(verdicts) - failing == 1 else ''}"]
    if failing:
        parts.append(f"{failing:,} fail{'s' if failing == 1 else ''}")
    text = f"{plural(len(results), 'file')}, {plural(networks, 'network')}: {', '.join(parts)}"
    others = ([plural(problems, "other problem")] if problems > 0 else []) + ([plural(lints, "lint")] if lints else [])
    return "; ".join([text, *others])


def plural(count: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
