"""Makes `exported_keras.zip` and `exported_torch.zip`: what Keras and PyTorch save of the exports of the networks in
tests/convert/networks.py, without their weights, and what they count in them.

``PYTHONPATH=.:tests KERAS_BACKEND=torch python tests/data/convert/exported.py`` with the frameworks of the extra
``frameworks``.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import keras
import torch
from convert.networks import NETWORKS, REFUSED, network

import cnncalc
from cnncalc.convert.keras_out.source import to_keras
from cnncalc.convert.torch_out import to_torch
from cnncalc.graph import Graph

HERE = Path(__file__).parent


def of_keras(graph: Graph) -> tuple[str, int]:
    with keras.device("meta"):
        model = to_keras(graph)
    return json.dumps(json.loads(model.to_json()), separators=(",", ":")), model.count_params()


def of_torch(graph: Graph) -> tuple[str, int]:
    module = to_torch(graph).eval()
    program = torch.export.export(module, tuple(torch.zeros(1, *shape) for _, shape in graph.inputs))
    with tempfile.TemporaryDirectory() as folder:
        torch.export.save(program, Path(folder) / "network.pt2")
        with zipfile.ZipFile(Path(folder) / "network.pt2") as full:
            model = json.loads(full.read("network/models/model.json"))
    for node in model["graph_module"]["graph"]["nodes"]:
        node["metadata"].pop("stack_trace", None)  # paths of this machine
    return json.dumps(model, separators=(",", ":")), sum(each.numel() for each in module.parameters())


def main() -> None:
    for title, make in (("keras", of_keras), ("torch", of_torch)):
        counts: dict[str, int] = {}
        with zipfile.ZipFile(HERE / f"exported_{title}.zip", "w", zipfile.ZIP_DEFLATED) as file:
            for name in (*NETWORKS, *REFUSED):
                try:
                    text, counts[name] = make(network(name))
                except cnncalc.SpecError:
                    continue
                except Exception as error:  # the framework itself cannot save it
                    print(title, name, type(error).__name__, str(error)[:100], file=sys.stderr)
                    continue
                file.writestr(zipfile.ZipInfo(f"{name}.json"), text, zipfile.ZIP_DEFLATED)
            file.writestr(zipfile.ZipInfo("counts.json"), json.dumps(counts, indent=1), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
