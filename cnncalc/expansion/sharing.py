"""`share` and `learned`: whose weights the layers of a step use, and whether they are learned."""

from __future__ import annotations

from cnncalc.expansion.registry import Registry
from cnncalc.expansion.scope import Where
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Node
from cnncalc.language.model import Step, Value
from cnncalc.layers.types import show


def settle_weights(step: Step, registry: Registry, first: int, where: Where) -> None:
    """Apply a step's `learned` and `share` to the nodes from `first` on; raises `SpecError`."""
    made = [node for node in registry.graph.nodes[first:] if node.operation.weights]
    if step.learned is not None:
        _freeze(step.learned, made, where)
    if step.share is not None and (step.shares is None or where.truth(step.shares)):
        text = where.fill(step.share)
        owners = registry.weighted(text, step.share, first, where)
        if step.repeat is not None and owners and len(made) % len(owners) == 0:
            owners = owners * (len(made) // len(owners))  # every turn shares the same layers
        _pair(step, made, owners, text, where)


def share_parts(made: list[list[Node]]) -> None:
    """Let the layers of every further part use the weights of the first part's."""
    for part in made[1:]:
        for node, owner in zip(part, made[0]):
            if node.operation.weights:
                node.shares = owner.shares or owner


def _freeze(learned: Value, made: list[Node], where: Where) -> None:
    value = where.evaluate(learned)
    if not isinstance(value, bool):
        raise where.fail_at(learned, "wrong-type", f"`learned` is true or false, got `{show(value)}`")
    for node in made:
        node.frozen = node.frozen or not value


def _pair(step: Step, made: list[Node], owners: list[Node], text: str, where: Where) -> None:
    """Let every node use the weights of its owner, in order of appearance."""
    assert step.share is not None
    if len(made) != len(owners):
        message = f"`{text}` has {len(owners)} layers with weights, this step {len(made)}"
        raise where.fail(step.share.span, "share", message, "shared layers have equal weights in equal order")
    for node, owner in zip(made, owners):
        mine = [(weight.name, weight.shape) for weight in node.operation.weights]
        theirs = [(weight.name, weight.shape) for weight in owner.operation.weights]
        if mine != theirs:
            message = (
                f"`{node.name}` cannot use the weights of `{owner.name}`: {_listed(mine)} against {_listed(theirs)}"
            )
            raise where.fail(step.share.span, "share", message, "shared layers have weights of equal shapes")
        node.shares = owner.shares or owner


def _listed(weights: list[tuple[str, Shape]]) -> str:
    return ", ".join(f"{name} {dims(shape)}" for name, shape in weights)
