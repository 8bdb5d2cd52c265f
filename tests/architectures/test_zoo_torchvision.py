"""The bundled networks against figures from outside: torchvision's models, the papers, the course notes.

The tables in `data/torchvision` were measured on torchvision itself (see the README there): totals, every leaf module
of eight networks, and receptive fields.
"""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
from sampling import some

import cnncalc

DATA = Path(__file__).parents[1] / "data" / "torchvision"

COUNTED = {
    "Conv2d": {"conv", "depthwise_conv"},
    "Conv3d": {"conv"},
    "Conv3DSimple": {"conv"},
    "Linear": {"linear"},
    "BatchNorm2d": {"batch_norm"},
    "BatchNorm3d": {"batch_norm"},
    "MaxPool2d": {"max_pool"},
    "AvgPool2d": {"avg_pool"},
}
"""Modules that torchvision never calls as a mere function, with their layer kinds."""


def table(name: str) -> list[dict[str, str]]:
    with open(DATA / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shape(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("x")))


TOTALS = table("totals.csv")
LAYERS = sorted(path.stem for path in (DATA / "layers").glob("*.csv"))
FIELDS = {
    name: list(rows) for name, rows in itertools.groupby(table("receptive_fields.csv"), lambda row: row["network"])
}


def test_the_tables_are_whole() -> None:
    assert len(TOTALS) == 85
    assert len(LAYERS) == 8
    assert sum(map(len, FIELDS.values())) == 89


@pytest.mark.every
@pytest.mark.parametrize("row", some(TOTALS, each=3), ids=lambda row: row["name"])
def test_totals(row: dict[str, str]) -> None:
    report = cnncalc.load(row["name"]).params()
    assert report.to_dict()["input"] == {"input": list(shape(row["input"]))}
    assert (report.totals.params, report.totals.macs) == (int(row["params"]), int(row["macs"]))
    assert report.totals.lower_bound == []


def test_every_model_has_its_name_here() -> None:
    """All that torchvision lists, but its quantized models and RAFT."""
    names = (DATA / "names.txt").read_text(encoding="utf-8").split()
    assert len(names) == 107
    assert set(names) <= set(cnncalc.bundled_names())


REGION_HEADS = {
    "fasterrcnn_resnet50_fpn.box": "fasterrcnn_box_head",
    "fasterrcnn_resnet50_fpn_v2.box": "fasterrcnn_box_head_v2",
    "fasterrcnn_mobilenet_v3_large_fpn.box": "fasterrcnn_box_head",
    "fasterrcnn_mobilenet_v3_large_320_fpn.box": "fasterrcnn_box_head",
    "maskrcnn_resnet50_fpn.box": "fasterrcnn_box_head",
    "maskrcnn_resnet50_fpn.mask": "maskrcnn_mask_head",
    "maskrcnn_resnet50_fpn_v2.box": "fasterrcnn_box_head_v2",
    "maskrcnn_resnet50_fpn_v2.mask": "maskrcnn_mask_head_v2",
    "keypointrcnn_resnet50_fpn.box": "keypointrcnn_box_head",
    "keypointrcnn_resnet50_fpn.keypoint": "keypointrcnn_keypoint_head",
}
"""The networks here of the heads that see one region."""
DETECTORS = {row["name"]: row for row in table("detectors.csv")}


@pytest.mark.parametrize("name", [name for name in DETECTORS if "." not in name])
def test_detectors(name: str) -> None:
    """A detector and the heads that see its regions have the weights of torchvision's model; each its products."""
    heads = {row: head for row, head in REGION_HEADS.items() if row.startswith(f"{name}.")}
    assert set(heads) == {row for row in DETECTORS if row.startswith(f"{name}.")}
    reports = {row: cnncalc.load(head).summary() for row, head in {name: name, **heads}.items()}
    for row, report in reports.items():
        assert report.to_dict()["input"] == {"input": list(shape(DETECTORS[row]["input"]))}
        assert report.totals.macs == int(DETECTORS[row]["macs"])
        assert row == name or report.totals.params == int(DETECTORS[row]["params"])
    whole = [sum(getattr(report.totals, key) for report in reports.values()) for key in ("params", "state")]
    assert whole == [int(DETECTORS[name]["params"]), int(DETECTORS[name]["running_statistics"])]


@pytest.mark.parametrize("name", LAYERS)
def test_layer_by_layer(name: str) -> None:
    """Input, output, parameters and MACs of every convolution, linear layer, batch norm and pool, in order."""
    kinds = set().union(*COUNTED.values())
    computed = [
        (layer.kind, layer.input_shapes[0], layer.output_shape, layer.params or 0, layer.macs or 0)
        for layer in cnncalc.load(name).summary().layers
        if layer.kind in kinds
    ]
    measured = [
        (COUNTED[row["type"]], shape(row["input"]), shape(row["output"]), int(row["params"]), int(row["macs"] or 0))
        for row in table(f"layers/{name}.csv")
        if row["type"] in COUNTED
    ]
    assert len(computed) == len(measured)
    for (kind, *figures), (expected_kinds, *expected) in zip(computed, measured):
        assert kind in expected_kinds
        assert figures == expected


