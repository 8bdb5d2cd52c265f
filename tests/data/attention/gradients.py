"""Makes gradients.json: which rows of the input each row of a small Swin's blocks depends on, by gradients.

Run once with PyTorch 2.13 and torchvision 0.28: ``python gradients.py > gradients.json``.  Two blocks of three stages,
windows of 3, patches of 2, 72 x 72 pixels; for every block the first and last input row of every row's gradient.
"""

import json
import sys

import torch

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    _operators.define(_name)

from torchvision.models.swin_transformer import SwinTransformer, SwinTransformerBlock  # noqa: E402

torch.manual_seed(0)
model = SwinTransformer([2, 2], 8, [2, 2, 2], [2, 2, 2], [3, 3], stochastic_depth_prob=0.0).double().eval()
for parameter in model.parameters():
    parameter.data.normal_(0, 0.5)
image = torch.randn(1, 3, 72, 72, dtype=torch.float64, requires_grad=True)
blocks = []
for module in model.modules():
    if isinstance(module, SwinTransformerBlock):
        module.register_forward_hook(lambda _module, _inputs, output: blocks.append(output))
model(image)
found = []
for output in blocks:
    rows = []
    for row in range(output.shape[1]):
        weights = torch.randn_like(output[0, row])
        (gradient,) = torch.autograd.grad((output[0, row] * weights).sum(), image, retain_graph=True)
        strength = gradient.abs().amax(dim=(0, 1, 3))
        seen = torch.nonzero(strength > 1e-25 * strength.max()).flatten()  # beyond what a mask of -100 lets through
        rows.append([int(seen.min()), int(seen.max())])
    found.append(rows)
json.dump(found, sys.stdout)
