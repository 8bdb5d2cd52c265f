"""Makes `written_keras.json`: the models of `written_keras.txt` as Keras writes them, and what they are there.

Beside them stand the defaults of each class's arguments.  ``KERAS_BACKEND=torch python written_keras.py``
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
from convert.written import drawn

HERE = Path(__file__).parent
found: dict[str, Any] = {}
defaults: dict[str, Any] = {}


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


for line in (HERE / "written_keras.txt").read_text().splitlines():
    name, shape, code = re.fullmatch(r"(.+), ([\dx]+): y = (.*)", line).groups()
    sizes = [int(size) for size in shape.split("x")]
    x = keras.Input(sizes, name="input")
    model = keras.Model(x, eval(code, {"x": x, "layers": keras.layers, "np": np, "ops": keras.ops}))
    data = np.array(drawn("x", int(np.prod(sizes))), dtype=np.float32).reshape(1, *sizes)
    values = [] if model.count_params() else np.asarray(model.predict(data, verbose=0)).reshape(-1).tolist()
    for layer in model.layers:
        given = inspect.signature(type(layer).__init__).parameters.values()
        if type(layer).__module__.startswith("keras.src.layers"):
            own = {each.name: plain(each.default) for each in given if each.default is not inspect.Parameter.empty}
            defaults[type(layer).__name__] = own
    found[name] = {
        "shape": list(model.output_shape[1:]),
        "trained": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "params": model.count_params(),
        "values": [round(value, 6) for value in values],
        "model": json.loads(model.to_json()),
    }
found["defaults"] = defaults
lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
(HERE / "written_keras.json").write_text("{\n" + lines + "\n}\n")
print(len(found) - 1, "models")