def last_rows(name: str, modules: list[str]) -> list[str]:
    """For each of torchvision's modules, the row of ours that gives its result."""
    rows = [layer.name for layer in cnncalc.load(name).shapes().layers]
    if name in ("alexnet", "vgg16"):  # features.0, features.1, ...: the same plain sequence
        return rows[: len(modules)]
    if name == "mobilenet_v2":  # features.1 to 17 are the blocks of stages 1 to 7
        blocks = [".".join(row.split(".")[:2]) for row in rows if row.startswith("stage")]
        names = ["conv1", *dict.fromkeys(blocks), "conv2"]
    else:
        names = modules
    return [next(row for row in reversed(rows) if row == name or row.startswith(f"{name}.")) for name in names]


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields(name: str) -> None:
    expected = FIELDS[name]
    fields = {
        layer["name"]: layer["receptive_field"] for layer in cnncalc.load(name).receptive_field().to_dict()["layers"]
    }
    rows = last_rows(name, [row["module"] for row in expected])
    assert len(rows) == len(expected)
    for row, measured in zip(rows, expected):
        figures = tuple(int(measured[key]) for key in ("size", "stride", "start"))
        for axis in (0, 1):
            assert tuple(fields[row][key][axis] for key in ("size", "stride", "start")) == figures, measured["module"]


PUBLISHED = {
    # AlexNet as trained in 2012 (Caffe, bvlc_alexnet): two halves, and 60,965,224 parameters.
    "alexnet_2012": (60_965_224, 724_406_816),
    # The modern LeNet-5, as every course counts it.
    "lenet5": (61_706, 416_520),
    # GoogLeNet as in the paper (Caffe, bvlc_googlenet), without auxiliary classifiers.
    "googlenet_2014": (6_998_552, None),
    "unet": (31_030_658, None),
    # Keras' trainable parameters; Howard et al. 2017 give 569 M multiply-adds.
    "mobilenet_v1": (4_231_976, 568_740_352),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name: str) -> None:
    params, macs = PUBLISHED[name]
    totals = cnncalc.load(name).summary().totals
    assert totals.params == params
    assert macs is None or totals.macs == macs


def test_parameters_of_alexnet_2012_by_layer() -> None:
    params = [layer.params for layer in cnncalc.load("alexnet_2012").params().layers if layer.params]
    assert params == [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]


@pytest.mark.parametrize(
    ("name", "millions"),
    [("mobilenet_v1", 569), ("mobilenet_v1_075", 325), ("mobilenet_v1_050", 149), ("mobilenet_v1_025", 41)],
)
def test_multiply_adds_of_mobilenet_table_6(name: str, millions: int) -> None:
    assert round(cnncalc.load(name).summary().totals.macs / 1e6) == millions


def test_mobilenet_v1_in_keras_has_4_253_864_parameters() -> None:
    totals = cnncalc.load("mobilenet_v1").params().totals
    assert totals.params + totals.state == 4_253_864


def test_inception_3a_of_googlenet_table_1() -> None:
    """The paper: 159 K parameters (K = 1024) and 128 M operations."""
    totals = cnncalc.load("inception_module").summary().totals
    assert totals.params // 1024 == 159
    assert totals.macs // 1_000_000 == 128


def test_operations_of_googlenet_table_1() -> None:
    """Operations in millions, row by row; 5a is left out, whose 54 M do not follow from the table's own columns."""
    millions = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}
    layers = cnncalc.load("googlenet_2014").summary().layers
    for name, operations in millions.items():
        macs = sum(layer.macs or 0 for layer in layers if layer.name.startswith(f"inception{name}."))
        assert abs(macs / 1e6 - operations) < 1, name


NOTES = {
    # name: (output, parameters, size and stride of the receptive field)
    "notes_stride1": ((1, 5), 3, 3, 1),
    "notes_stride2": ((1, 3), 3, 3, 2),
    "notes_filters": ((12, 14, 14), 12 * (6 * 6 * 3 + 1), 6, 2),
    "notes_5x5": ((1, 28, 28), 25 + 1, 5, 1),
    "notes_3x3_twice": ((1, 28, 28), 2 * (9 + 1), 5, 1),
    "notes_1x1": ((32, 28, 28), 64 * 32 + 32, 1, 1),
    "notes_regular": ((32, 32, 32), 4_608, 3, 1),
    "notes_separable": ((32, 32, 32), 656, 3, 1),
}


@pytest.mark.parametrize("name", NOTES)
def test_course_notes(name: str) -> None:
    output, params, size, stride = NOTES[name]
    report = cnncalc.load(name).summary()
    assert report.totals.output == [output]
    assert report.totals.params == params
    field = report.to_dict()["layers"][-1]["receptive_field"]
    assert set(field["size"]) == {size}
    assert set(field["stride"]) == {stride}
