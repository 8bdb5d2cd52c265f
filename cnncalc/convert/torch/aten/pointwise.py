"""ATen's operators that work element by element, its reductions and products."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.operators import Constant
from cnncalc.convert.torch.lowering import Given, Lower, Lowering, x_of
from cnncalc.convert.torch.program import NUMBERS, Tensor


def linear(low: Lowering, given: Given) -> None:
    weight = low.operand(given["weight"])
    constant = low.program.constants.get(weight)
    if constant is None or len(constant.shape) != 2:
        return low.unknown()
    turned = f"{weight}.T"
    if turned not in low.program.constants:
        low.program.constants[turned] = Constant(constant.shape[::-1], constant.dtype, None, constant.roots)
    bias = given.get("bias")
    low.emit("MatMul", [low.operand(x_of(given)), turned, *([low.operand(bias)] if bias is not None else [])])
    return None


def matmul(low: Lowering, given: Given) -> None:
    low.emit("MatMul", [low.operand(x_of(given)), low.operand(given.get("other", given.get("mat2")))])


def einsum(low: Lowering, given: Given) -> None:
    low.emit("Einsum", low.tensors(given["tensors"]), None, equation=str(given["equation"]))


def attention(low: Lowering, given: Given) -> None:
    mask = given.get("attn_mask")
    inputs = [low.operand(given[name]) for name in ("query", "key", "value")]
    attributes: dict[str, Any] = {"is_causal": int(bool(given.get("is_causal")))}
    if given.get("scale") is not None:
        attributes["scale"] = float(given["scale"])
    low.emit("Attention", [*inputs, *([low.operand(mask)] if mask is not None else [])], None, **attributes)


# -- pointwise ---------------------------------------------------------------------------------------------------------


def simple(kind: str, **names: tuple[str, float]) -> Lower:
    """An operator of one tensor; `names` give for each attribute ATen's argument and its default."""

    def lower(low: Lowering, given: Given) -> None:
        attributes = {name: float(given.get(argument, default)) for name, (argument, default) in names.items()}
        low.emit(kind, [low.operand(x_of(given))], None, **attributes)

    return lower


def fixed(kind: str, **attributes: Any) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        low.emit(kind, [low.operand(x_of(given))], None, **attributes)

    return lower


def clip(least: str, most: str, *defaults: float | None) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        bounds = dict(zip(("min", "max"), (given.get(least, defaults[0]), given.get(most, defaults[1]))))
        if any(isinstance(bound, Tensor) for bound in bounds.values()):
            return low.unknown()
        known = {name: float(bound) for name, bound in bounds.items() if bound is not None}
        low.emit("Clip", [low.operand(x_of(given))], None, **known)
        return None

    return lower


def elu(low: Lowering, given: Given) -> None:
    """Its scales are those of SELU, which is an operator of its own."""
    if given.get("scale", 1) != 1 or given.get("input_scale", 1) != 1:
        return low.unknown()
    low.emit("Elu", [low.operand(x_of(given))], None, alpha=float(given.get("alpha", 1)))
    return None


def softplus(low: Lowering, given: Given) -> None:
    """From a threshold on torch takes the identity: at its own of 20 a softplus is that, nearly."""
    if given.get("threshold", 20) != 20:
        return low.unknown()
    low.emit("Softplus", [low.operand(x_of(given))], None, beta=float(given.get("beta", 1)))
    return None


def gelu(low: Lowering, given: Given) -> None:
    low.emit("Gelu", [low.operand(x_of(given))], None, approximate=str(given.get("approximate", "none")))


def softmax(kind: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        low.emit(kind, [low.operand(x_of(given))], None, axis=given["dim"])

    return lower


def prelu(low: Lowering, given: Given) -> None:
    """A slope per channel is spread over the positions."""
    x, weight = x_of(given), low.operand(given["weight"])
    constant, rank = low.program.constants.get(weight), len(low.shape(x))
    if constant is not None and constant.size > 1 and rank > 2:
        spread = f"{weight}.spread"
        shape = (constant.size, *(1,) * (rank - 2))
        low.program.constants[spread] = Constant(shape, constant.dtype, None, constant.roots)
        weight = spread
    low.emit("PRelu", [low.operand(x), weight])


def arithmetic(kind: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        other = low.operand(given["other"])
        if given.get("alpha", 1) != 1:
            other = low.emit("Mul", [other, low.operand(given["alpha"])], [low.inner()])
        low.emit(kind, [low.operand(x_of(given)), other])

    return lower


def reversed_sub(low: Lowering, given: Given) -> None:
    x = low.operand(x_of(given))
    if given.get("alpha", 1) != 1:
        x = low.emit("Mul", [x, low.operand(given["alpha"])], [low.inner()])
    low.emit("Sub", [low.operand(given["other"]), x])


def quotient(low: Lowering, given: Given) -> None:
    """One that is rounded is another operator; of whole numbers it is a decimal one."""
    if given.get("rounding_mode") is not None:
        return low.unknown()
    x = low.operand(x_of(given))
    if low.exported.types.get(x_of(given)) == "int":
        x = low.emit("Cast", [x], [low.inner()], to=NUMBERS["float"])
    low.emit("Div", [x, low.operand(given["other"])])
    return None


def power(low: Lowering, given: Given) -> None:
    low.emit("Pow", [low.operand(x_of(given)), low.operand(given["exponent"])])


def square(low: Lowering, given: Given) -> None:
    low.emit("Pow", [low.operand(x_of(given)), low.operand(2)])


def inverse_root(low: Lowering, given: Given) -> None:
    root = low.emit("Sqrt", [low.operand(x_of(given))], [low.inner()])
    low.emit("Reciprocal", [root])


def compared(kind: str) -> Lower:
    """Two tensors, or a tensor and a number."""

    def lower(low: Lowering, given: Given) -> None:
        low.emit(kind, [low.operand(x_of(given)), low.operand(given["other"])])

    return lower


def differs(low: Lowering, given: Given) -> None:
    equal = low.emit("Equal", [low.operand(x_of(given)), low.operand(given["other"])], [low.inner()])
    low.emit("Not", [equal])


def opposite(low: Lowering, given: Given) -> None:
    """Of truth values; whole numbers have others."""
    if low.exported.types.get(low.output) != "bool":
        return low.unknown()
    low.emit("Not", [low.operand(x_of(given))])
    return None


def addcmul(low: Lowering, given: Given) -> None:
    product = low.emit("Mul", [low.operand(given["tensor1"]), low.operand(given["tensor2"])], [low.inner()])
    if given.get("value", 1) != 1:
        product = low.emit("Mul", [product, low.operand(given["value"])], [low.inner()])
    low.emit("Add", [low.operand(x_of(given)), product])


def norm(low: Lowering, given: Given) -> None:
    """The Euclidean norm over some axes."""
    if given.get("ord", given.get("p", 2)) not in (None, 2):
        return low.unknown()
    reduction("ReduceL2")(low, given)
    return None


def reduction(kind: str) -> Lower:
    """Over some axes; over all where none is given."""

    def lower(low: Lowering, given: Given) -> None:
        axes = given.get("dim")
        axes = axes if isinstance(axes, list) else [] if axes is None else [axes]
        axes = axes or list(range(len(low.shape(x_of(given)))))
        keep = int(bool(given.get("keepdim")))
        low.emit(kind, [low.operand(x_of(given))], None, axes=tuple(axes), keepdims=keep)

    return lower
