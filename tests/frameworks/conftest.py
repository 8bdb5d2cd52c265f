"""What needs a deep-learning framework: run by ``make test-frameworks`` in an environment that has them.

Where PyTorch is not installed, nothing here is collected, so that ``make test`` stays light.
"""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]
