"""Makes small ONNX files, and measures on ONNX Runtime what comes out of them; run by hand, never by the tests.

    python tests/data/convert/make.py

It writes a file per case beside itself, and expected.json: inputs and outputs without the batch (of the first sample),
the tensors of weights, and the number of decimal numbers that the file holds.  The seed is fixed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node as node

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(5)
EXPECTED: dict[str, dict] = {}


def weights(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Tensors by name; two underscores stand for a dot."""
    return {
        name.replace("__", "."): RANDOM.uniform(0.25, 1.0, shape).round(3).astype(np.float32)
        for name, shape in shapes.items()
    }


def ints(**values: list[int]) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.int64) for name, value in values.items()}


def floats(**values: object) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.float32) for name, value in values.items()}


def case(
    name: str,
    nodes: list,
    inputs: dict[str, list] | list,
    held: dict[str, np.ndarray] | None = None,
    outputs: list[str] | None = None,
    opset: int = 17,
    runs: bool = True,
    stated: dict[str, list] | None = None,
    listed: bool = False,
    keep: bool = True,
    functions: list | None = None,
    sizes: dict[str, list] | None = None,
) -> None:
    """One file.  `listed`: initializers are inputs too, as before IR 4; not `keep`: their data are elsewhere."""
    shapes = inputs if isinstance(inputs, dict) else {"x": inputs}
    outputs = outputs or [nodes[-1].output[0]]
    tensors = [numpy_helper.from_array(value, key) for key, value in (held or {}).items()]
    entries = [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in shapes.items()]
    if listed:
        entries += [
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)) for tensor in tensors
        ]
    graph = helper.make_graph(
        nodes,
        name,
        entries,
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, (stated or {}).get(key)) for key in outputs],
        tensors,
        value_info=[
            helper.make_tensor_value_info(key, TensorProto.FLOAT, shape)
            for key, shape in (stated or {}).items()
            if key not in outputs
        ],
    )
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("local", 1)] if functions else [])
    model = helper.make_model(graph, opset_imports=imports, functions=functions or [])
    model.ir_version = 3 if listed else 8
    model.producer_name = ""
    content = model.SerializeToString()
    expected: dict = {}
    if runs:
        fixed = {key: (sizes or {}).get(key, shape) for key, shape in shapes.items()}
        data = {key: RANDOM.uniform(-2, 2, shape).round(2).astype(np.float32) for key, shape in fixed.items()}
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        results = session.run(outputs, data)
        expected["data"] = [value[0].tolist() for value in data.values()]
        expected["outputs"] = [result[0].astype(float).round(6).tolist() for result in results]
    expected["weights"] = {
        key: value.tolist() for key, value in (held or {}).items() if value.dtype == np.float32 and value.ndim
    }
    values = [value for value in (held or {}).values() if value.dtype == np.float32]
    expected["elements"] = sum(value.size for value in values)
    for entry in nodes:
        for attribute in entry.attribute:
            if entry.op_type == "Constant" and attribute.t.data_type == TensorProto.FLOAT:
                expected["elements"] += int(np.prod(attribute.t.dims))
    EXPECTED[name] = expected
    if not keep:
        for tensor in model.graph.initializer:
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights.bin")
        content = model.SerializeToString()
    (HERE / f"{name}.onnx").write_bytes(content)


def constant(name: str, value: object, kind: type = np.float32) -> onnx.NodeProto:
    return node("Constant", [], [name], value=numpy_helper.from_array(np.array(value, kind)))


# -- convolutions ------------------------------------------------------------------------------------------------------

KERNEL = weights(w=(4, 2, 3, 3), b=(4,))
for word in ("SAME_UPPER", "SAME_LOWER", "VALID"):
    conv = node("Conv", ["x", "w", "b"], ["y"], auto_pad=word, strides=[2, 2])
    case(f"conv_{word.lower()}", [conv], [1, 2, 6, 7], KERNEL)
case(
    "conv_asymmetric",
    [node("Conv", ["x", "w", "b"], ["y"], pads=[0, 1, 2, 1], strides=[2, 1], dilations=[1, 2])],
    [1, 2, 6, 7],
    KERNEL,
)
case("conv_depthwise", [node("Conv", ["x", "w"], ["y"], group=3, pads=[1] * 4)], [1, 3, 5, 5], weights(w=(6, 1, 3, 3)))
case("conv_grouped", [node("Conv", ["x", "w"], ["y"], group=2)], [1, 4, 5, 5], weights(w=(6, 2, 3, 3)))
case("conv_1d", [node("Conv", ["x", "w"], ["y"], pads=[2, 0])], [1, 2, 8], weights(w=(3, 2, 3)))
case("conv_3d", [node("Conv", ["x", "w"], ["y"], strides=[1, 2, 2])], [1, 2, 4, 5, 5], weights(w=(3, 2, 2, 3, 3)))
case(
    "conv_transpose_output_padding",
    [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], pads=[1] * 4, output_padding=[1, 0])],
    [1, 2, 4, 4],
    weights(w=(2, 3, 3, 3)),
)
case(
    "conv_transpose_output_shape",
    [node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2], output_shape=[8, 9])],
    [1, 2, 4, 4],
    weights(w=(2, 3, 3, 3), b=(3,)),
)
case(
    "conv_transpose_same",
    [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], auto_pad="SAME_UPPER", group=2)],
    [1, 2, 3, 4],
    weights(w=(2, 2, 3, 3)),
)
case(
    "shared_weights",
    [
        node("Conv", ["x", "head.weight"], ["one"], pads=[1] * 4, name="first"),
        node("Conv", ["one", "head.weight"], ["y"], pads=[1] * 4, name="second"),
    ],
    [1, 2, 4, 4],
    weights(head__weight=(2, 2, 3, 3)),
)
case(
    "initializers_are_inputs",
    [node("Conv", ["x", "w", "b"], ["y"], pads=[1] * 4)],
    [1, 2, 4, 4],
    KERNEL,
    opset=8,
    listed=True,
)
case("weights_missing", [node("Conv", ["x", "w", "b"], ["y"], pads=[1] * 4)], [1, 2, 4, 4], KERNEL, keep=False)
case("batch_of_4", [
    node("Conv", ["x", "w", "b"], ["c"], pads=[1] * 4),
    node("Reshape", ["c", "shape"], ["f"]),
    node("Gemm", ["f", "g"], ["y"], transB=1),
], [4, 2, 3, 3], {**KERNEL, **weights(g=(5, 36)), **ints(shape=[4, -1])})  # fmt: skip
case("batch_norm", [node("BatchNormalization", ["x", "bn.weight", "bn.bias", "m", "v"], ["y"], epsilon=1e-3)],
     [1, 3, 4, 4], weights(bn__weight=(3,), bn__bias=(3,), m=(3,), v=(3,)))  # fmt: skip
