"""Exact polynomials in several variables, through values on a grid: rational numbers only, nothing is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import prod

from cnncalc.records import NamedTuple

MAX_DEGREE = 8
"""The highest degree that is looked for."""

CHECKS = 3
"""Further values that must lie on a polynomial before it is one."""


class Term(NamedTuple):
    """A coefficient, and the power of each variable that it stands with."""

    coefficient: Fraction
    powers: tuple[tuple[str, int], ...]

    @property
    def degree(self) -> int:
        """The powers together."""
        return sum(power for _, power in self.powers)


class Polynomial(NamedTuple):
    """A sum of terms, the highest degree first; no term is 0."""

    terms: tuple[Term, ...]

    def value(self, at: Mapping[str, Fraction | int]) -> Fraction:
        """Its value where every variable has one."""
        found = Fraction(0)
        for term in self.terms:
            found += term.coefficient * prod(Fraction(at[name]) ** power for name, power in term.powers)
        return found

    def text(self, separators: bool = False) -> str:
        """``9*width**2 + 31*width + 10``, in Python's words; with `separators` thousands are parted."""
        text = ""
        for term in self.terms:
            size = abs(term.coefficient)
            number = f"{size.numerator:,}" if separators else str(size.numerator)
            number += f"/{size.denominator}" if size.denominator != 1 else ""
            powers = [name if power == 1 else f"{name}**{power}" for name, power in term.powers]
            product = "*".join([*([] if size == 1 and powers else [number]), *powers])
            sign = "-" if term.coefficient < 0 else "+"
            text += f" {sign} {product}" if text else f"{'-' if sign == '-' else ''}{product}"
        return text or "0"

    def to_list(self) -> list[list[object]]:
        """Its terms as plain data: ``[[9, {"width": 2}], [10, {}]]``; a fraction is ``[numerator, denominator]``."""
        found: list[list[object]] = []
        for coefficient, powers in self.terms:
            whole = coefficient.denominator == 1
            number = coefficient.numerator if whole else [coefficient.numerator, coefficient.denominator]
            found.append([number, dict(powers)])
        return found


def degree(values: Sequence[int]) -> int | None:
    """The degree of the polynomial that values at equal distances lie on.

    None where none of at most `MAX_DEGREE` does, or where fewer than `CHECKS` values are there beyond what it needs.
    """
    row = list(values)
    found = 0
    while any(row):
        row = [after - before for before, after in pairwise(row)]
        found += 1
    return max(0, found - 1) if len(row) >= CHECKS and found <= MAX_DEGREE + 1 else None


def through(axes: Mapping[str, Sequence[Fraction]], values: Mapping[tuple[int, ...], int]) -> Polynomial:
    """The one polynomial through values on a grid, of degree below the number of points in every variable.

    `axes` are the points of each variable, `values` the value by the number of the point on each axis.
    """
    bases = [_basis(points) for points in axes.values()]
    found: dict[tuple[int, ...], Fraction] = {}
    for place, value in values.items():
        polynomials = [basis[number] for basis, number in zip(bases, place)]
        for powers in product(*(range(len(each)) for each in polynomials)):
            share = value * prod(each[power] for each, power in zip(polynomials, powers))
            found[powers] = found.get(powers, Fraction(0)) + share
    terms = [
        Term(coefficient, tuple((name, power) for name, power in zip(axes, powers) if power))
        for powers, coefficient in found.items()
        if coefficient
    ]
    order = list(axes)
    terms.sort(key=lambda term: (-term.degree, [-dict(term.powers).get(name, 0) for name in order]))
    return Polynomial(tuple(terms))


def _basis(points: Sequence[Fraction]) -> list[list[Fraction]]:
    """Lagrange's polynomials: that of a point is 1 there and 0 at the others; coefficients from the constant up."""
    found = []
    for own in points:
        polynomial = [Fraction(1)]
        for other in points:
            if other != own:
                shifted = [Fraction(0), *polynomial]
                for power, coefficient in enumerate(polynomial):
                    shifted[power] -= other * coefficient
                polynomial = [coefficient / (own - other) for coefficient in shifted]
        found.append(polynomial)
    return found
