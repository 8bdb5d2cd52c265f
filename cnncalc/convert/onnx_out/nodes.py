"""What each layer kind is in ONNX: one function per kind or family, in the table `WRITERS`.

A function adds operators to the `Writer`; the last one is the layer's row.  Windows come from the layer's reach, their
padding resolved.  What an operator cannot say is said by others together: borders by `Gather`, means over uneven
windows by a product with a matrix of shares.
"""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.convert.onnx_out.attention import ATTENTION
from cnncalc.convert.onnx_out.moving import MOVING
from cnncalc.convert.onnx_out.normalising import NORMALISING
from cnncalc.convert.onnx_out.pointwise import POINTWISE
from cnncalc.convert.onnx_out.sliding import SLIDING

WRITERS: dict[str, Callable[..., object]] = {**SLIDING, **NORMALISING, **POINTWISE, **MOVING, **ATTENTION}
"""By kind; `opaque` has no place here, and `separable_conv` is two rows of other kinds."""
