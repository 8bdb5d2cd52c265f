"""What the bodies of blocks have in common, and which stretches some of them leave out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cnncalc.convert.keras_out.bodies import Body
from cnncalc.records import NamedTuple


def shape_of(each: Body) -> tuple[Any, ...]:
    """What bodies of one function share: everything but the values of arguments."""
    known: dict[int, Any] = {value: place for place, value in enumerate(each.inputs)}
    found = []
    for item in each.items:
        call = item.call
        fixed = tuple(entry.value for entry in call.arguments) if call.callee == "[]" else ()
        keywords = tuple(entry.keyword for entry in call.arguments)
        operands = tuple(known[value] for value in call.inputs)
        found.append((item.key, call.callee, keywords, operands, call.name, call.shared, fixed))
        known[call.output] = item.key
    return (*found, known[each.result], len(each.inputs))


def grouped(bodies: Sequence[tuple[int, Body]]) -> list[list[tuple[int, Body]]]:
    """Bodies that can be one function, the longest first in each group."""
    equal: dict[Any, list[tuple[int, Body]]] = {}
    for number, each in bodies:
        equal.setdefault(shape_of(each), []).append((number, each))
    groups: list[list[tuple[int, Body]]] = []
    for members in sorted(equal.values(), key=lambda members: -len(members[0][1].items)):
        fitting = (group for group in groups if stretches([each for _, each in [*group, members[0]]]) is not None)
        group = next(fitting, None)
        if group is None:
            groups.append(list(members))
        else:
            group += members
    return groups


class Stretch(NamedTuple):
    """Consecutive items of the longest body that others leave out together."""

    start: int
    end: int
    leaves: Any
    """The key of the item whose value is used behind it."""
    instead: Any
    """The key (or number) of the value that is used without it."""
    present: tuple[bool, ...]
    """Whether each body has it."""


def stretches(bodies: Sequence[Body]) -> list[Stretch] | None:
    """What some bodies leave out of the first; None if they differ in more than that."""
    master = shape_of(bodies[0])
    lines, result = master[:-2], master[-2]
    places = {line[0]: place for place, line in enumerate(lines)}
    found: dict[tuple[int, int], tuple[Any, Any]] = {}
    absent: list[set[tuple[int, int]]] = []
    for each in bodies[1:]:
        other = shape_of(each)
        missing = omitted(lines, result, other, places)
        if missing is None or other[-1] != master[-1]:
            return None
        for run, exchange in missing.items():
            if found.setdefault(run, exchange) != exchange:
                return None
        absent.append(set(missing))
    runs = sorted(found)
    if any(before[1] >= after[0] for before, after in pairwise(runs)):
        return None
    return [Stretch(*run, *found[run], (True, *(run not in each for each in absent))) for run in runs]


def omitted(
    lines: Sequence[Any], result: Any, other: Sequence[Any], places: dict[Any, int]
) -> dict[tuple[int, int], tuple[Any, Any]] | None:
    """The stretches of `lines` that another body lacks, with the value that each leaves and what stands for it."""
    there = {line[0]: line for line in other[:-2]}
    order = [places[key] for key in there if key in places]  # what takes another value does not agree
    if order != sorted(order):
        return None
    runs: list[tuple[int, int]] = []
    for place, line in enumerate(lines):
        if line[0] not in there:
            if runs and runs[-1][1] == place:
                runs[-1] = (runs[-1][0], place + 1)
            else:
                runs.append((place, place + 1))
    run_of = {lines[place][0]: run for run in runs for place in range(*run)}
    exchanged: dict[tuple[int, int], tuple[Any, Any]] = {}

    def agrees(mine: Any, theirs: Any) -> bool:
        run = run_of.get(mine)
        if run is None:
            return bool(mine == theirs)
        defined = isinstance(theirs, int) or (theirs in places and places[theirs] < places[mine])
        return defined and exchanged.setdefault(run, (mine, theirs)) == (mine, theirs)

    for line in lines:
        same = there.get(line[0])
        if same is None:
            continue
        if (line[1], line[2], line[4:]) != (same[1], same[2], same[4:]) or len(line[3]) != len(same[3]):
            return None
        if not all(agrees(mine, theirs) for mine, theirs in zip(line[3], same[3])):
            return None
    if not agrees(result, other[-2]) or exchanged.keys() != set(runs):
        return None
    return exchanged
