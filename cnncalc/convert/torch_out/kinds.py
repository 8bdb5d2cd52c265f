"""Every layer kind in PyTorch's terms: the one table of them, out of those of the families.

This station knows one node at a time; where it stands, and what it is called, it does not.
"""

from __future__ import annotations

from cnncalc.convert.torch_out.attention import ATTENTION
from cnncalc.convert.torch_out.leaf import Leaf, Writer, refuse
from cnncalc.convert.torch_out.moving import MOVING
from cnncalc.convert.torch_out.normalising import NORMALISING
from cnncalc.convert.torch_out.pointwise import POINTWISE
from cnncalc.convert.torch_out.sliding import SLIDING
from cnncalc.graph import Node

KINDS: dict[str, Writer] = {**SLIDING, **NORMALISING, **POINTWISE, **MOVING, **ATTENTION}


def describe(node: Node, apart: bool = False) -> Leaf:
    """A node in PyTorch's terms, with padding as a step of its own where `apart`; raises `SpecError` for what PyTorch
    cannot say."""
    made = KINDS.get(node.kind)
    if made is None:
        raise refuse(node, f"`{node.kind}` has no counterpart in PyTorch")
    leaf = made(node, apart)
    if node.frozen and leaf.module:
        leaf = leaf._replace(frozen=bool(node.operation.weights))
    return leaf
