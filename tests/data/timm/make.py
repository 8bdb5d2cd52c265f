"""Makes totals.csv: parameters, running statistics and multiply-adds of timm's models, as PyTorch counts them.

Run once with PyTorch 2.13 and timm 1.0.31: ``python make.py NAME... > totals.csv``.  Multiply-adds are half of what
torch.utils.flop_counter counts: of convolutions and linear layers, and of products between tensors, which it tells
apart by the operator; timm's attention is not fused, so that it is seen.
"""

import sys

import torch
from torch.utils.flop_counter import FlopCounterMode

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    _operators.define(_name)

import timm  # noqa: E402
from timm.layers import set_fused_attn  # noqa: E402

set_fused_attn(False)
print("name,input,params,running_statistics,weighted_macs,product_macs")
for name in sys.argv[1:]:
    model = timm.create_model(name).eval()
    shape = model.default_cfg["input_size"]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.randn(1, *shape))
    counts = counter.get_flop_counts()["Global"]
    products = sum(count for operator, count in counts.items() if "bmm" in str(operator)) // 2
    whole = sum(counts.values()) // 2
    statistics = sum(b.numel() for n, b in model.named_buffers() if "running_" in n)
    params = sum(parameter.numel() for parameter in model.parameters())
    size = "x".join(map(str, shape))
    print(f"{name},{size},{params},{statistics},{whole - products},{products}", flush=True)
