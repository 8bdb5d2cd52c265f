"""Flags and settings of the whole suite: golden files are rewritten on demand, hypothesis repeats itself exactly."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from typer.main import get_command

from cnncalc.cli import app

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("repeatable")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector, also of forked processes, need not look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write what the program prints as what the tests expect")


class Expected:
    """Compares text with a file's, or writes the file where ``--rewrite`` is given."""

    def __init__(self, rewrite: bool) -> None:
        self.rewrite = rewrite

    def check(self, path: Path, text: str) -> None:
        """Fail unless `path` holds exactly `text`."""
        if self.rewrite:
            path.write_bytes(text.encode())
        assert path.read_bytes().decode() == text


@pytest.fixture(scope="session")
def expected(request: pytest.FixtureRequest) -> Expected:
    return Expected(request.config.getoption("--rewrite"))


class Run(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


PROGRAM = get_command(app)  # built once: it takes longer than most commands


def run_command(*arguments: str) -> Run:
    """Run the command line in this process, its output no terminal."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        PROGRAM.main(list(arguments), prog_name="cnncalc")
    return Run(int(left.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def nets(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks of the module's `NETS`, texts by the name of their file, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in request.module.NETS.items():
        Path(name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def run() -> Callable[..., Run]:
    return run_command
