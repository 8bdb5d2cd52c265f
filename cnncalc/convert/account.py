"""The account of an import: what the source held, and what has become of it, to the last element.

It compares what the source states with the graph that was built.  It knows no format, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.diagnostics import Diagnostic, Fault
from cnncalc.geometry import Shape, dims, elements
from cnncalc.graph import Graph, Node

PARAMETERS, STATE, CONSTANTS = "parameters", "state", "constants"


class Account:
    """What a source held and where it went; `close` it when the graph is whole."""

    def __init__(self, source: str) -> None:
        self.source = source
        """The source as it is shown: ``resnet50.onnx``."""
        self.nodes = 0
        """Nodes (layers, modules) that the source has."""
        self.layers: int
        """Rows that they have become; known by `close`."""
        self.compared = 0
        """Shapes that the source states and that are ours too."""
        self.tensors: dict[str, int] = {}
        """Elements of every tensor of weights that the source holds, by its name there."""
        self.repeated: dict[str, int] = {}
        """Elements of such a tensor that say again what others of it say."""
        self.roles: dict[str, str] = {}
        """What each of those tensors is: one of the roles above."""
        self.opaque: dict[str, list[str]] = {}
        """Rows that stand for operators that cnncalc does not know, by the operator."""
        self.names: dict[str, str] = {}
        """The row's name for every node of the source that has become one or a part of one."""
        self.notes: list[str] = []
        """What a reader of the spec should know: ``the input's axes are channels first here``."""
        self.unequal: list[str] = []
        """Rows whose weights have other sizes than the source's tensors for them; found by `close`."""
        self.uneven: dict[str, int] = {}
        """Tensors that are weights, but with fewer or more elements in all rows together than they have; by `close`."""
        self.parameters = self.state = self.constants = 0
        """Elements by role, as the graph counts them (constants: as the source does); known by `close`."""
        self.uses: dict[str, dict[str, dict[str, int]]] = {}
        """For every row, for each of its weights by name: the source's tensors, and how many elements of each."""

    # -- while the graph is built

    def hold(self, tensor: str, count: int) -> None:
        """The source holds a tensor of weights, or of constants, with so many elements."""
        self.tensors[tensor] = count

    def repeat(self, tensor: str, count: int) -> None:
        """So many elements of a tensor that the source holds only repeat others, and count as nothing."""
        self.repeated[tensor] = count

    def use(self, node: Node, weight: str, tensors: Mapping[str, int]) -> None:
        """The weight `weight` of a row is made from these tensors of the source, from so many elements of each."""
        self.uses.setdefault(node.name, {}).setdefault(weight, {}).update(tensors)

    def constant(self, tensor: str) -> None:
        """A tensor is an operand and no weight: a bound, a scalar; unless a row has it as a weight."""
        if tensor in self.tensors:
            self.roles.setdefault(tensor, CONSTANTS)

    def compare(self, where: str, stated: Sequence[int | None], ours: Shape) -> None:
        """Raise `Fault` unless the stated shape (None: not stated) is ours; `where` names it: ``node conv1``."""
        if len(stated) == len(ours) and all(size in (None, own) for size, own in zip(stated, ours)):
            self.compared += 1
            return
        theirs = dims(tuple("?" if size is None else size for size in stated)) or "a scalar"  # type: ignore[misc]
        raise Fault("shape-differs", f"{where}: the file states {theirs}, cnncalc finds {dims(ours) or 'a scalar'}")

    def unknown(self, operator: str, node: Node) -> None:
        """A row is opaque: it stands for this operator."""
        self.opaque.setdefault(operator, []).append(node.name)

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    # -- when it is whole

    def close(self, graph: Graph) -> None:
        """Give every tensor its role, and hold the graph's weights against the source's."""
        self.layers = len(graph.nodes)
        taken: dict[str, int] = {}
        for node in graph.nodes:
            uses = self.uses.get(node.name, {})
            for weight in node.operation.weights:
                learned = weight.learned and not node.frozen
                if node.shares is None:
                    self._count(learned, elements(weight.shape))
                used = uses.get(weight.name, {})
                for tensor, count in used.items():
                    if self.roles.get(tensor) != PARAMETERS:
                        self.roles[tensor] = PARAMETERS if learned else STATE
                    if node.shares is None:
                        taken[tensor] = taken.get(tensor, 0) + count
                if used and sum(used.values()) != elements(weight.shape):
                    self.unequal.append(node.name)
        self.uneven = {tensor: count for tensor, count in taken.items() if self._own(tensor) != count}
        self.constants = sum(self.tensors[tensor] for tensor, role in self.roles.items() if role == CONSTANTS)

    def _own(self, tensor: str) -> int | None:
        """Elements of a tensor that repeat no others; None where the source does not hold it."""
        held = self.tensors.get(tensor)
        return None if held is None else held - self.repeated.get(tensor, 0)

    def _count(self, learned: bool, count: int) -> None:
        if learned:
            self.parameters += count
        else:
            self.state += count

    @property
    def left_over(self) -> dict[str, int]:
        """Elements of the tensors that have become nothing, by name."""
        return {name: count for name, count in self.tensors.items() if name not in self.roles}

    @property
    def is_whole(self) -> bool:
        """Whether every element of the source is counted, once: parameters + state + constants = its elements."""
        counted = self.parameters + self.state + self.constants + sum(self.repeated.values())
        return not self.left_over and not self.unequal and counted == sum(self.tensors.values())

    @property
    def sentence(self) -> str:
        """``resnet50.onnx: 161 nodes as 126 layers; 25,530,472 parameters, all accounted for; nothing opaque``."""
        parts = [f"{self.source}: {_number(self.nodes, 'node')} as {_number(self.layers, 'layer')}"]
        counted = _number(self.parameters, "parameter")
        if self.is_whole and self.tensors:
            counted += ", all accounted for"
        elif self.left_over:
            counted += f", {_number(sum(self.left_over.values()), 'element')} of the source left over"
        elif self.tensors:
            counted += f", against {_number(sum(self.tensors.values()), 'element')} in the source"
        parts.append(counted)
        if self.opaque:
            listed = ", ".join(f"{len(rows)} x {operator}" for operator, rows in sorted(self.opaque.items()))
            parts.append(f"opaque: {listed}")
        else:
            parts.append("nothing opaque")
        return "; ".join(parts)

    def failures(self) -> list[Diagnostic]:
        """What ``--strict`` does not let pass: opaque rows, and weights that are not accounted for."""
        found = []
        for operator, rows in sorted(self.opaque.items()):
            message = f"{self.source}: cnncalc does not know the operator `{operator}` ({_listed(rows)})"
            found.append(Diagnostic("opaque", message))
        if self.left_over:
            names = _listed([f"{name} ({count:,})" for name, count in self.left_over.items()])
            message = f"{self.source}: {_number(len(self.left_over), 'tensor')} of weights left over: {names}"
            found.append(Diagnostic("left-over", message))
        if self.unequal:
            message = f"{self.source}: the weights have other sizes in the file: {_listed(self.unequal)}"
            found.append(Diagnostic("left-over", message))
        for tensor, count in self.uneven.items():
            held = self.tensors.get(tensor, 0)
            message = f"{self.source}: `{tensor}` has {_number(held, 'element')}, {count:,} are counted"
            found.append(Diagnostic("left-over", message))
        if self.tensors and not self.is_whole and not found:
            counted = self.parameters + self.state + self.constants
            total = sum(self.tensors.values())
            found.append(Diagnostic("left-over", f"{self.source}: {counted:,} elements are counted of {total:,}"))
        return found


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(f"`{name}`" for name in names[:most]) + more
