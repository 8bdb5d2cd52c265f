"""Products with matrices: `linear` on flat tensors, a convolution with kernel 1 on each position of others.

A product of two tensors that both depend on the input, as attention has, is opaque with its products counted.
"""

from __future__ import annotations

import re
from math import prod
from typing import Any

from cnncalc.convert.building import Builder, Translate
from cnncalc.convert.constants import broadcast
from cnncalc.convert.operators import Constant, Operator, Sizes
from cnncalc.convert.translation.sliding import biased
from cnncalc.convert.values import Operand, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims


def project(builder: Builder, operator: Operator, x: Value, axis: int, out: int, weights: dict[str, Constant]) -> Value:
    """One axis of a tensor multiplied by a matrix: its result with `out` in place of that axis."""
    found = builder.channels(x, axis, operator)
    if found is None:
        whole = (*x.shape[:axis], out, *x.shape[axis + 1 :])
        macs = prod(whole) // (builder.batch if x.batch else 1) * x.shape[axis]
        result = builder.opaque(operator, [x, *weights.values()], [whole], macs)[0]
        assert isinstance(result, Value)
        return result
    base, order = found
    bias = "bias" in weights
    if len(base.sample) == 1:
        row = builder.append(operator, "linear", [builder.force(base)], {"features": out, "bias": bias}, weights)
    else:
        arguments = {"channels": out, "kernel": 1, "bias": bias}
        row = builder.append(operator, "conv", [builder.force(base)], arguments, weights)
    return builder.turn(builder.made(row.number, base), order, operator)


def matmul(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    a, b, bias = (*operands, None, None)[:3]
    if isinstance(a, Value) and isinstance(b, Constant) and len(b.shape) == 2 and a.shape:
        if a.shape[-1] != b.shape[0]:
            raise Fault("bad-model", f"{dims(a.shape)} cannot be multiplied by {dims(b.shape)}")
        weights = {"weight": b, **biased(builder, bias, b.shape[1])}
        return [project(builder, operator, a, len(a.shape) - 1, b.shape[1], weights)]
    if isinstance(b, Value) and isinstance(a, Constant) and len(a.shape) == 2 and len(b.shape) > 1:
        if a.shape[1] != b.shape[-2]:
            raise Fault("bad-model", f"{dims(a.shape)} cannot be multiplied by {dims(b.shape)}")
        return [project(builder, operator, b, len(b.shape) - 2, a.shape[0], {"weight": a})]
    if not isinstance(a, (Value, Constant)) or not isinstance(b, (Value, Constant)):
        return None
    whole = product_shape(a.shape, b.shape)
    return builder.opaque(operator, operands, [whole], products(builder, operands, whole, a.shape[-1]))


def product_shape(a: Sizes, b: Sizes) -> Sizes:
    """The shape of a matrix product, by NumPy's rule; raises `Fault`."""
    if not a or not b:
        raise Fault("bad-model", "a single number is no matrix")
    left, right = a if len(a) > 1 else (1, *a), b if len(b) > 1 else (*b, 1)
    if left[-1] != right[-2]:
        raise Fault("bad-model", f"{dims(a)} cannot be multiplied by {dims(b)}")
    sizes = broadcast([left[:-2], right[:-2]])
    return (*sizes, *(left[-2:-1] if len(a) > 1 else ()), *(right[-1:] if len(b) > 1 else ()))


def products(builder: Builder, operands: list[Operand], whole: Sizes, each: int) -> int:
    """Multiply-accumulates of one sample for a result of this shape."""
    batched = any(isinstance(operand, Value) and operand.batch for operand in operands)
    return prod(whole) // (builder.batch if batched and whole[:1] == (builder.batch,) else 1) * each


def gemm(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
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
        builder.account.note(f"{operator.name} multiplies by {factors}: here that is part of its weights")
    if not isinstance(a, Value) or not isinstance(b, Constant):
        return builder.opaque(operator, operands, [whole], products(builder, operands, whole, depth))
    if attributes.get("transA"):
        if builder.batch > 1 and a.batch:
            return builder.opaque(operator, operands, [whole], products(builder, operands, whole, depth))
        a = builder.turn(a, (1, 0), operator)
    no_bias = attributes.get("beta", 1.0) == 0.0
    if no_bias:
        builder.ignored(c)
    fits = isinstance(c, Constant) and c.size == whole[1] and c.shape[-1:] == whole[1:] and not no_bias
    weights = {"weight": b, **(biased(builder, c, whole[1]) if fits else {})}
    value = project(builder, operator, a, 1, whole[1], weights)
    if c is None or fits or no_bias:
        return [value]
    if isinstance(c, Value) and c.shape == value.shape and c.batch == value.batch:
        row = builder.append(operator, "add", [builder.force(value), builder.force(c)])
        return [builder.made(row.number, value)]
    return builder.opaque(operator, [value, c], [whole], 0)


def einsum(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
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
    macs: Any = prod(sizes.values()) if len(terms) == 2 else None if len(terms) > 2 else 0
    return builder.opaque(operator, operands, [whole], macs if macs is None else macs // builder.batch)


DENSE: dict[str, Translate] = {"MatMul": matmul, "Gemm": gemm, "Einsum": einsum}
