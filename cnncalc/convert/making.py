"""What the translations of operators need to make rows: operands read, constants accounted for, views made real.

It knows no operator, and nothing of the walk over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from cnncalc.convert.account import Account
from cnncalc.convert.constants.evaluator import whole_list
from cnncalc.convert.layout import Layout, is_deep, layout
from cnncalc.convert.operators import FLOATS, Constant, Operator, Program, Sizes
from cnncalc.convert.rows import MAX_AXES, Rows
from cnncalc.convert.shapes import broadcast
from cnncalc.convert.values import EXPANDED, PADDED, PART, ROLLED, SHAPED, TURNED, Operand, Parts, Value, View, inverse
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Node
from cnncalc.layers.types import Value as Argument

UNSIZED = frozenset(("NonZero", "NonMaxSuppression", "Unique", "Compress", "StringSplit"))
"""Operators of ONNX whose results have sizes that depend on values."""

INFER = (
    "let the file state it: `onnx.save(onnx.shape_inference.infer_shapes(onnx.load('model.onnx')), 'stated.onnx')`, at "
    "the file's own input size"
)


def unsupported(message: str, help: str = "") -> Fault:
    return Fault("unsupported", message, None, help)


class Making:
    """A graph that is being made from a program."""

    rows: Rows

    def __init__(self, program: Program) -> None:
        self.program = program
        self.account = Account(program.source)
        self.batch = 1
        self.compares = True
        """Whether the shapes that the source states hold: not at another input size."""
        self.owners: dict[object, Node] = {}
        """The first row that has certain weights."""
        self.fronts: dict[tuple[int, Sizes], Value] = {}
        """Tensors with their axes in another order, by tensor and order: made once for those that share them."""

    # -- what translations ask

    def stated(self, name: str, operator: Operator) -> Sizes:
        """The shape that the source states for a tensor; raises `Fault` where it states none."""
        shape = self.program.stated.get(name)
        if shape is None or not self.compares:
            raise unsupported(
                f"cnncalc does not know the operator `{operator.kind}`, and the file states no shape for its result",
                self.cut_off(operator) if "." in operator.kind or operator.kind in UNSIZED else INFER,
            )
        sizes = [size if isinstance(size, int) else self.batch if place == 0 else 0 for place, size in enumerate(shape)]
        if 0 in sizes:
            raise unsupported(
                f"cnncalc does not know the operator `{operator.kind}`, and the file leaves its result's sizes open",
                "export the model with fixed sizes",
            )
        return tuple(sizes)

    def cut_off(self, operator: Operator) -> str:
        """How a network is had that ends before an operator."""
        source, inputs = self.program.source, [entry.name for entry in self.program.inputs]
        return (
            f"cut the network off before it: `onnx.utils.extract_model('{source}', 'part.onnx', {inputs}, "
            f"{[name for name in dict.fromkeys(operator.inputs) if name not in self.program.constants]})`"
        )

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
                self.constant(name)

    def constant(self, name: str) -> None:
        """A tensor of the source is read and no weight; one that the source says is learned is left over instead."""
        if name not in self.program.learned:
            self.account.constant(name)

    def made(self, tensor: int, like: Value) -> Value:
        """The value of a graph tensor, with a batch if `like` has one."""
        sample = self.rows.graph.shapes[tensor]
        if not like.shape and sample == (1,):  # a single number has no axes in the source
            return Value((), False, tensor)
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
        learned = [weight.name for weight in row.operation.weights if weight.learned and weight.name in weights]
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
                        self.constant(root)
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
                is_number = operand.size == 1 and not operand.roots.keys() & self.program.learned
                products = products_in(operand)
                if is_number or operand.roots.keys() <= self.program.buffers:
                    self.ignored(operand)
                    continue
                if macs is not None:
                    macs += products  # of layers that nothing else stands for
                for root, count in (operand.roots if products else self.weight_roots(operand)).items():
                    if root in self.program.buffers:
                        self.constant(root)
                    else:
                        weights[root] = count
        inputs = [tensor for operand in operands for tensor in self.tensors_of(operand)]
        found: list[Operand] = []
        for place, name in enumerate(operator.outputs):
            if not name:
                found.append(None)
                continue
            full = shapes[place] if shapes is not None else self.stated(name, operator)
            batched = any(isinstance(operand, Value) and operand.batch for operand in operands)
            value = Value(full, batched and full[:1] == (self.batch,))
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

    def pointwise(self, operator: Operator, operands: Sequence[Operand]) -> list[Operand] | None:
        """An opaque row for an operator that works element by element, with the shape that this gives.

        None where it is given a sequence.
        """
        if any(isinstance(operand, Parts) for operand in operands):
            return None
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
        view = value.view
        base = view.of if view is not None and view.kind == SHAPED and value.tensor is None else value
        return base if shape == base.shape else Value(shape, batch, None, View(SHAPED, base, None, operator))

    def plain(self, found: Layout, operator: Operator) -> Value | None:
        """The view that a layout describes, where it only reshapes its base, or only turns its axes."""
        base, shape = found.base, found.shape
        if [factor for axis in found.axes for factor in axis] == found.order:
            return self.shape(base, shape, operator)
        wide = [axis for axis, size in enumerate(base.shape) if size != 1]
        owners = [found.owners[axis[0]] for axis in found.axes if axis]
        whole = all(axis == found.of(found.owners[axis[0]]) for axis in found.axes if axis)
        if not whole or sorted(owners) != wide or len(shape) != len(base.shape):
            return None
        rest = iter([axis for axis in range(len(shape)) if axis not in wide])
        return self.turn(base, tuple([found.owners[axis[0]] if axis else next(rest) for axis in found.axes]), operator)

    def arranged(self, found: Layout, operator: Operator) -> Value:
        """The view that a layout describes: as few views as can be."""
        plain = self.plain(found, operator)
        if plain is not None:
            return plain
        base = found.base
        lead = (1,) if base.batch and base.shape[0] == 1 else ()
        split = self.shape(base, (*lead, *(found.sizes[factor] for factor in found.order)), operator)
        places = [found.order.index(factor) + len(lead) for axis in found.axes for factor in axis]
        return self.shape(self.turn(split, (*range(len(lead)), *places), operator), found.shape, operator)

    def upright(self, found: Layout, axis: int, operator: Operator) -> bool:
        """Bring the axis of the base that an axis of its view is to the place of the channels; whether it is one."""
        base = found.base
        owner = found.owners[found.axes[axis][0]] if found.axes[axis] else 0
        if owner < base.first or found.axes[axis] != found.of(owner) or not 2 <= len(base.sample) <= MAX_AXES:
            return False
        if owner != base.first:
            rest = [place for place in range(len(base.shape)) if place >= base.first and place != owner]
            forward = (*range(base.first), owner, *rest)
            inner, shifts = base.unrolled()
            tensor = self.force(inner)
            turned = self.fronts.get((tensor, forward))
            if turned is None:
                turned = self.turn(inner, forward, operator)
                turned = self.fronts[tensor, forward] = Value(turned.shape, turned.batch, self.force(turned))
            turned = self.roll(turned, tuple([shifts[axis] for axis in forward]), operator)
            found.rebase(turned, forward)
        return True

    def front(self, value: Value, operator: Operator) -> tuple[Value, Callable[[Value], Value]]:
        """What a layer that works element by element takes in place of a value, and how its result is seen as here."""
        found = self.far(value)
        if found is None:
            base, order = value.turned()
            return base, lambda made: self.turn(made, order, operator)
        return self.rebuilding(found, operator)

    def channels_front(
        self, value: Value, axis: int, operator: Operator
    ) -> tuple[Value, Callable[[Value], Value]] | None:
        """As `front`, with the channels along an axis of the value; None where that cannot be."""
        found = self.far(value)
        if found is not None and self.upright(found, axis, operator):
            return self.rebuilding(found, operator)
        made = self.channels(value, axis, operator)
        if made is None:
            return None
        base, order = made
        return base, lambda result: self.turn(result, order, operator)

    def rebuilding(self, found: Layout, operator: Operator) -> tuple[Value, Callable[[Value], Value]]:
        """What is behind a view, not rolled, and how a tensor in its place is seen as this view."""
        inner, shifts = found.base.unrolled()

        def rebuilt(made: Value) -> Value:
            found.base = self.roll(made, shifts, operator)
            return self.arranged(found, operator)

        return inner, rebuilt

    def far(self, value: Value) -> Layout | None:
        """The layout of a value which had better stay a view; None for any other value.

        It is rolled, or was reshaped by way of more axes than a row has, or after its axes were turned.
        """
        view = value.view
        found = layout(value) if value.tensor is None else None
        if found is None or view is None or len(found.base.sample) > MAX_AXES:
            return None
        is_turned = view.kind == SHAPED and view.of.view is not None and view.of.view.kind == TURNED
        return found if is_turned or any(found.base.unrolled()[1]) or is_deep(value, MAX_AXES) else None

    def straightened(self, value: Value, operator: Operator) -> Value:
        """A value, without the views that undo each other."""
        view = value.view
        if value.tensor is not None or view is None or view.of.tensor is not None:
            return value
        found = layout(value)
        return value if found is None else self.plain(found, operator) or value

    def part(self, value: Value, channels: range, operator: Operator) -> Value:
        """Some neighbouring channels of a tensor; a layer that takes all of them may undo it."""
        inner, shifts = value.unrolled()
        if any(shifts):
            return self.roll(self.part(inner, channels, operator), shifts, operator)
        shape = list(value.shape)
        shape[value.first] = len(channels)
        return Value(tuple(shape), value.batch, None, View(PART, value, channels, operator))

    def roll(self, value: Value, shifts: Sizes, operator: Operator) -> Value:
        """A value whose axes are rolled by so many places more: those beyond the end come first."""
        inner, before = value.unrolled()
        both = tuple([(a + b) % size for a, b, size in zip(before, shifts, inner.shape, strict=True)])
        return Value(inner.shape, inner.batch, None, View(ROLLED, inner, both, operator)) if any(both) else inner

    def pad(self, value: Value, padding: object, shape: Sizes, operator: Operator) -> Value:
        """A value with something around it."""
        return Value(shape, value.batch, None, View(PADDED, value, padding, operator))

    def expand(self, value: Value, shape: Sizes, operator: Operator) -> Value:
        """A value repeated along axes of size 1, which what joins it to another does by itself."""
        batch = value.batch and shape[0] == value.shape[0]
        return Value(shape, batch, None, View(EXPANDED, value, None, operator))

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
            found = layout(target)
            if found is not None and found.base is base and len(base.sample) <= MAX_AXES >= len(target.sample):
                target.tensor = self.rearranged(found, target, operator)
                return
            if len(target.sample) > MAX_AXES:
                raise unsupported(f"the tensor has {len(target.sample)} axes besides the batch; rows have at most 4")
            row = self.rows.opaque(operator.kind, [base.tensor], target.sample, operator.title, operator.name, None, 0)
            target.tensor = row.number
        elif view.kind == TURNED:
            target.tensor = self.permuted(base, target, view)
        elif view.kind == SHAPED:
            target.tensor = self.reshaped(base.tensor, target.sample, operator)
        elif view.kind == PART:
            bounds = (view.argument.start, view.argument.stop)
            target.tensor = self.append(operator, "slice", [base.tensor], {"channels": bounds}).number
        elif view.kind == EXPANDED:
            row = self.rows.opaque(operator.kind, [base.tensor], target.sample, operator.title, operator.name, None, 0)
            target.tensor = row.number
        elif view.kind == ROLLED:
            target.tensor = self.rolled(base, view)
        else:
            kind, arguments = view.argument.row()
            target.tensor = self.append(operator, kind, [base.tensor], arguments).number

    def rolled(self, base: Value, view: View) -> int:
        """The rows that roll positions: what comes round is put before or after them, and cut off at the other end."""
        assert base.tensor is not None
        operator, shape = view.operator, base.sample
        shifts = [shift if 2 * shift <= size else shift - size for shift, size in zip(view.argument, base.shape)]
        tensor, places = base.tensor, shifts[base.first :]
        still = next((axis for axis, shift in enumerate(places) if not shift), None)
        if still is None:
            row = self.rows.opaque(operator.kind, [tensor], shape, operator.title, operator.name, None, 0)
            return row.number
        order = (still, *(axis for axis in range(len(places)) if axis != still))
        if still:
            tensor = self.append(operator, "permute", [tensor], {"axes": order}).number
        places = [places[axis] for axis in order[1:]]
        pads = tuple([(max(shift, 0), max(-shift, 0)) for shift in places])
        around = {"amount": pads, "mode": "circular"}
        tensor = self.append(operator, "pad", [tensor], around).number
        cuts = tuple([(after, before) for before, after in pads])
        tensor = self.append(operator, "crop", [tensor], {"amount": cuts}).number
        return self.append(operator, "permute", [tensor], {"axes": inverse(order)}).number if still else tensor

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

    def rearranged(self, found: Layout, target: Value, operator: Operator) -> int:
        """The rows of a view with more axes on the way than a row has: neighbouring parts change places, two by two."""
        assert found.base.tensor is not None
        tensor, order = found.base.tensor, list(found.order)
        wanted = [factor for axis in found.axes for factor in axis]
        for place, factor in enumerate(wanted):
            at = order.index(factor)
            if at == place:
                continue
            end = at + 1
            while end < len(order) and order[end] == wanted[place + end - at]:
                end += 1
            groups = [order[:place], order[place:at], order[at:end], order[end:]]
            sizes = [found.size(group) for group in groups if group]
            axes = [0, 2, 1, 3] if groups[0] else [1, 0, 2]
            tensor = self.reshaped(tensor, tuple(sizes), operator)
            turn = {"axes": tuple(axes[: len(sizes)])}
            tensor = self.append(operator, "permute", [tensor], turn).number
            order = [*groups[0], *groups[2], *groups[1], *groups[3]]
        return self.reshaped(tensor, target.sample, operator)

    def reshaped(self, tensor: int, sample: Sizes, operator: Operator) -> int:
        """A graph tensor in another shape: the same one, `flatten`, or `reshape`; over positions where these change."""
        own = self.rows.graph.shapes[tensor]
        if own == sample:
            return tensor
        if len(sample) == 1:
            return self.append(operator, "flatten", [tensor]).number
        if own[0] == sample[0] and len(own) > 1:
            if len(sample) == 2:
                return self.append(operator, "flatten", [tensor], {"over": "positions"}).number
            return self.append(operator, "reshape", [tensor], {"shape": sample[1:], "over": "positions"}).number
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
        if turned.batch and not value.batch:  # the axis is that of the samples
            return None
        tensor = self.force(turned)
        return Value(turned.shape, turned.batch, tensor), inverse(forward)


def products_in(constant: Constant) -> int:
    """Multiply-accumulates of the products and convolutions behind a constant; 0 where there are none."""
    total, seen, pending = 0, set(), [constant]
    while pending:
        made = pending.pop()
        made = made.gathered.table if made.gathered is not None else made
        if made.derivation is None or id(made) in seen:
            continue
        seen.add(id(made))
        operands = [operand for operand in made.derivation.operands if operand is not None]
        if made.derivation.operator.kind in ("MatMul", "Gemm"):
            turned = made.derivation.operator.attributes.get("transA")
            total += made.size * operands[0].shape[0 if turned else -1]
        elif made.derivation.operator.kind == "Conv":
            total += made.size * prod(operands[1].shape[1:])
        pending += operands
    return total


def few(shape: Shape) -> Shape:
    """The shape with its first axes in one, so that a row can have it."""
    over = len(shape) - MAX_AXES
    return shape if over <= 0 else (prod(shape[: over + 1]), *shape[over + 1 :])
