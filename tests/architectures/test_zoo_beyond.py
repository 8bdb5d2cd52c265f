"""The bundled networks beyond torchvision's classifiers, against figures from outside; the origin stands beside each.

MACs from reference implementations: a hook on every convolution and linear layer adds the elements of its output
(transposed convolutions: of its input) times the multiplications for each, at batch 1.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

import cnncalc


class Figures(NamedTuple):
    """Learned parameters, state, multiply-accumulates; None where the origin has no figure."""

    params: int
    state: int | None = None
    macs: int | None = None


FIGURES = {
    # keras 3.15.1: `keras.applications.Xception(weights=None).summary()`, trainable and non-trainable parameters; their
    # sums are 22,910,480, 5,326,716, 88,949,818, 25,613,800, 44,675,560 and 60,380,648
    "xception": Figures(22_855_952, 54_528, 8_357_403_496),
    "nasnet_mobile": Figures(5_289_978, 36_738, 563_638_816),
    "nasnet_large": Figures(88_753_150, 196_668, 23_783_414_658),
    "resnet50_v2": Figures(25_568_360, 45_440, 3_482_255_360),
    "resnet101_v2": Figures(44_577_896, 97_664, 7_194_476_544),
    "resnet152_v2": Figures(60_236_904, 143_744, 10_906_697_728),
    # timm 1.0.31: `timm.create_model("inception_v4")`
    "inception_v4": Figures(42_679_816, 63_168, 12_253_974_624),
    "inception_resnet_v2": Figures(55_843_464, 60_544, 13_155_794_016),
    # github.com/akamaster/pytorch_resnet_cifar10: `resnet20()`
    "resnet20": Figures(269_722, 1_376, 40_551_040),
    "resnet32": Figures(464_154, 2_272, 68_862_592),
    "resnet44": Figures(658_586, 3_168, 97_174_144),
    "resnet56": Figures(853_018, 4_064, 125_485_696),
    "resnet110": Figures(1_727_962, 8_096, 252_887_680),
    "resnet1202": Figures(19_421_274, 89_632, 2_829_238_912),
    # github.com/andreasveit/densenet-pytorch: `DenseNet3(40, 10, 12, reduction=1.0, bottleneck=False)` and so on; where
    # there is no bottleneck, with `in_planes = 16` as in the paper
    "densenet40_k12": Figures(1_019_722, 18_096, 264_812_928),
    "densenet100_k12": Figures(6_979_642, 117_216, 1_769_516_448),
    "densenet100_k24": Figures(27_249_082, 231_264, 6_889_347_744),
    "densenet_bc100_k12": Figures(769_162, 23_988, 287_929_692),
    "densenet_bc250_k24": Figures(15_324_406, 257_976, 5_418_785_724),
    "densenet_bc190_k40": Figures(25_624_430, 256_960, 9_301_945_740),
    # github.com/amdegroot/ssd.pytorch: `build_ssd("train", 300, 21)`
    "ssd300_voc": Figures(26_285_486, 0, 31_373_537_792),
    # torchvision 0.28 publishes 35,641,826 and 34.858 G for it
    "ssd300_vgg16": Figures(35_641_826, 0, 34_858_153_472),
    # torchvision 0.28: `retinanet_resnet50_fpn(weights_backbone=None)` at 800x800; it publishes 34,014,999, without the
    # batch norms, which are frozen where the backbone is pretrained, and 151.54 G
    "retinanet_resnet50_fpn": Figures(34_014_999 + 53_120, 53_120, 151_540_437_248),
    # ultralytics 8.4.190: `DetectionModel("yolov8n.yaml")`; its yolov8.yaml has "3157200 parameters, 3157184 gradients"
    # and so on; the 16 are fixed weights, state here
    "yolov8n": Figures(3_157_184, 10_592 + 16, 4_371_993_600),
    "yolov8s": Figures(11_166_544, 20_032 + 16, 14_301_312_000),
    "yolov8m": Figures(25_902_624, 33_120 + 16, 39_468_364_800),
    "yolov8l": Figures(43_691_504, 46_464 + 16, 82_574_259_200),
    "yolov8x": Figures(68_229_632, 58_080 + 16, 128_902_169_600),
    # the modules of PyTorch's DCGAN tutorial
    "dcgan_generator": Figures(3_576_704, 1_920, 104_628_224),
    "dcgan_discriminator": Figures(2_765_568, 1_792, 103_817_216),
    # github.com/ibab/tensorflow-wavenet: the variables that wavenet/model.py makes for wavenet_params.json, of which
    # 1,056 are of the last layer's residual, whose result nothing uses
    "wavenet": Figures(1_515_968 - 1_056, 0),
    # Tran et al. 2015 in PyTorch; MMAction2's table has 78.4 M (101 classes) and 38.5 G
    "c3d_sports1m": Figures(79_991_015, 0, 38_548_959_232),
    "c3d_ucf101": Figures(78_409_573, 0, 38_547_378_176),
    # github.com/mlcommons/tiny: the weights of the published ad01.h5, pretrainedResnet.h5, vww_96.h5 and
    # str_ww_ref_model.h5, and keras_model.py of keyword_spotting in keras 3.15.1; MACs from the same code
    "mlperf_tiny_anomaly_detection": Figures(267_928, 2_064, 264_192),
    "mlperf_tiny_image_classification": Figures(78_186, 480, 12_501_632),
    "mlperf_tiny_keyword_spotting": Figures(23_756, 1_152, 2_656_768),
    "mlperf_tiny_visual_wake_words": Figures(216_322, 5_472, 7_489_664),
    "mlperf_tiny_streaming_wakeword": Figures(46_875, 832),
}

IN_THE_PAPER = {
    # He et al. 2015, table 6
    "resnet20": "0.27",
    "resnet32": "0.46",
    "resnet44": "0.66",
    "resnet56": "0.85",
    "resnet110": "1.7",
    "resnet1202": "19.4",
    # Huang et al. 2016, table 2
    "densenet40_k12": "1.0",
    "densenet100_k12": "7.0",
    "densenet100_k24": "27.2",
    "densenet_bc100_k12": "0.8",
    "densenet_bc250_k24": "15.3",
    "densenet_bc190_k40": "25.6",
    # Zoph et al. 2018, tables 3 and 2
    "nasnet_mobile": "5.3",
    "nasnet_large": "88.9",
    # the table in Ultralytics' documentation
    "yolov8n": "3.2",
    "yolov8s": "11.2",
    "yolov8m": "25.9",
    "yolov8l": "43.7",
    "yolov8x": "68.2",
}
"""Parameters in millions; Keras' NASNets, and so ours, have the paper's counts with the state."""

GFLOPS_OF_YOLOV8 = {"yolov8n": 8.7, "yolov8s": 28.6, "yolov8m": 78.9, "yolov8l": 165.2, "yolov8x": 257.8}
"""Ultralytics' documentation, at 640x640, by a tool that counts a little more than convolutions."""

