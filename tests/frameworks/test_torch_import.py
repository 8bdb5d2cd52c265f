"""PyTorch modules against themselves: parameters, products and output shapes of torchvision's and timm's networks.

pytest tests/frameworks/test_torch_import.py     (torch, torchvision, timm; no weights are downloaded)

Parameters are the module's own; products are half of what torch.utils.flop_counter counts on the meta device.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.diagnostics import SpecError

torch.backends.mha.set_fastpath_enabled(False)  # it counts no products

TORCHVISION = """
alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 mnasnet1_0 mobilenet_v2
mobilenet_v3_large mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18 resnet50 resnext50_32x4d
shufflenet_v2_x1_0 squeezenet1_1 vgg11_bn vit_b_32 wide_resnet50_2
""".split()  # noqa: SIM905

DENSE = ["lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "fcn_resnet50"]

TIMM = """
convmixer_768_32 convnext_atto convnextv2_atto cspnext_tiny cspresnet50 darknet17 dla34 dpn48b eca_nfnet_l0
eca_resnext26ts
ese_vovnet19b_dw fasternet_t0 fbnetv3_b gcresnext26ts gernet_s ghostnet_050 hardcorenas_a hgnetv2_b0 hrnet_w18_small
inception_next_atto inception_v4 lcnet_035 legacy_seresnet18 mambaout_femto nf_resnet26 poolformer_s12 rdnet_tiny
regnetz_005 repghostnet_050 repvit_m0_9 res2net50_14w_8s resnest14d resnetblur18 resnetv2_18 rexnet_100 selecsls42
skresnet18 starnet_s1 vovnet39a xception41
""".split()  # noqa: SIM905

UNUSED = {"googlenet": 6_379_984, "inception_v3": 3_326_696}
"""Parameters of the heads that only training uses, from the modules of these names."""


def products(module: nn.Module, shape: tuple[int, ...]) -> int:
    with torch.device("meta"), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(torch.zeros((1, *shape)))
    return int(counter.get_total_flops() // 2)


def agrees(module: nn.Module, shape: tuple[int, ...], unused: int = 0) -> None:
    """Fail unless everything of a module has come in, nothing opaque."""
    network = cnncalc.Network.from_torch(module, shape)
    account = network.account
    assert account is not None
    assert account.opaque == {}
    learned = dict(module.named_parameters())
    assert sum(count for name, count in account.left_over.items() if name in learned) == unused
    assert account.parameters + unused == sum(weight.numel() for weight in learned.values())
    assert account.is_whole == (not unused)
    assert network.summary().totals.macs == products(module, shape)
    assert account.compared > account.nodes // 3


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_s_classifiers(name: str) -> None:
    module = torchvision.models.get_model(name, weights=None).to("meta").eval()
    heads = [part for path, part in module.named_children() if path.lower().startswith("aux")]
    unused = sum(weight.numel() for head in heads for weight in head.parameters())
    assert unused == UNUSED.get(name, 0)
    agrees(module, (3, 299, 299) if name == "inception_v3" else (3, 224, 224), unused)


@pytest.mark.parametrize("name", DENSE)
def test_torchvision_s_segmentation(name: str) -> None:
    module = torchvision.models.get_model(name, weights=None, weights_backbone=None).to("meta").eval()
    agrees(module, (3, 224, 224))


def test_networks_of_videos() -> None:
    agrees(torchvision.models.video.r3d_18(weights=None).to("meta").eval(), (3, 8, 64, 64))
    agrees(torchvision.models.video.s3d(weights=None).to("meta").eval(), (3, 16, 224, 224))


@pytest.mark.parametrize("name", TIMM)
def test_timm_s_convolutional_networks(name: str) -> None:
    module = timm.create_model(name, pretrained=False).to("meta").eval()
    agrees(module, module.pretrained_cfg["input_size"])


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t", "maxvit_t"])
def test_torchvision_s_attention_in_windows(name: str) -> None:
    agrees(torchvision.models.get_model(name, weights=None).to("meta").eval(), (3, 224, 224))


def test_timm_s_attention_in_windows() -> None:
    module = timm.create_model("swin_tiny_patch4_window7_224", depths=(2, 2)).to("meta").eval()
    agrees(module, (3, 224, 224))


def test_timm_s_attention_of_cosines() -> None:
    """Of the three biases of the projections, that of the keys is a buffer of zeros there, and counts here."""
    module = timm.create_model("swinv2_tiny_window8_256", depths=(2, 2)).to("meta").eval()
    network = cnncalc.Network.from_torch(module, (3, 256, 256))
    account = network.account
    assert account is not None
    assert account.opaque == {}
    assert account.is_whole
    keys = sum(buffer.numel() for name, buffer in module.named_buffers() if name.endswith("k_bias"))
    assert account.parameters == keys + sum(weight.numel() for weight in module.parameters())
    assert network.summary().totals.macs == products(module, (3, 256, 256))


class Windowed(nn.Module):
    """A map is kept: torchvision's attention takes one whose channels are last."""

    def __init__(self, kind: Any = torchvision.models.swin_transformer.ShiftedWindowAttention, *more: Any) -> None:
        super().__init__()
        self.attention = kind(8, *(more or ([4, 4], [2, 2], 2)))

    def forward(self, x: Any) -> Any:
        return self.attention(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


COUNTED = 2 * 3 * 16 * 8 * (4 * 8 + 2 * 16)
"""2 x 3 windows of 16 positions with 8 channels: four projections, and the products with 16 keys, twice."""


def attention_of(module: nn.Module) -> tuple[list[str], list[str]]:
    """What has become of a module's attention, and what is opaque: in any case all is counted."""
    network = cnncalc.Network.from_torch(module, (8, 8, 10))
    assert sum(node.operation.macs or 0 for node in network.graph.nodes) == COUNTED
    assert network.account is not None
    assert network.account.parameters == sum(weight.numel() for weight in module.parameters())
    assert network.account.notes == []
    layers = [node.operation.layer for node in network.graph.nodes if node.kind == "attention"]
    shown = [" ".join(str(getattr(layer, name)) for name in ("window", "shift", "bias")) for layer in layers]
    return shown, list(network.account.opaque)


def test_a_bias_by_relative_position_is_known_by_its_index() -> None:
    module = Windowed().eval()
    assert attention_of(module) == (["4 2 relative"], [])
    module.attention.relative_position_index = module.attention.relative_position_index.flip(0)
    assert attention_of(module) == ([], ["Attention"])


def test_a_mask_is_known_by_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    fill = torch.Tensor.masked_fill
    monkeypatch.setattr(torch.Tensor, "masked_fill", lambda x, mask, value: fill(x, mask, 1.0 if value else 0.0))
    assert attention_of(Windowed().eval()) == ([], ["Attention"])


OTHER_SIZES = [
    (([4, 4], [2, 2], 2), (8, 8, 10), "4 2"), (([4, 4], [0, 0], 2), (8, 8, 8), "4 None"),
    (([4, 4], [2, 2], 1), (8, 8, 10), "4 2"), (([3, 5], [1, 2], 4), (8, 8, 10), "(3, 5) (1, 2)"),
    (([8, 4], [4, 2], 2), (8, 6, 8), "(8, 4) (0, 2)"), (([8, 8], [4, 4], 2), (8, 6, 5), "None None"),
]  # fmt: skip
"""Windows, shifts and heads; the input; window and shift of the row: those of one window are none."""


def cosines(sizes: Any) -> nn.Module:
    torch.manual_seed(1)
    return Windowed(torchvision.models.swin_transformer.ShiftedWindowAttentionV2, *sizes).eval()


@pytest.mark.parametrize(("sizes", "shape", "shown"), OTHER_SIZES)
def test_cosines_of_other_sizes(sizes: Any, shape: Any, shown: str) -> None:
    module = cosines(sizes)
    network = cnncalc.Network.from_torch(module, shape)
    account = network.account
    assert account is not None
    assert account.opaque == {}
    assert account.is_whole
    assert account.parameters == sum(weight.numel() for weight in module.parameters())
    assert network.summary().totals.macs == products(cosines(sizes).to("meta"), shape)
    assert [note.partition(" here")[0] for note in account.notes] == [SPACED]
    (layer,) = (node.operation.layer for node in network.graph.nodes if node.kind == "attention")
    assert f"{layer.window} {layer.shift}" == shown
    assert (layer.mode, layer.bias, layer.heads) == ("cosine", "attention.mul", sizes[2])


SPACED = "biases by relative position are worked out from coordinates that are evenly spaced"


@pytest.mark.parametrize("change", ["bound", "coordinates", "index", "norm"])
def test_other_attention_of_cosines_is_opaque(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would compute something else is none of these layers."""
    module = cosines(([4, 4], [2, 2], 2))
    attention: Any = module.attention
    if change == "bound":
        clamp = torch.clamp
        monkeypatch.setattr(torch, "clamp", lambda x, min=None, max=None: clamp(x, min, max and max / 2))
    elif change == "norm":
        normalize = nn.functional.normalize
        monkeypatch.setattr(
            nn.functional, "normalize", lambda x, p=2.0, dim=1, eps=0.1, out=None: normalize(x, p, dim, 0.1)
        )
    elif change == "coordinates":
        attention.relative_coords_table = attention.relative_coords_table.abs()
    else:
        attention.relative_position_index = attention.relative_position_index.flip(0)
    network = cnncalc.Network.from_torch(module, (8, 8, 10))
    account = network.account
    assert account is not None
    assert account.opaque
    assert account.parameters == sum(weight.numel() for weight in module.parameters())
    assert not any(node.kind == "attention" for node in network.graph.nodes)


# -- modules -----------------------------------------------------------------------------------------------------------


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(64, 5)

    def forward(self, image: Any, other: Any = None) -> Any:
        x = torch.relu(self.norm(self.conv(image)))
        return self.fc(torch.flatten(x if other is None else x + other, 1))


def test_a_module_stays_as_it_is() -> None:
    module = Small().train()
    module.norm.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network = cnncalc.from_torch(module, (3, 6, 6))
    assert module.training
    assert not module.norm.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert [node.name for node in network.graph.nodes] == ["conv", "norm", "relu", "flatten", "fc"]


@pytest.mark.parametrize("shapes", [[(3, 6, 6), (4, 4, 4)], {"image": (3, 6, 6), "other": (4, 4, 4)}])
def test_several_inputs_are_given_in_order_or_by_name(shapes: Any) -> None:
    network = cnncalc.from_torch(Small(), shapes)
    assert dict(network.graph.inputs) == {"image": (3, 6, 6), "other": (4, 4, 4)}


class Assigns(nn.Module):
    """A part is changed in place while the whole is read later: it is exported once more, without such changes."""

    def forward(self, x: Any) -> Any:
        y = torch.relu(x)
        y[:, :2] = 0
        return y + 1


class Branches(nn.Module):
    def forward(self, x: Any) -> Any:
        return x if x.sum() > 0 else -x


def test_changes_in_place_are_undone() -> None:
    network = cnncalc.from_torch(Assigns(), (3, 4, 4))
    assert network.graph.shapes[network.graph.outputs[0][1]] == (3, 4, 4)
    assert network.account is not None
    assert "torch.SliceScatter" in network.account.opaque


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (Branches(), (3, 4, 4), "GuardOnDataDependentSymNode"),
        (Small(), (3, 7, 7), "must have same reduction dim"),
        (Small(), None, "does not say what it takes"),
        (3, (3, 4, 4), "no `torch.nn.Module`"),
    ],
)
def test_what_is_wrong_is_said(module: Any, shape: Any, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecError) as caught:
        cnncalc.from_torch(module, shape)
    (diagnostic,) = caught.value.diagnostics
    assert message in diagnostic.message
    assert diagnostic.span is not None
    assert "\n" not in diagnostic.message
    assert capfd.readouterr().err == ""


# -- the command line --------------------------------------------------------------------------------------------------

CODE = """
from torch import nn

print("made")
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())

def factory():
    return net
"""


@pytest.mark.parametrize("name", ["net", "factory"])
def test_the_command_line_takes_a_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CODE)
    words = [sys.executable, "-m", "cnncalc", "params", f"net.py:{name}", "--input", "3x8x8", "--format", "csv"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1].startswith("0,conv,")
    assert done.stderr.splitlines() == ["runs the code of net.py", "made"]


def test_a_program_that_torch_saves(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Small().eval(), (torch.zeros(1, 3, 6, 6),)), path)
    account = cnncalc.load(path).account
    assert account is not None
    assert account.is_whole
    assert account.parameters == sum(weight.numel() for weight in Small().parameters())
