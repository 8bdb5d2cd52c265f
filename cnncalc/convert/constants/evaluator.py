"""What is known without running the network, and how much work that may be.

Of large tensors (weights) only the shape is followed, and which of the source's tensors they are made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cnncalc.convert.operators import FLOATS, Constant, Derivation, Gathered, Held, Operator, Sizes
from cnncalc.convert.shapes import bad, broadcast, product_sizes
from cnncalc.diagnostics import Fault
from cnncalc.geometry import LIMIT, dims

MAX_VALUES = 65_536
"""Elements of a tensor whose values are worked out."""


MAX_SIMPLE = 262_144
"""The same where elements are moved, or few are different: masks of attention have many elements."""

REPEATED = 4
"""So many of those elements are the work of one."""

MAX_WORK = 5_000_000
"""Elements that are worked out for one source."""

RESHAPING = frozenset(("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"))
"""Operators that leave the elements of their first operand as they are, row-major."""

FOLLOWED = (RESHAPING - {"Cast"}) | {"Expand", "Gather", "GatherND", "Slice", "Transpose"}
"""Operators that only move the elements of their first operand, or leave some out."""

EACH = frozenset(
    (
        *("Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "Relu", "Sigmoid", "Silu", "Softplus"),
        *("Add", "Div", "Mul", "Neg", "Sub", "Tanh"),
    )
)
"""Operators that work element by element, with numbers or without: what is gathered from a table may come after."""

MAX_MOVES = 16
"""How often the elements of a tensor may be moved that is only read where it matters."""

Operands = Sequence[Constant | None]
Made = list[Constant]
Evaluate = Callable[["Evaluator", Operator, Operands], Made]


class Evaluator:
    """Evaluates operators, within a bound on the work for one source."""

    def __init__(self, table: Mapping[str, Evaluate]) -> None:
        self.table = table
        """How each operator is evaluated."""
        self.work = 0

    def run(self, operator: Operator, operands: Operands) -> Made | None:
        """The results of an operator with known operands; None where it is none that is known here.

        Raises `Fault` where the operator cannot have these operands.
        """
        evaluate = self.table.get(operator.kind)
        try:
            worked = self.behind(operator, evaluate, operands)
            if worked is not None:
                return [worked]
            if evaluate is None:
                return None
            followed = self.followed(operator, evaluate, operands) if operator.kind in FOLLOWED else None
            made = evaluate(self, operator, operands) if followed is None else [followed]
            if operator.kind in FOLLOWED:
                self.hold(operator, evaluate, operands, made)
            remember(operator, operands, made)
            return made
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError) as error:
            # operands that are missing, of another rank or of another type, in a file that is wrong
            raise bad(f"`{operator.kind}` cannot take these operands ({error})") from None

    def followed(self, operator: Operator, evaluate: Evaluate, operands: Operands) -> Constant | None:
        """What moves the elements of a table that some were gathered from: it holds these places of it.

        None for anything else.
        """
        x = operands[0] if operands else None
        if x is None or not x.roots or x.dtype not in FLOATS:
            return None
        table, places = x.gathered or (x, None)
        if places is None and _gathers(operator, x):
            places = Constant(x.shape, "int", range(x.size))
        if places is None:
            return None
        (found,) = evaluate(self, operator, [places, *operands[1:]])

        def read() -> Sequence[Any] | None:
            values, chosen = table.values, found.values
            return None if values is None or chosen is None else [values[place] for place in chosen]

        made = Constant(found.shape, x.dtype, None, x.roots, read)
        made.gathered = Gathered(table, found)
        return made

    def behind(self, operator: Operator, evaluate: Evaluate | None, operands: Operands) -> Constant | None:
        """What works on each element that was gathered from a table: it works on the table, of which some are gathered.

        None for anything else.
        """
        wide = [operand for operand in operands if operand is not None and operand.size != 1]
        if operator.kind not in EACH or len(wide) != 1 or wide[0].gathered is None:
            return None
        (x,) = wide
        assert x.gathered is not None
        if broadcast([operand.shape for operand in operands if operand is not None]) != x.shape:
            return None
        table, places = x.gathered

        def read() -> Sequence[Any] | None:
            return None if evaluate is None else evaluate(self, operator, operands)[0].values

        roots = merged(operands, x.size)
        worked = Constant(table.shape, table.dtype, None, roots)
        worked.derivation = Derivation(operator, [table if operand is x else operand for operand in operands])
        made = Constant(x.shape, x.dtype, None, roots, read)
        made.gathered = Gathered(worked, places)
        return made

    def hold(self, operator: Operator, evaluate: Evaluate, operands: Operands, made: Made) -> None:
        """What moves the elements of a tensor that is only read where it matters is only read there too."""
        x = operands[0] if operands else None
        held = x.held if x is not None else None
        if x is None or held is None or held.moves == MAX_MOVES or x.size > MAX_VALUES:
            return
        if made[0].held is not None:
            return

        def read() -> Sequence[Any] | None:
            (places,) = evaluate(self, operator, [Constant(x.shape, "int", range(x.size)), *operands[1:]])
            values, chosen = held.read(), places.values
            return None if values is None or chosen is None else [values[place] for place in chosen]

        made[0].held = Held(read, held.moves + 1)

    def make(
        self,
        shape: Iterable[int],
        dtype: str,
        operands: Operands,
        compute: Callable[[], Sequence[Any]],
        roots: dict[str, int] | None = None,
        repeats: bool = False,
    ) -> Constant:
        """A tensor of this shape, with values where those of all operands are known and it is small enough.

        `repeats`: they are values of the operands, or of few different ones; that is less work, and may be more values.
        """
        sizes = tuple(shape)
        size = 1
        for length in sizes:
            if length < 0:
                raise bad(f"a tensor would have the shape {dims(sizes)}")
            size *= length
        if size > LIMIT:
            raise Fault("too-large", f"a tensor of {dims(sizes)} has more than 2**63 elements")
        made = Constant(sizes, dtype, roots=merged(operands, size) if roots is None else roots)
        most = MAX_SIMPLE if repeats else MAX_VALUES
        if size <= most and all(operand is None or operand.values is not None for operand in operands):
            self.spend(size // REPEATED if repeats else size)
            values = compute()
            if dtype == "int" and not repeats:
                within(values)
            made = Constant(sizes, dtype, values, made.roots)
        return made

    def spend(self, work: int) -> None:
        """Count elements that are worked out; raises `Fault` where they become too many."""
        self.work += work
        if self.work > MAX_WORK:
            raise Fault("too-large", f"more than {MAX_WORK:,} constants would have to be worked out")


def within(values: Iterable[Any]) -> None:
    """Raise `Fault` where a whole number has more than 64 bits."""
    if any(abs(value) > 2 * LIMIT + 1 for value in values):
        raise Fault("too-large", "a whole number is beyond 64 bits")


def _gathers(operator: Operator, x: Constant) -> bool:
    """Whether an operator takes elements of a tensor that the source holds, or that was worked out."""
    is_whole = list(x.roots.values()) == [x.size] or x.derivation is not None
    return operator.kind in ("Gather", "GatherND") and is_whole and x.size <= MAX_VALUES


def result_sizes(operator: Operator, operands: Operands) -> Sizes | None:
    """The shape of the result of an operator that is not evaluated; None where that is not known here."""
    shapes = [operand.shape for operand in operands if operand is not None]
    if operator.kind in EACH:
        return broadcast(shapes)
    if operator.kind == "MatMul" and len(shapes) > 1:
        return product_sizes(*shapes[:2])
    if operator.kind == "Gemm" and len(shapes) > 1 and len(shapes[0]) == len(shapes[1]) == 2:
        turns = [operator.attributes.get(name, 0) for name in ("transA", "transB")]
        return product_sizes(*[shape[::-1] if turn else shape for shape, turn in zip(shapes, turns)])
    if operator.kind == "Conv" and len(shapes) > 1 and is_projection(operator, shapes[1]):
        return (shapes[0][0], shapes[1][0], *shapes[0][2:])
    return None


def is_projection(operator: Operator, kernel: Sizes) -> bool:
    """Whether a Conv multiplies the channels of every position by a matrix."""
    attributes = operator.attributes
    steps = {*attributes.get("strides", ()), attributes.get("group", 1)} - {1}
    return set(kernel[2:]) == {1} and not steps and not any(attributes.get("pads", ()))


def remember(operator: Operator, operands: Operands, made: Made) -> None:
    """Keep how results were worked out that are made from the source's tensors."""
    for result in made:
        if result.roots and result.dtype in FLOATS and not any(result is operand for operand in operands):
            result.derivation = Derivation(operator, operands)


