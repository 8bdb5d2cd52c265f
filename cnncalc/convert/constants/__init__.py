"""Arithmetic on what is known without running the network: shapes, indices, scalars, and where weights come from.

An operator whose operands are all known is evaluated away.  Nothing here knows a layer kind or a graph.
"""

from __future__ import annotations

from cnncalc.convert.constants.arithmetic import ARITHMETIC
from cnncalc.convert.constants.evaluator import Evaluate
from cnncalc.convert.constants.rearranging import REARRANGING

EVALUATED: dict[str, Evaluate] = {**ARITHMETIC, **REARRANGING}
