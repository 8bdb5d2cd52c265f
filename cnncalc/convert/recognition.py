"""Composites in an operator graph: several operators that are one layer become one operator.

``x*sigmoid(x)`` is Silu, GELU by Erf or Tanh is Gelu, MatMul and Add are one MatMul with a bias.  Nothing is guessed:
every constant is compared, and what lies inside a composite may be used nowhere else.  It knows no layer kind.
"""

from __future__ import annotations

from math import isclose, pi, sqrt

from cnncalc.convert.attended import attended
from cnncalc.convert.matching import Match, Matcher, Recognise, bounds, composite
from cnncalc.convert.operators import Operator, Program

# -- activations -------------------------------------------------------------------------------------------------------


def activation(matcher: Matcher, operator: Operator) -> Match | None:
    """A product that is an activation: of x, perhaps a number, and what depends on x alone."""
    if not matcher.opens(operator):
        return None
    scale, terms, covers = matcher.product(operator)
    if len(terms) == 1 and isclose(scale, 1 / 6, rel_tol=1e-4):
        found = _clipped(matcher, terms[0])
        if found:
            x, inner = found
            return composite(operator, "HardSigmoid", [x], alpha=1 / 6, beta=0.5), covers[1:] + inner
    if len(terms) != 2:
        return None
    for x, gate in (terms, terms[::-1]):
        for kind, attributes, wanted, inner in _gates(matcher, x, gate):
            if isclose(scale, wanted, rel_tol=1e-4):
                return composite(operator, kind, [x], **attributes), covers[1:] + inner
    return None


def _clipped(matcher: Matcher, name: str) -> tuple[str, list[Operator]] | None:
    """x, where a tensor is clip(x + 3, 0, 6)."""
    clip = matcher.inside(name, "Clip")
    if clip is None or bounds(matcher, clip) != (0.0, 6.0):
        return None
    add = matcher.inside(clip.inputs[0], "Add")
    x = matcher.shifted(add, 3.0)
    return (x, [clip, add]) if x is not None and add is not None else None


def _gates(matcher: Matcher, x: str, gate: str) -> list[tuple[str, dict[str, object], float, list[Operator]]]:
    """What x times this gate is: kind, attributes, the number that must be there too, and what it covers."""
    inner = matcher.inside(gate, "Sigmoid", "HardSigmoid", "Tanh", "Add", "Clip")
    if inner is None:
        return []
    if inner.kind == "Sigmoid" and inner.inputs == [x]:
        return [("Silu", {}, 1.0, [inner])]
    if inner.kind == "HardSigmoid" and inner.inputs == [x]:
        alpha, beta = inner.attributes.get("alpha", 0.2), inner.attributes.get("beta", 0.5)
        is_swish = isclose(alpha, 1 / 6, rel_tol=1e-4) and isclose(beta, 0.5, rel_tol=1e-4)
        return [("HardSwish", {}, 1.0, [inner])] if is_swish else []
    if inner.kind == "Clip":
        found = _clipped(matcher, gate)
        return [("HardSwish", {}, 1 / 6, found[1])] if found and found[0] == x else []
    if inner.kind == "Tanh":
        softplus = matcher.inside(inner.inputs[0], "Softplus")
        is_plain = softplus is not None and softplus.inputs == [x] and softplus.attributes.get("beta", 1.0) == 1.0
        return [("Mish", {}, 1.0, [inner, softplus])] if softplus and is_plain else []
    return _gelu(matcher, x, inner)


def _gelu(matcher: Matcher, x: str, add: Operator) -> list[tuple[str, dict[str, object], float, list[Operator]]]:
    """GELU: x/2*(1 + erf(x/sqrt(2))), or with tanh(sqrt(2/pi)*(x + 0.044715*x**3))."""
    core = matcher.inside(matcher.shifted(add, 1.0) or "", "Erf", "Tanh")
    scaled = matcher.inside(core.inputs[0], "Mul", "Div") if core else None
    if core is None or scaled is None:
        return []
    scale, terms, covers = matcher.product(scaled)
    covered = [add, core, *covers]
    if core.kind == "Erf":
        is_gelu = terms == [x] and isclose(scale, sqrt(0.5), rel_tol=1e-4)
        return [("Gelu", {"approximate": "none"}, 0.5, covered)] if is_gelu else []
    if not isclose(scale, sqrt(2 / pi), rel_tol=1e-4):
        return []
    cubic = _cubic(matcher, x, terms)
    return [("Gelu", {"approximate": "tanh"}, 0.5, covered + cubic)] if cubic else []


