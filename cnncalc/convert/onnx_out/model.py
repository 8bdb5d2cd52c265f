"""Graph -> ONNX: the model around the nodes, its weights and constants, and the file.

What each layer kind is in ONNX says `nodes`.  The library `onnx` is loaded only when a model is made.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Sequence
from io import BytesIO
from typing import Any, BinaryIO

from cnncalc import __version__
from cnncalc.diagnostics import Fault, SpecError, UsageFault
from cnncalc.executor.data import Weights
from cnncalc.geometry import Shape, elements
from cnncalc.graph import Graph, Node
from cnncalc.writing import write

OPSETS = range(13, 24)
"""The versions of ONNX's operator set that can be asked for."""

OPSET = 17
"""The one that is written unless another is asked for: that of ONNX 1.12 and later."""

MAX_BYTES = 2**31 - 2**24
"""A protobuf holds 2 GiB: weights of more than this (which leaves room for the nodes) go into a file of their own."""


def to_onnx(graph: Graph, path: str | os.PathLike[str], weights: Weights, opset: int = OPSET) -> None:
    """Write a graph as an ONNX model, with a batch of any size.

    Weights beyond `MAX_BYTES` go into ``<path>.data`` beside it.  Raises `SpecError` at a layer that ONNX cannot say
    and for weights that do not fit or are left over, `Fault` for an opset or a file that cannot be written; then
    nothing is left behind.
    """
    target = os.fspath(path)
    beside = f"{target}.data" if weight_bytes(graph) > MAX_BYTES else ""
    data = BytesIO()
    made = model(graph, weights, opset, (os.path.basename(beside), data) if beside else None)
    weights.check_used([node.name for node in graph.nodes])
    content = made.SerializeToString()
    if beside:
        write(beside, data.getvalue())
    try:
        write(target, content)
    except Fault:
        if beside:
            os.remove(beside)
        raise


def weight_bytes(graph: Graph) -> int:
    """What the weights take as 32-bit numbers, shared ones once."""
    owners = (node for node in graph.nodes if node.shares is None)
    return sum(4 * elements(weight.shape) for node in owners for weight in node.operation.weights)


def model(graph: Graph, weights: Weights, opset: int = OPSET, outside: tuple[str, BinaryIO] | None = None) -> Any:
    """The `onnx.ModelProto` of a graph; with `outside` its weights are written there, and named as that file's."""
    from cnncalc.convert.onnx_out.nodes import WRITERS

    if opset not in OPSETS:
        raise UsageFault("wrong-opset", f"opset {opset} is not one of {OPSETS[0]} to {OPSETS[-1]}")
    writer = Writer(graph, weights, opset, outside)
    for node in graph.nodes:
        inputs = [writer.values[tensor] for tensor in node.inputs]
        try:
            write = WRITERS.get(node.kind)
            if write is None:
                raise Fault("cannot-export", f"`{node.name}` is `{node.kind}`, which ONNX cannot say")
            writer.begin(node)
            write(writer, node, *inputs)
            writer.end(node)
        except Fault as fault:
            raise SpecError([fault.at(node.origin)]) from None
    return writer.model()


