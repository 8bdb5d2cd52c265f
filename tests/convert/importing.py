"""What comes in, as texts to be compared with golden ones: the flat spec, and the account or the error."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from itertools import cycle
from pathlib import Path
from typing import Any

from convert.damaging import archive
from convert.exporting import Counted, kinds
from convert.networks import NETWORKS, REFUSED, network

import cnncalc
from cnncalc.convert import Imported, read_model
from cnncalc.convert.onnx import read_bytes
from cnncalc.convert.onnx_out.model import model
from cnncalc.convert.spec_text import flat
from cnncalc.graph import Graph

GOLDEN = Path(__file__).parents[1] / "golden" / "imports"
FILES = Path(__file__).parents[1] / "data" / "convert"
SOURCES = {
    "onnx": sorted(FILES.glob("*.onnx")),
    "torch": sorted((FILES / "torch").glob("*.pt2")),
    "keras": [path for path in sorted((FILES / "keras").iterdir()) if path.stem != "facts" and path.suffix != ".py"],
}
"""The files of each format, which the formats' own tests compare with what their frameworks say."""


def attempt(read: Callable[[str], Imported], source: str) -> Imported | str:
    """What a source gives, or the text of its errors."""
    try:
        return read(source)
    except cnncalc.SpecError as error:
        return "".join(f"{each.code}: {each.message}\n  at {each.span}\n  {each.help}\n" for each in error.diagnostics)


def told(read: Callable[[str], Imported], source: str) -> str:
    """What a source gives as a text."""
    found = attempt(read, source)
    return found if isinstance(found, str) else accounted(found)


def accounted(found: Imported) -> str:
    """The flat spec, and what the account says."""
    graph, account = found
    lines = [account.sentence, f"compared: {account.compared}, nodes: {account.nodes}", *account.notes]
    lines += [f"{each.code}: {each.message} {each.help}" for each in account.failures()]
    lines += [f"{tensor}: {role}" for tensor, role in sorted(account.roles.items())]
    lines += [f"{place} is {row}" for place, row in account.names.items() if place != row]
    unknown = [
        f"{node.name}: {', '.join(node.operation.layer.unknown)}" for node in graph.nodes if node.kind == "opaque"
    ]
    frozen = [f"{node.name} is not trained" for node in graph.nodes if node.frozen]
    return flat(graph) + "".join(f"# {line}\n" for line in (*lines, *unknown, *frozen))


def files(format: str) -> Iterator[tuple[str, str]]:
    """What each file of a format gives, by its name."""
    for path in SOURCES[format]:
        with chdir(path.parent):  # sources are called as they are given
            text = told(read_model, path.name)
        yield path.name, text


def saved(format: str, folder: Path) -> Iterator[tuple[str, str]]:
    """What a framework saved of an export of each network, read; fails where whole accounts count other weights."""
    with zipfile.ZipFile(FILES / f"exported_{format}.zip") as file:
        counts = json.loads(file.read("counts.json"))
        for name, count in counts.items():
            path = folder / ("network.json" if format == "keras" else "network.pt2")
            text = file.read(f"{name}.json")
            if format == "keras":
                path.write_bytes(text)
            else:
                archive(path, text, "network/models/model.json", 1)
            with chdir(folder):
                found = attempt(read_model, path.name)
            if isinstance(found, Imported) and found.account.is_whole and not found.account.opaque:
                held = found.account.parameters + (found.account.state if format == "keras" else 0)
                assert held == count, name
            yield name, found if isinstance(found, str) else accounted(found)


def and_back() -> Iterator[tuple[str, str]]:
    """What the export to ONNX of each network gives when it is read: the same network, or one in other words."""
    opsets = cycle((17, 13, 23, 18))
    for name, graph in [*kinds(), *((name, network(name)) for name in (*NETWORKS, *REFUSED))]:
        opset = next(opsets)

        def read(source: str, graph: Graph = graph, opset: int = opset) -> Imported:
            return read_bytes(model(graph, Counted(graph), opset).SerializeToString(), source, None)

        found = attempt(read, "network.onnx")
        same = isinstance(found, Imported) and computing(found.graph) == computing(graph)
        text = found if isinstance(found, str) else accounted(found)
        yield f"{name}, opset {opset}", "the same network\n" if same else text


def computing(graph: Graph) -> list[Any]:
    """What each row is, takes and gives; paddings by what they make the windows read."""
    found = []
    for node in graph.nodes:
        layer, operation = node.operation.layer, node.operation
        given = {name: getattr(layer, name) for name in layer.fields if name != "padding"}
        figures = (operation.inputs, operation.output, operation.reach, operation.macs)
        found.append((node.kind, node.inputs, given, figures, [each.shape for each in operation.weights]))
    return found
