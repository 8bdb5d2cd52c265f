"""Operator graph -> Graph: every operator is evaluated away, becomes rows, or becomes an opaque row.

This is the walk; it knows no operator itself but those that ask for a shape or hold a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from cnncalc.convert import Imported, Shapes
from cnncalc.convert.constants import EVALUATED
from cnncalc.convert.constants.evaluator import Evaluator, remember, result_sizes
from cnncalc.convert.constants.rearranging import shape_of
from cnncalc.convert.inputs import entrances
from cnncalc.convert.making import Making, unsupported
from cnncalc.convert.operators import FLOATS, Constant, Graphs, Operator, Program
from cnncalc.convert.recognition import recognise
from cnncalc.convert.rows import Rows, failed, row_name
from cnncalc.convert.shapes import bad
from cnncalc.convert.signatures import check
from cnncalc.convert.values import Operand, Parts, Value, inverse
from cnncalc.diagnostics import Fault

Translate = Callable[[Making, Operator, list[Operand]], list[Operand] | None]
"""The results of an operator, after its rows have been appended; None where it is to be opaque."""


def build(program: Program, inputs: Shapes, translations: Mapping[str, Translate]) -> Imported:
    """The graph of a program, and its account.

    What no output needs is left out, and composites are recognised.  Raises `SpecError`.
    """
    builder = Builder(program, translations)
    own = sum(operator.kind != "Constant" for operator in program.operators)
    builder.account.nodes = own if program.nodes is None else program.nodes
    builder.evaluate_constants()
    unused = builder.prune()
    recognise(program)
    unused += builder.prune()  # what only the parts of composites took
    builder.start(inputs)
    builder.walk()
    if unused:
        reach = " reaches no output and is" if unused == 1 else "s reach no output and are"
        builder.account.note(f"{unused:,} node{reach} left out")
    builder.finish()
    return Imported(builder.rows.graph, builder.account)


class Builder(Making):
    """Builds a graph from a program."""

    def __init__(self, program: Program, translations: Mapping[str, Translate]) -> None:
        super().__init__(program)
        self.translations = translations
        self.evaluator = Evaluator(EVALUATED)
        self.values: dict[str, Operand] = {}
        """Every tensor that is known or made, by its name in the source."""
        self.wanted: set[str] = set()
        """Tensors on which an output depends."""

    # -- before and after the walk

    def evaluate_constants(self) -> None:
        """Evaluate what depends on no input; raises `SpecError`."""
        program = self.program
        for name, count in program.floats():
            self.account.hold(name, count)
        kept: list[Operator] = []
        for operator in program.operators:
            try:
                check(operator)
            except Fault as fault:
                raise failed(fault, program.source, operator.name) from None
            made = None
            if all(not name or name in program.constants for name in operator.inputs):
                made = self.evaluated(operator, [program.constants.get(name) for name in operator.inputs])
            if made is None:
                kept.append(operator)
                continue
            for name, constant in zip(operator.outputs, made):
                if name in program.constants:
                    raise failed(bad(f"it gives `{name}`, which is there already"), program.source, operator.name)
                program.constants[name] = constant
                if constant.dtype in FLOATS and name in constant.roots:
                    self.account.hold(name, constant.size)
        program.operators = kept
        self.values.update(program.constants)

    def evaluated(self, operator: Operator, operands: Sequence[Constant | None]) -> list[Constant] | None:
        try:
            return self.evaluator.run(operator, operands)
        except Fault as fault:
            raise failed(fault, self.program.source, operator.name) from None

    def start(self, given: Shapes) -> None:
        """The network's inputs; raises `SpecError` where their sizes are not known."""
        program = self.program
        try:
            inputs = entrances(program, given, self.account)
        except Fault as fault:
            raise failed(fault, program.source) from None
        self.batch, self.compares = inputs.batch, inputs.compares
        values = []
        for place, entrance in enumerate(inputs.found):
            shape = entrance.shape
            if entrance.turn is not None:
                shape = tuple([shape[axis] for axis in entrance.turn])
            values.append(Value(shape, entrance.batch, place))
        shapes = [(entrance.name, value.sample) for entrance, value in zip(inputs.found, values)]
        self.rows = Rows(row_name(program.name) or "network", program.source, shapes, self.account)
        for entrance, value in zip(inputs.found, values):
            name, turn = entrance.source, entrance.turn
            asked = Operator("Transpose", [], [name], {}, name)
            self.values[name] = value if turn is None else self.turn(value, inverse(turn), asked)

    def prune(self) -> int:
        """Leave out the operators that no output needs; returns how many they are."""
        self.wanted = set(self.program.outputs)
        kept = []
        for operator in reversed(self.program.operators):
            if self.wanted.intersection(operator.outputs):
                self.wanted.update(operator.inputs)
                kept.append(operator)
        unused = len(self.program.operators) - len(kept)
        self.program.operators = kept[::-1]
        return unused

    def walk(self) -> None:
        """Translate every operator, in order; raises `SpecError`."""
        for operator in self.program.operators:
            try:
                self.translate(operator)
            except Fault as fault:
                raise failed(fault, self.program.source, operator.name) from None

    def translate(self, operator: Operator) -> None:
        for name, value in operator.attributes.items():
            if isinstance(value, Graphs):
                raise unsupported(
                    f"`{operator.kind}` runs the graph in its `{name}`: control flow has no layer",
                    "export the model without control flow, for example by tracing it",
                )
        operands: list[Operand] = []
        for name in operator.inputs:
            if name and name not in self.values:
                raise Fault("bad-model", f"it takes `{name}`, which no node before it gives")
            operands.append(self.values[name] if name else None)
        for name in operator.constants:
            self.ignored(self.values[name])
        results: Sequence[Operand] | None = None
        if operator.kind in ("Shape", "Size") and isinstance(operands[0] if operands else None, Value):
            shape = operands[0].shape  # type: ignore[union-attr]
            results = [shape_of(operator, shape) if operator.kind == "Shape" else Constant((), "int", (prod(shape),))]
        elif all(isinstance(operand, (Constant, type(None))) for operand in operands):
            results = self.known(operator, [operand for operand in operands if not isinstance(operand, (Value, Parts))])
        else:
            translation = self.translations.get(operator.kind)
            if translation is not None:
                results = translation(self, operator, operands)
            if results is None:
                results = self.opaque(operator, operands)
        for name, result in zip(operator.outputs, results):
            if name:
                self.define(name, result, operator)
        for name in operator.outputs[len(results) :]:
            if name and name in self.wanted:
                raise unsupported(f"cnncalc does not know `{name}`, a further result of `{operator.kind}`")

    def known(self, operator: Operator, operands: Sequence[Constant | None]) -> list[Operand]:
        """The results of an operator whose operands are all known: of one that is not evaluated, with no values."""
        made = self.evaluator.run(operator, operands)
        if made is not None:
            return list(made)
        roots: dict[str, int] = {}
        for operand in operands:
            roots |= operand.roots if operand is not None else {}
        sizes = result_sizes(operator, operands)
        shapes = [self.stated(name, operator) for name in operator.outputs] if sizes is None else [sizes]
        found = [Constant(shape, "float", None, roots) for shape in shapes]
        remember(operator, operands, found)
        return list(found)

    def define(self, name: str, result: Operand, operator: Operator) -> None:
        """Keep a result, and compare its shape with what the source states."""
        if name in self.values:
            raise Fault("bad-model", f"it gives `{name}`, which is there already")
        self.values[name] = result
        stated = self.program.stated.get(name)
        if stated is not None and self.compares and isinstance(result, (Value, Constant)):
            sizes = [size if isinstance(size, int) else None for size in stated]
            self.account.compare(f"tensor `{name}`", sizes, result.shape)

    def finish(self) -> None:
        """Name what leaves the network, and close the account; raises `SpecError`."""
        program = self.program
        for name in program.outputs:
            value = self.values.get(name)
            if value is None and name not in self.values:
                raise failed(Fault("bad-model", f"no node gives the output `{name}`"), program.source)
            if not isinstance(value, Value):
                self.account.note(f"the output `{name}` does not depend on the inputs, and is left out")
                continue
            try:
                tensor = self.force(value)
            except Fault as fault:
                raise failed(fault.of(f"the output `{name}`:"), program.source) from None
            if tensor < len(self.rows.graph.inputs):
                tensor = self.rows.append("identity", [tensor], "", name).number
            self.rows.leave("" if name.isdigit() else name, tensor)
        if not self.rows.graph.outputs:
            raise failed(Fault("bad-model", "nothing leaves the network that depends on its inputs"), program.source)
        for name, count in self.account.tensors.items():
            if count == 1:
                self.constant(name)
        self.account.close(self.rows.graph)
        self.tell_shared()

    def tell_shared(self) -> None:
        """Note weights that several rows use: it may be that the network has them once, or that its file does."""
        sharing = sum(node.shares is not None for node in self.rows.graph.nodes)
        often = sum(count > self.account.tensors.get(tensor, 0) for tensor, count in self.account.uneven.items())
        told = [
            (sharing, "layer has all of its weights from another", "layers have all of their weights from others"),
            (often, "tensor is part of several layers", "tensors are parts of several layers"),
        ]
        found = [f"{count:,} {one if count == 1 else several}" for count, one, several in told if count]
        if found:
            self.account.note(
                f"{', '.join(found)}: exporters also store equal tensors once, of which an untrained network has many"
            )
