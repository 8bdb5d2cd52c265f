"""Makes `constants.json`: what the reference evaluator of the library ``onnx`` gives for operators on constants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

F = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 4 - 2
WHOLE = np.arange(12, dtype=np.int64).reshape(3, 4) * 5 % 7 - 2
A, B = np.array([[7, -7, 5], [-5, 4, 0]]), np.array([2, -3, 4])


def ints(*values: Any) -> Any:
    return np.array(values, dtype=np.int64)


CASES: list[tuple[str, dict[str, Any], list[Any]]] = [
    *((kind, {}, [A, B]) for kind in ("Add", "Sub", "Mul", "Div", "Mod", "Equal", "Less", "LessOrEqual", "Greater")),
    *((kind, {}, [A, B]) for kind in ("GreaterOrEqual", "Min", "Max")),
    *((kind, {}, [F, F[:1, :, :1]]) for kind in ("Add", "Sub", "Mul", "Min", "Max", "Sum")),
    ("Div", {}, [F, np.float32(-0.5)]),
    ("Div", {}, [np.float32([1, -1, 1, 2]), np.float32([0, 0, -0.0, -0.0])]),
    ("Reciprocal", {}, [np.float32([0, -0.0, 0, 4])]),
    *(("Pow", {}, [np.float32([0, -0.0, -1e30, 4, -2]), np.float32(each)]) for each in (-1, -2, 2, 3)),
    ("Mul", {}, [np.float32([3e38, -3e38, 3e38]), np.float32([10, 10, 0.5])]),
    ("Exp", {}, [np.float32([88, 89, -200])]),
    ("Mod", {"fmod": 1}, [F, np.float32(0.75)]),
    ("Mod", {"fmod": 1}, [A, B]),
    ("Pow", {}, [A, ints(2)]),
    ("Pow", {}, [F, np.float32(3)]),
    *((kind, {}, [F]) for kind in ("Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Exp")),
    *((kind, {}, [abs(F) + np.float32(0.5)]) for kind in ("Sqrt", "Log", "Reciprocal")),
    ("Neg", {}, [A]),
    *((kind, {}, [A > 0, B > 0]) for kind in ("And", "Or")),
    ("Not", {}, [A > 0]),
    ("Where", {}, [A > 0, A, B]),
    ("Clip", {}, [F, np.float32(-1), np.float32(1.5)]),
    ("Clip", {}, [F, np.float32(0)]),
    ("Cast", {"to": 7}, [F]),
    ("Cast", {"to": 1}, [A]),
    ("Cast", {"to": 9}, [A]),
    *((kind, {"keepdims": keep}, [F, ints(*axes)]) for kind, axes in (("ReduceSum", (1,)), ("ReduceProd", (-1, 0)))
      for keep in (0, 1)),
    *((kind, {}, [F, ints(0, 2)]) for kind in ("ReduceMax", "ReduceMin", "ReduceMean")),
    ("ReduceSum", {}, [F]),
    ("ReduceSum", {"noop_with_empty_axes": 1}, [F]),
    ("ConstantOfShape", {}, [ints(2, 3)]),
    ("Range", {}, [np.int64(3), np.int64(12), np.int64(4)]),
    ("Range", {}, [np.int64(3), np.int64(-6), np.int64(-3)]),
    ("Range", {}, [np.float32(0), np.float32(1), np.float32(0.25)]),
    ("Shape", {}, [F]), ("Shape", {"start": 1}, [F]), ("Shape", {"start": -2, "end": -1}, [F]), ("Size", {}, [F]),
    ("Identity", {}, [F]),
    ("Reshape", {}, [F, ints(0, -1)]), ("Reshape", {}, [F, ints(4, -1, 2)]), ("Reshape", {}, [F, ints(24)]),
    ("Flatten", {"axis": 2}, [F]), ("Flatten", {"axis": 0}, [F]), ("Flatten", {"axis": -1}, [F]),
    ("Squeeze", {}, [F.reshape(1, 24, 1)]), ("Squeeze", {}, [F.reshape(1, 24, 1), ints(-1)]),
    ("Unsqueeze", {}, [WHOLE, ints(0, -1)]), ("Unsqueeze", {}, [WHOLE, ints(1)]),
    ("Transpose", {}, [F]), ("Transpose", {"perm": [1, 2, 0]}, [F]),
    ("Gather", {}, [F, ints(1)]), ("Gather", {"axis": 1}, [F, ints(2, -3)]),
    ("Gather", {"axis": -1}, [F, A[:, :1] % 4]),
    ("GatherND", {}, [F, np.array([[0, 1], [1, -1]])]), ("GatherND", {}, [F, np.array([[[0, 1, 2]], [[1, 2, 3]]])]),
    ("GatherND", {"batch_dims": 1}, [F, np.array([[1], [0]])]),
    ("ScatterND", {}, [WHOLE, np.array([[0], [2]]), np.array([[9, 8, 7, 6], [5, 4, 3, 2]])]),
    ("ScatterND", {}, [WHOLE, np.array([[0, 1], [-1, 3]]), ints(50, 60)]),
    ("Slice", {}, [F, ints(1), ints(3), ints(1)]),
    ("Slice", {}, [F, ints(0, -1), ints(2, -5), ints(1, 2), ints(1, -2)]),
    ("Slice", {}, [F, ints(0, 1, -3), ints(9, 3, 2**62)]),
    ("Slice", {}, [F, ints(3), ints(0), ints(-1), ints(-1)]),
    ("Concat", {"axis": 0}, [WHOLE, WHOLE[:1]]), ("Concat", {"axis": -1}, [WHOLE, WHOLE[:, 1:3], WHOLE[:, :1]]),
    ("Split", {"axis": 1}, [WHOLE, ints(1, 3)]), ("Split", {"axis": 1, "num_outputs": 3}, [WHOLE]),
    ("Split", {"axis": -1, "num_outputs": 2}, [F]),
    ("Expand", {}, [B, ints(2, 1)]), ("Expand", {}, [A[:, :1], ints(2, 2, 3)]),
    ("Tile", {}, [A, ints(1, 2)]), ("Tile", {}, [A, ints(2, 1)]),
    ("NonZero", {}, [A % 2]),
    # equal numbers, axes that repeat on either side, three operands, and what is not finite
    *((kind, {}, [A, np.array([[7], [4]])]) for kind in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")),
    *((kind, {}, [A[:, :1], B]) for kind in ("Add", "Sub", "Mul", "Div")), ("Add", {}, [B[:2, None], A[:1]]),
    *((kind, {}, [F, F[:1], F[:, :1, :1] * -2]) for kind in ("Min", "Max", "Sum")),
    ("Where", {}, [B > 0, np.float32(0.5), F[:, :, :3]]),
    ("Div", {}, [np.float32([0, np.nan, np.inf, -2]), np.float32([0, 0, -0.0, -np.inf])]),
    ("Pow", {}, [np.float32([-2, 4, 0, 9]), np.float32(0.5)]), ("Pow", {}, [A, np.float32(3)]),
    ("Pow", {}, [ints(2, -2, 3, -1, -1, 1, 0, 0), ints(62, 63, 39, 100, 101, 2**62, 2**62, 0)]),
    *((kind, {}, [np.float32([-1.5, -0.5, 0.5, 1.5, 2.5, np.inf, np.nan])]) for kind in ("Round", "Floor", "Ceil")),
    ("Sqrt", {}, [np.float32([-1, 0, 2])]), ("Log", {}, [np.float32([-1, 0, 2])]),
    ("Exp", {}, [np.float64([800, -800, 1])]),
    ("Sign", {}, [A]), ("Abs", {}, [A]), ("Clip", {}, [A, np.int64(-3), np.int64(4)]),
    ("Cast", {"to": 1}, [np.float64([0.1, 1e30, 1e300])]), ("Cast", {"to": 11}, [np.float64([0.1, 1e300])]),
    ("Cast", {"to": 9}, [F]), ("Cast", {"to": 6}, [np.float32([2.75, -2.75, 0])]), ("Cast", {"to": 7}, [A > 0]),
    ("CastLike", {}, [F, A]), ("CastLike", {}, [A, F]),
    ("ReduceSum", {"keepdims": 0}, [F]), ("ReduceSum", {"noop_with_empty_axes": 1}, [F, ints(1)]),
    ("ReduceSum", {}, [A, ints(-1)]), ("ReduceMean", {"keepdims": 0}, [F, ints(-2, 2)]),
    ("ReduceProd", {}, [A, ints(0)]),
    ("Range", {}, [np.int64(5), np.int64(5), np.int64(1)]), ("Range", {}, [np.int64(3), np.int64(9), np.int64(-1)]),
    ("Range", {}, [np.float32(1), np.float32(2), np.float32(0.3)]),
    ("Range", {}, [np.int64(0), np.int64(1), np.int64(7)]),
    ("Reshape", {}, [F[:1, :1, :1], ints()]), ("Reshape", {"allowzero": 1}, [F[:0, :1], ints(2, 0)]),
    ("Flatten", {}, [F]), ("Flatten", {"axis": 3}, [F]), ("Flatten", {"axis": -3}, [F]),
    ("Squeeze", {}, [F.reshape(1, 24, 1), ints(0)]), ("Unsqueeze", {}, [F[0], ints(-4, 1)]),
    ("Transpose", {"perm": [2, 0, 1]}, [F]), ("Gather", {"axis": 1}, [F, np.array([[0, -1], [2, 1]])]),
    ("GatherND", {}, [F, np.array([[1], [-1], [0]])]), ("GatherND", {}, [F, ints(1, 2)]),
    ("ScatterND", {}, [F, ints(1, 2).reshape(1, 2), F[:1, 0]]),
    ("ScatterND", {}, [F, ints(1, -2, 3).reshape(1, 3), F[0, 0, :1]]),
    ("Slice", {}, [F, ints(-1, 1), ints(-2**62, 2**31), ints(2, 0), ints(-3, 1)]),
    ("Slice", {}, [F, ints(2), ints(2), ints(1)]),
    ("Slice", {}, [F, ints(1, 0), ints(2, 1)]), ("Concat", {"axis": 1}, [F, F[:, :1], F[:, 1:]]),
    ("Concat", {"axis": 2}, [F, F[:, :, :2]]), ("Concat", {"axis": 0}, [B, B[:1]]),
    ("Split", {"num_outputs": 2}, [WHOLE]), ("Split", {"axis": -2}, [F, ints(2, 1)]),
    ("Split", {"axis": 1, "num_outputs": 4}, [WHOLE]),
    ("Expand", {}, [A, ints(1, 1)]), ("Expand", {}, [B, ints(2, 2, 3)]), ("Expand", {}, [A, ints(3)]),
    ("Tile", {}, [F, ints(1, 2, 1)]), ("Tile", {}, [F[:, :2, :1], ints(2, 1, 3)]), ("Tile", {}, [A, ints(0, 1)]),
    ("NonZero", {}, [np.floor(F)]), ("NonZero", {}, [B - 4]), ("ConstantOfShape", {}, [ints()]),
    ("ConstantOfShape", {}, [ints(0, 3)]),
    ("Div", {}, [A, ints(1)]), ("Mod", {}, [A, ints(1)]), ("Pow", {}, [np.float32([0, -2]), np.float32(0)]),
    ("Cast", {"to": 10}, [A]), ("ScatterND", {}, [WHOLE, np.array([[[0], [2]]]), WHOLE[None, :2]]),
    ("Concat", {"axis": 0}, [B]), ("Split", {"axis": 1, "num_outputs": 2}, [F]),
    ("Shape", {"start": 1, "end": 2}, [F]), ("Shape", {"end": -2}, [F]), ("Size", {}, [F[:0]]),
    ("Size", {}, [np.float32(1)]),
]  # fmt: skip


def told(array: Any) -> dict[str, Any]:
    array = np.asarray(array)
    kind = {"f": "float", "i": "int", "b": "bool"}[array.dtype.kind]
    return {"shape": list(array.shape), "dtype": kind, "values": array.ravel().tolist()}


def main() -> None:
    found = []
    for kind, attributes, inputs in CASES:
        arrays = [np.asarray(each) for each in inputs]
        names = [f"in{place}" for place in range(len(arrays))]
        count = attributes.get("num_outputs", 2) if kind == "Split" else 1
        outputs = [f"out{place}" for place in range(count)]
        types = [onnx.helper.np_dtype_to_tensor_dtype(each.dtype) for each in arrays]
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(kind, names, outputs, **attributes)],
            "one",
            [onnx.helper.make_tensor_value_info(*each) for each in zip(names, types, [each.shape for each in arrays])],
            [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in outputs],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
        results = ReferenceEvaluator(model).run(None, dict(zip(names, arrays)))
        given, made = [told(each) for each in arrays], [told(each) for each in results]
        found.append({"kind": kind, "attributes": attributes, "inputs": given, "outputs": made})
    text = ",\n".join(json.dumps(each, separators=(",", ":")) for each in found)
    (Path(__file__).parent / "constants.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
