"""How fast the executor is: ns per multiply-accumulate of both paths, and VGG-16 against ONNX's NumPy evaluator.

Run with `python tests/benchmarks/executor.py`; the comparison needs numpy and onnx, and is left out without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from math import prod
from random import Random
from typing import Any

import cnncalc
from cnncalc.executor.algebras import Bytes, Floats
from cnncalc.executor.fast import Fast, drawn
from cnncalc.executor.machine import Machine, run
from cnncalc.executor.tensors import Tensor
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Operation, make


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def per_product(machine: Machine, kind: str, args: dict[str, Any], shape: tuple[int, ...]) -> str:
    """ns per multiply-accumulate of one layer on random 8-bit data."""
    node = Node("layer", Operation(make(KINDS[kind], args), (shape,)), (0,), 0, 0)
    tensor = Tensor(shape, Random(0).randbytes(prod(shape)))
    took = min(seconds(lambda: machine.execute(node, [tensor])) for _ in range(3))
    return f"{took / machine.made * 1e9:6.2f} ns/MAC"


def whole(graph: Graph, processes: int) -> float:
    """Seconds of the fast path on a network."""
    inputs = [Tensor(shape, Random(0).randbytes(prod(shape))) for _, shape in graph.inputs]
    return seconds(lambda: [None for _ in run(graph, Fast(drawn, processes), inputs)])


def onnx_seconds(graph: Graph) -> float:
    """Seconds of ONNX's ReferenceEvaluator on the same sequence of layers, in float32."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    generator, nodes, weights, last = numpy.random.default_rng(0), [], [], "x"
    for node in graph.nodes:
        names = []
        for tensor in node.operation.weights:
            names.append(f"{node.name}.{tensor.name}")
            values = generator.random(tensor.shape, dtype=numpy.float32)
            weights.append(numpy_helper.from_array(values, names[-1]))
        op, attributes = {
            "conv": ("Conv", {"pads": [1, 1, 1, 1]}),
            "max_pool": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            "linear": ("Gemm", {"transB": 1}),
            "relu": ("Relu", {}),
            "flatten": ("Flatten", {}),
        }.get(node.kind, ("Identity", {}))
        nodes.append(helper.make_node(op, [last, *names], [node.name], **attributes))
        last = node.name
    shape = [1, *graph.inputs[0][1]]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in (("x", shape), (last, None))]
    model = helper.make_model(helper.make_graph(nodes, "network", ends[:1], ends[1:], weights))
    evaluator, image = ReferenceEvaluator(model), generator.random(shape, dtype=numpy.float32)
    return seconds(lambda: evaluator.run(None, {"x": image}))


def main() -> None:
    conv: dict[str, Any] = {"channels": 16, "kernel": 3, "padding": 1}
    print("plain path, floats       ", per_product(Machine(Floats(), drawn), "conv", conv, (16, 28, 28)))
    print("plain path, 8 bits       ", per_product(Machine(Bytes(), drawn), "conv", conv, (16, 28, 28)))
    for size, channels in ((224, 16), (56, 64), (14, 256)):
        args = conv | {"channels": channels}
        shape = (channels, size, size)
        print(f"fast path, 3x3 at {size:3}    ", per_product(Fast(drawn), "conv", args, shape))
    print("fast path, linear        ", per_product(Fast(drawn), "linear", {"features": 1000}, (4096,)))
    for name in ("alexnet", "vgg16"):
        graph = cnncalc.load(name).graph
        print(f"{name} at full size: {whole(graph, 1):.1f} s in one process, {whole(graph, 2):.1f} s in two")
    if find_spec("onnx") and find_spec("numpy"):
        graph = cnncalc.load("vgg16").graph
        mine, other = whole(graph, 1), onnx_seconds(graph)
        print(
            f"vgg16 by ONNX's ReferenceEvaluator (NumPy, float32): {other:.1f} s; cnncalc {mine / other:.2f} x of that"
        )


if __name__ == "__main__":
    main()
