"""The bundled library of blocks against the modules of torchvision, timm and PyTorch that they stand for."""

from __future__ import annotations

import pytest

import cnncalc

# n(module) for n = lambda m: (sum(p.numel() for p in m.parameters()),
#                              sum(b.numel() for name, b in m.named_buffers() if "running" in name))
# with PyTorch 2.13, torchvision 0.28, timm 1.0.31:
MODULES = {
    "common.squeeze_excite": (580, 0),  # torchvision.ops.SqueezeExcitation(64, 4)
    "{common.squeeze_excite: 8}": (1_096, 0),  # torchvision.ops.SqueezeExcitation(64, 8)
    "common.eca": (3, 0),  # timm.layers.eca.EcaModule(kernel_size=3)
    "common.cbam": (612, 2),  # timm.layers.cbam.CbamModule(64, rd_ratio=1/16, rd_divisor=1)
    "common.basic_residual": (73_984, 256),  # torchvision.models.resnet.BasicBlock(64, 64)
    "{common.basic_residual: 128, stride: 2}": (230_144, 768),  # BasicBlock(64, 128, 2, conv1x1 and BatchNorm2d(128))
    "{common.bottleneck_residual: 256}": (75_008, 1_280),  # Bottleneck(64, 64, 1, conv1x1 and BatchNorm2d(256))
    "{common.inverted_residual: 64}": (54_272, 1_664),  # torchvision.models.mobilenetv2.InvertedResidual(64, 64, 1, 6)
    "{common.mbconv: 96, stride: 2}": (79_312, 1_728),  # MBConv(MBConvConfig(6, 3, 2, 64, 96, 1), 0.0, BatchNorm2d)
    "common.aspp": (805_888, 3_072),  # torchvision.models.segmentation.deeplabv3.ASPP(64, [12, 24, 36])
    "common.mlp": (33_088, 0),  # torchvision.ops.MLP(64, [256, 64])
    "{common.self_attention: 4}": (16_640, 0),  # torch.nn.MultiheadAttention(64, 4)
    "{common.window_attention: 4, shift: 3}": (17_316, 0),  # ShiftedWindowAttention(64, [7, 7], [3, 3], 4)
}
SIZES = {
    "{common.basic_residual: 128, stride: 2}": (128, 14, 14),
    "{common.bottleneck_residual: 256}": (256, 28, 28),
    "{common.mbconv: 96, stride: 2}": (96, 14, 14),
    "common.aspp": (256, 28, 28),
}


@pytest.mark.parametrize("step", MODULES)
def test_a_block_has_the_weights_of_its_module(step: str) -> None:
    report = cnncalc.loads(f"input: [64, 28, 28]\nimport: {{common: blocks}}\nlayers: [{step}]\n").summary()
    assert (report.total("params"), report.total("state")) == MODULES[step]
    assert report.graph.shapes[-1] == SIZES.get(step, (64, 28, 28))
    assert report.warnings == []


def test_blocks_of_two_tensors_and_of_images() -> None:
    """torchvision: Conv2d(64, 256, 1) of a feature pyramid's level; Conv2d(3, 192, 16, 16) of a ViT."""
    level = cnncalc.loads(
        "input: {c4: [64, 28, 28], p5: [256, 14, 14]}\nimport: {common: blocks}\n"
        "layers: [{common.fpn_level, from: [c4, p5]}]\n"
    ).summary()
    assert (level.total("params"), level.graph.shapes[-1]) == (64 * 256 + 256, (256, 28, 28))
    patches = cnncalc.loads("input: [3, 224, 224]\nimport: {common: blocks}\nlayers: [{common.patch_embedding: 192}]\n")
    assert (patches.summary().total("params"), patches.graph.shapes[-1]) == (147_648, (192, 196))


def test_an_import_gives_the_blocks_their_norm_and_activation() -> None:
    given = "{common: {file: blocks, act: silu, norm: layer_norm}}"
    text = f"input: [8, 9]\nimport: {given}\nlayers: [common.basic_residual]\n"
    kinds = {node.kind for node in cnncalc.loads(text).graph.nodes}
    assert kinds == {"conv", "layer_norm", "silu", "add"}
