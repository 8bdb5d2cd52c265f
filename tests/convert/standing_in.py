"""What the export to ONNX calls of `onnx` and `numpy`, as plain records, so that it is tested where there are none.

The records have the fields of the library's messages by their names; tests/frameworks makes the same listings with the
library itself.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from convert.encoding import message

FLOATS, INTS, STRING, INT, FLOAT = 6, 7, 3, 2, 1
"""``AttributeProto.AttributeType``."""


class TensorProto(SimpleNamespace):
    """A tensor, its element types, and where its data lie."""

    FLOAT, INT64, EXTERNAL = 1, 7, 1

    def __init__(self, name: str, dims: Sequence[int], data_type: int) -> None:
        super().__init__(name=name, dims=list(dims), data_type=data_type, raw_data=b"", data_location=0)
        self.external_data = Repeated()

    def encoded(self) -> bytes:
        content = [(9, self.raw_data)] if self.data_location == 0 else [(14, self.data_location)]
        content += [(13, message((1, each.key), (2, each.value))) for each in self.external_data]
        return message(*[(1, size) for size in self.dims], (2, self.data_type), (8, self.name), *content)


class Repeated(list[SimpleNamespace]):
    """A field that grows by ``add``."""

    def add(self) -> SimpleNamespace:
        self.append(SimpleNamespace(key="", value=""))
        return self[-1]


def attribute(name: str, value: Any) -> SimpleNamespace:
    """An attribute: its type is its value's."""
    if isinstance(value, str):
        return SimpleNamespace(name=name, type=STRING, s=value.encode())
    if isinstance(value, float):
        return SimpleNamespace(name=name, type=FLOAT, f=struct.unpack("<f", struct.pack("<f", value))[0])
    if isinstance(value, int):
        return SimpleNamespace(name=name, type=INT, i=int(value))
    if all(isinstance(each, int) for each in value):
        return SimpleNamespace(name=name, type=INTS, ints=list(value))
    return SimpleNamespace(name=name, type=FLOATS, floats=list(value))


def encoded_attribute(one: SimpleNamespace) -> bytes:
    assert one.type in (STRING, FLOAT, INT, INTS), one
    kind = (20, one.type)
    if one.type == STRING:
        return message((1, one.name), (4, one.s), kind)
    if one.type == FLOAT:
        return message((1, one.name)) + b"\x15" + struct.pack("<f", one.f) + message(kind)
    return message((1, one.name), *([(3, one.i)] if one.type == INT else [(8, each) for each in one.ints]), kind)


def make_node(operator: str, inputs: list[str], outputs: list[str], name: str, **given: Any) -> SimpleNamespace:
    attributes = [attribute(key, value) for key, value in sorted(given.items())]
    return SimpleNamespace(op_type=operator, input=inputs, output=outputs, name=name, attribute=attributes)


def make_tensor_value_info(name: str, type: int, sizes: Sequence[int | str] | None) -> SimpleNamespace:
    """A tensor of these sizes; of None its shape is not stated."""
    dims = [
        SimpleNamespace(dim_value=0 if isinstance(size, str) else size, dim_param=size if isinstance(size, str) else "")
        for size in sizes or ()
    ]
    shape = None if sizes is None else SimpleNamespace(dim=dims)
    tensor = SimpleNamespace(elem_type=type, shape=shape)
    return SimpleNamespace(name=name, type=SimpleNamespace(tensor_type=tensor))


def encoded_value(value: SimpleNamespace) -> bytes:
    tensor = value.type.tensor_type
    kind: list[tuple[int, Any]] = [(1, tensor.elem_type)]
    if tensor.shape is not None:
        sizes = [message((2, dim.dim_param) if dim.dim_param else (1, dim.dim_value)) for dim in tensor.shape.dim]
        kind.append((2, message(*[(1, size) for size in sizes])))
    return message((1, value.name), (2, message((1, message(*kind)))))


def make_graph(
    node: list[Any], name: str, input: list[Any], output: list[Any], initializer: list[Any], value_info: list[Any]
) -> SimpleNamespace:
    return SimpleNamespace(
        node=node, name=name, input=input, output=output, initializer=initializer, value_info=value_info
    )


def make_opsetid(domain: str, version: int) -> SimpleNamespace:
    return SimpleNamespace(domain=domain, version=version)


def find_min_ir_version_for(opsets: list[SimpleNamespace]) -> int:
    """https://onnx.ai/onnx/repo-docs/Versioning.html: the file format that came with each operator set."""
    return {13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}[opsets[0].version]


class ModelProto(SimpleNamespace):
    """A model; as bytes it is what the importer reads."""

    def SerializeToString(self) -> bytes:
        graph = self.graph
        nodes = [
            message(
                *[(1, name) for name in node.input],
                *[(2, name) for name in node.output],
                (3, node.name),
                (4, node.op_type),
                *[(5, encoded_attribute(each)) for each in node.attribute],
            )
            for node in graph.node
        ]
        content = message(
            *[(1, node) for node in nodes],
            (2, graph.name),
            *[(5, tensor.encoded()) for tensor in graph.initializer],
            *[(11, encoded_value(value)) for value in graph.input],
            *[(12, encoded_value(value)) for value in graph.output],
            *[(13, encoded_value(value)) for value in graph.value_info],
        )
        opsets = [(8, message((1, opset.domain), (2, opset.version))) for opset in self.opset_import]
        producer = ((2, self.producer_name), (3, self.producer_version))
        return message((1, self.ir_version), *producer, (6, self.doc_string), (7, content), *opsets)


def make_model(graph: SimpleNamespace, opset_imports: list[Any], **given: Any) -> ModelProto:
    return ModelProto(graph=graph, opset_import=opset_imports, **given)


def are_finite(values: Sequence[float]) -> SimpleNamespace:
    """``numpy.isfinite``, of which it is asked whether all are."""
    return SimpleNamespace(all=lambda: all(map(isfinite, values)))


@contextmanager
def onnx_stands_in() -> Iterator[None]:
    """``import onnx`` gives these records, and ``import numpy`` what is asked of it."""
    library: Any = ModuleType("onnx")
    library.TensorProto = TensorProto
    functions = (make_node, make_tensor_value_info, make_graph, make_opsetid, find_min_ir_version_for, make_model)
    library.helper = SimpleNamespace(**{each.__name__: each for each in functions})
    numbers: Any = ModuleType("numpy")
    numbers.asarray, numbers.isfinite = list, are_finite
    with pytest.MonkeyPatch.context() as patch:  # of all that is loaded meanwhile, nothing else is taken back
        patch.setitem(sys.modules, "onnx", library)
        patch.setitem(sys.modules, "numpy", numbers)
        yield
