"""What a program takes: names, sizes and the batch, as the source states them or as they are given from outside.

It appends nothing: it says what the graph's inputs are to be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cnncalc.convert import Shapes
from cnncalc.convert.account import Account
from cnncalc.convert.operators import Input, Program, Sizes
from cnncalc.convert.values import inverse
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.language.names import IDENTIFIER, RESERVED
from cnncalc.records import NamedTuple

MAX_INPUTS = 1_000


class Entrance(NamedTuple):
    """One input of the network."""

    source: str
    """Its name in the source."""
    name: str
    """What it is called here."""
    shape: Sizes
    """In the source's axes, with the batch."""
    batch: bool
    """Whether axis 0 is the batch."""
    turn: tuple[int, ...] | None
    """The order of axes in which the network takes it, where that is not the source's: its channels are last there."""


class Entrances(NamedTuple):
    """All inputs."""

    batch: int
    found: list[Entrance]
    compares: bool
    """Whether they have the source's own sizes, so that the shapes that it states hold."""


def entrances(program: Program, given: Shapes, account: Account) -> Entrances:
    """The inputs of a program; raises `Fault` where their sizes are not known, or do not fit what is given."""
    if len(program.inputs) > MAX_INPUTS:
        raise Fault("too-large", f"the network has {len(program.inputs):,} inputs; the limit is {MAX_INPUTS:,}")
    names = input_names(program.inputs)
    shapes = _given(given, names)
    turns = turned(program)
    batch, compares = 1, True
    found: list[Entrance] = []
    for entry in program.inputs:
        name, turn = names[entry.name], turns.get(entry.name)
        if turn is not None:
            account.note(f"the input `{entry.name}` has its channels last in the file; here they are first")
        shape = shapes.get(name)
        batched = _is_batched(entry)
        size = entry.shape[0] if entry.shape and batched else None
        if not found:
            batch = size if isinstance(size, int) else 1
        batched = batched and (size == batch or not isinstance(size, int))
        full, same = _sizes(entry, name, shape, batch if batched else None, turn)
        compares = compares and same
        found.append(Entrance(entry.name, name, full, batched, turn))
    if not compares:
        account.note("at another input size than the file's own, its stated shapes are not compared")
    return Entrances(batch, found, compares)


def input_names(inputs: Sequence[Input]) -> dict[str, str]:
    """What each input is called here: a single one `input`, others by names that a spec may give them."""
    if len(inputs) == 1:
        return {inputs[0].name: "input"}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for entry in inputs:
        if entry.name in found:
            raise Fault("bad-model", f"the input `{entry.name}` is there twice")
        name = re.sub(r"\W+", "_", entry.name, flags=re.ASCII).strip("_") or "input"
        name = name if IDENTIFIER.fullmatch(name) else f"input_{name}"
        name = f"{name}_" if name in RESERVED else name
        number, base = 2, name
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        found[entry.name] = name
        taken.add(name)
    return found


def _given(given: Shapes, names: dict[str, str]) -> dict[str, Shape]:
    """The shapes from outside, by the names of inputs here; those of the source are taken too."""
    if given is None or not names:
        return {}
    if not isinstance(given, Mapping):
        every = [given] if all(isinstance(size, int) for size in given) else given
        return {name: tuple(shape) for name, shape in zip(names.values(), every)}  # type: ignore[arg-type]
    known = {**names, **{name: name for name in names.values()}}
    shapes: dict[str, Shape] = {}
    for name, shape in given.items():
        if name not in known:
            listed = ", ".join(f"`{name}`" for name in names.values())
            raise Fault("unknown-input", f"there is no input `{name}`", None, f"inputs are {listed}")
        shapes[known[name]] = tuple(shape)
    return shapes


def turned(program: Program) -> dict[str, tuple[int, ...]]:
    """Inputs that are taken by nothing but transpositions of the last axis to the place after the batch."""
    takers = program.takers()
    found = {}
    for entry in program.inputs:
        orders = {
            operator.attributes.get("perm") if operator.kind == "Transpose" else None
            for operator in takers.get(entry.name, ())
        }
        order = orders.pop() if len(orders) == 1 and entry.name not in program.outputs else None
        rank = len(order or ())
        fits = entry.shape is None or len(entry.shape) == rank
        if order and fits and rank > 2 and tuple(order) == (0, rank - 1, *range(1, rank - 1)):
            found[entry.name] = tuple(order)
    return found


def _is_batched(entry: Input) -> bool:
    """Whether axis 0 can be the batch: not that of a list of features; raises `Fault` where there is no axis."""
    if entry.shape is None:
        return True
    if not entry.shape:
        help = "export the model with this number as a constant, or with a tensor in its place"
        raise Fault("unsupported", f"the input `{entry.name}` is a single number", None, help)
    return len(entry.shape) > 1


def _sizes(
    entry: Input, name: str, given: Shape | None, batch: int | None, turn: tuple[int, ...] | None
) -> tuple[Sizes, bool]:
    """The shape of an input in the source's axes, and whether it is the source's own.

    `given` is channels first and without the batch, and stands in for what the source says.
    """
    first = () if batch is None else (batch,)
    sides = None if entry.shape is None else entry.shape[len(first) :]
    if given is None:
        known = tuple([size for size in sides or () if isinstance(size, int)])
        if sides is None or len(known) != len(sides):
            raise _dynamic(entry, name, sides)
        return (*first, *known), True
    if sides is not None and len(sides) != len(given):
        besides = " besides the batch" if first else ""
        message = f"the input `{name}` has {len(sides)} axes{besides}, {dims(given)} has {len(given)}"
        raise Fault("wrong-rank", message)
    shape = given
    if turn is not None and len(turn) == len(given) + 1:
        back = inverse(turn)
        shape = tuple([given[back[axis] - 1] for axis in range(1, len(turn))])
    same = sides is None or all(not isinstance(size, int) or size == own for size, own in zip(sides, shape))
    return (*first, *shape), same


def _dynamic(entry: Input, name: str, sides: Sequence[int | str | None] | None) -> Fault:
    """The fault of an input whose sizes are left open."""
    flag = "--input " + ("" if name == "input" else f"{name}=")
    if sides is None or entry.shape is None:
        message = f"the file does not state the shape of the input `{entry.name}`"
        return Fault("dynamic-shape", message, None, f"give it, for example `{flag}3x224x224`")
    shown = " x ".join("?" if size is None else str(size) for size in entry.shape)
    left = [size for size in sides if not isinstance(size, int)]
    named = ", ".join(f"`{size}`" for size in left if size) or f"{len(left)} of its sizes"
    guessed = [size if isinstance(size, int) else 224 if place else 3 for place, size in enumerate(sides)]
    message = f"the input `{entry.name}` is {shown}: {named} may be any size"
    return Fault("dynamic-shape", message, None, f"give the sizes, for example `{flag}{'x'.join(map(str, guessed))}`")
