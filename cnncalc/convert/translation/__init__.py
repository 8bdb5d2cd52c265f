"""Operators -> rows, one module per family; `TRANSLATIONS` is the table of all that have a layer kind.

An operator that is not in it is opaque.
"""

from __future__ import annotations

from cnncalc.convert.building import Translate
from cnncalc.convert.translation.attention import ATTENTION
from cnncalc.convert.translation.dense import DENSE
from cnncalc.convert.translation.moving import MOVING
from cnncalc.convert.translation.normalising import NORMALISING
from cnncalc.convert.translation.parts import PARTS
from cnncalc.convert.translation.pointwise import POINTWISE
from cnncalc.convert.translation.resampling import RESAMPLING
from cnncalc.convert.translation.sliding import SLIDING

FAMILIES = (SLIDING, DENSE, ATTENTION, NORMALISING, POINTWISE, MOVING, PARTS, RESAMPLING)

TRANSLATIONS: dict[str, Translate] = {kind: translate for family in FAMILIES for kind, translate in family.items()}
