"""Steps under a condition: those that made a layer are alive, however the layer came to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPEC = """\
input: [4, 8, 8]
args: {k: 1}
blocks:
  one: {layers: [relu]}
  two: {layers: [{one, if: x.channels > 0}]}
layers:
  - relu
  - %s
"""


@pytest.mark.parametrize(
    ("step", "dead"),
    [
        ("{relu, if: k > 0}", False),
        ("{relu, if: k > 1}", True),
        ("{two, if: k > 0}", False),
        ("{two, if: k > 1}", True),
        ("{two, if: i > 0, repeat: 2}", False),
        ("{two, if: i > 1, repeat: 2}", True),
        ("{layers: [{two, if: k > 0}]}", False),
        ("{layers: [{two, if: k > 1}]}", True),
        ("{layers: [two], if: k > 0}", False),
        ("{layers: [two], if: k > 1}", True),
        ("{for: j, in: 3, layers: [{two, if: j > 1}]}", False),
        ("{for: j, in: 3, layers: [{two, if: j > 2}]}", True),
        ("{add: [[two], {x, if: k > 0}]}", False),
        ("{add: [[{two, if: k > 0}], x]}", False),
        ("{add: [[{two, if: k > 1}], x]}", True),
        ("{conv: 4, kernel: 1, norm: batch, act: relu, if: k > 0}", False),
        ("{separable_conv: 4, kernel: 1, if: k > 0}", False),
    ],
)
def test_a_step_whose_condition_is_never_true(step: str, dead: bool, run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC % f"{step}\n  - two")
    done = run("check", str(path))
    found = re.findall(r"^warning\[dead-branch\].*\n +--> .*:(\d+):", done.out, re.MULTILINE)
    assert found == (["8"] if dead else []), done.out