case("weights_are_inputs", [node("Conv", ["x", "w", "b"], ["y"])],
     {"x": [1, 2, 4, 4], "w": [4, 2, 3, 3], "b": [4]}, runs=False)  # fmt: skip

# -- pools -------------------------------------------------------------------------------------------------------------

MAP = [1, 2, 6, 7]
for included in (0, 1):
    pool = node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=included)
    case(f"avg_pool_count_include_pad_{included}", [pool], MAP)
CEIL = {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1}
case("avg_pool_ceil", [node("AveragePool", ["x"], ["y"], **CEIL)], [1, 2, 7, 8], opset=19)
case("max_pool_ceil", [node("MaxPool", ["x"], ["y"], **CEIL)], [1, 2, 7, 8])
case("max_pool_floor", [node("MaxPool", ["x"], ["y"], **{**CEIL, "ceil_mode": 0})], [1, 2, 7, 8])
case("max_pool_dilated", [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 3])], MAP)
case("max_pool_same", [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")], MAP)
case("lp_pool", [node("LpPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], p=2)], [1, 2, 6, 6])
case("avg_pool_of_one", [node("AveragePool", ["x"], ["y"], kernel_shape=[1, 1])], MAP)
case("global_pools", [node("GlobalAveragePool", ["x"], ["a"]), node("GlobalMaxPool", ["x"], ["b"]),
                      node("Add", ["a", "b"], ["y"])], MAP)  # fmt: skip
for keep in (0, 1):
    case(f"reduce_mean_keepdims_{keep}", [node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=keep)], MAP, opset=13)
case("reduce_mean_operand", [node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)], MAP, ints(axes=[-1, -2]), opset=18)
case("reduce_max", [node("ReduceMax", ["x"], ["y"], axes=[2, 3])], MAP)
case("reduce_mean_channels", [node("ReduceMean", ["x"], ["y"], axes=[1])], MAP, runs=False)

# -- dense -------------------------------------------------------------------------------------------------------------

case("gemm", [node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], transB=1)], [1, 6],
     weights(fc__weight=(4, 6), fc__bias=(4,)))  # fmt: skip
case("gemm_not_transposed", [node("Gemm", ["x", "w", "b"], ["y"])], [1, 6], weights(w=(6, 4), b=(4,)))
case("gemm_alpha_beta", [node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0)], [1, 6],
     weights(w=(6, 4), b=(4,)), runs=False)  # fmt: skip
case("gemm_beta_0", [node("Gemm", ["x", "w", "b"], ["y"], beta=0.0)], [1, 6], weights(w=(6, 4), b=(4,)), runs=False)
case("gemm_trans_a", [node("Transpose", ["x"], ["t"], perm=[1, 0]), node("Gemm", ["t", "w"], ["y"], transA=1)], [1, 6],
     weights(w=(6, 4)))  # fmt: skip
case("matmul_add", [node("MatMul", ["x", "w"], ["m"]), node("Add", ["b", "m"], ["y"])], [1, 6],
     weights(w=(6, 4), b=(4,)))  # fmt: skip
case("tokens", [
    node("Reshape", ["x", "shape"], ["r"]),
    node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
    node("LayerNormalization", ["t", "ln.weight", "ln.bias"], ["n"], epsilon=1e-6),
    node("MatMul", ["n", "w"], ["m"]),
    node("Add", ["m", "b"], ["y"]),
], [1, 4, 2, 3], {**weights(ln__weight=(4,), ln__bias=(4,), w=(4, 5), b=(5,)), **ints(shape=[0, 4, -1])},
     runs=False)  # fmt: skip
case("attention", [
    node("Transpose", ["x"], ["k"], perm=[0, 2, 1]),
    node("MatMul", ["x", "k"], ["qk"]),
    node("Softmax", ["qk"], ["s"], axis=-1),
    node("MatMul", ["s", "x"], ["y"]),
], [1, 5, 4], runs=False)  # fmt: skip

