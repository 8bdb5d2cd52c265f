"""What six tools print for torchvision's networks; the truth of the tests.

Run by hand where torch, torchvision, torchinfo, fvcore, thop and ptflops are installed; it writes
tests/data/conventions/torchvision.json and transformers.json:

    python tests/frameworks/conventions.py

Batch 1, evaluation mode, auxiliary heads off.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

OPERATORS = torch.library.Library("torchvision", "DEF")  # torchvision asks for them, its compiled part may be missing
for text in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    OPERATORS.define(text)

import ptflops  # noqa: E402
import thop  # noqa: E402
import torchinfo  # noqa: E402
import torchvision  # noqa: E402
from fvcore.nn import FlopCountAnalysis  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

NETWORKS: dict[str, dict[str, Any]] = {
    "alexnet": {},
    "vgg11": {},
    "vgg16": {},
    "vgg13_bn": {},
    "resnet18": {},
    "resnet50": {},
    "resnext50_32x4d": {},
    "wide_resnet50_2": {},
    "densenet121": {},
    "squeezenet1_0": {},
    "squeezenet1_1": {},
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
    "mobilenet_v2": {},
    "mobilenet_v3_small": {},
    "mobilenet_v3_large": {},
    "mnasnet1_0": {},
    "shufflenet_v2_x1_0": {},
    "efficientnet_b0": {},
    "efficientnet_v2_s": {},
    "regnet_x_400mf": {},
    "regnet_y_400mf": {},
    "convnext_tiny": {},
}
TRANSFORMERS: dict[str, dict[str, Any]] = {"vit_b_32": {}, "swin_t": {}, "swin_v2_t": {}}
SIZES = {"inception_v3": 299, "efficientnet_v2_s": 384, "swin_v2_t": 256}

Shape = tuple[int, ...]


def of_torchinfo(network: nn.Module, shape: Shape) -> dict[str, Any]:
    found = torchinfo.summary(network, (1, *shape), verbose=0)
    return {"params": found.total_params, "mult_adds": found.total_mult_adds}


def of_fvcore(network: nn.Module, shape: Shape) -> dict[str, Any]:
    counted = FlopCountAnalysis(network, torch.zeros(1, *shape)).unsupported_ops_warnings(False)
    return {"flops": int(counted.uncalled_modules_warnings(False).total())}


def of_thop(network: nn.Module, shape: Shape) -> dict[str, Any]:
    macs, params = thop.profile(network, (torch.zeros(1, *shape),), verbose=False)
    return {"macs": macs, "params": params}


def of_ptflops(backend: str) -> Callable[[nn.Module, Shape], dict[str, Any]]:
    def of(network: nn.Module, shape: Shape) -> dict[str, Any]:
        with contextlib.redirect_stdout(io.StringIO()):
            macs, params = ptflops.get_model_complexity_info(
                network, shape, as_strings=False, print_per_layer_stat=False, verbose=False, backend=backend
            )
        return {"macs": macs, "params": params}

    return of


def of_flop_counter(network: nn.Module, shape: Shape) -> dict[str, Any]:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *shape))
    return {"flops": counter.get_total_flops()}


TOOLS = {
    "torchinfo": of_torchinfo,
    "fvcore": of_fvcore,
    "thop": of_thop,
    "ptflops_pytorch": of_ptflops("pytorch"),
    "ptflops_aten": of_ptflops("aten"),
    "torch_flop_counter": of_flop_counter,
}


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    names = ("torch", "torchvision", "torchinfo", "fvcore", "thop", "ptflops")
    versions = {package: version(package) for package in names}
    for file, asked in (("torchvision.json", NETWORKS), ("transformers.json", TRANSFORMERS)):
        networks = {}
        for name, arguments in asked.items():
            size = SIZES.get(name, 224)
            shape = (3, size, size)
            network = getattr(torchvision.models, name)(weights=None, **arguments).eval()
            found: dict[str, Any] = {"input": list(shape)}
            for tool, count in TOOLS.items():
                found[tool] = count(copy.deepcopy(network), shape)
            networks[name] = found
            print(name, found, flush=True)
        target = Path(__file__).parents[1] / "data" / "conventions" / file
        text = json.dumps({"versions": versions, "networks": networks}, indent=1)
        target.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
