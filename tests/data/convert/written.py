"""Makes `written.json`: what ONNX Runtime computes for the models that are written in `written.txt`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from convert.written import drawn, models, written

HERE = Path(__file__).parent
found = {}
for name, (sizes, opset, lines) in models().items():
    model = onnx.load_from_string(written(lines, sizes, (), opset))
    model.graph.output[0].type.Clear()  # it is inferred
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    data = np.array(drawn("x", int(np.prod(sizes))), dtype=np.float32).reshape(sizes)
    (result,) = session.run(None, {"x": data})
    found[name] = {"shape": list(result.shape), "values": [round(float(value), 6) for value in result.reshape(-1)]}
(HERE / "written.json").write_text(
    "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items()) + "\n}\n"
)
print(len(found), "models")