# -- activations -------------------------------------------------------------------------------------------------------

for kind, attributes, opset in (
    ("Relu", {}, 17), ("LeakyRelu", {"alpha": 0.2}, 17), ("Elu", {"alpha": 0.5}, 17), ("Selu", {}, 17),
    ("Sigmoid", {}, 17), ("HardSigmoid", {}, 17), ("HardSwish", {}, 17), ("Mish", {}, 18), ("Tanh", {}, 17),
    ("Softplus", {}, 17), ("Gelu", {"approximate": "tanh"}, 20), ("Softmax", {"axis": 1}, 13),
    ("LogSoftmax", {"axis": 1}, 13),
):  # fmt: skip
    case(f"act_{kind.lower()}", [node(kind, ["x"], ["y"], **attributes)], [1, 3, 2, 2], opset=opset)
case("softmax_11", [node("Softmax", ["x"], ["y"])], [1, 3, 2, 2], opset=11, runs=False)
case("softmax_11_flat", [node("Softmax", ["x"], ["y"])], [1, 5], opset=11)
case("softmax_last", [node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), node("Softmax", ["t"], ["s"], axis=3),
                      node("Transpose", ["s"], ["y"], perm=[0, 3, 1, 2])], [1, 3, 2, 2], opset=12)  # fmt: skip
case("prelu", [node("PRelu", ["x", "s"], ["y"])], [1, 3, 2, 2], weights(s=(3, 1, 1)))
case("prelu_one", [node("PRelu", ["x", "s"], ["y"])], [1, 3, 2, 2], weights(s=(1,)))
case("clip_attributes", [node("Clip", ["x"], ["y"], min=0.0, max=6.0)], [1, 2, 2, 2], opset=10)
case("clip_operands", [node("Clip", ["x", "low", "high"], ["y"])], [1, 2, 2, 2], floats(low=0, high=6))
case("clip_low", [node("Clip", ["x", "low"], ["y"])], [1, 2, 2, 2], floats(low=0))
case("clip_other", [node("Clip", ["x", "low", "high"], ["y"])], [1, 2, 2, 2], floats(low=-1, high=1), runs=False)
case("silu", [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])], [1, 2, 2, 2])
case("hard_swish_div", [node("Add", ["x", "3"], ["a"]), node("Clip", ["a", "0", "6"], ["c"]),
                        node("Div", ["c", "6"], ["d"]), node("Mul", ["x", "d"], ["y"])], [1, 2, 2, 2],
     {"3": np.float32(3), "0": np.float32(0), "6": np.float32(6)})  # fmt: skip
case("hard_swish_last", [node("Add", ["x", "3"], ["a"]), node("Clip", ["a", "0", "6"], ["c"]),
                         node("Mul", ["x", "c"], ["m"]), node("Div", ["m", "6"], ["y"])], [1, 2, 2, 2],
     {"3": np.float32(3), "0": np.float32(0), "6": np.float32(6)})  # fmt: skip
case("hard_swish_sigmoid", [node("HardSigmoid", ["x"], ["h"], alpha=1 / 6), node("Mul", ["h", "x"], ["y"])],
     [1, 2, 2, 2])  # fmt: skip
case("gelu_erf", [node("Div", ["x", "root"], ["d"]), node("Erf", ["d"], ["e"]), node("Add", ["e", "one"], ["a"]),
                  node("Mul", ["x", "a"], ["m"]), node("Mul", ["m", "half"], ["y"])], [1, 2, 2, 2],
     floats(root=np.sqrt(2), one=1, half=0.5))  # fmt: skip
case("gelu_tanh", [
    node("Pow", ["x", "three"], ["p"]), node("Mul", ["p", "k"], ["q"]), node("Add", ["x", "q"], ["r"]),
    node("Mul", ["r", "c"], ["s"]), node("Tanh", ["s"], ["t"]), node("Add", ["t", "one"], ["u"]),
    node("Mul", ["half", "x"], ["v"]), node("Mul", ["v", "u"], ["y"]),
], [1, 2, 2, 2], floats(three=3, k=0.044715, c=np.sqrt(2 / np.pi), one=1, half=0.5))  # fmt: skip
case("mish", [node("Softplus", ["x"], ["s"]), node("Tanh", ["s"], ["t"]), node("Mul", ["x", "t"], ["y"])], [1, 2, 2, 2])
case("relu6_min_max", [node("Max", ["x", "zero"], ["m"]), node("Min", ["m", "six"], ["y"])], [1, 2, 2, 2],
     floats(zero=0, six=6))  # fmt: skip
case("not_silu", [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["m"]), node("Add", ["m", "s"], ["y"])],
     [1, 2, 2, 2])  # fmt: skip

# -- normalisations ----------------------------------------------------------------------------------------------------

for where, axes in (("last", [-1]), ("channels", [1])):
    shape = (3,) if where == "last" else (3, 1, 1)
    size = [1, 4, 4, 3] if where == "last" else [1, 3, 4, 4]
    case(f"layer_norm_{where}", [
        node("ReduceMean", ["x"], ["u"], axes=axes), node("Sub", ["x", "u"], ["d"]), node("Pow", ["d", "two"], ["q"]),
        node("ReduceMean", ["q"], ["v"], axes=axes), node("Add", ["v", "eps"], ["e"]), node("Sqrt", ["e"], ["r"]),
        node("Div", ["d", "r"], ["n"]), node("Mul", ["n", "w"], ["s"]), node("Add", ["s", "b"], ["y"]),
    ], size, {**weights(w=shape, b=shape), **floats(two=2, eps=1e-6)}, opset=13, runs=where == "channels")  # fmt: skip
