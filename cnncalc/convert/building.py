"""Operator graph -> Graph: every operator is evaluated away, becomes rows, or becomes an opaque row.

This is the walk, and what the translations of operators need to make rows; it knows no operator itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod

from cnncalc.convert import Imported, Inputs
from cnncalc.convert.account import Account
from cnncalc.convert.constants import Evaluator, broadcast, shape_of, whole_list
from cnncalc.convert.operators import FLOATS, Constant, Graphs, Input, Operator, Program, Sizes
from cnncalc.convert.recognition import recognise
from cnncalc.convert.rows import Rows, failed, row_name
from cnncalc.convert.signatures import check
from cnncalc.convert.values import PADDED, SHAPED, TURNED, Operand, Parts, Value, View
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Node
from cnncalc.language.names import IDENTIFIER, RESERVED
from cnncalc.layers.types import Value as Argument

MAX_AXES = 4
"""Axes that a row's shape may have: channels and three spatial ones."""

Translate = Callable[["Builder", Operator, "list[Operand]"], "list[Operand] | None"]
"""The results of an operator, after its rows have been appended; None where it is to be opaque."""


def unsupported(message: str, help: str = "") -> Fault:
    return Fault("unsupported", message, None, help)


def build(program: Program, inputs: Inputs, translations: Mapping[str, Translate]) -> Imported:
    """The graph of a program, and its account.

    Composites are recognised first.  Raises `SpecError`.
    """
    builder = Builder(program, translations)
    builder.account.nodes = sum(operator.kind != "Constant" for operator in program.operators)
    builder.evaluate_constants()
    recognise(program)
    builder.start(inputs)
    builder.walk()
    builder.finish()
    return Imported(builder.rows.graph, builder.account)


