"""What memory asks of a layer kind: whose buffer its result has, and what it keeps for the backward pass.

PyTorch's autograd is the reference for what is kept, with activations taken as out of place: that is what ones in
place amount to.  It was measured kind by kind (tests/data/memory).
"""

from __future__ import annotations

from cnncalc.geometry import Reach, Shape, Window, elements
from cnncalc.records import NamedTuple

OWN = "own"
"""The result has a buffer of its own."""
VIEW = "view"
"""The result is the input in another form, in the input's buffer; one that keeps something computes in training."""
IN_PLACE = "in place"
"""Each element depends on the input's element at its own place, so it may be written over that."""


class Kept(NamedTuple):
    """What a layer holds from its forward pass until its backward pass."""

    tensors: tuple[str, ...] = ()
    """`input` (the first), `inputs`, `output`, or `factors`: inputs multiplied with one that needs a gradient."""
    numbers: int = 0
    """Further numbers of a sample, in the activations' type."""
    bytes: int = 0
    """Further bytes of a sample, whatever the type."""
    once: int = 0
    """Further bytes, however many samples there are."""
    for_weights: bool = False
    """Whether all of it serves the gradient of the weights alone, so that fixed ones keep nothing."""


INPUT = Kept(("input",))


def kept_by_windows(reach: Reach, shape: Shape, border: str = "zeros") -> Kept:
    """What a layer keeps that slides over its padded input of this shape.

    Symmetric zeros are padded on the way.  Where the sides differ, a copy with the difference added is kept in place
    of the input; a padding of other values is a copy of its own, beside the input that it is made from but for a
    circle.
    """
    assert isinstance(reach, tuple), "it slides"
    pads = [(axis.before, axis.after) if isinstance(axis, Window) else (0, 0) for axis in reach]
    if border != "zeros":
        if not any(map(any, pads)):
            return INPUT
        copy = shape[0] * elements(tuple(size + sum(pad) for size, pad in zip(shape[1:], pads)))
        return Kept(() if border == "circular" else ("input",), numbers=copy)
    added = [abs(before - after) for before, after in pads]
    if not any(added):
        return INPUT
    return Kept(numbers=shape[0] * elements(tuple(size + more for size, more in zip(shape[1:], added))))