def merged(operands: Operands, most: int) -> dict[str, int]:
    """The tensors that operands are made from, and of each at most so many elements."""
    found: dict[str, int] = {}
    for operand in operands:
        if operand is not None:
            for name, count in operand.roots.items():
                found[name] = min(count, most) if len(operand.roots) == 1 else count
    return found


def given(operands: Operands, place: int) -> Constant | None:
    return operands[place] if place < len(operands) else None


def needed(operands: Operands, place: int) -> Constant:
    operand = given(operands, place)
    if operand is None:
        raise bad(f"operand {place + 1} is missing")
    return operand


def whole_list(constant: Constant, what: str) -> list[int]:
    """The values of a shape, of axes or indices; raises `Fault` where they are not there."""
    values = constant.values
    if values is None:
        raise bad(f"the values of {what} are not in the file")
    if constant.dtype == "text" or any(isinstance(value, float) and not value.is_integer() for value in values):
        raise bad(f"{what} must be whole numbers")
    return [int(value) for value in values]


def attribute_or_operand(operator: Operator, operands: Operands, name: str, place: int) -> list[int] | None:
    """Whole numbers that older opsets have as an attribute and newer ones as an operand."""
    value = operator.attributes.get(name)
    if value is not None:
        return [int(entry) for entry in (value if isinstance(value, tuple) else (value,))]
    operand = given(operands, place)
    return None if operand is None else whole_list(operand, f"`{name}`")
