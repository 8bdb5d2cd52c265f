"""The house rules, read from the source: imports run downward, and each outside package has one door."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cnncalc"

LEVELS: tuple[tuple[str, ...], ...] = (
    ("records",),
    ("diagnostics", "values"),
    ("geometry", "patterns", "render.cells", "writing"),
    ("layers",),
    ("graph",),
    ("analyzers", "rewrite"),
    ("language",),
    ("expansion", "executor"),
    ("convert",),
    ("report", "footprint"),
    ("network", "reference", "verify"),
    ("check", "compare", "gallery", "schema"),
    ("tables",),
    ("sums",),
    ("explain", "examples"),
    ("render",),
    ("cli", "__main__"),
)
"""From the bottom to the top; a name stands for a module, or for a package with all that is in it.  A module imports
from lower levels, and from its own without going in circles."""

DOORS_UP = ("network", "report")
"""A network's commands and a report that shows itself load what stands above them, late: when they are asked to."""


class Import(NamedTuple):
    """One name that a module imports."""

    module: str
    name: str
    late: bool
    """Inside a function."""


def module_name(path: Path) -> str:
    """``language.source``; the package itself is ``""``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in PACKAGE.rglob("*.py")}


@functools.cache
def parsed(module: str) -> ast.Module:
    return ast.parse(PATHS[module].read_text(encoding="utf-8"))


@functools.cache
def imports(module: str) -> list[Import]:
    """What a module imports when it runs: not what stands below ``if TYPE_CHECKING``."""
    found: list[Import] = []

    def visit(node: ast.AST, late: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.Import):
                found.extend(Import(alias.name, "", late) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, "imports are absolute"
                found.extend(Import(child.module or "", alias.name, late) for alias in child.names)
            if isinstance(child, (ast.stmt, ast.excepthandler)):  # an expression imports nothing
                visit(child, late or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))

    visit(parsed(module), False)
    return found


def inside(entry: Import) -> str | None:
    """The module of ours that an import loads; None for others'."""
    if entry.module.partition(".")[0] != "cnncalc":
        return None
    full = ".".join(filter(None, (entry.module, entry.name))).partition("cnncalc")[2].lstrip(".")
    return full if full in PATHS else full.rpartition(".")[0]


def level(module: str) -> int:
    """The number of a module's level: that of the longest name in the table that covers it."""
    best = (-1, -1)
    for number, names in enumerate(LEVELS):
        for name in names:
            if module == name or module.startswith(f"{name}."):
                best = max(best, (len(name), number))
    assert best[1] >= 0, f"{module} stands on no level: give it one"
    return best[1]


MODULES = sorted(module for module in PATHS if module)


def test_imports_run_downward() -> None:
    upward = []
    for module in MODULES:
        for entry in imports(module):
            target = inside(entry)
            if target is None:
                continue
            if not target:
                assert entry.name == "__version__", f"{module} imports {entry.name} from the public API"
            elif not (module in DOORS_UP and entry.late) and level(target) > level(module):
                upward.append(f"{module} imports {target}")
    assert upward == []


def test_no_import_goes_in_circles() -> None:
    graph = {
        module: {
            target
            for entry in imports(module)
            if (target := inside(entry)) and target != module and not (module in DOORS_UP and entry.late)
        }
        for module in MODULES
    }
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


def test_no_level_names_what_is_not_there() -> None:
    for name in (name for names in LEVELS for name in names):
        assert name in PATHS, name
    assert set(DOORS_UP) <= PATHS.keys()


def test_layers_know_no_spans_and_no_graph() -> None:
    for module in MODULES:
        if module.partition(".")[0] == "layers":
            for entry in imports(module):
                if entry.module == "cnncalc.diagnostics":
                    assert entry.name in ("Fault", "suggestion"), module


FRAME = {f"analyzers.{name}" for name in ("measurement", "notes", "quantities", "quantity")}
"""What analyzers are made with; all else in their package measures something."""


HALVES = {("analyzers.training", "analyzers.memory")}
"""Two files on one quantity: bytes are counted alike for what lives and for what is kept."""

