"""The README's network from text to training runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[2] / "README.md"


def test_from_text_to_training() -> None:
    (block,) = re.findall(r"```python\n(import cnncalc, torch\n.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["loss"].item() > 0
    assert all(parameter.grad is not None for parameter in names["model"].parameters())
