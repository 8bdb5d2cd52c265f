"""How fast cnncalc is, as ratios within one run: ``make bench``.

Every ratio is the median of pairs that are timed one right after the other, so that a busy machine slows both.
Processes are timed from outside; rows that need `onnx` are left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cnncalc.language.library import find, load_file
from cnncalc.network import build

ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "cnncalc", "compare", "resnet50", "--over", "size=32..512..1"]
FLOOR = ["-c", "import typer, yaml, rich.console, rich.table"]
CHAIN = "input: [8, 32, 32]\nlayers:\n"
GROUP = "  - {layers: [{conv: 8, kernel: 3, padding: 1}, relu], repeat: %d}\n"
ONNX = """
import sys
import onnx
model = onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1]))
assert len(model.graph.value_info) >= 9_999
"""
INFERRED = """
import sys
import onnx
onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1], load_external_data=False))
"""
KERAS = ROOT / "tests" / "data" / "convert" / "keras" / "resnet50.keras"
MEMORY = 80
"""MiB that the summary of an ONNX file of ResNet-50 may take."""

Times = tuple[float, float]


def process(*arguments: str) -> float:
    """The seconds that a Python process takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def environment() -> dict[str, str]:
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    found.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling anew each time is not what is measured
    return found


def peak(*arguments: str) -> float:
    """The most memory that a Python process takes, in MiB."""
    with subprocess.Popen([sys.executable, *arguments], env=environment(), stdout=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    return usage.ru_maxrss / 1024


def pairs(first: Callable[[], float], second: Callable[[], float], count: int) -> Times:
    """The median of the ratios first/second, and that of the first's seconds; each pair after a warm-up."""
    first(), second()
    timed = []
    for turn in range(count):
        if turn % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        timed.append((a, b))
    return statistics.median(a / b for a, b in timed), statistics.median(a for a, _ in timed)


def chain(folder: Path, layers: int) -> list[str]:
    """The command on a chain of so many layers."""
    path = folder / f"chain{layers}.yaml"
    groups, turns = (1, layers // 2) if layers <= 20_000 else (layers // 10_000, 5_000)
    path.write_text(CHAIN + GROUP % turns * groups, encoding="utf-8")
    return ["-m", "cnncalc", "shapes", str(path), "--format", "json"]


def onnx_chain(folder: Path) -> list[str]:
    """The same chain of 10,000 layers for ONNX's shape inference (C++), as a command."""
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, last = [], "x"
    for number in range(5_000):
        pads = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        nodes.append(helper.make_node("Conv", [last, "w", "b"], [f"c{number}"], **pads))
        nodes.append(helper.make_node("Relu", [f"c{number}"], [f"r{number}"]))
        last = f"r{number}"
    weights = [("w", numpy.zeros((8, 8, 3, 3), numpy.float32)), ("b", numpy.zeros(8, numpy.float32))]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 32, 32])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, 8, 32, 32])],
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    path = folder / "chain.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return ["-c", ONNX, str(path)]


def resnet50() -> tuple[float, float, float]:
    """The seconds of a spec from its text to a parsed file, from that to a graph, and from that to all quantities."""
    path, variant = find("resnet50")
    best = [float("inf")] * 3
    for _ in range(10):
        begun = time.perf_counter()
        file = load_file(path)
        read = time.perf_counter()
        network = build(file, variant)
        built = time.perf_counter()
        network.summary().to_dict()
        spent = (read - begun, built - read, time.perf_counter() - built)
        best = [min(pair) for pair in zip(best, spent)]
    return best[0], best[1], best[2]


def onnx_network(folder: Path) -> tuple[Path, Path]:
    """ResNet-50 as an ONNX file, and another whose weights are in a file that is not there."""
    import onnx

    whole, parted = folder / "resnet50.onnx", folder / "parted.onnx"
    process("-m", "cnncalc", "export", "resnet50", "--to", "onnx", "-o", str(whole))
    onnx.save(onnx.load(whole), parted, save_as_external_data=True, location="weights.bin")
    (folder / "weights.bin").unlink()
    return whole, parted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="pairs for the small rows; the large take a third")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a target is missed")
    options = parser.parse_args()
    few = max(3, options.pairs // 3)
    missed = 0
    print(f"{'what':<52} {'ratio':>7} {'target':>7} {'seconds':>8}")

    def row(what: str, first: list[str], second: list[str], target: float, count: int) -> None:
        nonlocal missed
        ratio, seconds = pairs(lambda: process(*first), lambda: process(*second), count)
        missed += ratio > target
        print(f"{what:<52} {ratio:>7.2f} {target:>7.2f} {seconds:>8.3f}{'' if ratio <= target else '  missed'}")

    shapes, summary = (["-m", "cnncalc", *words.split()] for words in ("shapes vgg16", "summary resnet50"))
    row("shapes vgg16 / importing typer, yaml and rich", shapes, FLOOR, 1.15, options.pairs)
    row("summary resnet50 / importing typer, yaml and rich", summary, FLOOR, 1.15, options.pairs)
    row("a Keras config of ResNet-50 / summary resnet50", ["-m", "cnncalc", "summary", str(KERAS)], summary, 2.0, few)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if importlib.util.find_spec("onnx"):
            for what, path in zip(("resnet50.onnx", "the same without weights"), onnx_network(folder)):
                command = ["-m", "cnncalc", "summary", str(path)]
                row(f"summary {what} / ONNX inference", command, ["-c", INFERRED, str(path)], 0.9, few)
            used = peak("-m", "cnncalc", "summary", str(folder / "resnet50.onnx"))
            missed += used > MEMORY
            print(f"{'summary resnet50.onnx, memory in MiB':<52} {used:>7.0f} {MEMORY:>7}")
        else:
            print(f"{'summary resnet50.onnx / ONNX inference':<52} {'-':>7} {0.9:>7.2f}        -  onnx is missing")
        ten = chain(folder, 10_000)
        if importlib.util.find_spec("onnx") and importlib.util.find_spec("numpy"):
            row("10,000 layers, shapes as JSON / ONNX inference", ten, onnx_chain(folder), 0.85, few)
        else:
            print(f"{'10,000 layers, shapes as JSON / ONNX inference':<52} {'-':>7} {0.85:>7.2f}  onnx is missing")
        row("100,000 layers / 10,000 layers", chain(folder, 100_000), ten, 12.0, few)
    took = min(process(*SWEEP) for _ in range(3))
    print(f"\n481 settings of ResNet-50: {481 / took:,.0f} a second, start-up included")
    reading, building, measuring = resnet50()
    print(
        f"ResNet-50 in units of reading its file ({1_000 * reading:.1f} ms): "
        f"{building / reading:.2f} to build, {measuring / reading:.2f} to measure it wholly"
    )
    return 1 if missed and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