def _cubic(matcher: Matcher, x: str, terms: list[str]) -> list[Operator]:
    """What x + 0.044715*x**3 covers, also as x*(1 + 0.044715*x**2); empty for anything else."""
    inner = [term for term in terms if term != x]
    add = matcher.inside(inner[0], "Add") if len(inner) == 1 else None
    if add is None or len(add.inputs) != 2:
        return []
    factored = len(terms) == 2
    for rest, power in (add.inputs, add.inputs[::-1]):
        if (matcher.scalar(rest) == 1.0) if factored else (rest == x):
            product = matcher.inside(power, "Mul", "Div", "Pow")
            if product is not None:
                scale, factors, covers = matcher.product(product)
                if factors == [x] * (2 if factored else 3) and isclose(scale, 0.044715, rel_tol=1e-4):
                    return [add, *covers]
    return []


def clipped(matcher: Matcher, operator: Operator) -> Match | None:
    """min(max(x, 0), 6) and min(relu(x), 6) are a Clip."""
    if len(operator.inputs) != 2:
        return None
    for x, bound in (operator.inputs, operator.inputs[::-1]):
        high = matcher.scalar(bound)
        inner = matcher.inside(x, "Relu", "Max")
        if high is None or inner is None:
            continue
        if inner.kind == "Relu":
            return composite(operator, "Clip", inner.inputs[:1], min=0.0, max=high), [inner]
        for source, other in (inner.inputs, inner.inputs[::-1]) if len(inner.inputs) == 2 else ():
            low = matcher.scalar(other)
            if low is not None:
                return composite(operator, "Clip", [source], min=low, max=high), [inner]
    return None


# -- dense -------------------------------------------------------------------------------------------------------------


def biased(matcher: Matcher, operator: Operator) -> Match | None:
    """A product with a constant matrix, and a constant with one element per column: one MatMul with three operands."""
    parts = matcher.split(operator)
    product = matcher.inside(parts[0], "MatMul") if parts else None
    if parts is None or product is None or len(product.inputs) != 2:
        return None
    matrix, bias = matcher.constant(product.inputs[1]), parts[1]
    if matrix is None or len(matrix.shape) != 2 or bias.shape[-1:] != matrix.shape[1:] or bias.size != matrix.shape[1]:
        return None
    other = operator.inputs[1] if operator.inputs[0] == parts[0] else operator.inputs[0]
    made = composite(operator, "MatMul", [*product.inputs, other])
    made.title = product.title
    return made, [product]


# -- normalisations ----------------------------------------------------------------------------------------------------


def normalised(matcher: Matcher, operator: Operator) -> Match | None:
    """(x - mean)/sqrt(mean of squares + eps) over some axes: a LayerNormalization without factors."""
    root = matcher.inside(operator.inputs[1], "Sqrt") if len(operator.inputs) == 2 else None
    add = matcher.inside(root.inputs[0], "Add") if root else None
    if root is None or add is None or len(add.inputs) != 2:
        return None
    for variance, other in (add.inputs, add.inputs[::-1]):
        eps, mean = matcher.scalar(other), matcher.inside(variance, "ReduceMean")
        square = matcher.inside(mean.inputs[0], "Pow", "Mul") if mean else None
        if eps is None or mean is None or square is None:
            continue
        first = _difference(matcher, operator.inputs[0], operator, square)
        second = _difference(matcher, square.inputs[0], operator, square)
        is_square = square.inputs[1:] == square.inputs[:1]
        if square.kind == "Pow":
            is_square = len(square.inputs) == 2 and matcher.scalar(square.inputs[1]) == 2.0
        if not first or not second or not is_square or first[0] != second[0]:
            continue
        axes = _axes(matcher, mean)
        parts = {id(part): part for part in (*first[1], *second[1])}.values()
        means = [part for part in parts if part.kind == "ReduceMean"]
        taken = [sum(own.outputs[0] in part.inputs for part in parts) for own in means]
        if axes is None or any(_axes(matcher, own) != axes for own in means):
            continue
        if [matcher.uses[own.outputs[0]] for own in means] != taken:
            continue
        made = composite(operator, "LayerNormalization", [first[0]], axes=axes, epsilon=eps, bare=True)
        return made, [root, add, mean, square, *parts]
    return None


