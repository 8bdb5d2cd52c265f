"""Makes totals.csv and layers.csv: what PyTorch counts of timm's models, whole and layer by layer.

Run once with PyTorch 2.13 and timm 1.0.31, in this folder: ``python make.py NAME...``; `NAME:deployed` is the model
after `timm.utils.reparameterize_model`.

totals.csv: parameters, running statistics, and half of what torch.utils.flop_counter counts: of convolutions and linear
layers, and of products between tensors, which it tells apart by the operator; timm's attention is not fused, so that it
is seen.  layers.csv: of every call of a convolution or a linear layer the output's channels and positions, its
parameters and its multiply-adds, with the number of such calls.
"""

import sys
from collections import Counter

import torch
from torch.utils.flop_counter import FlopCounterMode

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    _operators.define(_name)

import timm  # noqa: E402
from timm.layers import set_fused_attn  # noqa: E402

set_fused_attn(False)


def measured(name):
    """The lines of a model for both tables."""
    base, _, form = name.partition(":")
    device = "cpu" if form else "meta"
    with torch.device(device):
        model = timm.create_model(base).eval()
    if form:
        model = timm.utils.reparameterize_model(model)
    calls: Counter[tuple[int, ...]] = Counter()

    def seen(module, _, output):
        channels = output.shape[-1 if isinstance(module, torch.nn.Linear) else 1]
        params = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        calls[channels, output.numel() // channels, params, output.numel() * module.weight[0].numel()] += 1

    for module in model.modules():
        if isinstance(module, (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(seen)
    shape = model.default_cfg["input_size"]
    counter = FlopCounterMode(display=False)
    with torch.set_grad_enabled("cait" in base), counter:  # its views of tokens trip the counter without gradients
        model(torch.randn(1, *shape, device=device))
    counts = counter.get_flop_counts()["Global"]
    products = sum(count for operator, count in counts.items() if "bmm" in str(operator)) // 2
    weighted = sum(counts.values()) // 2 - products
    assert weighted == sum(macs * number for (_, _, _, macs), number in calls.items()), name
    statistics = sum(buffer.numel() for key, buffer in model.named_buffers() if "running_" in key)
    params = sum(parameter.numel() for parameter in model.parameters())
    called = name.replace(":", "_")
    total = f"{called},{'x'.join(map(str, shape))},{params},{statistics},{weighted},{products}"
    return total, [",".join(map(str, (called, *row, number))) for row, number in sorted(calls.items())]


with open("totals.csv", "w", encoding="utf-8") as totals, open("layers.csv", "w", encoding="utf-8") as layers:
    print("name,input,params,running_statistics,weighted_macs,product_macs", file=totals)
    print("name,channels,positions,params,macs,calls", file=layers)
    for name in sys.argv[1:]:
        total, lines = measured(name)
        print(total, file=totals, flush=True)
        print(*lines, sep="\n", file=layers)