MODULES_OF_YOLOV8N = {  # the parameters that Ultralytics prints for each module of yolov8n
    "p1": 464,
    "p2": 4_672,
    "stage2": 7_360,
    "p3": 18_560,
    "stage3": 49_664,
    "p4": 73_984,
    "stage4": 197_632,
    "p5": 295_424,
    "stage5": 460_288,
    "sppf": 164_608,
    "up4": 148_224,
    "head3": 37_248,
    "down4": 36_992,
    "head4": 123_648,
    "down5": 147_712,
    "head5": 493_056,
}

C3D = [  # the Keras summary of github.com/litao1381/C3D_Sport1M_keras: output (channels first here) and parameters
    ("conv1a", (64, 16, 112, 112), 5_248),
    ("pool1", (64, 16, 56, 56), None),
    ("conv2a", (128, 16, 56, 56), 221_312),
    ("pool2", (128, 8, 28, 28), None),
    ("conv3a", (256, 8, 28, 28), 884_992),
    ("conv3b", (256, 8, 28, 28), 1_769_728),
    ("pool3", (256, 4, 14, 14), None),
    ("conv4a", (512, 4, 14, 14), 3_539_456),
    ("conv4b", (512, 4, 14, 14), 7_078_400),
    ("pool4", (512, 2, 7, 7), None),
    ("conv5a", (512, 2, 7, 7), 7_078_400),
    ("conv5b", (512, 2, 7, 7), 7_078_400),
    ("pool5", (512, 1, 4, 4), None),
    ("flatten1", (8192,), None),
]

FIELDS = {
    # Size, stride, first row of unit 0; measured: the rows of the input that a unit in the middle depends on, by
    # back-propagation in double precision, with positive weights and means in place of maxima, on inputs larger than
    # the field.  By keras 3.15.1 (on inputs of the same parity at every level):
    "xception": (1083, 32, -534),
    "nasnet_mobile": (2407, 32, -1174),
    "resnet50_v2": (483, 32, -241),
    # by the two repositories named above:
    "resnet20": (81, 4, -40),
    "resnet110": (501, 4, -250),
    "densenet40_k12": (174, 4, -85),
    "densenet_bc100_k12": (230, 4, -113),
    # by torchvision 0.28 (boxes of the coarsest map) and ultralytics 8.4.190 (classes at stride 32):
    "ssd300_vgg16": (900, 64, -314),
    "retinanet_resnet50_fpn": (1963, 128, -981),
    "yolov8n": (1263, 32, -647),
    "yolov8m": (1855, 32, -943),
    "yolov8l": (2511, 32, -1271),
}

CELLS_OF_NASNET = {  # measured likewise, at every cell of keras' NASNetMobile
    "cell0": (3, 2, 0),
    "cell1": (55, 4, -26),
    "cell2": (135, 8, -62),
    "cell6": (391, 8, -190),
    "cell7": (551, 16, -262),
    "cell11": (1063, 16, -518),
    "cell12": (1383, 32, -662),
    "cell16": (2407, 32, -1174),
}


