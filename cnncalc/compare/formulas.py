"""Figures of a network as exact polynomials in its arguments, and in the input's size, by checked interpolation.

A spec may round, and strides do: so it is looked for where a polynomial holds, in eighths, quarters, halves, whole
numbers, or whole numbers of one residue, and every formula names the settings that it was checked at.  That is no
proof for those between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from cnncalc.analyzers.memory import FLOAT32
from cnncalc.analyzers.quantities import asked
from cnncalc.analyzers.receptive_field import receptive_fields
from cnncalc.compare.polynomials import CHECKS, MAX_DEGREE, Polynomial, degree, through
from cnncalc.compare.settings import Setting
from cnncalc.compare.sweep import Measurer, Row, Spec
from cnncalc.diagnostics import Fault, SpecError, UsageFault, suggestion
from cnncalc.expansion.expand import MAX_STEPS
from cnncalc.expansion.instance import Instance
from cnncalc.language.model import File
from cnncalc.records import NamedTuple

STEPS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))
"""Distances between settings that are tried before whole numbers, for what scales around 1."""

MODULI = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 64)
"""Distances between whole numbers that are tried."""

MAX_RESIDUES = 64
"""Pieces up to which a formula is given for every residue."""

FIRST = 1024
"""Whole numbers up to which the first that builds is looked for."""


class Stretch(NamedTuple):
    """The values of one variable for which a polynomial holds: `first`, and from there by `step`."""

    name: str
    first: Fraction
    step: Fraction
    degree: int

    def at(self, number: int) -> Fraction:
        """The value of a number from 0 on."""
        return self.first + number * self.step

    @property
    def text(self) -> str:
        """In words."""
        if self.step < 1:
            return f"{self.name} in multiples of {self.step}"
        if self.step == 1:
            return f"{self.name} whole, from {self.first}"
        return f"{self.name} = {self.first} + {self.step}*k"


class Piece(NamedTuple):
    """A polynomial, and where it holds."""

    polynomial: Polynomial
    stretches: tuple[Stretch, ...]
    """One for every variable."""
    checked: int
    """At how many settings it was compared with the figure, those that it was made from included."""


class Formula(NamedTuple):
    """A figure of the network as polynomials."""

    key: str
    pieces: tuple[Piece, ...]
    """The first holds for the spec's own setting; the others for other residues."""
    checked: dict[str, list[Fraction]]
    """The values of each variable that some piece was checked at."""
    notes: tuple[str, ...]
    lower_bound: bool

    def to_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it."""
        first = self.pieces[0]
        found: dict[str, Any] = {"text": first.polynomial.text(), "terms": first.polynomial.to_list()}
        found["domain"] = [_domain(stretch) for stretch in first.stretches]
        found["pieces"] = [
            {
                "text": piece.polynomial.text(),
                "terms": piece.polynomial.to_list(),
                "domain": [_domain(stretch) for stretch in piece.stretches],
            }
            for piece in self.pieces
        ]
        found["checked"] = {name: [_number(value) for value in values] for name, values in self.checked.items()}
        return {**found, "notes": list(self.notes), "lower_bound": self.lower_bound}


def _domain(stretch: Stretch) -> dict[str, Any]:
    return {"name": stretch.name, "first": _number(stretch.first), "step": _number(stretch.step)}


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def formulas(
    spec: Spec, names: Sequence[str], keys: Sequence[str] = ("params", "macs"), max_steps: int = MAX_STEPS
) -> list[Formula]:
    """The figures `keys` of a spec as polynomials in `names`: arguments that are numbers, or `size`.

    Raises `SpecError` where the spec does not build as it is, `UsageFault` for a name or a figure that there is not,
    `Fault` where a figure is no polynomial.
    """
    for key in keys:
        if key not in asked():
            help = suggestion(key, asked()) or f"quantities are {', '.join(f'`{known}`' for known in asked())}"
            raise UsageFault("unknown-key", f"unknown quantity `{key}`", None, help)
    samples = _Samples(spec, names, keys, max_steps)
    return [_Search(samples, key).formula() for key in keys]


class _Samples:
    """A spec's figures, setting by setting; each is built once."""

    def __init__(self, spec: Spec, names: Sequence[str], keys: Sequence[str], max_steps: int) -> None:
        file = spec.file
        if file is None:
            help = "`cnncalc import` makes a spec of it"
            raise UsageFault("no-arguments", f"{spec.name} is a model file: it has no arguments", None, help)
        self.file: File = file
        self.spec = spec
        self.names = tuple(names)
        self.measure = Measurer(keys, FLOAT32, max_steps)
        self.known: dict[tuple[Fraction, ...], Row] = {}
        self.graph = self.measure.build(spec, Setting((), spec.variant, (), None))
        env = Instance(file, self.measure.given(spec, Setting((), spec.variant, (), None))).env
        self.base = tuple(self._base(name, env) for name in names)
        if len(set(names)) < len(names):
            raise UsageFault("value", "an argument is given twice")
        self.row(self.base)  # what does not build at all is an error

    def _base(self, name: str, env: Mapping[str, Any]) -> Fraction:
        """The value that a variable has in the spec."""
        if name not in self.file.args and name != "size":
            known = [*self.file.args, "size"]
            help = suggestion(name, known) or f"it has {', '.join(f'`{each}`' for each in known)}"
            raise UsageFault("unknown-argument", f"{self.file.source.path} has no argument `{name}`", None, help)
        value = env[name] if name in self.file.args else min(self.graph.inputs[0][1][1:], default=None)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UsageFault("wrong-type", f"`{name}` is no number", None, "a formula is in numbers")
        return Fraction(value).limit_denominator(1000)

    def row(self, at: tuple[Fraction, ...]) -> Row:
        """The row of a setting; raises `SpecError` for one that does not build."""
        if at not in self.known:
            args = tuple((name, _number(v)) for name, v in zip(self.names, at) if name in self.file.args)
            sizes = [int(v) for name, v in zip(self.names, at) if name not in self.file.args]
            self.known[at] = self.measure(
                (self.spec, Setting((), self.spec.variant, args, tuple(sizes) if sizes else None))
            )
        row = self.known[at]
        if row.error is not None:
            raise SpecError([row.error])
        return row

    def value(self, key: str, at: tuple[Fraction, ...]) -> int | None:
        """A figure of a setting; None for one that does not build."""
        try:
            found = self.row(at).figures[key]
        except SpecError:
            return None
        if found is None:
            raise Fault("no-formula", f"`{key}` does not apply to this network")
        return int(found)


