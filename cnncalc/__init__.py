"""cnncalc: exact shapes, parameters, MACs and receptive fields of convolutional networks.

>>> import cnncalc
>>> net = cnncalc.load("resnet50")
>>> net.params().totals.params
25557032
>>> net.receptive_field().field.size
((427, 427), (427, 427))

Every command is a method of `Network` (`summary`, `shapes`, `params`, `receptive_field`, `memory`, `explain`,
`expand`, `diff`, `conventions`, `formula`, `sizes`, `run`, `verify`) or a function here (`compare_specs`,
`check_specs`, `bundled_networks`, `spec_schema`); all that is raised on purpose is an `Error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Diagnostic, Error, Fault, SpecError
from cnncalc.expansion.expand import MAX_STEPS
from cnncalc.language.library import UnknownSpec, bundled_names
from cnncalc.network import Network, from_darknet, from_keras, from_onnx, from_torch, load, loads
from cnncalc.report import Report, Row, Totals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnncalc.check.files import Checked
    from cnncalc.compare.sweep import Row as ComparedRow
    from cnncalc.gallery import Entry
    from cnncalc.verify.fields import Progress

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Error",
    "Fault",
    "Network",
    "Report",
    "Row",
    "SpecError",
    "Totals",
    "UnknownSpec",
    "__version__",
    "bundled_names",
    "bundled_networks",
    "check_specs",
    "compare_specs",
    "from_darknet",
    "from_keras",
    "from_onnx",
    "from_torch",
    "load",
    "loads",
    "spec_schema",
]


def check_specs(
    *paths: str,
    allow: Iterable[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
    max_steps: int = MAX_STEPS,
) -> list[Checked]:
    """Check files, folders, globs and bundled names; without any, all bundled networks.

    Every file is parsed, every variant built and analysed, every expectation compared; `allow` leaves lints out, by
    code.  `jobs` limits the processes; `progress` hears how many files are done.  What fails is in the results;
    raises `UnknownSpec` for a name that is neither a path nor bundled, `Fault` for an unknown lint.
    """
    from cnncalc.check.files import check_all, find_tasks

    return check_all(find_tasks(list(paths), allow, max_steps), jobs, progress)


def compare_specs(
    *specs: str,
    over: Iterable[str] = (),
    where: str | None = None,
    sort: str | None = None,
    front: str | None = None,
    columns: str = "params,macs,peak_memory,field",
    dtype: str = "float32",
    counted_as: str | None = None,
    processes: int = 1,
) -> list[ComparedRow]:
    """Networks side by side, a row each, in every setting that `over` makes: ``["width=0.5,1", "size=96..224..32"]``.

    The other arguments are the flags of ``cnncalc compare``; `processes` share a long sweep.  A row has `figures` and
    `settings`, and an `error` where it does not build.  Raises `Error` for what means nothing.
    """
    from cnncalc.analyzers.memory import Setting
    from cnncalc.compare.selection import selection
    from cnncalc.compare.settings import read_over
    from cnncalc.compare.sweep import compare, open_spec

    swept = [read_over(text) for text in over]
    arguments = [each.name for each in swept]
    chosen = selection(columns, where, front, sort, None, arguments)
    opened = [open_spec(spec) for spec in specs]
    found = compare(opened, swept, chosen.keys(arguments), Setting(dtype), processes=processes, counted_as=counted_as)
    return chosen.of(found.rows)


def bundled_networks() -> list[Entry]:
    """The bundled networks and their figures, a line each."""
    from cnncalc.gallery import gallery

    return gallery()


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of the spec language, for editors."""
    from cnncalc.schema import schema

    return schema()
