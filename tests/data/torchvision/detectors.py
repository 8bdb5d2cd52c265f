"""Makes detectors.csv and names.txt: what torchvision's detectors count, and the names of all its models.

Run once with torch 2.13 and torchvision 0.28, in this folder.  A detector's parameters and running statistics are those
of the whole model; its multiply-adds those of the backbone and the heads that see every position, at the input given.
A row `MODEL.HEAD` has the parameters of a head that sees one region, and its multiply-adds for it.
"""

import torch

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    _operators.define(_name)

import torchvision  # noqa: E402

names = [name for name in torchvision.models.list_models() if not name.startswith(("quantized_", "raft_"))]
with open("names.txt", "w", encoding="utf-8") as file:
    file.write("\n".join(names) + "\n")
WEIGHTED = (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear)
counted = []


def count(module, inputs, output):
    transposed = isinstance(module, torch.nn.ConvTranspose2d)
    counted.append((inputs[0] if transposed else output).numel() * module.weight[0].numel())


def params(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def rows(name):
    """The row of a detector, and those of the heads that see a region."""
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None, weights_backbone=None).eval()
    for module in model.modules():
        if isinstance(module, WEIGHTED):
            module.register_forward_hook(count)
    size = {"ssd300_vgg16": 300}.get(name, 320 if "320" in name else 800)
    head = model.rpn.head if hasattr(model, "rpn") else model.head
    counted.clear()
    head(list(model.backbone(torch.empty(1, 3, size, size, device="meta")).values()))
    statistics = sum(buffer.numel() for key, buffer in model.named_buffers() if "running_" in key)
    yield name, f"3x{size}x{size}", params(model), statistics, sum(counted)
    for part, width in (("box", 7), ("mask", 14), ("keypoint", 14)):
        if getattr(getattr(model, "roi_heads", None), f"{part}_head", None) is not None:
            head, predictor = (getattr(model.roi_heads, f"{part}_{half}") for half in ("head", "predictor"))
            counted.clear()
            predictor(head(torch.empty(1, 256, width, width, device="meta")))
            yield f"{name}.{part}", f"256x{width}x{width}", params(head, predictor), "", sum(counted)


with open("detectors.csv", "w", encoding="utf-8") as table:
    print("name,input,params,running_statistics,macs", file=table)
    for name in torchvision.models.list_models(torchvision.models.detection):
        for row in rows(name):
            print(*row, sep=",", file=table)