case("group_norm_instance", [
    node("Reshape", ["x", "split"], ["r"]), node("InstanceNormalization", ["r", "ones", "zeros"], ["i"], epsilon=1e-5),
    node("Shape", ["x"], ["shape"]), node("Reshape", ["i", "shape"], ["n"]),
    node("Mul", ["n", "w"], ["m"]), node("Add", ["m", "b"], ["y"]),
], [1, 4, 3, 3], {**weights(w=(4, 1, 1), b=(4, 1, 1)), **floats(ones=[1, 1], zeros=[0, 0]), **ints(split=[0, 2, -1])},
)  # fmt: skip
case("group_norm", [node("GroupNormalization", ["x", "w", "b"], ["y"], num_groups=2)], [1, 4, 3, 3],
     weights(w=(4,), b=(4,)), opset=21)  # fmt: skip
case("instance_norm", [node("InstanceNormalization", ["x", "w", "b"], ["y"])], [1, 3, 3, 3], weights(w=(3,), b=(3,)))
case("lrn", [node("LRN", ["x"], ["y"], size=3, alpha=0.1, beta=0.5, bias=2.0)], [1, 5, 2, 2])
case("lp_normalization", [node("LpNormalization", ["x"], ["y"], axis=1, p=2)], [1, 3, 2, 2])
case("l2_norm", [node("ReduceL2", ["x"], ["n"], axes=[1]), node("Clip", ["n", "eps"], ["c"]),
                 node("Shape", ["x"], ["s"]), node("Expand", ["c", "s"], ["e"]), node("Div", ["x", "e"], ["y"])],
     [1, 3, 2, 2], floats(eps=1e-12))  # fmt: skip
case("convnext_block", [
    node("Conv", ["x", "dw.weight", "dw.bias"], ["c"], group=4, pads=[1] * 4),
    node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]),
    node("LayerNormalization", ["t", "norm.weight", "norm.bias"], ["n"], axis=-1, epsilon=1e-6),
    node("MatMul", ["n", "w1"], ["m1"]), node("Add", ["m1", "b1"], ["a1"]), node("Gelu", ["a1"], ["g"]),
    node("MatMul", ["g", "w2"], ["m2"]), node("Add", ["m2", "b2"], ["a2"]),
    node("Transpose", ["a2"], ["u"], perm=[0, 3, 1, 2]),
    node("Mul", ["u", "gamma"], ["s"]), node("Add", ["s", "x"], ["y"]),
], [1, 4, 3, 3], weights(dw__weight=(4, 1, 3, 3), dw__bias=(4,), norm__weight=(4,), norm__bias=(4,), w1=(4, 6),
                         b1=(6,), w2=(6, 4), b2=(4,), gamma=(4, 1, 1)), opset=20)  # fmt: skip
case("layer_norm_all", [node("LayerNormalization", ["x", "w", "b"], ["y"], axis=1)], [1, 2, 3, 3],
     weights(w=(2, 3, 3), b=(2, 3, 3)), runs=False)  # fmt: skip
case("offset", [node("Add", ["x", "b"], ["y"])], [1, 3, 2, 2], weights(b=(3, 1, 1)), runs=False)

# -- moving data -------------------------------------------------------------------------------------------------------

case("channel_shuffle", [node("Reshape", ["x", "a"], ["r"]), node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3, 4]),
                         node("Reshape", ["t", "b"], ["y"])], [1, 6, 2, 2],
     ints(a=[0, 2, 3, 2, 2], b=[0, -1, 2, 2]))  # fmt: skip
case("channel_shuffle_computed", [
    node("Shape", ["x"], ["shape"]),
    node("Gather", ["shape", "i0"], ["n"]), node("Gather", ["shape", "i1"], ["c"]),
    node("Gather", ["shape", "i2"], ["h"]), node("Gather", ["shape", "i3"], ["w"]),
    node("Div", ["c", "two"], ["each"]),
    *[node("Unsqueeze", [key, "first"], [f"{key}_"]) for key in ("n", "c", "h", "w", "each", "two")],
    node("Concat", ["n_", "two_", "each_", "h_", "w_"], ["split"], axis=0),
    node("Reshape", ["x", "split"], ["r"]), node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3, 4]),
    node("Concat", ["n_", "minus", "h_", "w_"], ["whole"], axis=0),
    node("Reshape", ["t", "whole"], ["shuffled"]),
    node("Slice", ["shuffled", "start", "each_", "axis"], ["one"]),
    node("Slice", ["shuffled", "each_", "c_", "axis"], ["two_half"]),
    node("Concat", ["two_half", "one"], ["y"], axis=1),
], ["N", 6, 2, 4], {**ints(i0=0, i1=1, i2=2, i3=3, two=2), **ints(first=[0], minus=[-1], start=[0], axis=[1])},
     sizes={"x": [1, 6, 2, 4]})  # fmt: skip
case("pixel_shuffle", [node("Reshape", ["x", "a"], ["r"]), node("Transpose", ["r"], ["t"], perm=[0, 1, 4, 2, 5, 3]),
                       node("Reshape", ["t", "b"], ["y"])], [1, 8, 2, 3],
     ints(a=[1, 2, 2, 2, 2, 3], b=[1, 2, 4, 6]))  # fmt: skip
