"""The bundled networks against timm's models (see tests/data/timm), and torchvision's transformers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

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
}
"""What timm calls otherwise."""
LEFT_OUT = ("deit_base_distilled_patch16_224", "deit_tiny_distilled_patch16_224")
TIMM = [row for row in table(DATA / "timm" / "totals.csv") if row["name"] not in LEFT_OUT]
TORCHVISION = table(DATA / "torchvision" / "transformers.csv")


@pytest.mark.parametrize("row", [*TIMM, *TORCHVISION], ids=lambda row: row["name"])
def test_totals(row: dict[str, str]) -> None:
    """Parameters, running statistics, and multiply-accumulates with those of products of tensors told apart."""
    found = cnncalc.load(NAMES.get(row["name"], row["name"])).summary()
    products = found.total("product_macs") or 0
    assert (row["input"], found.total("params"), found.total("state")) == (
        "x".join(map(str, found.graph.inputs[0][1])),
        int(row["params"]),
        int(row["running_statistics"]),
    )
    assert (found.total("macs") - products, products) == (int(row["weighted_macs"]), int(row["product_macs"]))


def test_the_tables_are_whole() -> None:
    assert len(TORCHVISION) == 17
    assert len(TIMM) >= 18


def test_the_encoder_of_segnet_is_that_of_vgg16() -> None:
    """torchvision's vgg16_bn().features: 14,723,136 parameters, in 13 convolutions and their normalisations."""
    network = cnncalc.load("segnet")
    rows = list(zip(network.graph.nodes, network.summary().values("params")))
    pool = network.graph.find("pool5").tensor
    assert sum(params or 0 for node, params in rows if node.number < pool) == 14_723_136
