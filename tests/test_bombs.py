"""Specs that are made to hang or to fill the memory: an answer, or an error with a place, within seconds.

The seconds are of the processor, so that a busy machine fails nothing, and generous: at most a third of them is needed.
A tenth of the steps that a network may have by default is allowed, which takes a tenth of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[1]
SECONDS = 5
MEBIBYTES = 400


def doubling(first: str) -> str:
    """Thirty blocks, each of which calls the one before twice: 2**29 calls."""
    blocks = "".join(f"  b{n}: {{layers: [b{n - 1}, b{n - 1}]}}\n" for n in range(1, 30))
    return f"input: [1, 8]\nblocks:\n  b0: {{layers: [{first}]}}\n{blocks}layers: [b29]\n"


def chained(form: str) -> str:
    """Sixty arguments, each made of the one before."""
    arguments = "".join(f"  a{n}: {form.format(n - 1)}\n" for n in range(1, 60))
    return f"input: [1, 8]\nargs:\n  a0: [1, 2]\n{arguments}layers: [relu]\n"


def chain(*steps: str, shape: str = "[1, 8]") -> str:
    return f"input: {shape}\nlayers:\n" + "".join(f"  - {step}\n" for step in steps)


BOMBS = {
    "brackets": "[" * 5_000,
    "aliases": "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)),
    "power": chain("{conv: 9**9**9, kernel: 1}"),
    "long numbers": chain("{conv: " + "*".join(["10**70"] * 100) + ", kernel: 1}"),
    "repeat": chain("{relu, repeat: 10**12}"),
    "nested repeats": chain("{layers: [{layers: [{relu, repeat: 9999}], repeat: 9999}], repeat: 9999}"),
    "recursion": "input: [1, 8]\nblocks: {a: {layers: [b]}, b: {layers: [a]}}\nlayers: [a]\n",
    "doubling blocks": doubling("relu"),
    "doubling skipped blocks": doubling("{relu, if: false}"),
    "doubling lists": chained("a{0} + a{0}"),
    "nested lists": chained("[a{0}, a{0}]"),
    "squared numbers": chained("a{0} * a{0}").replace("[1, 2]", "3"),
    "attribute": chain("{conv: x.__class__.__mro__, kernel: 1}"),
    "imports": "import: {a: ../../../../etc/hosts}\ninput: [1, 8]\nlayers: [a.b]\n",
    "range": chain('{for: k, in: "range(10**18)", layers: [relu]}'),
    "transposed kernel": chain("{conv_transpose: 1, kernel: 10**9}"),
    "transposed kernel and stride": chain("{conv_transpose: 1, kernel: 10**6, stride: 60000}"),
    "long periods": chain("{upsample: 251}", "{upsample: 257}", "{conv: 1, kernel: 65000}", shape="[1, 10**6]"),
    "adaptive": chain("{adaptive_avg_pool: 65536}", "{conv: 1, kernel: 65535, padding: half}", shape="[1, 65537]"),
    "sums": chain('{for: k, in: 9000, layers: [{relu, if: "sum(range(30000)) > k"}]}'),
    "members": chain('{for: k, in: 9000, layers: [{relu, if: "k in range(29000)"}]}'),
    "long names": "input: [1, 8]\nargs: {a: aaaaaaaaaaaaaaaaaaaaaaaaa}\nlayers: [{relu, repeat: 10000, name: "
    + "$a" * 2_000
    + "$i}]\n",
    "many branches": chain("{concat: [{for: k, in: 9000, layers: [relu]}]}", "{concat: [" + "relu1, " * 8_000 + "x]}"),
    "many mistakes": chain(*(f"relu{n}" for n in range(20_000))),
    "many keys": "input: [1, 8]\nargs:\n" + "".join(f"  a{n}: {n}\n" for n in range(20_000)) + "layers: [relu]\n",
    "open flow": chain("{relu, " * 60) + "\n" * 100_000,
}

RUN = f"""
import os, resource, sys
from cnncalc.cli import main
for path in sys.stdin:
    path = path.rstrip()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
        sys.argv = ["cnncalc", "summary", path, "--max-steps", "20000"]
        sys.stderr = open(path + ".messages", "w", encoding="utf-8")
        try:
            main()
        finally:
            sys.stderr.flush()
    _, status, used = os.wait4(child, 0)
    print(os.waitstatus_to_exitcode(status), used.ru_maxrss, file=sys.stderr, flush=True)
"""


@pytest.fixture(scope="module")
def program() -> Iterator[subprocess.Popen[str]]:
    """A process that has loaded the command line, and runs each spec that it reads the path of in a child of its own:
    writes the exit code and the peak of the memory in KiB."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        yield started


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of the memory is read as Linux gives it, in KiB")
@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name: str, tmp_path: Path, program: subprocess.Popen[str]) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[name], encoding="utf-8")
    assert program.stdin is not None
    assert program.stderr is not None
    program.stdin.write(f"{path}\n")
    program.stdin.flush()
    code, peak = map(int, program.stderr.readline().split())
    assert code in (0, 1), f"{code} is not 0 or 1: killed after {SECONDS} seconds, or a bug"
    assert peak < MEBIBYTES * 1024
    messages = path.with_suffix(".yaml.messages").read_text(encoding="utf-8")
    assert "Traceback" not in messages
    assert len(messages) < 100_000
    if code:
        assert "bomb.yaml:" in messages