class Writer:
    """An ONNX model in the making: every value with its shape, every tensor of weights and every constant once."""

    def __init__(self, graph: Graph, weights: Weights, opset: int, outside: tuple[str, BinaryIO] | None = None) -> None:
        try:
            import numpy
            import onnx
        except ImportError:
            message = "the export to ONNX needs the library `onnx`"
            raise Fault("missing-library", message, None, "pip install 'cnncalc[onnx]'") from None
        self.onnx = onnx
        self.numpy = numpy
        self.graph = graph
        self.opset = opset
        self._weights = weights
        self._outside = outside
        self._taken = {name for name, _ in graph.inputs} | {name for name, _ in graph.outputs}
        self._nodes: list[Any] = []
        self._stated: list[Any] = []
        self._integers: list[Any] = []
        self._initializers: dict[Any, Any] = {}
        self._row: Node | None = None
        self._begun: int
        self.shapes: dict[str, Shape] = dict(graph.inputs)
        """The shape of every value, without the batch."""
        self.values: dict[int, str] = {number: name for number, (name, _) in enumerate(graph.inputs)}
        """The name of the value of every tensor so far."""
        self._single: set[str] = set()
        self._named: dict[int, str] = {}
        for name, tensor in graph.outputs:
            if tensor >= len(graph.inputs):
                self._named.setdefault(tensor, name)

    # -- nodes

    def begin(self, node: Node) -> None:
        """What follows is one row of the network."""
        self._row = node
        self._begun = len(self._nodes)

    def end(self, node: Node) -> None:
        """Name the last operator after the row, and its result after the output that it is, if it is one."""
        if len(self._nodes) == self._begun:  # the layer has nothing to do
            self.op("Identity", [self.values[node.inputs[0]]], node.operation.output)
        last = self._nodes[-1]
        last.name = node.name
        shape = self.shapes.pop(last.output[0])
        self._taken.discard(last.output[0])
        assert shape == node.operation.output, f"{node.name} is {shape} in ONNX"
        single = last.output[0] in self._single
        last.output[0] = self._named.get(node.number) or self._free(node.name)
        self.values[node.number] = last.output[0]
        if single:
            self._single.add(last.output[0])
        self.shapes[last.output[0]] = shape
        for entry in self._nodes[self._begun :]:
            if entry.output[0] not in self.shapes:  # a list of integers, which `count` has stated
                continue
            self._stated.append(self._value(entry.output[0], self.shapes[entry.output[0]]))

    def op(self, operator: str, inputs: Sequence[str], shape: Shape, single: bool = False, **attributes: Any) -> str:
        """Add an operator whose result has this shape; gives the result's name.

        A `single` result is of the whole batch, and so is what is made of such results alone.
        """
        assert self._row is not None
        name = self._free(f"{self._row.name}/{operator}")
        given = {key: value for key, value in attributes.items() if value is not None}
        self._nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], name, **given))
        self.shapes[name] = shape
        values = [value for value in inputs if value in self.shapes]
        if single or (values and all(value in self._single for value in values)):
            self._single.add(name)
        return name

    def count(self, operator: str, inputs: Sequence[str], length: int) -> str:
        """Add an operator whose result is a list of 64-bit integers; gives the result's name."""
        assert self._row is not None
        name = self._free(f"{self._row.name}/{operator}")
        attributes = {"axis": 0} if operator == "Concat" else {}
        self._nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], name, **attributes))
        self._integers.append(self.onnx.helper.make_tensor_value_info(name, self.onnx.TensorProto.INT64, [length]))
        return name

    def batched(self, x: str, others: Sequence[str]) -> str:
        """A value with the batch of others: itself, unless it has a batch of one and they have not."""
        like = next((other for other in others if other not in self._single), None)
        if x not in self._single or like is None:
            return x
        whole = self.count("Shape", [like], len(self.shapes[like]) + 1)
        batch = self.count("Slice", [whole, self.integers("first", [0]), self.integers("second", [1])], 1)
        shape = self.count("Concat", [batch, self.integers("shape", self.shapes[x])], len(self.shapes[x]) + 1)
        name = self.op("Expand", [x, shape], self.shapes[x])
        self._single.discard(name)
        return name

    def unpool(self, x: str, like: str, shape: Shape, pool: dict[str, Any]) -> str:
        """The values of `x` where a pool of `like` has its maxima; 0 elsewhere."""
        assert self._row is not None
        values, places = (self._free(f"{self._row.name}/{part}") for part in ("MaxPool", "places"))
        self._nodes.append(self.onnx.helper.make_node("MaxPool", [like], [values, places], values, **pool))
        self.shapes[values] = self.shapes[x]
        stated = ["batch", *self.shapes[x]]
        self._integers.append(self.onnx.helper.make_tensor_value_info(places, self.onnx.TensorProto.INT64, stated))
        size = self.count("Shape", [like], len(shape) + 1)
        kept = {name: pool[name] for name in ("kernel_shape", "strides", "pads")}
        return self.op("MaxUnpool", [x, places, size], shape, **kept)

    def folded(self, name: str, shape: Shape, values: Sequence[float]) -> str:
        """A tensor that is worked out from weights of the current row, or of the row whose weights it shares."""
        assert self._row is not None
        owner = self._row.shares or self._row
        key = (owner.name, name, "folded")
        if key not in self._initializers:
            self._initializers[key] = self._tensor(self._free(f"{owner.name}.{name}"), shape, array("f", values))
        return str(self._initializers[key].name)

    def values_of(self, name: str) -> Sequence[float]:
        """The values of a tensor of weights of the current row, or of the row whose weights it shares."""
        assert self._row is not None
        owner = self._row.shares or self._row
        return self._weights(owner, name, next(each.shape for each in owner.operation.weights if each.name == name))

    def _free(self, name: str) -> str:
        """`name`, or with the first number that makes it no other's."""
        free, number = name, 2
        while free in self._taken:
            free, number = f"{name}_{number}", number + 1
        self._taken.add(free)
        return free

    # -- weights and constants

    def weight(self, name: str, shape: Shape | None = None) -> str:
        """A tensor of weights of the current row, or of the row whose weights it shares; `shape` adds axes of 1."""
        assert self._row is not None
        owner = self._row.shares or self._row
        own = next(weight.shape for weight in owner.operation.weights if weight.name == name)
        key = (owner.name, name, shape or own)
        if key not in self._initializers:
            values = array("f", self._weights(owner, name, own))
            assert len(values) == elements(own)
            if not self.numpy.isfinite(self.numpy.asarray(values)).all():
                raise Fault("too-large", f"`{owner.name}` {name} holds a value too large for a 32-bit number")
            self._initializers[key] = self._tensor(self._free(f"{owner.name}.{name}"), shape or own, values)
        return str(self._initializers[key].name)

    def numbers(self, name: str, values: Sequence[float], shape: Shape | None = None) -> str:
        """A constant of 32-bit numbers; one dimension unless a shape is given (``()``: a scalar)."""
        return self._constant(name, array("f", values), (len(values),) if shape is None else shape)

    def integers(self, name: str, values: Sequence[int]) -> str:
        """A list of 64-bit integers: a shape, axes, indices."""
        return self._constant(name, array("q", values), (len(values),))

    def _constant(self, name: str, values: array[Any], shape: Shape) -> str:
        assert self._row is not None
        content = values.tobytes()
        key = (values.typecode, shape, content)
        if key not in self._initializers:
            self._initializers[key] = self._tensor(self._free(f"{self._row.name}/{name}"), shape, values, False)
        return str(self._initializers[key].name)

    def _tensor(self, name: str, shape: Shape, values: array[Any], weight: bool = True) -> Any:
        if sys.byteorder == "big":
            values.byteswap()
        types = self.onnx.TensorProto
        found = types(name=name, dims=shape, data_type=types.FLOAT if values.typecode == "f" else types.INT64)
        if self._outside is None or not weight:
            found.raw_data = values.tobytes()
            return found
        location, file = self._outside
        found.data_location = types.EXTERNAL
        place = {"location": location, "offset": str(file.tell()), "length": str(len(values) * values.itemsize)}
        for key, value in place.items():
            entry = found.external_data.add()
            entry.key, entry.value = key, value
        file.write(values.tobytes())
        return found

    # -- the model

    def _value(self, name: str, shape: Shape) -> Any:
        helper = self.onnx.helper
        batch = 1 if name in self._single else "batch"
        return helper.make_tensor_value_info(name, self.onnx.TensorProto.FLOAT, [batch, *shape])

    def model(self) -> Any:
        """The model: an output that is an input, or another output too, is an `Identity` of it."""
        helper, graph = self.onnx.helper, self.graph
        outputs = []
        for name, tensor in graph.outputs:
            if self.values[tensor] != name:
                self._nodes.append(helper.make_node("Identity", [self.values[tensor]], [name], name))
            outputs.append(self._value(name, graph.shapes[tensor]))
        leaving = {name for name, _ in graph.outputs}
        made = helper.make_graph(
            self._nodes,
            graph.variant or graph.name or "network",
            [self._value(name, shape) for name, shape in graph.inputs],
            outputs,
            list(self._initializers.values()),
            value_info=[value for value in (*self._stated, *self._integers) if value.name not in leaving],
        )
        opset = helper.make_opsetid("", self.opset)
        return helper.make_model(
            made,
            opset_imports=[opset],
            ir_version=helper.find_min_ir_version_for([opset]),
            producer_name="cnncalc",
            producer_version=__version__,
            doc_string=graph.source,
        )