for mode in ("DCR", "CRD"):
    case(f"depth_to_space_{mode.lower()}", [node("DepthToSpace", ["x"], ["y"], blocksize=2, mode=mode)], [1, 8, 2, 3])
case("space_to_depth", [node("SpaceToDepth", ["x"], ["y"], blocksize=2)], [1, 2, 4, 6])
case("channels_last_input", [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
                             node("Conv", ["t", "w", "b"], ["y"])], [1, 6, 7, 2], KERNEL, runs=False)  # fmt: skip
case("pad_conv", [node("Pad", ["x", "pads"], ["p"]), node("Conv", ["p", "w", "b"], ["y"], strides=[2, 2])],
     [1, 2, 6, 7], {**KERNEL, **ints(pads=[0, 0, 0, 1, 0, 0, 1, 2])})  # fmt: skip
case("pad_conv_reflect", [node("Pad", ["x", "pads"], ["p"], mode="reflect"), node("Conv", ["p", "w", "b"], ["y"])],
     [1, 2, 6, 7], {**KERNEL, **ints(pads=[0, 0, 1, 1, 0, 0, 1, 1])})  # fmt: skip
case("pad_conv_one", [node("Pad", ["x", "pads", "one"], ["p"]), node("Conv", ["p", "w", "b"], ["y"])], [1, 2, 6, 7],
     {**KERNEL, **ints(pads=[0, 0, 1, 1, 0, 0, 1, 1]), **floats(one=1)})  # fmt: skip
case("pad_avg_pool", [node("Pad", ["x"], ["p"], pads=[0, 0, 1, 1, 0, 0, 1, 1]),
                      node("AveragePool", ["p"], ["y"], kernel_shape=[3, 3], strides=[2, 2])],
     MAP, opset=10)  # fmt: skip
case("pad_alone", [node("Pad", ["x", "pads"], ["y"], mode="edge")], MAP, ints(pads=[0, 0, 1, 0, 0, 0, 2, 1]))
case("pad_channels", [node("Pad", ["x", "pads"], ["y"])], MAP, ints(pads=[0, 1, 0, 0, 0, 2, 0, 0]))
case("pad_crops", [node("Pad", ["x", "pads"], ["y"])], MAP, ints(pads=[0, 0, -1, 0, 0, 0, 0, -2]))
case("slice_positions", [node("Slice", ["x", "s", "e", "a", "t"], ["y"])], MAP,
     ints(s=[1, 2], e=[6, -1], a=[2, 3], t=[2, 1]))  # fmt: skip
case("split_channels", [node("Split", ["x", "sizes"], ["a", "b"], axis=1), node("Relu", ["a"], ["c"]),
                        node("Concat", ["b", "c"], ["y"], axis=1)], [1, 5, 2, 2], ints(sizes=[2, 3]))  # fmt: skip
case("gather_channel", [node("Gather", ["x", "i"], ["g"], axis=1), node("Unsqueeze", ["g", "one"], ["y"])],
     [1, 3, 2, 2], ints(i=1, one=[1]))  # fmt: skip
case("squeeze_to_flat", [node("GlobalAveragePool", ["x"], ["g"]), node("Squeeze", ["g", "axes"], ["y"])], MAP,
     ints(axes=[2, 3]))  # fmt: skip
case("flatten_computed", [
    node("Shape", ["x"], ["shape"]), node("Gather", ["shape", "zero"], ["n"]), node("Unsqueeze", ["n", "axis"], ["n_"]),
    node("Concat", ["n_", "minus"], ["target"], axis=0), node("Reshape", ["x", "target"], ["y"]),
], ["batch", 2, 3, 3], ints(zero=0, axis=[0], minus=[-1]), sizes={"x": [1, 2, 3, 3]})  # fmt: skip
case("resize_nearest", [node("Resize", ["x", "", "scales"], ["y"], coordinate_transformation_mode="asymmetric",
                             nearest_mode="floor")], [1, 2, 3, 4], floats(scales=[1, 1, 2, 2]))  # fmt: skip
case("resize_nearest_default", [node("Resize", ["x", "", "scales"], ["y"])], [1, 2, 3, 4], floats(scales=[1, 1, 2, 3]))
case("resize_linear", [node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear")], [1, 2, 3, 4],
     ints(sizes=[1, 2, 5, 7]))  # fmt: skip
case("resize_align_corners", [node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear",
                                   coordinate_transformation_mode="align_corners")], [1, 2, 3, 4],
     ints(sizes=[1, 2, 5, 7]))  # fmt: skip
case("resize_cubic", [node("Resize", ["x", "", "scales"], ["y"], mode="cubic")], [1, 2, 3, 4],
     floats(scales=[1, 1, 2, 2]), runs=False)  # fmt: skip