def root_mean(matcher: Matcher, operator: Operator) -> Match | None:
    """x/sqrt(mean of squares + eps), or times the reciprocal: an RMSNormalization without factors."""
    if len(operator.inputs) != 2:
        return None
    for x, other in (operator.inputs, operator.inputs[::-1]) if operator.kind == "Mul" else (operator.inputs,):
        inverse = matcher.inside(other, "Reciprocal") if operator.kind == "Mul" else None
        if inverse is None and operator.kind == "Mul":
            continue
        root = matcher.inside(inverse.inputs[0] if inverse else other, "Sqrt")
        found = _mean_of_squares(matcher, root.inputs[0], x) if root else None
        if root is None or found is None:
            continue
        axes, eps, inner = found
        made = composite(operator, "RMSNormalization", [x], axes=axes, epsilon=eps, bare=True)
        return made, [*([inverse] if inverse else []), root, *inner]
    return None


def _mean_of_squares(matcher: Matcher, name: str, x: str) -> tuple[tuple[int, ...], float, list[Operator]] | None:
    """Axes, eps and what is covered, where a tensor is mean(x*x) + eps with the axes kept."""
    add = matcher.inside(name, "Add")
    if add is None or len(add.inputs) != 2:
        return None
    for variance, other in (add.inputs, add.inputs[::-1]):
        eps, mean = matcher.scalar(other), matcher.inside(variance, "ReduceMean")
        square = matcher.inside(mean.inputs[0], "Pow", "Mul") if mean else None
        if eps is None or mean is None or square is None or not matcher.opens(square):
            continue
        scale, terms, covers = matcher.product(square)
        axes = _axes(matcher, mean)
        if scale == 1 and terms == [x, x] and axes is not None:
            return axes, eps, [add, mean, *covers]
    return None


def responding(matcher: Matcher, operator: Operator) -> Match | None:
    """x + x*n*scale + shift, where n is the norm of each channel over the mean of all norms."""
    if len(operator.inputs) != 2:
        return None
    for x, other in (operator.inputs, operator.inputs[::-1]):
        add = matcher.inside(other, "Add")
        parts = matcher.split(add) if add is not None else None
        product = matcher.inside(parts[0], "Mul") if parts is not None else None
        if add is None or parts is None or product is None:
            continue
        shift = add.inputs[1] if add.inputs[0] == parts[0] else add.inputs[0]
        factor, terms, covers = matcher.product(product)
        scales = [term for term in terms if matcher.constant(term) is not None]
        shares = [term for term in terms if term != x and term not in scales]
        if factor != 1 or len(terms) != 3 or len(scales) != 1 or len(shares) != 1:
            continue
        found = _share_of_norms(matcher, shares[0], x)
        if found is not None:
            attributes, inner = found
            made = composite(operator, "GlobalResponseNormalization", [x, scales[0], shift], **attributes)
            return made, [add, *covers, *inner]
    return None


def _share_of_norms(matcher: Matcher, name: str, x: str) -> tuple[dict[str, object], list[Operator]] | None:
    """Axes and eps, and what is covered, where a tensor is norm(x)/(mean(norm(x)) + eps) with the axes kept."""
    divided = matcher.inside(name, "Div")
    if divided is None or len(divided.inputs) != 2:
        return None
    norm, add = matcher.givers.get(divided.inputs[0]), matcher.inside(divided.inputs[1], "Add")
    if norm is None or norm.kind != "ReduceL2" or norm.inputs[0] != x or add is None or len(add.inputs) != 2:
        return None
    for inner, other in (add.inputs, add.inputs[::-1]):
        eps, mean = matcher.scalar(other), matcher.inside(inner, "ReduceMean")
        if eps is None or mean is None or mean.inputs[0] != norm.outputs[0] or matcher.uses[norm.outputs[0]] != 2:
            continue
        axes, over = _axes(matcher, norm), _axes(matcher, mean)
        if axes is not None and over is not None and len(over) == 1:
            return {"axes": axes, "axis": over[0], "epsilon": eps}, [divided, norm, add, mean]
    return None


