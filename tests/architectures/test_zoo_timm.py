"""The bundled networks against timm's models (see tests/data/timm), torchvision's transformers and authors' code."""

from __future__ import annotations

import csv
from collections import Counter
from math import prod
from pathlib import Path

import pytest
from sampling import some

import cnncalc

DATA = Path(__file__).parents[1] / "data"


def table(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


NAMES = {
    "coatnet_0_224": "coatnet_0",
    "deit_tiny_patch16_224": "deit_tiny",
    "deit_small_patch16_224": "deit_small",
    "deit_base_patch16_224": "vit_b_16",
    "deit_tiny_distilled_patch16_224": "deit_tiny_distilled",
    "skresnext50_32x4d": "sknet50",
    "cait_xxs24_224": "cait_xxs24",
    "xcit_tiny_12_p16_224": "xcit_tiny_12_p16",
    "mixer_s16_224": "mixer_s16",
    "mixer_b16_224": "mixer_b16",
    "gmlp_s16_224": "gmlp_s16",
}
"""What timm calls otherwise."""
TIMM = table(DATA / "timm" / "totals.csv")
MEASURED: dict[str, Counter[tuple[int, ...]]] = {}
"""By model, how often a layer with these channels, positions, parameters and multiply-accumulates is called."""
for _row in table(DATA / "timm" / "layers.csv") + table(DATA / "sources" / "layers.csv"):
    _figures = tuple(int(_row[key]) for key in ("channels", "positions", "params", "macs"))
    MEASURED.setdefault(_row["name"], Counter())[_figures] = int(_row["calls"])
TORCHVISION = table(DATA / "torchvision" / "transformers.csv")
SOURCES = table(DATA / "sources" / "totals.csv")


@pytest.mark.every
@pytest.mark.parametrize("row", some([*TIMM, *SOURCES, *TORCHVISION], each=3), ids=lambda row: row["name"])
def test_totals_and_layers(row: dict[str, str]) -> None:
    """Parameters, running statistics, and multiply-accumulates with those of products of tensors told apart; and
    channels, positions, parameters and multiply-accumulates of all convolutions and linear layers, in any order."""
    found = cnncalc.load(NAMES.get(row["name"], row["name"])).summary()
    products = found.total("product_macs") or 0
    assert (row["input"], found.total("params"), found.total("state")) == (
        "x".join(map(str, found.graph.inputs[0][1])),
        int(row["params"]),
        int(row["running_statistics"]),
    )
    assert (found.total("macs") - products, products) == (int(row["weighted_macs"]), int(row["product_macs"]))
    if row["name"] in MEASURED:
        operations = [node.operation for node in found.graph.nodes if node.kind in ("conv", "depthwise_conv", "linear")]
        computed = Counter(
            (
                operation.output[0],
                prod(operation.output[1:]),
                sum(prod(weight.shape) for weight in operation.weights),
                operation.macs or 0,
            )
            for operation in operations
        )
        assert computed == MEASURED[row["name"]]


def test_the_tables_are_whole() -> None:
    assert len(TORCHVISION) == 17
    assert len(SOURCES) == 16
    assert len(TIMM) + len(SOURCES) == len(MEASURED) >= 80


def test_the_encoder_of_segnet_is_that_of_vgg16() -> None:
    """torchvision's vgg16_bn().features: 14,723,136 parameters, in 13 convolutions and their normalisations."""
    network = cnncalc.load("segnet")
    rows = list(zip(network.graph.nodes, network.summary().values("params")))
    pool = network.graph.find("pool5").tensor
    assert sum(params or 0 for node, params in rows if node.number < pool) == 14_723_136
