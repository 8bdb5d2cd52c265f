"""The weights of a graph: where their values come from, and what they are called in files.

What this module offers to the exports and to ``run``:

- `slots(graph)`: every tensor of weights that the network owns, in the order of the rows (a `Slot` is a node and one
  of its `Weight`s; layers that share have none of their own);
- `source(graph, path, seed)`: the executor's `Weights` from a file (JSON as ``run --weights`` reads it, or
  safetensors), the rest drawn from the seed: ``source(...)(node, name, shape)`` gives a tensor's values, flat and
  row-major in PyTorch's layouts, the same numbers that ``run`` computes with.  ``run`` itself uses it so;
- `values(graph, path, seed)`: the same for all slots at once, with everything checked: a dictionary
  ``{(row, tensor): values}``; this is what an export puts into its file;
- `encoded(graph, path, seed)`: the pieces of a ``.safetensors`` file with these values under the names of the exported
  PyTorch module's state dict.

Weights that do not fit, are left over, or belong to no layer raise `SpecError`, before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cnncalc.convert import safetensors
from cnncalc.diagnostics import Diagnostic, SpecError, suggestion
from cnncalc.executor.data import Weights, parse_json, read_bytes
from cnncalc.geometry import dims
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Weight

Key = tuple[str, str]
"""The row that owns a tensor of weights, and the tensor's name: ``("conv1.norm", "running_mean")``."""

COUNTER = "num_batches_tracked"
"""What PyTorch's batch norms keep beside their statistics: it takes no part in inference."""


class Slot(NamedTuple):
    """One tensor of weights and the node that owns it."""

    node: Node
    weight: Weight

    @property
    def key(self) -> Key:
        return self.node.name, self.weight.name


def slots(graph: Graph) -> list[Slot]:
    """Every tensor of weights that the network owns, in the order of the rows."""
    return [Slot(node, weight) for node in graph.nodes if node.shares is None for weight in node.operation.tensors]


def source(graph: Graph, path: str | None, seed: int = 0) -> Weights:
    """The executor's weights: those of a JSON or safetensors file, and the rest drawn from `seed`.

    Raises `SpecError`; tensors of a JSON file that no layer takes are found by `Weights.check_used` at the end.
    """
    if path is None:
        return Weights(graph, {}, "", seed)
    if not path.endswith(".safetensors"):
        return Weights(graph, parse_json(read_bytes(path), path), path, seed)
    found = Weights(graph, {}, path, seed)
    found.values.update(stored(graph, path))
    return found


def values(graph: Graph, path: str | None = None, seed: int = 0) -> dict[Key, Sequence[float]]:
    """The values of every slot, flat and row-major; raises `SpecError` for what does not fit or is left over."""
    weights = source(graph, path, seed)
    found = {slot.key: weights(slot.node, slot.weight.name, slot.weight.shape) for slot in slots(graph)}
    weights.check_used([node.name for node in graph.nodes])
    return found


def stored(graph: Graph, path: str) -> dict[Key, Sequence[float]]:
    """The tensors of a safetensors file, by the slots that they belong to; raises `SpecError`.

    They are called as in the exported state dict (``layer1.0.conv1_norm.weight``) or after the rows
    (``layer1.0.conv1.norm.weight``), all in one way.
    """
    known = {slot.key: slot for slot in slots(graph)}
    with safetensors.File(path) as file:
        named = naming(graph, file.entries)
        found: dict[Key, Sequence[float]] = {}
        for name, entry in file.entries.items():
            key = named.get(name)
            if key is None:
                if name.rpartition(".")[2] == COUNTER and f"{name.rpartition('.')[0]}.running_mean" in named:
                    continue
                raise _wrong("unknown-name", f"`{path}` gives `{name}`, which no layer has", suggestion(name, named))
            shape = known[key].weight.shape
            if entry.shape != shape:
                got = dims(entry.shape) or "a single number"
                raise _wrong("wrong-shape", f"`{path}` gives `{name}` as {got} where `{key[0]}` takes {dims(shape)}")
            found[key] = file.values(name)
    return found


def naming(graph: Graph, given: Mapping[str, object]) -> dict[str, Key]:
    """Names of slots as most of the `given` names have them: the state dict's, else the rows'."""
    from cnncalc.convert.pytorch import state_names

    by_row = {f"{row}.{tensor}": (row, tensor) for row, tensor in (slot.key for slot in slots(graph))}
    if all(name in by_row for name in given):
        return by_row
    by_state = {name: key for key, name in state_names(graph).items()}
    return max(by_state, by_row, key=lambda names: sum(name in names for name in given))


def encoded(graph: Graph, path: str | None = None, seed: int = 0) -> Iterator[bytes]:
    """The pieces of a ``.safetensors`` file for the exported module's ``load_state_dict``.

    All is checked before the first piece: raises `SpecError` here, and not while they are written.
    """
    from cnncalc.convert.pytorch import state_names

    given, names = values(graph, path, seed), state_names(graph)
    tensors = []
    for slot in slots(graph):
        name = names[slot.key]
        tensors.append(safetensors.Tensor(name, "F32", slot.weight.shape, given[slot.key].__iter__))
        if slot.weight.name == "running_var":
            counter = f"{name.rpartition('.')[0]}.{COUNTER}"
            tensors.append(safetensors.Tensor(counter, "I64", (), lambda: [0]))
    return safetensors.encode(tensors)


def _wrong(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