class Builder:
    """Builds a graph from a program; translations work on it."""

    rows: Rows

    def __init__(self, program: Program, translations: Mapping[str, Translate]) -> None:
        self.program = program
        self.translations = translations
        self.account = Account(program.source)
        self.evaluator = Evaluator()
        self.values: dict[str, Operand] = {}
        """Every tensor that is known or made, by its name in the source."""
        self.batch = 1
        self.compares = True
        """Whether the shapes that the source states hold: not at another input size."""
        self.owners: dict[object, Node] = {}
        """The first row that has certain weights."""
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

    def start(self, given: Inputs) -> None:
        """The network's inputs; raises `SpecError` where their shapes are not known."""
        program = self.program
        names = self.input_names(program.inputs)
        shapes: dict[str, Shape] = {}
        if isinstance(given, Mapping):
            known = {**names, **{name: name for name in names.values()}}
            for name, shape in given.items():
                if name not in known:
                    listed = ", ".join(f"`{name}`" for name in names.values())
                    raise failed(
                        Fault("unknown-input", f"there is no input `{name}`", None, f"inputs are {listed}"),
                        program.source,
                    )
                shapes[known[name]] = tuple(shape)
        elif given is not None and names:
            shapes[next(iter(names.values()))] = tuple(given)
        turns = self.turned_inputs()
        found: list[tuple[str, Shape]] = []
        made: list[tuple[str, Value, tuple[int, ...] | None]] = []
        for place, entry in enumerate(program.inputs):
            name = names[entry.name]
            full, batch = self.input_shape(entry, name, shapes.get(name), turns.get(entry.name), place == 0)
            value = Value(full, batch, place)
            turn = turns.get(entry.name)
            if turn is not None:
                value = Value(tuple([full[axis] for axis in turn]), batch, place)
            made.append((entry.name, value, turn))
            found.append((name, value.sample))
        self.rows = Rows(row_name(program.name) or "network", program.source, found, self.account)
        for name, input_value, turn in made:
            value = input_value
            if turn is not None:
                value = self.turn(value, inverse(turn), Operator("Transpose", [], [name], {}, name))
            self.values[name] = value

    def input_names(self, inputs: Sequence[Input]) -> dict[str, str]:
        """What each input is called here: a single one `input`, others by names that a spec may give them."""
        if len(inputs) == 1:
            return {inputs[0].name: "input"}
        found: dict[str, str] = {}
        for entry in inputs:
            name = re.sub(r"\W+", "_", entry.name, flags=re.ASCII).strip("_") or "input"
            name = name if IDENTIFIER.fullmatch(name) else f"input_{name}"
            name = f"{name}_" if name in RESERVED else name
            number, base = 2, name
            while name in found.values():
                name, number = f"{base}_{number}", number + 1
            found[entry.name] = name
        return found

    def turned_inputs(self) -> dict[str, tuple[int, ...]]:
        """Inputs that are taken by nothing but one transposition that keeps the batch: their axes are channels last."""
        takers = self.program.takers()
        found = {}
        for entry in self.program.inputs:
            orders = {
                operator.attributes.get("perm") if operator.kind == "Transpose" else None
                for operator in takers.get(entry.name, ())
            }
            order = orders.pop() if len(orders) == 1 and entry.name not in self.program.outputs else None
            if order and order[0] == 0 and len(order) > 2 and sorted(order) == list(range(len(order))):
                found[entry.name] = tuple(order)
                self.account.note(f"the input `{entry.name}` has its channels last in the file; here they are first")
        return found

    def input_shape(
        self, entry: Input, name: str, given: Shape | None, turn: tuple[int, ...] | None, first: bool
    ) -> tuple[Sizes, bool]:
        """The shape of an input in the source's axes, and whether axis 0 is the batch.

        `given` is channels first and without the batch, and stands in for what the source says.
        """
        stated = entry.shape
        if stated is not None and not stated:
            raise failed(unsupported(f"the input `{entry.name}` is a single number"), self.program.source)
        batched = stated is None or len(stated) > 1 or (given is not None and len(given) == len(stated))
        if stated is not None and batched:
            sizes = stated[0]
            if first:
                self.batch = sizes if isinstance(sizes, int) else 1
            elif isinstance(sizes, int) and sizes != self.batch:
                batched = False
        if given is None:
            known = [size for size in (stated or ()) if isinstance(size, int)]
            own = known if stated is not None and isinstance(stated[0], int) else [self.batch, *known]
            if stated is None or len(own) != len(stated):
                raise failed(self.dynamic(entry, name, batched), self.program.source)
            return tuple(own), batched
        shape = given
        if turn is not None and len(turn) == len(given) + 1:
            back = inverse(turn)
            shape = tuple([given[back[axis] - 1] for axis in range(1, len(turn))])
        if stated is not None:
            sides = stated[1:] if batched else stated
            if len(sides) != len(shape):
                message = f"the input `{name}` has {len(sides)} axes besides the batch, {dims(given)} has {len(given)}"
                raise failed(Fault("wrong-rank", message), self.program.source)
            if any(isinstance(size, int) and size != mine for size, mine in zip(sides, shape)):
                self.compares = False
                self.account.note("at another input size than the file's own, its stated shapes are not compared")
        return ((self.batch, *shape) if batched else shape), batched

    def dynamic(self, entry: Input, name: str, batched: bool) -> Fault:
        """The fault of an input whose sizes are left open."""
        flag = "--input " + ("" if name == "input" else f"{name}=")
        if entry.shape is None:
            message = f"the file does not state the shape of the input `{entry.name}`"
            return Fault("dynamic-shape", message, None, f"give it, for example `{flag}3x224x224`")
        shown = " x ".join("?" if size is None else str(size) for size in entry.shape)
        open_sizes = [size for size in (entry.shape[1:] if batched else entry.shape) if not isinstance(size, int)]
        named = ", ".join(f"`{size}`" for size in open_sizes if size) or f"{len(open_sizes)} of its sizes"
        example = "x".join(
            str(size if isinstance(size, int) else 224 if place else 3)
            for place, size in enumerate(entry.shape[1:] if batched else entry.shape)
        )
        message = f"the input `{entry.name}` is {shown}: {named} may be any size"
        return Fault("dynamic-shape", message, None, f"give the sizes, for example `{flag}{example}`")

    def walk(self) -> None:
        """Translate every operator that an output needs, in order; raises `SpecError`."""
        needed = self.wanted
        needed.update(self.program.outputs)
        wanted = []
        for operator in reversed(self.program.operators):
            if needed.intersection(operator.outputs):
                needed.update(operator.inputs)
                wanted.append(operator)
        unused = len(self.program.operators) - len(wanted)
        if unused:
            self.account.note(f"{unused:,} node{' reaches' if unused == 1 else 's reach'} no output and is left out")
        for operator in reversed(wanted):
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
        return [Constant(self.stated(name, operator), "float", None, roots) for name in operator.outputs]

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
                self.account.constant(name)
        self.account.close(self.rows.graph)

    # -- what translations ask

    def stated(self, name: str, operator: Operator) -> Sizes:
        """The shape that the source states for a tensor; raises `Fault` where it states none."""
        shape = self.program.stated.get(name)
        if shape is None or not self.compares:
            raise unsupported(
                f"cnncalc does not know the operator `{operator.kind}`, and the file states no shape for its result",
                "`onnx.shape_inference.infer_shapes` states the shapes of operators that it knows",
            )
        sizes = [size if isinstance(size, int) else self.batch if place == 0 else 0 for place, size in enumerate(shape)]
        if 0 in sizes:
            raise unsupported(
                f"cnncalc does not know the operator `{operator.kind}`, and the file leaves its result's sizes open",
                "export the model with fixed sizes",
            )
        return tuple(sizes)

    def numbers(self, operator: Operator, operands: Sequence[Operand], name: str, place: int) -> list[int] | None:
        """Whole numbers that older opsets have as an attribute and newer ones as an operand; None where left out."""
        value = operator.attributes.get(name)
        if value is not None:
            return [int(entry) for entry in (value if isinstance(value, tuple) else (value,))]
        operand = operands[place] if place < len(operands) else None
        if operand is None:
            return None
        if not isinstance(operand, Constant):
            raise unsupported(
                f"the `{name}` of `{operator.kind}` are computed from the network's input",
                "export the model with fixed sizes",
            )
        self.ignored(operand)
        return whole_list(operand, f"`{name}`")

    def decimals(self, operator: Operator, operands: Sequence[Operand], name: str, place: int) -> list[float] | None:
        """As `numbers`, for decimal numbers."""
        value = operator.attributes.get(name)
        if value is not None:
            return [float(entry) for entry in (value if isinstance(value, tuple) else (value,))]
        operand = operands[place] if place < len(operands) else None
        if operand is None:
            return None
        if not isinstance(operand, Constant):
            raise unsupported(f"the `{name}` of `{operator.kind}` are computed from the network's input")
        self.ignored(operand)
        if operand.values is None or operand.dtype == "text":
            raise Fault("bad-model", f"the values of `{name}` are not in the file")
        return [float(entry) for entry in operand.values]

    def ignored(self, operand: Operand) -> None:
        """A constant that is read, or is part of an operator, and no weight."""
        if isinstance(operand, Constant):
            for name in operand.roots:
                self.account.constant(name)

    def made(self, tensor: int, like: Value) -> Value:
        """The value of a graph tensor, with a batch if `like` has one."""
        sample = self.rows.graph.shapes[tensor]
        return Value((self.batch, *sample) if like.batch else sample, like.batch, tensor)

    # -- rows

    def append(
        self,
        operator: Operator,
        kind: str,
        inputs: Sequence[int],
        arguments: Mapping[str, Argument] | None = None,
        weights: Mapping[str, Constant] | None = None,
        title: str | None = None,
    ) -> Node:
        """A row of this kind for an operator, with the constants that are its weights."""
        name = operator.title if title is None else title
        for weight in (weights or {}).values():
            root = next(iter(weight.roots), "")
            if root.endswith(".weight"):
                name = root.removesuffix(".weight")
                break
        row = self.rows.append(kind, inputs, name, operator.name, arguments)
        for covered in operator.covers:
            self.account.names[covered] = row.name
        if weights:
            self.weigh(row, weights)
        return row

    def weigh(self, row: Node, weights: Mapping[str, Constant]) -> None:
        """Account for the weights of a row; a row with the very weights of an earlier one shares them."""
        key: list[object] = [row.kind]
        for name, constant in weights.items():
            roots = self.weight_roots(constant)
            self.account.use(row, name, roots)
            whole = all(count == self.account.tensors.get(root) for root, count in roots.items())
            key.append((name, tuple(roots.items()) if whole else id(constant)))
        learned = [name for name in (w.name for w in row.operation.weights if w.learned) if name in weights]
        behind = {root for name in learned for root in weights[name].roots}
        row.frozen = bool(behind) and behind <= self.program.buffers
        own = [(weight.name, weight.shape) for weight in row.operation.weights]
        key.append(tuple(own))
        if len(own) == len(weights):
            owner = self.owners.setdefault(tuple(key), row)
            if owner is not row:
                row.shares = owner

    def weight_roots(self, constant: Constant) -> dict[str, int]:
        """The source's tensors behind a weight: of several only the one that is as large, if there is one.

        The others are numbers by which it was changed.  What the source makes of a single number counts as held.
        """
        roots = constant.roots
        if sum(roots.values()) != constant.size:
            equal = [root for root, count in roots.items() if count == constant.size]
            if len(equal) == 1:
                for root in roots:
                    if root != equal[0]:
                        self.account.constant(root)
                roots = {equal[0]: constant.size}
            elif all(count == 1 for count in roots.values()):
                self.ignored(constant)
                roots = {f"{next(iter(roots), 'constant')}*{constant.size}": constant.size}
        for root, count in roots.items():
            if root not in self.account.tensors:
                self.account.hold(root, self.program.constants[root].size if root in self.program.constants else count)
        return roots

    def opaque(
        self,
        operator: Operator,
        operands: Sequence[Operand],
        shapes: Sequence[Sizes] | None = None,
        macs: int | None = None,
    ) -> list[Operand]:
        """Opaque rows for the results of an operator; its weights are counted with the first.

        Without `shapes` they are as the source states.  Raises `Fault` where it states none.
        """
        weights: dict[str, int] = {}
        for operand in operands:
            if isinstance(operand, Constant) and operand.dtype in FLOATS:
                if operand.size == 1 or operand.roots.keys() <= self.program.buffers:
                    self.ignored(operand)
                else:
                    weights |= self.weight_roots(operand)
        inputs = [tensor for operand in operands for tensor in self.tensors_of(operand)]
        found: list[Operand] = []
        for place, name in enumerate(operator.outputs):
            if not name:
                found.append(None)
                continue
            full = shapes[place] if shapes is not None else self.stated(name, operator)
            batched = any(isinstance(operand, Value) and operand.batch for operand in operands)
            value = Value(full, batched and len(full) > 0 and full[0] == self.batch)
            held = weights if not place else {}
            row = self.rows.opaque(operator.kind, inputs, few(value.sample), operator.title, operator.name, held, macs)
            for covered in operator.covers:
                self.account.names[covered] = row.name
            if len(value.sample) <= MAX_AXES:
                value.tensor = row.number
            else:
                value.view = View(SHAPED, self.made(row.number, value), None, operator)
            found.append(value)
        return found

    def tensors_of(self, operand: Operand) -> list[int]:
        """The graph tensors of an operand that an opaque row takes: of one with too many axes, what it is a view of."""
        found = []
        for value in operand.values if isinstance(operand, Parts) else [operand]:
            base = value
            while isinstance(base, Value) and len(base.sample) > MAX_AXES and base.view is not None:
                base = base.view.of
            if isinstance(base, Value):
                found.append(self.force(base))
        return found

    def pointwise(self, operator: Operator, operands: Sequence[Operand]) -> list[Operand]:
        """An opaque row for an operator that works element by element, with the shape that this gives."""
        shapes = [operand.shape for operand in operands if isinstance(operand, (Value, Constant))]
        return self.opaque(operator, operands, [broadcast(shapes)] * len(operator.outputs), 0)

    # -- views

    def turn(self, value: Value, axes: tuple[int, ...], operator: Operator) -> Value:
        """A value with its axes in another order: for each of the result, one of its own."""
        base, inner = value.turned()
        order = tuple([inner[axis] for axis in axes])
        if order == tuple(range(len(order))):
            return base
        batch = base.batch and order[0] == 0
        view = View(TURNED, base, order, operator)
        return Value(tuple([base.shape[axis] for axis in order]), batch, None, view)

    def shape(self, value: Value, shape: Sizes, operator: Operator) -> Value:
        """A value in another shape, row-major; the batch stays where it is axis 0 and of its size."""
        if shape == value.shape:
            return value
        batch = len(shape) > 0 and shape[0] == self.batch and (value.batch or self.batch == 1)
        if self.batch > 1 and not batch and value.batch:
            raise unsupported(
                f"the samples of a batch of {self.batch} are mixed: {dims(value.shape)} to {dims(shape)}",
                "export the model with a batch of 1",
            )
        return Value(shape, batch, None, View(SHAPED, value, None, operator))

    def pad(self, value: Value, padding: object, shape: Sizes, operator: Operator) -> Value:
        """A value with something around it."""
        return Value(shape, value.batch, None, View(PADDED, value, padding, operator))

    def force(self, value: Value) -> int:
        """The graph tensor that holds a value; appends rows for views.  Raises `Fault`."""
        pending = [value]
        while (view := pending[-1].view) is not None and pending[-1].tensor is None:
            pending.append(view.of)
        if pending[-1].tensor is None:
            raise AssertionError("a value is a tensor or a view")
        base = pending.pop()
        while pending:
            target = pending.pop()
            # what has too many axes on the way cannot be a row: the whole way becomes one
            while len(target.sample) > MAX_AXES and pending:
                target = pending.pop()
            self.realise(base, target)
            base = target
        assert value.tensor is not None
        return value.tensor

    def realise(self, base: Value, target: Value) -> None:
        """Append the rows that make a view of a tensor."""
        view = target.view
        assert view is not None
        assert base.tensor is not None
        operator = view.operator
        if view.of is not base or len(target.sample) > MAX_AXES or len(base.sample) > MAX_AXES:
            if len(target.sample) > MAX_AXES:
                raise unsupported(f"the tensor has {len(target.sample)} axes besides the batch; rows have at most 4")
            row = self.rows.opaque(operator.kind, [base.tensor], target.sample, operator.title, operator.name, None, 0)
            target.tensor = row.number
        elif view.kind == TURNED:
            target.tensor = self.permuted(base, target, view)
        elif view.kind == SHAPED:
            target.tensor = self.reshaped(base.tensor, target.sample, operator)
        else:
            kind, arguments = view.argument.row()
            target.tensor = self.append(operator, kind, [base.tensor], arguments).number

    def permuted(self, base: Value, target: Value, view: View) -> int:
        """The rows of a transposition; a batch of 1 that is moved is an axis of size 1."""
        assert base.tensor is not None
        order = list(view.argument)
        if base.batch:
            order = [axis - 1 for axis in order if axis != 0]
        tensor = base.tensor
        if order != sorted(order):
            tensor = self.append(view.operator, "permute", [tensor], {"axes": tuple(order)}).number
        return self.reshaped(tensor, target.sample, view.operator)

    def reshaped(self, tensor: int, sample: Sizes, operator: Operator) -> int:
        """A graph tensor in another shape: the same one, `flatten`, or `reshape`."""
        if self.rows.graph.shapes[tensor] == sample:
            return tensor
        if len(sample) == 1:
            return self.append(operator, "flatten", [tensor]).number
        return self.append(operator, "reshape", [tensor], {"shape": sample}).number

    def channels(self, value: Value, axis: int, operator: Operator) -> tuple[Value, tuple[int, ...]] | None:
        """A value behind this one whose channels are axis `axis` here, and for each axis here the one there.

        It gets a row that brings them there, where they are not.  None where that cannot be.
        """
        base, order = value.turned()
        if len(value.sample) > MAX_AXES or (value.batch and axis == 0):
            return None
        if order[axis] == base.first and (not value.batch or order[0] == 0):
            return base, order
        rest = [place for place in range(len(value.shape)) if place != axis and not (value.batch and place == 0)]
        forward = ((0,) if value.batch else ()) + (axis, *rest)
        turned = self.turn(value, forward, operator)
        tensor = self.force(turned)
        return Value(turned.shape, turned.batch, tensor), inverse(forward)


def few(shape: Shape) -> Shape:
    """The shape with its first axes in one, so that a row can have it."""
    over = len(shape) - MAX_AXES
    return shape if over <= 0 else (prod(shape[: over + 1]), *shape[over + 1 :])


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes another."""
    found = [0] * len(axes)
    for place, axis in enumerate(axes):
        found[axis] = place
    return tuple(found)