case("resize_10", [node("Resize", ["x", "scales"], ["y"])], [1, 2, 3, 4], floats(scales=[1, 1, 2, 2]), opset=10)
case("upsample_9", [node("Upsample", ["x", "scales"], ["y"])], [1, 2, 3, 4], floats(scales=[1, 1, 2, 2]), opset=9)
case("upsample_7", [node("Upsample", ["x"], ["y"], scales=[1.0, 1.0, 2.0, 2.0])], [1, 2, 3, 4], opset=7)
case("dropout", [node("Dropout", ["x"], ["d"], ratio=0.3), node("Relu", ["d"], ["y"])], [1, 2, 2, 2], opset=10)
case("gate", [node("GlobalAveragePool", ["x"], ["g"]), node("Conv", ["g", "w"], ["c"]), node("Sigmoid", ["c"], ["s"]),
              node("Mul", ["s", "x"], ["y"])], MAP, weights(w=(2, 2, 1, 1)))  # fmt: skip

# -- whole files -------------------------------------------------------------------------------------------------------

case("several", [node("Concat", ["left", "right"], ["c"], axis=1), node("Relu", ["c"], ["sum"]),
                 node("MaxPool", ["sum"], ["small"], kernel_shape=[2, 2], strides=[2, 2])],
     {"left": [1, 2, 4, 4], "right": [1, 3, 4, 4]}, outputs=["sum", "small"])  # fmt: skip
case("dynamic", [node("Conv", ["x", "w", "b"], ["y"])], ["N", 2, "height", "width"], KERNEL,
     sizes={"x": [1, 2, 6, 7]})  # fmt: skip
case("unused", [node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["z"])], [1, 2], weights(left=(3, 4)), outputs=["y"],
     runs=False)  # fmt: skip
swish = helper.make_function(
    "local", "Swish", ["a"], ["b"],
    [node("Sigmoid", ["a"], ["s"]), node("LeakyRelu", ["a"], ["l"]), node("Mul", ["a", "s"], ["b"])],
    [helper.make_opsetid("", 17)],
)  # fmt: skip
case("function", [node("Swish", ["x"], ["one"], domain="local", name="first"),
                  node("Swish", ["one"], ["y"], domain="local", name="second")], [1, 2, 2, 2],
     functions=[swish])  # fmt: skip
case("constant_nodes", [constant("w", RANDOM.uniform(0.5, 1, (3, 2, 1, 1)).round(2)), node("Conv", ["x", "w"], ["c"]),
                        constant("two", 2), node("Pow", ["c", "two"], ["y"])], [1, 2, 2, 2], runs=False)  # fmt: skip
case("quantised", [node("DequantizeLinear", ["q", "scale", "zero"], ["w"]), node("Conv", ["x", "w"], ["y"])],
     [1, 2, 4, 4], {"q": np.ones((3, 2, 3, 3), np.int8), "scale": np.float32(0.1), "zero": np.int8(0)},
     runs=False)  # fmt: skip
case("stated", [node("Conv", ["x", "w", "b"], ["y"])], [1, 2, 6, 7], KERNEL, stated={"y": [1, 4, 4, 5]})
case("stated_wrongly", [node("Relu", ["x"], ["r"], name="first"), node("Tanh", ["r"], ["y"])], [1, 2, 6, 7],
     stated={"r": [1, 2, 6, 8]}, runs=False)  # fmt: skip
case("unknown_stated", [node("NonMaxSuppression", ["x", "x"], ["n"], name="nms"), node("Relu", ["n"], ["y"])],
     [1, 2, 4], stated={"n": [1, 7, 3]}, runs=False)  # fmt: skip
case("unknown", [node("NonMaxSuppression", ["x", "x"], ["y"], name="nms")], [1, 2, 4], runs=False)
case("foreign", [node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft", name="fused")], [1, 2, 4, 4],
     weights(w=(3, 2, 3, 3)), stated={"y": [1, 3, 2, 2]}, runs=False)  # fmt: skip
branch = helper.make_graph([node("Relu", ["x"], ["b"])], "branch", [],
                           [helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 2])])  # fmt: skip
case("control_flow", [node("If", ["c"], ["y"], then_branch=branch, else_branch=branch, name="choice")],
     {"x": [1, 2], "c": [1]}, runs=False)  # fmt: skip
case("training", [node("BatchNormalization", ["x", "w", "b", "m", "v"], ["y", "m2", "v2"], training_mode=1,
                       name="bn1")], [1, 3, 4, 4], weights(w=(3,), b=(3,), m=(3,), v=(3,)), runs=False)  # fmt: skip
case("cycle", [node("Add", ["x", "b"], ["a"], name="first"), node("Relu", ["a"], ["b"], name="second")], [1, 2],
     outputs=["b"], runs=False)  # fmt: skip
case("opset_6", [node("Relu", ["x"], ["y"])], [1, 2], opset=6, runs=False)

# -- attention, and products of two tensors ----------------------------------------------------------------------------

