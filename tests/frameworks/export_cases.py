"""Networks to export, and what the reference executor computes for them: for the proofs in other engines."""

from __future__ import annotations

import random
from math import isfinite, prod

from executor.strategies import QUICK, single
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.test_reference import BEFORE

import cnncalc
from cnncalc.convert.weights import source
from cnncalc.executor.algebras import Floats
from cnncalc.executor.data import Weights
from cnncalc.executor.machine import Machine, Tensor, run
from cnncalc.graph import Graph
from cnncalc.layers import KINDS

KNOWN = [kind for kind in KINDS if kind != "opaque"]
SMALL = ("[64, 8, 8]", "[64, 9]", "[64, 4, 4, 4]", "[40]", "[256, 7, 7]")
"""Inputs of which an example fits one at least, small enough for plain Python."""


def singles(count: int) -> list[Graph]:
    """So many networks of a single layer that nobody chose, the same ones every time."""
    found: list[Graph] = []

    @settings(QUICK, max_examples=count, database=None)
    @given(st.sampled_from(KNOWN).flatmap(single))
    def collect(graph: Graph) -> None:
        graph.outputs = [("result", len(graph.shapes) - 1)]
        found.append(graph)

    collect()
    return found


def examples() -> list[tuple[str, Graph]]:
    """The example of every kind in the reference, on the first input that it fits at a size for plain Python."""
    found = []
    for kind in KNOWN:
        example = KINDS[kind].example or kind
        if KINDS[kind].joins:
            example = f"{{{example}}}"
        for shape in SMALL:
            text = f"input: {shape}\nlayers:\n{BEFORE.get(kind, '')}  - {example}\n"
            try:
                graph = cnncalc.loads(text).graph
            except cnncalc.SpecError:
                continue
            found.append((f"{kind} on {shape}", graph))
            if kind == "reshape":
                break
    assert {name.partition(" ")[0] for name, _ in found} == set(KNOWN)
    return found


def drawn_inputs(graph: Graph, seed: int = 1) -> list[Tensor]:
    """A tensor for every input, of numbers around 0."""
    generator = random.Random(seed)
    return [Tensor(shape, [generator.gauss(0, 1) for _ in range(prod(shape))]) for _, shape in graph.inputs]


def weights(graph: Graph, seed: int = 0) -> Weights:
    """Weights drawn as ``run`` and the exports draw them."""
    return source(graph, None, seed)


def reference(graph: Graph, inputs: list[Tensor], seed: int = 0) -> list[Tensor]:
    """What leaves the network according to the reference executor."""
    values = dict(enumerate(inputs))
    wanted = {tensor for _, tensor in graph.outputs}
    for node, tensor in run(graph, Machine(Floats(), weights(graph, seed)), inputs):
        if node.number in wanted:
            values[node.number] = tensor
    return [values[tensor] for _, tensor in graph.outputs]


def finite(tensors: list[Tensor]) -> bool:
    """Whether engines can agree: a window that reads padding alone has no mean."""
    return all(isfinite(value) for tensor in tensors for value in tensor.data)
