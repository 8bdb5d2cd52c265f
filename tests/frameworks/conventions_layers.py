"""What six tools count of single modules; the truth of the tests.

Run by hand as `conventions.py` beside it; it writes tests/data/conventions/layers.json:

    python tests/frameworks/conventions_layers.py
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from conventions import TOOLS
from torch import nn

CHANNELS = 8


def cases(rank: int) -> dict[str, nn.Module]:
    """Steps and modules on `rank` spatial axes."""

    def of(name: str) -> Any:
        return getattr(nn, f"{name}{rank}d")

    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    found = {
        "{conv: 4, kernel: 3}": of("Conv")(CHANNELS, 4, 3),
        "{conv: 4, kernel: 3, stride: 2, padding: 1, groups: 2, bias: false}": of("Conv")(
            CHANNELS, 4, 3, 2, 1, groups=2, bias=False
        ),
        "{conv: 4, kernel: 3, padding: same}": of("Conv")(CHANNELS, 4, 3, padding="same"),
        "{depthwise_conv: 3, multiplier: 2}": of("Conv")(CHANNELS, 16, 3, groups=CHANNELS),
        "{conv_transpose: 4, kernel: 3, stride: 2}": of("ConvTranspose")(CHANNELS, 4, 3, 2),
        "{conv_transpose: 4, kernel: 2, stride: 2, groups: 2, bias: false}": of("ConvTranspose")(
            CHANNELS, 4, 2, 2, groups=2, bias=False
        ),
        "batch_norm": of("BatchNorm")(CHANNELS),
        "{batch_norm, scale: false, shift: false}": of("BatchNorm")(CHANNELS, affine=False),
        "{group_norm: 4}": nn.GroupNorm(4, CHANNELS),
        "instance_norm": of("InstanceNorm")(CHANNELS),
        "{instance_norm, scale: true, shift: true}": of("InstanceNorm")(CHANNELS, affine=True),
        "relu": nn.ReLU(),
        "relu6": nn.ReLU6(),
        "leaky_relu": nn.LeakyReLU(),
        "{prelu: 8}": nn.PReLU(CHANNELS),
        "elu": nn.ELU(),
        "selu": nn.SELU(),
        "gelu": nn.GELU(),
        "silu": nn.SiLU(),
        "mish": nn.Mish(),
        "sigmoid": nn.Sigmoid(),
        "hard_sigmoid": nn.Hardsigmoid(),
        "hard_swish": nn.Hardswish(),
        "tanh": nn.Tanh(),
        "softplus": nn.Softplus(),
        "softmax": nn.Softmax(1),
        "log_softmax": nn.LogSoftmax(1),
        "{max_pool: 3, stride: 2}": of("MaxPool")(3, 2),
        "{avg_pool: 3, stride: 2}": of("AvgPool")(3, 2),
        "global_avg_pool": of("AdaptiveAvgPool")(1),
        "global_max_pool": of("AdaptiveMaxPool")(1),
        "{adaptive_avg_pool: 3}": of("AdaptiveAvgPool")(3),
        "{adaptive_max_pool: 3}": of("AdaptiveMaxPool")(3),
        "{dropout: 0.3}": nn.Dropout(0.3),
        "identity": nn.Identity(),
        "{pad: 1}": of("ConstantPad")(1, 0.0),
        "{upsample: 2}": nn.Upsample(scale_factor=2),
        "{upsample: 2, mode: bilinear}": nn.Upsample(scale_factor=2, mode=linear),
    }
    if rank == 2:
        found |= {
            "{depth_to_space: 2}": nn.PixelShuffle(2),
            "{space_to_depth: 2}": nn.PixelUnshuffle(2),
            "{channel_shuffle: 2}": nn.ChannelShuffle(2),
        }
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    found = []
    shapes = [(CHANNELS, *(6, 8, 10)[:rank]) for rank in (1, 2, 3)]
    steps = [(shape, step, module) for shape in shapes for step, module in cases(len(shape) - 1).items()]
    steps += [
        ((CHANNELS,), "{linear: 5}", nn.Linear(CHANNELS, 5)),
        ((CHANNELS,), "batch_norm", nn.BatchNorm1d(CHANNELS)),
    ]
    steps += [((CHANNELS,), "{linear: 5, bias: false}", nn.Linear(CHANNELS, 5, bias=False))]
    steps += [((CHANNELS,), "layer_norm", nn.LayerNorm(CHANNELS)), ((CHANNELS,), "gelu", nn.GELU())]
    for shape, step, module in steps:
        counted = {}
        for tool, count in TOOLS.items():
            network = nn.Sequential(copy.deepcopy(module).eval())
            figures = count(network, shape)
            (counted[tool],) = (int(value or 0) for key, value in figures.items() if key != "params")
        found.append({"step": step, "input": list(shape), "counted": counted})
    text = ",\n".join(json.dumps(case) for case in found)
    target = Path(__file__).parents[1] / "data" / "conventions" / "layers.json"
    target.write_text(f'{{"torch": "{torch.__version__}", "cases": [\n{text}\n]}}\n', encoding="utf-8")
    print(len(found), "cases")


if __name__ == "__main__":
    main()
