"""The operator graph: what an ONNX file or a `torch.export` program says, in one vocabulary, before it is a Graph.

The vocabulary is ONNX's operators as of the newest opset, attributes and operands alike, and the composites that
`recognition` makes of them.  A source module builds a `Program`; it knows no layer kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cnncalc.records import NamedTuple

Sizes = tuple[int, ...]
Stated = tuple[int | str | None, ...]
"""A shape as a source states it: a size, the name of a dynamic one, or None where nothing is said."""


FLOATS = ("float", "double")


class Constant:
    """A tensor that does not depend on the network's inputs."""

    __slots__ = ("_read", "_values", "derivation", "dtype", "gathered", "held", "norm", "roots", "shape")

    def __init__(
        self,
        shape: Sizes,
        dtype: str,
        values: Sequence[Any] | None = None,
        roots: dict[str, int] | None = None,
        read: Callable[[], Sequence[Any] | None] | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        """``float`` (of 32 bits or fewer), ``double``, ``int``, ``bool`` or ``text``."""
        self.roots = roots or {}
        """The source's tensors that it is made from, with how many elements of each."""
        self.norm = ""
        """How a convolution's kernel was normalised, in the words of its field `weight_norm`; else empty."""
        self.gathered: Gathered | None = None
        """Where its elements were gathered from, if they were."""
        self.derivation: Derivation | None = None
        """What it was worked out with, where it was, and is made from the source's tensors."""
        self.held: Held | None = None
        """Reads the elements of a tensor of which there are too many for `values`."""
        self._values = values
        self._read = read

    @property
    def values(self) -> Sequence[Any] | None:
        """The elements, row-major; None where they are too many, or not there."""
        if self._read is not None:
            self._values, self._read = self._read(), None
        return self._values

    @property
    def size(self) -> int:
        total = 1
        for size in self.shape:
            total *= size
        return total


class Held(NamedTuple):
    """How the elements of a tensor are read."""

    read: Callable[[], Sequence[Any] | None]
    moves: int = 0
    """How often they were moved since they were in the source."""


class Gathered(NamedTuple):
    """The elements of a tensor as those of another one."""

    table: Constant
    places: Constant
    """Where in the table, row-major, each element stands."""


class Derivation(NamedTuple):
    """How a constant was worked out from others."""

    operator: Operator
    operands: Sequence[Constant | None]


class Graphs:
    """The value of an attribute that holds a graph: `If`, `Loop` and `Scan` have them."""


class Reference(NamedTuple):
    """The value of an attribute inside a function that the call gives."""

    name: str


class Operator:
    """One node of the source."""

    __slots__ = ("attributes", "constants", "covers", "inputs", "kind", "name", "outputs", "overload", "title")

    def __init__(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any], name: str
    ) -> None:
        self.kind = kind
        """``Conv``; of a foreign domain ``com.microsoft.FusedConv``."""
        self.inputs = list(inputs)
        """Names of tensors; empty where an operand is left out."""
        self.outputs = list(outputs)
        self.attributes = attributes
        """Numbers, text, and tuples of them; a tensor is a `Constant`."""
        self.name = name
        """As messages call it: the source's name, or one made from its kind and place."""
        self.title = name
        """What its row may be called after: the source's name, empty where there is none."""
        self.overload = ""
        """Which of several functions of this name it calls; ONNX's word."""
        self.covers: tuple[str, ...] = (name,)
        """The names of the source's nodes that it stands for."""
        self.constants: tuple[str, ...] = ()
        """Constants that it stands for too, without having them as operands."""

    def __repr__(self) -> str:
        return f"{self.name}: {', '.join(self.outputs)} = {self.kind}({', '.join(self.inputs)})"


class Input(NamedTuple):
    """What a program takes."""

    name: str
    shape: Stated | None
    """With the batch; None where the source does not say."""


class Program:
    """The operators of a source in topological order."""

    def __init__(self, source: str, name: str) -> None:
        self.source = source
        """The file as it is shown."""
        self.name = name
        """The network's name."""
        self.inputs: list[Input] = []
        self.outputs: list[str] = []
        self.operators: list[Operator] = []
        self.nodes: int | None = None
        """How many nodes the source has, where some have become several operators."""
        self.constants: dict[str, Constant] = {}
        """Initializers, parameters, buffers, and what constants become."""
        self.learned: set[str] = set()
        self.buffers: set[str] = set()
        """Those of them that the source says are learned, and those that it says are not: most say nothing."""
        self.stated: dict[str, Stated] = {}
        """Shapes that the source states, with the batch, by tensor."""

    def takers(self) -> dict[str, list[Operator]]:
        """For every tensor, the operators that take it."""
        found: dict[str, list[Operator]] = {}
        for operator in self.operators:
            for name in dict.fromkeys(operator.inputs):
                if name:
                    found.setdefault(name, []).append(operator)
        return found

    def givers(self) -> dict[str, Operator]:
        """For every tensor, the operator that gives it."""
        return {name: operator for operator in self.operators for name in operator.outputs if name}

    def floats(self) -> Iterator[tuple[str, int]]:
        """Name and number of elements of every tensor of numbers that the source itself holds."""
        for name, constant in self.constants.items():
            if constant.dtype in FLOATS and name in constant.roots:
                yield name, constant.size
