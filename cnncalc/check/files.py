"""Checking specs: every file and variant is valid, every analyzer runs, every expectation holds; and the lints.

Files are found, then checked one by one, side by side where that pays; a broken one does not stop the others.
Nothing is printed here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cnncalc.analyzers.memory import Setting
from cnncalc.check.expectations import Verdict, compare
from cnncalc.check.lints import network_lints
from cnncalc.check.unused import file_lints, lint, reached
from cnncalc.compare.processes import cores
from cnncalc.diagnostics import Diagnostic, Fault, Note, Span, SpecError, UsageFault, suggestion
from cnncalc.expansion.ends import UNUSED
from cnncalc.expansion.expand import MAX_STEPS, expand
from cnncalc.expansion.instance import Given, Instance, located, variant_values
from cnncalc.expansion.making import Maker
from cnncalc.graph import Operations
from cnncalc.language.expectations import Expectation
from cnncalc.language.library import Imported, UnknownSpec, bundled_files, find, load_file, shown_path
from cnncalc.language.lint import LINTS
from cnncalc.language.model import File, ValueFault
from cnncalc.records import NamedTuple
from cnncalc.report import Report

SUFFIXES = (".yaml", ".yml")
POOL_AFTER = 0.05
"""Seconds of work in one process after which more of them pay."""


class Case(NamedTuple):
    """One network: a file with the arguments of one variant."""

    name: str
    variant: str | None
    verdicts: list[Verdict]
    problems: list[Diagnostic]
    """What fails, expectations among it."""
    params: int | None
    """Learned parameters; None for a network that could not be built."""
    macs: int | None


class Checked(NamedTuple):
    """One file."""

    path: str
    """As it is shown."""
    cases: list[Case]
    problems: list[Diagnostic]
    """What is wrong with the file as a whole."""
    lints: list[Diagnostic]

    @property
    def failures(self) -> list[Diagnostic]:
        """All that fails, equal messages of several variants once."""
        return list(dict.fromkeys([*self.problems, *(problem for case in self.cases for problem in case.problems)]))

    @property
    def verdicts(self) -> list[Verdict]:
        """All that is expected, held or not."""
        return [verdict for case in self.cases for verdict in case.verdicts]


class Task(NamedTuple):
    """A file to check: where it is, how it is shown, which of its variants is meant, what is allowed."""

    path: str
    shown: str
    variant: str | None = None
    allow: frozenset[str] = frozenset()
    max_steps: int = MAX_STEPS
    problem: Diagnostic | None = None
    """What is wrong with the path itself."""


# -- finding -----------------------------------------------------------------------------------------------------------


def find_tasks(paths: list[str], allowed: Iterable[str] = (), max_steps: int = MAX_STEPS) -> list[Task]:
    """The files behind paths, folders, globs and bundled names, each once; the bundled ones without any.

    Raises `UnknownSpec` for a name that is neither a path nor bundled, `Fault` for a code that no lint has.
    """
    allow = frozenset(allowed)
    for code in sorted(allow - LINTS.keys()):
        help = suggestion(code, LINTS) or f"codes are {', '.join(LINTS)}"
        raise UsageFault("unknown-lint", f"there is no lint `{code}`", None, help)
    asked = [Task(path, shown_path(path)) for path in bundled_files()] if not paths else []
    found: dict[tuple[str, str | None], Task] = {}
    for task in (*asked, *(task for path in paths for task in _tasks(path))):
        found.setdefault((os.path.realpath(task.path), task.variant), task)
    return [task._replace(allow=allow, max_steps=max_steps) for task in found.values()]


def _tasks(path: str) -> Iterator[Task]:
    if os.path.isdir(path):
        yield from _in_folder(path)
    elif os.path.exists(path):
        yield Task(path, path)
    elif any(char in path for char in "*?["):
        yield from _in_glob(path)
    else:
        try:
            bundled, variant = find(path)
        except UnknownSpec:
            if not path.endswith(SUFFIXES) and os.sep not in path:
                raise
            yield Task(path, path, problem=Diagnostic("no-such-file", f"there is no file {path}"))
        else:
            yield Task(bundled, shown_path(bundled), variant)


def _in_folder(folder: str) -> Iterator[Task]:
    """The specs below a folder, hidden files and folders left out."""
    found = False
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                found = True
                path = os.path.join(here, name)
                yield Task(path, path)
    if not found:
        problem = Diagnostic("no-specs", f"{folder} holds no specs", help="specs are files called *.yaml or *.yml")
        yield Task(folder, folder, problem=problem)


def _in_glob(pattern: str) -> Iterator[Task]:
    from glob import glob

    matches = sorted(glob(pattern, recursive=True))
    if not matches:
        yield Task(pattern, pattern, problem=Diagnostic("no-such-file", f"{pattern} matches no file"))
    for match in matches:
        if not os.path.isdir(match):
            yield Task(match, match)
        elif len(matches) == 1:
            yield from _in_folder(match)


# -- one file ----------------------------------------------------------------------------------------------------------


class Shared:
    """What the checks of several files remember together: the files that they import, operations, and what analyzers
    share."""

    def __init__(self) -> None:
        self.imported: Imported = {}
        self.operations = Operations()
        self.measured: dict[Any, Any] = {}


def check_file(task: Task, shared: Shared | None = None) -> Checked:
    """Check one file; what is wrong is in the result."""
    shared = shared or Shared()
    if task.problem is not None:
        return Checked(task.shown, [], [task.problem], [])
    try:
        file = load_file(task.path, task.shown, shared.imported)
    except SpecError as error:
        return Checked(task.shown, [], error.diagnostics, [])
    return check_spec(file, task.variant, task.allow, task.max_steps, shared)


def check_spec(
    file: File,
    variant: str | None = None,
    allow: frozenset[str] = frozenset(),
    max_steps: int = MAX_STEPS,
    shared: Shared | None = None,
) -> Checked:
    """Check a parsed file with each of its variants, or with one; a library is checked by parsing alone."""
    if file.steps_span is None:
        return Checked(file.source.path, [], [], [])
    checker = _Checker(file, max_steps, shared or Shared())
    variants: list[str | None] = [variant] if variant is not None else [*file.variants] or [None]
    cases = [checker.case(name) for name in variants]
    whole = variant is None and all(case.params is not None for case in cases)
    return Checked(file.source.path, cases, [], checker.lints(allow, whole))


class _Checker:
    """Checks one file: its networks one after the other, and what they say about it together."""

    def __init__(self, file: File, max_steps: int, shared: Shared) -> None:
        self.file = file
        self.measured = shared.measured
        self.max_steps = max_steps
        self.maker = Maker(shared.operations)
        self.steps: set[tuple[int, int]] = set()
        self.instances: dict[str | None, Instance] = {}
        self.hits: dict[tuple[str, object], tuple[Diagnostic, set[str], set[str]]] = {}
        """By code and place: the first finding, the layers, the networks."""
        self.unused = False
        """Whether some layer reaches no output, allowed or not."""

    def case(self, variant: str | None) -> Case:
        """One variant: built, analysed and compared with what is expected of it."""
        file = self.file
        name = variant or os.path.splitext(os.path.basename(file.source.path))[0]
        try:
            given = variant_values(file, variant) if variant is not None else {}
            report = self.analysed(given, variant)
            self.instances[variant] = Instance(file, given)
            self.lint(report, name)
        except SpecError as error:
            return Case(name, variant, [], error.diagnostics, None, None)
        problems = [warning._replace(severity="error") for warning in report.warnings]
        verdicts: list[Verdict] = []
        for entry in (*file.expect.get(variant, ()), *(file.expect.get(None, ()) if variant is not None else ())):
            try:
                found, failed = self.expected(entry, report, given, variant, name)
            except SpecError as error:
                problems += error.diagnostics
            else:
                verdicts, problems = verdicts + found, problems + failed
        return Case(name, variant, verdicts, problems, report.totals.params, report.totals.macs)

    def analysed(self, given: dict[str, Given], variant: str | None) -> Report:
        """The report of a setting, its receptive fields worked out: they alone can fail.  Raises `SpecError`."""
        graph = expand(self.file, given, variant, max_steps=self.max_steps, maker=self.maker)
        report = Report(graph, "summary", shared=self.measured)
        try:
            report.values("receptive_field")
        except Fault as fault:
            raise SpecError([fault.at(self.file.steps_span)]) from None
        reached(graph, self.file, self.steps)
        return report

    def expected(
        self, entry: Expectation, report: Report, given: dict[str, Given], variant: str | None, name: str
    ) -> tuple[list[Verdict], list[Diagnostic]]:
        """The verdicts of one entry, in its own setting if it has one, and what fails."""
        notes: tuple[Note, ...] = ()
        instance = self.instances[variant]
        if entry.given:
            given = given | {key: _constant(argument.value) for key, argument in entry.given.items()}
            report, instance = self.analysed(given, variant), Instance(self.file, given)
            first = next(iter(entry.given.values()))
            notes = (Note("with other arguments, given", first.key),)
        if entry.dtype is not None:
            setting = Setting(entry.dtype.text)
            report = Report(report.graph, report.command, setting=setting, shared=self.measured)
            notes = (*notes, Note(f"numbers are held as `{entry.dtype.text}`, given", entry.dtype.span))
        verdicts, problems = compare(entry, report, instance)
        return verdicts, [*(verdict.diagnostic(name, notes) for verdict in verdicts if not verdict.ok), *problems]

    # -- lints

    def lint(self, report: Report, name: str) -> None:
        """Collect the findings of a network, those at one place together."""
        needed = report.graph.needed()
        self.unused = self.unused or not all(needed[node.number] for node in report.graph.nodes)
        for hit in network_lints(report):
            origin = hit.node.origin
            assert origin is not None, "a checked network comes from a spec"
            found = self.hits.get((hit.code, origin.span))
            if found is None:
                diagnostic = lint(hit.code, hit.message, origin.span, hit.help)
                found = self.hits[hit.code, origin.span] = (diagnostic, set(), set())
            found[1].add(hit.node.name)
            found[2].add(name)

    def lints(self, allow: frozenset[str], whole: bool) -> list[Diagnostic]:
        """The findings that are not allowed: by `allow`, by this file, or by the file that a layer is written in."""
        found = [_counted(*hit) for hit in self.hits.values()]
        if whole:
            found += file_lints(self.file, self.steps, self.instances)
            raised = {diagnostic.code for diagnostic in found} | ({UNUSED} if self.unused else set())
            for code, span in self.file.allowed.items():
                if code not in raised:
                    message = f"`{code}` is allowed, but nothing here raises it"
                    found.append(lint("unused-allow", message, span, "leave it out"))
        homes = _allowed_by_source(self.file)
        kept = []
        for diagnostic in found:
            home = homes.get(id(_place(diagnostic).source), ())
            if diagnostic.code not in allow and diagnostic.code not in {*self.file.allowed, *home}:
                kept.append(diagnostic)
        return sorted(kept, key=_by_place)


def _place(diagnostic: Diagnostic) -> Span:
    assert diagnostic.span is not None, "a lint has a place"
    return diagnostic.span


def _by_place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    span = _place(diagnostic)
    return span.source.path, span.line, span.column


def _constant(value: object) -> Given:
    """A value of `with`, which sees no names; raises `SpecError`."""
    try:
        return Given(value.evaluate({}), value.span)  # type: ignore[attr-defined]
    except ValueFault as found:
        raise located(found, {}, {}) from None


def _counted(diagnostic: Diagnostic, layers: set[str], networks: set[str]) -> Diagnostic:
    """A finding that says how many further layers have it."""
    if len(layers) == 1 and len(networks) == 1:
        return diagnostic
    parts = [
        f"{len(layers):,} layers" if len(layers) > 1 else "",
        f"{len(networks):,} networks" if len(networks) > 1 else "",
    ]
    return diagnostic._replace(notes=(Note(f"in {' of '.join(filter(None, parts))}"),))


def _allowed_by_source(file: File) -> dict[int, frozenset[str]]:
    """What each file, this one and those it imports, allows in the layers that are written in it."""
    found: dict[int, frozenset[str]] = {}
    pending = [file]
    while pending:
        each = pending.pop()
        if id(each.source) not in found:
            found[id(each.source)] = frozenset(each.allowed)
            pending += [entry.file for entry in each.imports.values()]
    return found


# -- all files ---------------------------------------------------------------------------------------------------------

Progress = Callable[[int, int, str], None]


def check_all(tasks: list[Task], jobs: int | None = None, progress: Progress | None = None) -> list[Checked]:
    """Check all files, in order; on several cores where there is more than a moment's work.

    `jobs` limits the processes (the cores that may be used if absent); `progress` hears how many of how many files
    are done, and the last one's name.
    """
    done: list[Checked] = []
    shared = Shared()
    jobs = jobs or cores()
    begun = time.perf_counter()
    for number, task in enumerate(tasks):
        if jobs > 1 and len(tasks) - number > 1 and time.perf_counter() - begun > POOL_AFTER:
            return done + _side_by_side(tasks[number:], jobs, progress, number)
        done.append(check_file(task, shared))
        if progress is not None:
            progress(len(done), len(tasks), task.shown)
    return done


def _side_by_side(tasks: list[Task], jobs: int, progress: Progress | None, before: int) -> list[Checked]:
    """Check files in a pool of processes, after those `before`; tasks and results are all that passes between them."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    method = "fork" if sys.platform == "linux" else None  # starting afresh would cost each process its imports
    found: dict[Task, Checked] = {}
    with ProcessPoolExecutor(min(jobs, len(tasks)), multiprocessing.get_context(method), _quiet) as pool:
        # the longest first: at the end, no process waits long for another
        waiting = {pool.submit(_check_in_pool, task): task for task in sorted(tasks, key=_length, reverse=True)}
        try:
            for future in as_completed(waiting):
                found[waiting[future]] = checked = future.result()
                if progress is not None:
                    progress(before + len(found), before + len(tasks), checked.path)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return [found[task] for task in tasks]


def _length(task: Task) -> int:
    """Bytes of a file, which tell roughly how long it takes; of what is not there, none."""
    return os.path.getsize(task.path) if os.path.isfile(task.path) else 0


_shared = Shared()
"""By a process of the pool, which checks for one run alone."""


def _check_in_pool(task: Task) -> Checked:
    return check_file(task, _shared)


def _quiet() -> None:
    """Leave an interrupt to the process that waits for the others."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