case("attention_operator", [
    node("MatMul", ["x", "w"], ["qkv"]),
    node("Split", ["qkv", "sizes"], ["q", "k", "v"], axis=-1),
    node("Attention", ["q", "k", "v"], ["y"], q_num_heads=2, kv_num_heads=2),
], [1, 5, 8], {**weights(w=(8, 24)), **ints(sizes=[8, 8, 8])}, opset=23)  # fmt: skip
case("attention_windows", [
    node("Transpose", ["x"], ["last"], perm=[0, 2, 3, 1]),
    node("Reshape", ["last", "split"], ["parts"]),
    node("Transpose", ["parts"], ["apart"], perm=[0, 1, 3, 2, 4, 5]),
    node("Reshape", ["apart", "windows"], ["tokens"]),
    node("MatMul", ["tokens", "w"], ["qkv"]),
    node("Reshape", ["qkv", "heads"], ["five"]),
    node("Transpose", ["five"], ["three"], perm=[2, 0, 3, 1, 4]),
    *[node("Gather", ["three", f"number_{place}"], [name], axis=0) for place, name in enumerate("qkv")],
    node("Mul", ["q", "scale"], ["scaled"]),
    node("Transpose", ["k"], ["turned"], perm=[0, 1, 3, 2]),
    node("MatMul", ["scaled", "turned"], ["products"]),
    node("Softmax", ["products"], ["shares"], axis=-1),
    node("MatMul", ["shares", "v"], ["attended"]),
    node("Transpose", ["attended"], ["together"], perm=[0, 2, 1, 3]),
    node("Reshape", ["together", "windows"], ["back"]),
    node("MatMul", ["back", "p"], ["projected"]),
    node("Reshape", ["projected", "wider"], ["map"]),
    node("Transpose", ["map"], ["rows"], perm=[0, 1, 3, 2, 4, 5]),
    node("Reshape", ["rows", "whole"], ["joined"]),
    node("Transpose", ["joined"], ["y"], perm=[0, 3, 1, 2]),
], [1, 4, 4, 6], {
    **weights(w=(4, 12), p=(4, 5)), **floats(scale=0.5), **ints(number_0=0, number_1=1, number_2=2),
    **ints(split=[1, 2, 2, 2, 3, 4], windows=[4, 6, 4], heads=[4, 6, 3, 2, 2]),
    **ints(wider=[1, 2, 2, 2, 3, 5], whole=[1, 4, 6, 5]),
})  # fmt: skip
case("attention_masked", [
    node("MatMul", ["x", "w"], ["qkv"]),
    node("Split", ["qkv", "sizes"], ["q", "k", "v"], axis=-1),
    node("Attention", ["q", "k", "v", "mask"], ["y"], q_num_heads=2, kv_num_heads=2),
], [1, 5, 8], {**weights(w=(8, 24), mask=(5, 5)), **ints(sizes=[8, 8, 8])}, opset=23, runs=False)  # fmt: skip
case("products", [
    node("Reshape", ["x", "flat"], ["a"]),
    node("Transpose", ["a"], ["t"], perm=[0, 2, 1]),
    node("MatMul", ["a", "t"], ["gram"]),
    node("MatMul", ["gram", "a"], ["y"]),
], [1, 4, 2, 3], ints(flat=[0, 4, 6]))  # fmt: skip
case("pad_one_side", [node("Pad", ["x", "pads"], ["y"])], [1, 2, 3, 4], ints(pads=[0, 0, 0, 0, 0, 0, 2, 2]))
case("subtract", [node("Sub", ["one", "x"], ["a"]), node("Div", ["a", "two"], ["b"]), node("Sub", ["b", "x"], ["y"])],
     [1, 2, 3, 3], floats(one=1.0, two=2.0))  # fmt: skip


def cut(x: str, at: str, axis: int, made: str) -> list[onnx.NodeProto]:
    """A tensor rolled so that what is behind a place of an axis comes first, as PyTorch's exporter writes it."""
    return [
        node("Slice", [x, at, "far", f"axis_{axis}"], [f"{made}_behind"]),
        node("Slice", [x, "zero", at, f"axis_{axis}"], [f"{made}_before"]),
        node("Concat", [f"{made}_behind", f"{made}_before"], [made], axis=axis),
    ]


def shifted(bias: list[onnx.NodeProto], products: list[onnx.NodeProto] | None = None) -> list[onnx.NodeProto]:
    """Attention in windows of 2 x 3, shifted by one, of a map of 4 x 6 whose channels are last."""
    plain = [node("Einsum", ["q", "k"], ["products"], equation="bhid,bhjd->bhij")]
    return [
        node("Transpose", ["x"], ["last"], perm=[0, 2, 3, 1]),
        *cut("last", "one", 1, "down"), *cut("down", "one", 2, "rolled"),
        node("Reshape", ["rolled", "split"], ["parts"]),
        node("Transpose", ["parts"], ["apart"], perm=[0, 1, 3, 2, 4, 5]),
        node("Reshape", ["apart", "windows"], ["tokens"]),
        node("MatMul", ["tokens", "w"], ["qkv"]),
        node("Reshape", ["qkv", "heads"], ["five"]),
        node("Transpose", ["five"], ["three"], perm=[2, 0, 3, 1, 4]),
        *[node("Gather", ["three", f"number_{place}"], [name], axis=0) for place, name in enumerate("qkv")],
        *(products or plain),
        *bias,
        node("Add", ["products", "bias"], ["biased"]),
        node("Reshape", ["biased", "apart_5"], ["of_windows"]),
        node("Add", ["of_windows", "mask"], ["masked"]),
        node("Reshape", ["masked", "apart_4"], ["logits"]),
        node("Softmax", ["logits"], ["shares"], axis=-1),
        node("MatMul", ["shares", "v"], ["attended"]),
        node("Transpose", ["attended"], ["together"], perm=[0, 2, 1, 3]),
        node("Reshape", ["together", "windows"], ["back"]),
        node("MatMul", ["back", "p"], ["projected"]),
        node("Reshape", ["projected", "wider"], ["map"]),
        node("Transpose", ["map"], ["rows"], perm=[0, 1, 3, 2, 4, 5]),
        node("Reshape", ["rows", "whole"], ["joined"]),
        *cut("joined", "minus", 1, "up"), *cut("up", "minus", 2, "unrolled"),
        node("Transpose", ["unrolled"], ["y"], perm=[0, 3, 1, 2]),
    ]  # fmt: skip