@pytest.mark.parametrize("name", FIGURES)
def test_totals(name: str) -> None:
    net = cnncalc.load(name)
    totals, figures = net.summary().totals, FIGURES[name]
    assert totals.params == figures.params
    assert figures.state in (None, totals.state)
    assert figures.macs in (None, totals.macs)
    assert totals.lower_bound == []
    assert net.graph.warnings == []


@pytest.mark.parametrize("name", IN_THE_PAPER)
def test_paper(name: str) -> None:
    totals = cnncalc.load(name).params().totals
    millions = (totals.params + (totals.state if name.startswith("nasnet") else 0)) / 1e6
    published = IN_THE_PAPER[name]
    assert f"{millions:.{len(published.partition('.')[2])}f}" == published


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_field(name: str) -> None:
    field = cnncalc.load(name).receptive_field().to_dict()["totals"]["receptive_field"]
    assert (field["size"], field["stride"], field["start"]) == tuple([value] * 2 for value in FIELDS[name])


def test_nasnet_cell_by_cell() -> None:
    rows = cnncalc.load("nasnet_mobile").receptive_field().to_dict()["layers"]
    fields = {name: row["receptive_field"] for row in rows for name in row["names"]}
    computed = {cell: tuple(fields[cell][key][0] for key in ("size", "stride", "start")) for cell in CELLS_OF_NASNET}
    assert computed == CELLS_OF_NASNET


@pytest.mark.parametrize("name", GFLOPS_OF_YOLOV8)
def test_yolov8_flops(name: str) -> None:
    assert 2 * cnncalc.load(name).summary().totals.macs / 1e9 == pytest.approx(GFLOPS_OF_YOLOV8[name], abs=0.06)


def test_yolov8n_module_by_module() -> None:
    layers = cnncalc.load("yolov8n").params().layers
    computed = {
        module: sum(layer.params or 0 for layer in layers if layer.name.partition(".")[0] == module)
        for module in MODULES_OF_YOLOV8N
    }
    assert computed == MODULES_OF_YOLOV8N


def test_c3d_layer_by_layer() -> None:
    layers = {layer.name: layer for layer in cnncalc.load("c3d_sports1m").params().layers}
    assert [(name, layers[name].output_shape, layers[name].params) for name, *_ in C3D] == C3D


def test_ssd_has_8732_boxes() -> None:
    """Liu et al. 2016, figure 2."""
    shapes = cnncalc.load("ssd300_voc").shapes().totals.output
    assert sum(channels // (21 + 4) * height * width for channels, height, width in shapes) == 8732


def test_wavenet_sees_1024_samples_for_each_stack() -> None:
    """Van den Oord et al. 2016, section 2.1: each block of dilations 1 to 512 has a receptive field of 1024."""
    rows = cnncalc.load("wavenet").receptive_field().to_dict()["layers"]
    size = {name: row["receptive_field"]["size"][0] for row in rows for name in (row["name"], *row["names"])}
    first = size["causal1"]
    assert first == 2
    assert [size[f"layer{k}.gated"] - first + 1 for k in (9, 19, 29, 39, 49)] == [1 + 1023 * n for n in (1, 2, 3, 4, 5)]


@pytest.mark.parametrize(("name", "kilobytes"), [("ds_cnn_s", 38.6), ("ds_cnn_m", 189.2), ("ds_cnn_l", 497.6)])
def test_ds_cnn_memory(name: str, kilobytes: float) -> None:
    """Zhang et al. 2017: bytes of the weights, norms folded in, and of the largest input and output."""
    report = cnncalc.load(name, args={"norm": "none"}).summary()
    elements = [
        sum(channels * height * width for channels, height, width in (layer.input_shapes[0], layer.output_shape))
        for layer in report.layers
        if layer.kind in ("conv", "depthwise_conv")
    ]
    assert round((report.totals.params + max(elements)) / 1000, 1) == kilobytes


def test_yolov3_has_the_numbers_of_its_weights_file() -> None:
    """yolov3.weights has 248,007,048 bytes: a header of 20, then numbers of 4, running statistics among them."""
    totals = cnncalc.load("yolov3").summary().totals
    assert 20 + 4 * (totals.params + totals.state) == 248_007_048


@pytest.mark.parametrize(("name", "billions"), [("yolov3", 65.864), ("yolov3_608", 140.692)])
def test_yolov3_operations(name: str, billions: float) -> None:
    """The total that Darknet prints, in billions; it counts the convolutions."""
    assert round(2 * cnncalc.load(name).summary().totals.macs / 1e9, 3) == billions


# Lawhern et al. 2018, table 3: trainable parameters, here for P300 (64 electrodes, a second at 128 Hz, 2 classes)
@pytest.mark.parametrize(("name", "params"), [("eegnet_4_2", 1_066), ("eegnet_8_2", 2_258)])
def test_eegnet_on_p300(name: str, params: int) -> None:
    assert cnncalc.load(name).summary().totals.params == params