def _difference(matcher: Matcher, name: str, *takers: Operator) -> tuple[str, list[Operator]] | None:
    """x, and the Sub and ReduceMean behind x - mean(x), if only these operators take the difference."""
    sub = matcher.givers.get(name)
    if sub is None or sub.kind != "Sub" or len(sub.inputs) != 2:
        return None
    if matcher.uses.get(name) != sum(name in taker.inputs for taker in takers):
        return None
    mean = matcher.givers.get(sub.inputs[1])
    if mean is None or mean.kind != "ReduceMean" or mean.inputs[0] != sub.inputs[0]:
        return None
    return sub.inputs[0], [sub, mean]


def _axes(matcher: Matcher, operator: Operator) -> tuple[int, ...] | None:
    """The axes of a reduction that keeps them."""
    if not operator.attributes.get("keepdims", 1):
        return None
    axes = operator.attributes.get("axes")
    if axes is None and len(operator.inputs) > 1:
        constant = matcher.constant(operator.inputs[1])
        axes = constant.values if constant is not None and constant.dtype == "int" else None
    return tuple(axes) if axes else None


def grouped(matcher: Matcher, operator: Operator) -> Match | None:
    """Reshape to groups, InstanceNormalization with factors of 1, and back: a GroupNormalization without factors.

    The last Reshape's target stays an operand, so that it is checked where shapes are known.
    """
    inner = matcher.inside(operator.inputs[0], "InstanceNormalization") if operator.inputs else None
    first = matcher.inside(inner.inputs[0], "Reshape") if inner and len(inner.inputs) == 3 else None
    if inner is None or first is None:
        return None
    scale, shift = matcher.constant(inner.inputs[1]), matcher.constant(inner.inputs[2])
    if scale is None or shift is None or scale.values is None or shift.values is None:
        return None
    if any(value != 1 for value in scale.values) or any(value != 0 for value in shift.values):
        return None
    made = composite(
        operator,
        "GroupNormalization",
        [first.inputs[0], "", "", *operator.inputs[1:2]],
        num_groups=scale.size,
        epsilon=inner.attributes.get("epsilon", 1e-5),
        bare=True,
    )
    return made, [first, inner]


FACTORED = ("LayerNormalization", "GroupNormalization", "RMSNormalization")


def factored(matcher: Matcher, operator: Operator) -> Match | None:
    """A constant factor, then a constant offset, behind a normalisation that was recognised without them."""
    parts = matcher.split(operator)
    norm = matcher.inside(parts[0], *FACTORED) if parts else None
    if parts is None or norm is None or not norm.attributes.get("bare"):
        return None
    place = 1 if operator.kind == "Mul" else 2
    inputs = [*norm.inputs, *[""] * (3 - len(norm.inputs))]
    if place == 2 and norm.kind == "RMSNormalization":
        return None
    if inputs[place] or (place == 1 and inputs[2]) or parts[1].size == 1:
        return None
    inputs[place] = operator.inputs[1] if operator.inputs[0] == parts[0] else operator.inputs[0]
    made = composite(operator, norm.kind, inputs, **norm.attributes)
    return made, [norm]