FACTS = {"layers.base", "layers.memory"}
"""Where the facts are declared that every kind states, and no kind is."""


def test_analyzers_know_no_kind_and_not_each_other() -> None:
    for module in MODULES:
        if module.startswith("analyzers."):
            targets = {target for entry in imports(module) if (target := inside(entry))}
            others = {target for target in targets if target.startswith("analyzers")}
            assert {(module, target) for target in others - FRAME} <= HALVES, module
            assert {target for target in targets if target.startswith("layers")} <= FACTS, module


# -- one door for everything outside -----------------------------------------------------------------------------------

DOORS = {"yaml": "language.source", "rich": "render", "typer": "cli"}
"""The module or package of ours that may import each of others'."""


FRAMEWORKS = {"keras": "convert", "numpy": "convert", "onnx": "convert", "torch": "convert"}
"""What is not installed with us: imported late, where a conversion is asked for."""


@pytest.mark.parametrize("package", FRAMEWORKS)
def test_frameworks_are_imported_late_and_by_their_conversion(package: str) -> None:
    found = [(module, entry) for module in MODULES for entry in imports(module) if entry.module == package]
    assert found
    for module, entry in found:
        assert entry.late, module
        assert module.startswith(f"{FRAMEWORKS[package]}."), module


@pytest.mark.parametrize("package", DOORS)
def test_outside_packages_have_one_door(package: str) -> None:
    using = {module for module in MODULES for entry in imports(module) if entry.module.partition(".")[0] == package}
    assert using
    assert {module for module in using if not f"{module}.".startswith(f"{DOORS[package]}.")} == set()


def test_no_other_package_is_imported() -> None:
    allowed = {*sys.stdlib_module_names, "cnncalc", *DOORS, *FRAMEWORKS}
    for module in PATHS:
        assert {entry.module.partition(".")[0] for entry in imports(module)} <= allowed, module


OUTPUT = {"print", "exit", "quit", "input", "eval", "exec", "__import__", "compile"}


def test_only_the_command_line_prints_or_exits() -> None:
    found = []
    for module in MODULES:
        if module.partition(".")[0] in ("cli", "__main__"):
            continue
        output = OUTPUT - RUNS.get(module, set())
        streams = {"stdout", "exit"} if module in DRAWS else {"stdout", "exit", "stderr"}
        for node in ast.walk(parsed(module)):
            if (
                (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in output)
                or (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "sys"
                    and node.attr in streams
                )
                or (isinstance(node, ast.Name) and node.id == "SystemExit")
            ):
                found.append(f"{module}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


RUNS = {"convert.keras_out.source": {"exec", "compile"}, "convert.torch_out": {"exec", "compile"}}
"""They run the source that they have written, and no other."""

DRAWS = {"render.progress"}
"""Draws its bar on a terminal's standard error."""


# -- what start-up loads -----------------------------------------------------------------------------------------------

REPORTED = """
import sys
from cnncalc.cli import main
sys.argv = ["cnncalc", *sys.argv[1:]]
try:
    main()
finally:
    sys.stderr.write("\\n".join(sys.modules))
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that a command has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", REPORTED, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.split())


HEAVY = (
    "cnncalc.executor",
    "cnncalc.verify",
    "cnncalc.check",
    "cnncalc.gallery",
    "cnncalc.explain",
    "cnncalc.language.advice",
    "cnncalc.language.words",
)
HEAVY += ("cnncalc.analyzers.receptive_field", "cnncalc.rewrite", "cnncalc.render.rich", "cnncalc.render.json")
HEAVY += (
    "rich",
    "json",
    "pydantic",
    "fractions",
    "decimal",
    "dataclasses",
    "importlib.resources",
    "sqlite3",
)


def test_shapes_loads_what_it_needs_and_no_more() -> None:
    modules = loaded("shapes", "vgg16", "--format", "csv")
    assert "cnncalc.analyzers.shapes" in modules
    assert {name for name in HEAVY if name in modules} == set()


def test_a_piped_table_needs_no_rich() -> None:
    assert not any(name.partition(".")[0] == "rich" for name in loaded("summary", "resnet50"))