PLACES = np.stack(np.meshgrid(np.arange(2), np.arange(3), indexing="ij")).reshape(2, -1)
OFFSETS = (PLACES[:, :, None] - PLACES[:, None, :] + np.array([1, 2])[:, None, None]).transpose(1, 2, 0) @ [5, 1]
ROWS, COLUMNS = [0, 0, 1, 2], [0, 0, 0, 1, 1, 2]  # rolled, the last are neighbours of the first no more
REGIONS = np.add.outer(10 * np.array(ROWS), COLUMNS).reshape(2, 2, 2, 3).transpose(0, 2, 1, 3).reshape(4, 6)
MASK = np.where(REGIONS[:, :, None] == REGIONS[:, None, :], 0, -100).astype(np.float32).reshape(1, 4, 1, 6, 6)
SHIFTING = {
    **weights(w=(4, 12), p=(4, 5)), **ints(number_0=0, number_1=1, number_2=2, zero=[0], one=[1], minus=[-1]),
    **ints(far=[2**63 - 1], axis_1=[1], axis_2=[2], split=[1, 2, 2, 2, 3, 4], windows=[4, 6, 4], heads=[4, 6, 3, 2, 2]),
    **ints(wider=[1, 2, 2, 2, 3, 5], whole=[1, 4, 6, 5], apart_5=[1, 4, 2, 6, 6], apart_4=[-1, 2, 6, 6]),
    "mask": MASK,
}  # fmt: skip
case("attention_shifted", shifted([
    node("Gather", ["table", "index"], ["chosen"], axis=0),
    node("Reshape", ["chosen", "square"], ["by_place"]),
    node("Transpose", ["by_place"], ["by_head"], perm=[2, 0, 1]),
    node("Unsqueeze", ["by_head", "zero"], ["bias"]),
]), [1, 4, 4, 6], {
    **SHIFTING, **weights(table=(15, 2)), **ints(index=OFFSETS.reshape(-1).tolist(), square=[6, 6, 2]),
})  # fmt: skip
case("attention_spread", shifted([]), [1, 4, 4, 6], {
    **SHIFTING, "bias": weights(table=(2, 15))["table"][:, OFFSETS][None],
}, runs=False)  # fmt: skip


def cosines(scale: list[onnx.NodeProto], first: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The same with cosines, and a bias that layers work out from coordinates, as PyTorch's exporters write them."""
    products = []
    for name in "qk":
        products += [
            node("ReduceL2", [name], [f"{name}_norm"], axes=[-1], keepdims=1),
            node("Clip", [f"{name}_norm", "least", ""], [f"{name}_least"]),
            node("Shape", [name], [f"{name}_shape"]),
            node("Expand", [f"{name}_least", f"{name}_shape"], [f"{name}_wide"]),
            node("Div", [name, f"{name}_wide"], [f"{name}_unit"]),
        ]
    products += [
        node("Transpose", ["k_unit"], ["k_turned"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q_unit", "k_turned"], ["cosines"]),
        *scale, node("Mul", ["cosines", "scales"], ["products"]),
    ]  # fmt: skip
    bias = [
        *first,
        node("Add", ["b", "hidden"], ["shifted"]), node("Relu", ["shifted"], ["kept"]),
        node("MatMul", ["kept", "m"], ["grid"]), node("Reshape", ["grid", "pairs"], ["table"]),
        node("Gather", ["table", "index"], ["chosen"], axis=0),
        node("Reshape", ["chosen", "square"], ["by_place"]),
        node("Transpose", ["by_place"], ["by_head"], perm=[2, 0, 1]),
        node("Unsqueeze", ["by_head", "zero"], ["one_more"]),
        node("Sigmoid", ["one_more"], ["between"]), node("Mul", ["between", "sixteen"], ["bias"]),
    ]  # fmt: skip
    return shifted(bias, products)


LINES = np.meshgrid(np.linspace(-1, 1, 3), np.linspace(-1, 1, 5), indexing="ij")
WORKED_OUT = {
    **SHIFTING, **weights(m=(5, 2), b=(5,)), **floats(least=1e-12, sixteen=16.0),
    **ints(index=OFFSETS.reshape(-1).tolist(), square=[6, 6, 2], pairs=[-1, 2]),
}  # fmt: skip
SCALE = [node("Clip", ["logits_of_scales", "", "most"], ["clipped"]), node("Exp", ["clipped"], ["scales"])]
case("attention_cosines", cosines(SCALE, [node("MatMul", ["coordinates", "n"], ["hidden"])]), [1, 4, 4, 6], {
    **WORKED_OUT, **weights(n=(2, 5), logits_of_scales=(2, 1, 1)), **floats(most=np.log(100)),
    "coordinates": np.stack(LINES, -1)[None].astype(np.float32),
})  # fmt: skip
case("attention_cosines_folded", cosines([], []), [1, 4, 4, 6], {
    **WORKED_OUT, **weights(hidden=(1, 3, 5, 5), scales=(2, 1, 1)),
}, runs=False)  # fmt: skip

(HERE / "expected.json").write_text(
    "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in EXPECTED.items()) + "\n}\n"
)
print(len(EXPECTED), "files")
