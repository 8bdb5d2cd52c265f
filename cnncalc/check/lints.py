"""Lints of a network: what is allowed, but seldom meant.

They read analyzers' results, and repeat no formula of theirs.  The codes and what they say stand in `language.lint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Any

from cnncalc.analyzers.notes import BEYOND, MISALIGNED, UNEQUAL
from cnncalc.analyzers.shapes import unread_remark
from cnncalc.geometry import AXES, Transposed, Window, dims, elements
from cnncalc.graph import Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.layers.convolution import SEPARATED
from cnncalc.records import NamedTuple
from cnncalc.report import Report
from cnncalc.rewrite import separable
from cnncalc.values import known


class Hit(NamedTuple):
    """One finding at a layer."""

    code: str
    node: Node
    message: str
    help: str


def network_lints(report: Report) -> Iterator[Hit]:
    """Every finding of a network, layer by layer; raises `Fault` where receptive fields cannot be worked out."""
    graph = report.graph
    takers = graph.takers()
    leaving = {tensor for _, tensor in graph.outputs}
    for index, (node, field) in enumerate(zip(graph.nodes, report.fields)):
        operation = node.operation
        if not _is_quiet(operation):
            for code, message, help in _of_operation(operation):
                yield Hit(code, node, f"`{node.name}`: {message}", help)
            if operation.layer.bias:
                yield from _bias(node, [] if node.number in leaving else takers[node.number])
            yield from _regular(node)
        if field is not None and field.notes:
            yield from _field(report, node, field)
        if node.name.endswith(SEPARATED[1]) and operation.weights:
            yield from _separated(report, index)


@once_per_operation
def _is_quiet(operation: Operation) -> bool:
    """Whether nothing can be said of a layer but for its receptive field and its name."""
    return not (_of_operation(operation) or operation.layer.bias or _without_gain(operation))


Finding = tuple[str, str, str]
"""Code, message and help."""


@once_per_operation
def _of_operation(operation: Operation) -> tuple[Finding, ...]:
    """The findings that depend on a layer and its input's shape alone, made once for equal ones."""
    reach = operation.reach
    found: list[Finding] = []
    if isinstance(reach, tuple):
        for axis, name, width in zip(reach, AXES[len(reach)], operation.inputs[0][1:]):
            finding = _of_axis(operation, axis, name, width)
            if finding and finding[0] not in [code for code, _, _ in found]:
                found.append(finding)
    return tuple(found)


def _of_axis(operation: Operation, axis: Any, name: str, width: int) -> Finding | None:
    if isinstance(axis, Transposed) and axis.size % axis.stride:
        message = f"kernel {axis.size} is not divisible by stride {axis.stride}: outputs overlap unevenly"
        return "checkerboard", message, f"use a kernel of {axis.stride} or {2 * axis.stride}, or upsample and convolve"
    if not isinstance(axis, Window) or axis.stride == 1:
        return None
    count = axis.output(width)
    common = gcd(axis.stride, axis.dilation)
    read = min(axis.size, axis.stride // common)  # tap k reads k*dilation, which has so many remainders by the stride
    if read < axis.stride:
        if count == 1:
            return None
        reason, help = f"is larger than the kernel {axis.size}", "use a larger kernel, or pool first"
        if axis.size >= axis.stride:
            reason = f"and dilation {axis.dilation} are both multiples of {common}"
            help = "use a dilation that has no divisor in common with the stride"
        gap = f"stride {axis.stride} {reason}: it reads"
        return "stride-gap", f"{gap} {read} of every {axis.stride} positions of the {name}", help
    padding = axis.before + axis.after
    lost = axis.unread(width) if (width + padding - axis.extent) % axis.stride else 0
    whole = -(-width // axis.stride)
    if not lost or (count >= whole and lost <= axis.after):
        return None  # all pixels are read, and the output is as large as `padding: same` would make it
    formula = f"({width} + {padding} - {axis.extent})/{axis.stride} + 1"
    note = unread_remark(operation)
    message = f"{formula} is no whole number{f': {note.text}' if note else ''}"
    return "stride-unread", message, "use `padding: same`, or an input size or padding that makes it whole"


def _bias(node: Node, takers: list[Node]) -> Iterator[Hit]:
    """A bias before a batch normalisation, which subtracts every constant again."""
    if takers and all(taker.kind == "batch_norm" for taker in takers):
        message = f"`{node.name}` has a bias, which the batch normalisation after it subtracts again"
        yield Hit("bias-before-norm", node, message, "write `bias: false`")


def _field(report: Report, node: Node, field: Any) -> Iterator[Hit]:
    """Where layers begin to see more than the input, and branches that do not fit each other."""
    for note in field.notes:
        if note.code in (MISALIGNED, UNEQUAL):
            help = "give the branches equal strides, and padding that keeps their centers together"
            yield Hit("misaligned-branches", node, f"`{node.name}`: {note.text}", help)
        if note.code != BEYOND:
            continue
        earlier_nodes = filter(None, map(report.graph.node, node.inputs))
        before = [report.fields[earlier.place] for earlier in earlier_nodes]
        if not any(earlier is not None and _is_beyond(earlier) for earlier in before):
            message = f"`{node.name}`: {note.text} ({dims(note.values)}), and so do the layers after it"
            yield Hit("beyond-input", node, message, "use a larger input, or fewer strides and kernels before it")


def _is_beyond(field: Any) -> bool:
    return any(note.code == BEYOND for note in field.notes)


@once_per_operation
def _without_gain(operation: Operation) -> tuple[int, int] | None:
    """The parameters of a convolution that would not have fewer as depthwise and pointwise ones, so and as it is.

    None too where the kernels have one channel: there is nothing to separate.
    """
    parts = separable(operation)
    if not parts or operation.weights[0].shape[1] == 1:
        return None
    separated = sum(elements(weight.shape) for part in parts for weight in part.weights)
    params = sum(elements(weight.shape) for weight in operation.weights)
    return (separated, params) if params <= separated else None


def _regular(node: Node) -> Iterator[Hit]:
    """A convolution that would not have fewer parameters as depthwise and pointwise ones."""
    counts = _without_gain(node.operation)
    if counts is not None and node.shares is None and not node.frozen:
        message = (
            f"`{node.name}` would have {counts[0]:,} parameters as a separable convolution, {counts[1]:,} as it is"
        )
        yield Hit("separable-no-gain", node, message, "keep the regular convolution")


def _separated(report: Report, index: int) -> Iterator[Hit]:
    """A convolution that does not have fewer parameters as depthwise and pointwise ones, found by the pointwise."""
    nodes, params = report.graph.nodes, report.values("params")
    node, name, own = nodes[index], nodes[index].name.removesuffix(SEPARATED[1]), known(params[index])
    first = index - 1  # the norm and the activation of the depthwise one may stand between them
    while first >= 0 and nodes[first].origin == node.origin and nodes[first].name != name + SEPARATED[0]:
        first -= 1
    if not own or first < 0 or nodes[first].origin != node.origin:
        return
    kernel = nodes[first].operation.weights[0].shape[2:]
    inputs, outputs = nodes[first].operation.inputs[0][0], node.operation.output[0]
    bias = sum(elements(weight.shape) for weight in node.operation.weights[1:])
    regular, own = inputs * outputs * elements(kernel) + bias, own + known(params[first])
    if own >= regular and inputs > 1:
        message = f"`{name}` has {own:,} parameters, a regular convolution {regular:,}"
        yield Hit("separable-no-gain", node, message, "write `conv` in place of `separable_conv`")