class _Search:
    """Looks for the polynomials of one figure."""

    def __init__(self, samples: _Samples, key: str) -> None:
        self.samples = samples
        self.key = key
        self.notes: list[str] = []

    def formula(self) -> Formula:
        """The formula; raises `Fault` where there is none."""
        samples = self.samples
        every = [self.stretches(place) for place in range(len(samples.names))]
        notes = list(self.notes)
        if prod(map(len, every)) > MAX_RESIDUES:
            notes.append("other residues are left out")
            every = [stretches[:1] for stretches in every]
        if any(stretch.step > 1 for stretches in every for stretch in stretches):
            notes.append("it is another polynomial for every residue: strides or the spec round")
        used: dict[str, set[Fraction]] = {name: set() for name in samples.names}
        pieces = [self.piece(stretches, used) for stretches in product(*every)]
        rounding = _rounding(samples.file)
        if rounding and any(name in samples.file.args for name in samples.names):
            notes.append(f"the spec rounds ({', '.join(rounding)}): other settings may differ")
        lower = bool(samples.row(samples.base).lower_bound)
        checked = {name: sorted(values) for name, values in used.items()}
        return Formula(self.key, tuple(pieces), checked, tuple(notes), lower)

    def stretches(self, place: int) -> list[Stretch]:
        """Where the figure is a polynomial in one variable, the others being as in the spec: the base's first."""
        base = self.samples.base[place]
        if base.denominator > 1 or base == 1:
            for step in STEPS:
                found = self.along(place, step, step) if base % step == 0 else None
                if found is not None:
                    return [found]
            self.notes.append(f"it does not hold at all multiples of {STEPS[-1]} of {self.samples.names[place]}")
        low = self.lowest(place)
        for modulus in self.moduli(place):
            step = Fraction(modulus)
            for first in dict.fromkeys((low + (base - low) % step, base)):
                own = self.along(place, first, step)
                others = list(self.others(place, own)) if own is not None else [None]
                if own is not None and None not in others:
                    return [own, *(stretch for stretch in others if stretch is not None)]
        name = self.samples.names[place]
        message = f"`{self.key}` is no polynomial in `{name}` of degree {MAX_DEGREE} or less, on whole numbers either"
        raise Fault("no-formula", message, None, "`cnncalc compare --over` gives its values one by one")

    def others(self, place: int, own: Stretch) -> Iterator[Stretch | None]:
        """The same for the other residues, those left out that do not build; None where there is no polynomial."""
        for residue in range(1, int(own.step)):
            first = own.first + residue
            if any(self.at(place, first + turn * own.step) is not None for turn in range(2)):
                yield self.along(place, first, own.step)

    def lowest(self, place: int) -> Fraction:
        """The lowest whole number that builds."""
        base = self.samples.base[place]
        for value in range(1, min(FIRST, int(base)) + 1):
            if self.at(place, Fraction(value)) is not None:
                return Fraction(value)
        return base

    def moduli(self, place: int) -> Sequence[int]:
        """The distances that are tried: for a size those between units, which strides make."""
        if self.samples.names[place] in self.samples.file.args:
            return MODULI
        found = {1}
        for field in receptive_fields(self.samples.graph):
            if field is not None and field.is_local:
                found.update(high[0] for _, high in field.stride if high[1] == 1)
        return sorted(found)

    def at(self, place: int, value: Fraction) -> int | None:
        """The figure with one variable changed."""
        base = self.samples.base
        return self.samples.value(self.key, (*base[:place], value, *base[place + 1 :]))

    def along(self, place: int, first: Fraction, step: Fraction) -> Stretch | None:
        """The stretch from `first` by `step`, if a polynomial holds there: on values in a row, on both sides of the
        base, and beyond."""
        values: list[int] = []
        while len(values) <= MAX_DEGREE + CHECKS:
            value = self.at(place, first + len(values) * step)
            if value is None:
                return None
            values.append(value)
            found = degree(values)
            if found is not None:
                stretch = Stretch(self.samples.names[place], first, step, found)
                line = self.interpolated(stretch, lambda number: values[number])
                if all(self.at(place, at) == line.value({stretch.name: at}) for at in self.further(place, stretch)):
                    return stretch
        return None

    def interpolated(self, stretch: Stretch, value: Callable[[int], int]) -> Polynomial:
        """The polynomial in one variable through its first values."""
        numbers = range(stretch.degree + 1)
        points = {stretch.name: [stretch.at(number) for number in numbers]}
        return through(points, {(number,): value(number) for number in numbers})

    def further(self, place: int, stretch: Stretch) -> list[Fraction]:
        """Values that a polynomial is checked at beyond those in a row: around the base, and at twice of it."""
        base = max(self.samples.base[place], stretch.first)
        near = int((base - stretch.first) // stretch.step)
        far = int((2 * base - stretch.first) // stretch.step)
        numbers = (near - 1, near, near + 1, (near + far) // 2, far, far + 1)
        return [stretch.at(number) for number in dict.fromkeys(numbers) if number >= 0]

    def piece(self, stretches: tuple[Stretch, ...], used: dict[str, set[Fraction]]) -> Piece:
        """The polynomial of all variables together; raises `Fault` where they do not go together so."""
        axes = {stretch.name: [stretch.at(number) for number in range(stretch.degree + 1)] for stretch in stretches}
        values: dict[tuple[int, ...], int] = {}
        for numbers in product(*(range(stretch.degree + 1) for stretch in stretches)):
            values[numbers] = self.whole(tuple(s.at(number) for s, number in zip(stretches, numbers)))
        polynomial = through(axes, values)
        checked = {tuple(s.at(number) for s, number in zip(stretches, numbers)) for numbers in values}
        for at in self.checks(stretches):
            if self.whole(at) != polynomial.value(dict(zip(self.samples.names, at))):
                names = " and ".join(f"`{stretch.name}`" for stretch in stretches)
                raise Fault("no-formula", f"`{self.key}` is no polynomial in {names} together")
            checked.add(at)
        for at in checked:
            for name, value in zip(self.samples.names, at):
                used[name].add(value)
        return Piece(polynomial, stretches, len(checked))

    def checks(self, stretches: tuple[Stretch, ...]) -> list[tuple[Fraction, ...]]:
        """Settings beyond the grid: each variable alone where it was checked, and all of them together."""
        found = [tuple(s.at(s.degree + more) for s in stretches) for more in range(1, CHECKS + 1)]
        start = tuple(s.at(0) for s in stretches)
        for place, stretch in enumerate(stretches):
            further = [stretch.at(stretch.degree + more) for more in range(1, CHECKS + 1)]
            for value in (*further, *self.further(place, stretch)):
                found.append((*start[:place], value, *start[place + 1 :]))
        return list(dict.fromkeys(found))

    def whole(self, at: tuple[Fraction, ...]) -> int:
        """The figure of a setting that builds; raises `SpecError` for one that does not."""
        self.samples.row(at)
        value = self.samples.value(self.key, at)
        assert value is not None, "a setting that builds has its figure"
        return value


_ROUNDS = re.compile(r"\b(divisible|round|floor|ceil|int)\s*\(|(//)")


def _rounding(file: File) -> list[str]:
    """What rounds in a spec's own text, comments left out."""
    lines = [line.partition("#")[0] for line in file.source.text.splitlines()]
    found = [match for line in lines for match in _ROUNDS.finditer(line)]
    return list(dict.fromkeys(f"`{match[1] or match[2]}`" for match in found))
