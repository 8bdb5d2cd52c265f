"""Before any test: torchvision asks for two operators when it is imported, and its compiled part may be missing."""

from __future__ import annotations

import torch

OPERATORS = torch.library.Library("torchvision", "DEF")  # kept alive; a process may register the name once
for signature in ("nms(Tensor d, Tensor s, float t) -> Tensor", "qnms(Tensor d, Tensor s, float t) -> Tensor"):
    if not hasattr(torch.ops.torchvision, signature.partition("(")[0]):
        OPERATORS.define(signature)
