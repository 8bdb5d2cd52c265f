"""The executor does not use what it is there to check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "cnncalc"
CHECKED = {
    "reach", "out_shape", "channels_out", "weight_shapes", "kernel_shape", "multiplies", "macs", "extent", "unread",
    "windows", "adaptive", "nearest", "linear", "params", "receptive_fields", "receptive_field", "count", "total",
}  # fmt: skip
"""Names of the code behind the reported numbers."""


def called(tree: ast.AST) -> set[str]:
    """Names of what is called or read off an operation in some code."""
    names = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Call):
            function = part.func
            names.add(function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", ""))
        if isinstance(part, ast.Attribute) and ast.unparse(part.value).endswith("operation"):
            names.add(part.attr)
    return names


def imported(tree: ast.AST) -> set[str]:
    return {part.module or "" for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)}


def executing(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """The methods of layer kinds that say how they execute."""
    for part in ast.walk(tree):
        if isinstance(part, ast.FunctionDef) and any(argument.arg == "run" for argument in part.args.args):
            yield part


def test_the_executor_is_independent() -> None:
    files = sorted((PACKAGE / "executor").glob("*.py"))
    assert len(files) > 5
    for file in files:
        tree = ast.parse(file.read_text())
        assert not called(tree) & (CHECKED | {"output", "weights"}), file.name
        assert not any("analyzers" in module or "rewrite" in module for module in imported(tree)), file.name


def test_how_kinds_execute_is_independent() -> None:
    found = [
        method
        for file in sorted((PACKAGE / "layers").glob("*.py"))
        for method in executing(ast.parse(file.read_text()))
    ]
    assert len(found) > 20
    for method in found:
        assert not called(method) & CHECKED, method.name


def test_kinds_execute_in_the_declared_kernels_alone() -> None:
    """With an `Any` among them, the type checker would no longer find a misspelt kernel."""
    for file in sorted((PACKAGE / "layers").glob("*.py")):
        for method in executing(ast.parse(file.read_text())):
            (run,) = [argument for argument in method.args.args if argument.arg == "run"]
            assert run.annotation is not None
            assert ast.unparse(run.annotation) == "Kernels[T]", f"{file.name}: {method.name}"
