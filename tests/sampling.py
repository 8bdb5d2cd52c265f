"""How much a run of the suite tries: a sample, or everything where the environment sets ``EVERY_NETWORK``.

What tries less by default carries the mark `every`; what takes long, and is left out by ``make test``, the mark
`thorough`.  ``make test-every`` runs the first on everything, and the second.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from cnncalc.language.library import bundled_files, network_names, variant_names

Case = TypeVar("Case")
EVERY = bool(os.environ.get("EVERY_NETWORK"))


def networks(each: int = 1) -> list[str]:
    """Names of bundled networks: the first of each so manieth file, or all."""
    if EVERY:
        return network_names()
    paths = bundled_files()[::each]
    return [(variant_names(path) or [os.path.splitext(os.path.basename(path))[0]])[0] for path in paths]


def some(cases: Sequence[Case], each: int) -> Sequence[Case]:
    """Each so manieth of many cases, or all."""
    return cases if EVERY else cases[::each]


def examples(everything: int, sample: int) -> Callable[[Any], Any]:
    """Settings of a test with `hypothesis`: its examples when everything is tried, and else."""

    def applied(test: Any) -> Any:
        return pytest.mark.every(settings(max_examples=everything if EVERY else sample)(test))

    return applied


def together(names: str, cases: Iterable[Any], label: Callable[[Any], str] = str) -> Callable[[Any], Any]:
    """As `pytest.mark.parametrize`, but one test: hundreds of cases that take a millisecond each take longer to report.

    All cases are tried; it fails with those that fail, each under its label.
    """
    taken = [name.strip() for name in names.split(",")]
    every_case = list(cases)
    assert every_case

    def applied(test: Any) -> Any:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def tried(**fixtures: Any) -> None:
            failed = []
            for case in every_case:
                try:
                    test(**dict(zip(taken, case if len(taken) > 1 else (case,), strict=True)), **fixtures)
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"for {names} = {label(case)}")
                    failed.append(error)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(every_case)} cases", failed)

        fixtures = [each for name, each in signature.parameters.items() if name not in taken]
        vars(tried)["__signature__"] = signature.replace(parameters=fixtures)
        return tried

    return applied