def unit(matcher: Matcher, operator: Operator) -> Match | None:
    """x divided by its Euclidean norm over an axis, at least eps: an LpNormalization."""
    if len(operator.inputs) != 2:
        return None
    covers = []
    name = operator.inputs[1]
    expand = matcher.inside(name, "Expand")
    if expand is not None:
        covers.append(expand)
        name = expand.inputs[0]
        shape = matcher.inside(expand.inputs[1], "Shape") if len(expand.inputs) == 2 else None
        covers += [shape] if shape is not None and shape.inputs[0] == operator.inputs[0] else []
    clip = matcher.inside(name, "Clip", "Max")
    if clip is None:
        return None
    eps = bounds(matcher, clip)[0] if clip.kind == "Clip" else matcher.scalar(clip.inputs[-1])
    norm = matcher.inside(clip.inputs[0], "ReduceL2")
    axes = _axes(matcher, norm) if norm else None
    if norm is None or eps is None or not axes or len(axes) != 1 or norm.inputs[0] != operator.inputs[0]:
        return None
    made = composite(operator, "LpNormalization", norm.inputs[:1], axis=axes[0], p=2, epsilon=eps)
    return made, [*covers, clip, norm]


# -- moves -------------------------------------------------------------------------------------------------------------

LAST = 2**31 - 1
"""An end of a slice from here on means all that is left."""


def rolled(matcher: Matcher, operator: Operator) -> Match | None:
    """What is behind a place of an axis, and then what is before it: a Roll; an Identity, where that is nothing."""
    axis = operator.attributes.get("axis")
    if axis is None or len(operator.inputs) != 2:
        return None
    behind, before = (matcher.inside(name, "Slice") for name in operator.inputs)
    if before is not None and before.inputs[0] == operator.inputs[0] and _cut(matcher, before, axis) == (0, 0):
        return composite(operator, "Identity", before.inputs[:1]), [before]
    if behind is None or before is None or behind.inputs[0] != before.inputs[0]:
        return None
    first, second = (_cut(matcher, part, axis) for part in (behind, before))
    if first is None or second is None or second[0] != 0 or second[1] != first[0]:
        return None
    stated = matcher.stated.get(behind.inputs[0]) or ()
    size = stated[axis] if 0 <= axis < len(stated) else None
    if first[1] < LAST and first[1] != size:
        return None
    made = composite(operator, "Roll", behind.inputs[:1], axes=(axis,), shifts=(-first[0],))
    return made, [behind, before]


def _cut(matcher: Matcher, part: Operator, axis: int) -> tuple[int, int] | None:
    """Where a Slice of this axis alone, without steps, begins and ends; the end may be that of the axis."""
    found = []
    for place, name in enumerate(("starts", "ends", "axes", "steps"), 1):
        values = part.attributes.get(name)
        if values is None and place < len(part.inputs) and part.inputs[place]:
            constant = matcher.constant(part.inputs[place])
            values = constant.values if constant is not None and constant.dtype == "int" else None
            if values is None:
                return None
        values = values if values is not None or name != "steps" else (1,)
        if values is None or len(values) != 1:
            return None
        found.append(int(values[0]))
    start, end, own, step = found
    return (start, end) if own == axis and step == 1 else None


COMPOSITES: dict[str, tuple[Recognise, ...]] = {
    "Mul": (activation, root_mean, factored),
    "Div": (activation, normalised, root_mean, unit),
    "Add": (biased, factored, responding),
    "MatMul": (attended,),
    "Einsum": (attended,),
    "Min": (clipped,),
    "Reshape": (grouped,),
    "Concat": (rolled,),
}
"""What the last operator of a composite may be."""


def recognise(program: Program) -> None:
    """Replace the composites of a program, in one pass; constants must have been evaluated before."""
    matcher = Matcher(program)
    kept: list[Operator] = []
    for operator in program.operators:
        found = next(
            (match for look in COMPOSITES.get(operator.kind, ()) if (match := look(matcher, operator)) is not None),
            None,
        )
        if found is None:
            kept.append(operator)
            continue
        made, covered = found
        made.covers = tuple([name for part in (*covered, operator) for name in part.covers])
        operands = [name for part in (*covered, operator) for name in (*part.inputs, *part.constants)]
        made.constants = tuple(
            [name for name in dict.fromkeys(operands) if name in program.constants and name not in made.inputs]
        )
        for part in (*covered, operator):
            matcher.gone.add(id(part))
            matcher.count(part, -1)
        matcher.count(made, 1)
        matcher.givers[made.outputs[0]] = made
        kept.append(made)
    program.operators = [operator for operator in kept if id(operator) not in matcher.gone]
