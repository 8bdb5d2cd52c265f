"""Products with matrices: `linear` on flat tensors, a convolution with kernel 1 on each position of others.

A product of two tensors that both depend on the input is a `matmul`, or opaque with its products counted.
"""

from __future__ import annotations

import re
from math import prod

from cnncalc.convert.building import Translate
from cnncalc.convert.layout import is_deep, layout
from cnncalc.convert.making import Making
from cnncalc.convert.operators import Constant, Operator, Sizes
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.shapes import product_sizes
from cnncalc.convert.translation.products import product
from cnncalc.convert.translation.sliding import biased
from cnncalc.convert.values import Operand, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims


def project(making: Making, operator: Operator, x: Value, axis: int, out: int, weights: dict[str, Constant]) -> Value:
    """One axis of a tensor multiplied by a matrix: its result with `out` in place of that axis."""
    behind = projected_behind(making, operator, x, axis, out, weights)
    if behind is not None:
        return behind
    found = making.channels(x, axis, operator)
    if found is None:
        whole = (*x.shape[:axis], out, *x.shape[axis + 1 :])
        macs = prod(whole) // (making.batch if x.batch else 1) * x.shape[axis]
        result = making.opaque(operator, [x, *weights.values()], [whole], macs)[0]
        assert isinstance(result, Value)
        return result
    base, order = found
    bias = "bias" in weights
    if len(base.sample) == 1:
        row = making.append(operator, "linear", [making.force(base)], {"features": out, "bias": bias}, weights)
    else:
        arguments = {"channels": out, "kernel": 1, "bias": bias}
        row = making.append(operator, "conv", [making.force(base)], arguments, weights)
    return making.turn(making.made(row.number, base), order, operator)


def projected_behind(
    making: Making, operator: Operator, x: Value, axis: int, out: int, weights: dict[str, Constant]
) -> Value | None:
    """As `project`, on the tensor behind a view whose axis is a whole axis of it; None where it is not."""
    base, order = x.turned()
    if order[axis] == base.first and not is_deep(x, MAX_AXES) and not any(base.unrolled()[1]):
        return None
    found = layout(x)
    if found is None or not making.upright(found, axis, operator):
        return None
    inner, shifts = found.base.unrolled()
    arguments = {"channels": out, "kernel": 1, "bias": "bias" in weights}
    row = making.append(operator, "conv", [making.force(inner)], arguments, weights)
    found.base = making.roll(making.made(row.number, inner), shifts, operator)
    found.replace(axis, out)
    return making.arranged(found, operator)


def matmul(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    a, b, bias = (*operands, None, None)[:3]
    if isinstance(a, Value) and isinstance(b, Constant) and len(b.shape) == 2 and a.shape:
        if a.shape[-1] != b.shape[0]:
            raise Fault("bad-model", f"{dims(a.shape)} cannot be multiplied by {dims(b.shape)}")
        weights = {"weight": b, **biased(making, bias, b.shape[1])}
        return [project(making, operator, a, len(a.shape) - 1, b.shape[1], weights)]
    if isinstance(b, Value) and isinstance(a, Constant) and len(a.shape) == 2 and len(b.shape) > 1:
        if a.shape[1] != b.shape[-2]:
            raise Fault("bad-model", f"{dims(a.shape)} cannot be multiplied by {dims(b.shape)}")
        return [project(making, operator, b, len(b.shape) - 2, a.shape[0], {"weight": a})]
    if not isinstance(a, (Value, Constant)) or not isinstance(b, (Value, Constant)):
        return None
    whole = product_sizes(a.shape, b.shape)
    if isinstance(a, Value) and isinstance(b, Value) and bias is None and len(a.shape) == len(b.shape) == len(whole):
        found = product(making, operator, a, b)
        if found is not None:
            return [found]
    return making.opaque(operator, operands, [whole], products(making, operands, whole, a.shape[-1]))


def products(making: Making, operands: list[Operand], whole: Sizes, each: int) -> int:
    """Multiply-accumulates of one sample for a result of this shape."""
    batched = any(isinstance(operand, Value) and operand.batch for operand in operands)
    return prod(whole) // (making.batch if batched and whole[:1] == (making.batch,) else 1) * each


def gemm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    a, b, c = (*operands, None, None)[:3]
    if not isinstance(a, (Value, Constant)) or not isinstance(b, (Value, Constant)):
        return None
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise Fault("bad-model", f"a Gemm takes matrices, not {dims(a.shape)} and {dims(b.shape)}")
    attributes = operator.attributes
    inner, outer = (1, 0) if attributes.get("transB") else (0, 1)
    rows, depth = a.shape[::-1] if attributes.get("transA") else a.shape
    if depth != b.shape[inner]:
        raise Fault("bad-model", f"a Gemm of {dims(a.shape)} and {dims(b.shape)} does not fit")
    whole = (rows, b.shape[outer])
    scaled = [name for name in ("alpha", "beta") if attributes.get(name, 1.0) not in (0.0, 1.0)]
    if scaled:
        factors = " and ".join(f"{name} {attributes[name]:g}" for name in scaled)
        making.account.note(f"{operator.name} multiplies by {factors}: here that is part of its weights")
    if not isinstance(a, Value) or not isinstance(b, Constant):
        return making.opaque(operator, operands, [whole], products(making, operands, whole, depth))
    if attributes.get("transA"):
        if making.batch > 1 and a.batch:
            return making.opaque(operator, operands, [whole], products(making, operands, whole, depth))
        a = making.turn(a, (1, 0), operator)
    no_bias = attributes.get("beta", 1.0) == 0.0
    if no_bias:
        making.ignored(c)
    fits = isinstance(c, Constant) and c.size == whole[1] and c.shape[-1:] == whole[1:] and not no_bias
    weights = {"weight": b, **(biased(making, c, whole[1]) if fits else {})}
    value = project(making, operator, a, 1, whole[1], weights)
    if c is None or fits or no_bias:
        return [value]
    if isinstance(c, Value) and c.shape == value.shape and c.batch == value.batch:
        row = making.append(operator, "add", [making.force(value), making.force(c)])
        return [making.made(row.number, value)]
    return making.opaque(operator, [value, c], [whole], 0)


def einsum(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """Opaque, with the products that its indices make, where the equation is one of plain indices."""
    equation = str(operator.attributes.get("equation", "")).replace(" ", "")
    tensors = [operand for operand in operands if isinstance(operand, (Value, Constant))]
    if not re.fullmatch(r"[A-Za-z,]+->[A-Za-z]*", equation) or len(tensors) != len(operands):
        return None
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if [len(term) for term in terms] != [len(tensor.shape) for tensor in tensors]:
        raise Fault("bad-model", f"the equation `{equation}` does not fit its operands")
    sizes: dict[str, int] = {}
    for term, tensor in zip(terms, tensors):
        for index, size in zip(term, tensor.shape):
            if sizes.setdefault(index, size) not in (size, 1) and size != 1:
                raise Fault("bad-model", f"the index `{index}` of `{equation}` has two sizes")
            sizes[index] = max(size, sizes[index])
    if any(index not in sizes for index in right):
        raise Fault("bad-model", f"the equation `{equation}` has an unknown index")
    whole = tuple([sizes[index] for index in right])
    macs = {1: 0, 2: prod(sizes.values()) // making.batch}.get(len(terms))
    return making.opaque(operator, operands, [whole], macs)


DENSE: dict[str, Translate] = {"MatMul": matmul, "Gemm": gemm, "Einsum": einsum}
