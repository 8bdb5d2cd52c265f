"""Receptive fields against the table of Araujo, Norris and Sim (see `data/slim/README.md`).

The bundled networks stand in where they are slim's; the others are in `data/slim`.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from sampling import together

import cnncalc

DATA = Path(__file__).parents[1] / "data" / "slim"
BUNDLED = {
    "vgg_16": "vgg16",
    "mobilenet_v1": "mobilenet_v1",
    "mobilenet_v1_075": "mobilenet_v1_075",
    "inception_v4": "inception_v4",
    "inception_resnet_v2": "inception_resnet_v2",
}
Field = tuple[int, int, int]
"""Size, stride and effective padding."""

with open(DATA / "receptive_fields.csv", newline="", encoding="utf-8") as file:
    TABLE = list(csv.DictReader(file))

# More rows of the same table: (size, stride, padding) by end point.
MOBILENET_V1_POINTWISE = [  # Conv2d_1_pointwise to Conv2d_13_pointwise, at 224
    (7, 2, 2),
    (11, 4, 2),
    (19, 4, 6),
    (27, 8, 6),
    (43, 8, 14),
    (59, 16, 14),
    (91, 16, 30),
    (123, 16, 46),
    (155, 16, 62),
    (187, 16, 78),
    (219, 16, 94),
    (251, 32, 94),
    (315, 32, 126),
]
RESNET_V1_50_BLOCKS = [(35, 8, 15), (99, 16, 47), (291, 32, 143), (483, 32, 239)]  # at 224
INCEPTION_RESNET_V2 = {  # at 321
    "MaxPool_5a_3x3": (31, 8, 2),
    "Mixed_5b": (63, 8, 18),
    "Mixed_6a": (415, 16, 186),
    "Block17_19": (2335, 16, 1146),  # PreAuxLogits in slim
    "Mixed_7a": (2399, 32, 1162),
    "Conv2d_7b_1x1": (3039, 32, 1482),
}


@cache
def fields(network: str, resolution: int) -> dict[str, tuple[Field, ...]]:
    """The field on each axis, by every name that a layer's result has."""
    if network in BUNDLED:
        spec, variant = BUNDLED[network], None
    elif network.startswith("resnet_v1"):
        spec, variant = str(DATA / "resnet_v1.yaml"), network
    else:
        spec, variant = str(DATA / f"{network}.yaml"), None
    report = cnncalc.load(spec, variant, inputs=(3, resolution, resolution)).receptive_field().to_dict()
    found: dict[str, tuple[Field, ...]] = {}
    for layer in report["layers"]:
        field = layer["receptive_field"]
        axes = tuple(
            (size, stride, -start) for size, stride, start in zip(field["size"], field["stride"], field["start"])
        )
        found |= dict.fromkeys((layer["name"], *layer["names"]), axes)
    return found


def pointwise(found: dict[str, tuple[Field, ...]]) -> list[tuple[Field, ...]]:
    return [axes for name, axes in found.items() if name.endswith(".pointwise")]


def both(field: Field) -> tuple[Field, Field]:
    """The same on height and width."""
    return field, field


@together("row", TABLE, lambda row: f"{row['network']}-{row['end_point'].rpartition('/')[2]}")
def test_slim(row: dict[str, str]) -> None:
    found = fields(row["network"], int(row["resolution"]))
    end_point = row["end_point"].rpartition("/")[2]
    mobile = re.fullmatch(r"Conv2d_(\d+)_pointwise", end_point)
    computed = pointwise(found)[int(mobile[1]) - 1] if mobile else found[end_point]
    assert computed == both((int(row["size"]), int(row["stride"]), int(row["padding"])))


def test_mobilenet_v1_layer_by_layer() -> None:
    assert pointwise(fields("mobilenet_v1", 224)) == list(map(both, MOBILENET_V1_POINTWISE))


def test_resnet_v1_50_block_by_block() -> None:
    found = fields("resnet_v1_50", 224)
    assert [found[f"block{k}"] for k in (1, 2, 3, 4)] == list(map(both, RESNET_V1_50_BLOCKS))


def test_inception_resnet_v2_by_end_point() -> None:
    found = fields("inception_resnet_v2", 321)
    assert {name: found[name] for name in INCEPTION_RESNET_V2} == {
        name: both(field) for name, field in INCEPTION_RESNET_V2.items()
    }
