"""The reference executor: every layer kind run in plain Python, over an algebra of scalars.

It takes a layer's declared fields and resolved windows, and slides until the kernel no longer fits.  It must not know
the code that it checks: output shapes, weights' shapes, multiplications, receptive fields and their analyzers.

A layer kind says how it executes in its `execute(run, x)`, in terms of `layers.kernels`, which `Machine` implements.
What a scalar is, the algebra decides: a number (`Floats`, `Bytes`), or the set of input positions that influence it
(`Bits`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product as combinations
from math import prod
from operator import mul
from typing import Any, Protocol

from cnncalc.diagnostics import Fault
from cnncalc.executor.algebras import Floats
from cnncalc.executor.products import Products
from cnncalc.executor.sliding import inside, offsets, scattered, taps
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape, Slide, Taps
from cnncalc.graph import Graph, Node
from cnncalc.layers.kernels import Adjust, Reduction, Statistic, T
from cnncalc.layers.memory import IN_PLACE, OWN

# -- the machine -------------------------------------------------------------------------------------------------------

WeightValues = Callable[[Node, str, Shape], Any]
"""Gives the values of a tensor of weights, flat and row-major, for the node that owns it."""


class Machine(Products):
    """The kernels that layers execute in (`layers.kernels`), over tensors of an algebra's scalars."""

    def __init__(self, algebra: Floats, weights: WeightValues) -> None:
        self.algebra = algebra
        self.weight_values = weights
        self.node: Node | None = None
        self.consumed: dict[tuple[str, str], int] = {}
        """Values read by the current node, by the layer that owns them and the tensor's name."""
        self.made = 0
        """Products made by the current node."""

    def execute(self, node: Node, inputs: Sequence[Tensor]) -> Tensor:
        """The result of one node; raises `Fault` where a layer cannot be run or a number grows too large."""
        self.node = node
        self.consumed = {}
        before = self.algebra.products
        try:
            result = node.operation.layer.execute_all(self, inputs)
        except OverflowError:
            raise Fault("too-large", f"a value in `{node.name}` is too large for a floating-point number") from None
        except ZeroDivisionError:
            raise Fault("division", f"a value in `{node.name}` is divided by 0", None, "give it an `eps`") from None
        self.made = self.algebra.products - before
        return result

    def weight(self, name: str, shape: Shape) -> Any:
        """The values of a tensor of weights of the current node, or of the node whose weights it shares."""
        assert self.node is not None
        owner = self.node.shares or self.node
        assert (owner.name, name) not in self.consumed, "a tensor of weights is read once"
        self.consumed[owner.name, name] = prod(shape)
        return self.weight_values(owner, name, shape)

    def factors(self, name: str, x: Tensor, count: int | None = None) -> Tensor:
        """A weight per channel of `x` (or `count` of them), to be used aside."""
        return self.per_channel(self.weight(name, (x.shape[0] if count is None else count,)), x)

    def learned(self, name: str, shape: Shape, wide: Shape, order: Callable[[], Sequence[int]] | None = None) -> Tensor:
        """A tensor of weights to be used aside; with an `order` its scalars are those weights, and 0 for -1."""
        values = self.weight(name, shape)
        return Tensor(wide, values if order is None else [values[at] if at >= 0 else 0 for at in order()])

    def constants(self, shape: Shape, values: Sequence[float]) -> Tensor:
        """Numbers that no input influences, as a tensor of their own."""
        return Tensor(shape, [self.constant(value) for value in values])

    def per_channel(self, values: Sequence[Any], x: Tensor) -> Tensor:
        """One number or statistic per channel, or a single one, as a tensor that broadcasts over `x`."""
        return Tensor((len(values),) + (1,) * (len(x.shape) - 1), values)

    # sliding windows

    def convolve(
        self,
        x: Tensor,
        sliding: Sequence[Slide],
        channels: int,
        groups: int,
        weight: str,
        bias: str,
        border: str = "zeros",
        adjust: Adjust | None = None,
    ) -> Tensor:
        """Cross-correlation: `channels` outputs in `groups`, each a weighted sum of its group's window."""
        each = x.shape[0] // groups
        window = each * prod(slide.size for slide in sliding)
        values = self.adjusted(weight, (channels, each, *(slide.size for slide in sliding)), adjust)
        kernels = [values[start : start + window] for start in range(0, len(values), window)]
        biases = self.weight(bias, (channels,)) if bias else [0] * channels
        axes = [taps(slide, width, False, border) for slide, width in zip(sliding, x.shape[1:])]
        positions = offsets(axes, x.shape[1:])
        planes = x.planes(self.constant(0.0))
        dot = self.algebra.dot
        columns = []
        for group in range(groups):
            inputs = planes[group * each : (group + 1) * each]
            outputs = range(group * channels // groups, (group + 1) * channels // groups)
            rows: list[list[Any]] = [[] for _ in outputs]
            for window_taps in positions:
                seen = [plane[tap] for plane in inputs for tap in window_taps]
                for row, output in zip(rows, outputs):
                    row.append(dot(kernels[output], seen, biases[output]))
            columns += rows
        return Tensor((channels, *map(len, axes)), [scalar for row in columns for scalar in row])

    def adjusted(self, weight: str, shape: Shape, adjust: Adjust | None) -> Any:
        """The values of a convolution's kernels, as they are used."""
        values = self.weight(weight, shape)
        if adjust is None:
            return values
        window, made = prod(shape[1:]), list[float]()
        for channel in range(shape[0]):
            made += self.algebra.kernel(adjust(channel, values[channel * window : (channel + 1) * window]))
        return made

    def scatter(
        self, x: Tensor, sliding: Sequence[Slide], channels: int, groups: int, weight: str, bias: str
    ) -> Tensor:
        """Transposed convolution: every input position adds its products with the kernel to a window of outputs.

        The full output is computed, so that products which padding cuts are made; then it is cropped.
        """
        each = channels // groups
        kernel = prod(slide.size for slide in sliding)
        values = self.weight(weight, (x.shape[0], each, *(slide.size for slide in sliding)))
        biases = self.weight(bias, (channels,)) if bias else [0] * channels
        full, kept = scattered(sliding, x.shape[1:])
        planes = x.planes(self.constant(0.0))
        data = []
        for output in range(channels):
            group, place = divmod(output, each)
            inputs = range(group * x.shape[0] // groups, (group + 1) * x.shape[0] // groups)
            sums = []
            for pairs in full:
                factors = [values[(i * each + place) * kernel + tap] for i in inputs for _, tap in pairs]
                seen = [planes[i][position] for i in inputs for position, _ in pairs]
                sums.append(self.algebra.dot(factors, seen, biases[output]))
            sums.append(self.algebra.dot((), (), biases[output]))  # beyond the full output: output_padding
            data += [sums[position] for position in offsets(kept[0], kept[1])[0]]
        return Tensor((channels, *(len(axis[0]) for axis in kept[0])), data)

    def taps(self, slide: Slide, width: int, ceil: bool = False) -> Taps:
        """What windows read of an axis, those beyond its padding left out."""
        return taps(slide, width, ceil)

    def reduce(self, function: Reduction, x: Tensor, axes: Sequence[Taps]) -> Tensor:
        """``function(values, count)`` of every window of a channel; padding counts, but gives no value."""
        planes = x.planes(None)
        windows = []
        for window in offsets(axes, x.shape[1:]):
            windows.append(([tap for tap in window if tap >= 0], _counting(function, len(window))))
        call = self.algebra.call
        data = [call(counted, [plane[tap] for tap in window]) for plane in planes for window, counted in windows]
        return Tensor((x.shape[0], *map(len, axes)), data)

    def whole(self, function: Reduction, x: Tensor) -> Tensor:
        """``function(values, count)`` over all positions of a channel."""
        size = prod(x.shape[1:])
        channels = [x.data[start : start + size] for start in range(0, len(x.data), size)]
        data = [self.algebra.whole(_counting(function, size), channel) for channel in channels]
        return Tensor((x.shape[0],) + (1,) * (len(x.shape) - 1), data)

    def fuse(self, function: Reduction, x: Tensor) -> Tensor:
        """``function(values, count)`` over all channels of a position."""
        counted, call = _counting(function, x.shape[0]), self.algebra.call
        columns = zip(*(plane[:-1] for plane in x.planes(None)))
        return Tensor((1, *x.shape[1:]), [call(counted, values) for values in columns])

    def unpool(self, x: Tensor, like: Tensor, sliding: Sequence[Slide]) -> Tensor:
        """Every value of `x` where the maximum of its window of `like` is, 0 elsewhere; of several there, the last."""
        axes = []
        for slide, width in zip(sliding, x.shape[1:]):
            firsts = (at * slide.stride - slide.before for at in range(width))
            axes.append([[first + slide.dilation * tap for tap in range(slide.size)] for first in firsts])
        kept = [
            [[tap if 0 <= tap < width else -1 for tap in window] for window in axis]
            for axis, width in zip(axes, like.shape[1:])
        ]
        windows = [[tap for tap in window if tap >= 0] for window in offsets(kept, like.shape[1:])]
        data: list[Any] = []
        for values, plane in zip(x.planes(None), like.planes(None)):
            written: list[list[Any]] = [[] for _ in range(prod(like.shape[1:]))]
            for value, window in zip(values, windows):
                for place in self.algebra.highest([plane[tap] for tap in window]):
                    written[window[place]].append(value)
            data += [self.algebra.call(_last, found) if found else self.constant(0.0) for found in written]
        return Tensor(like.shape, data)

    def across(self, function: Statistic, x: Tensor, windows: Taps | None = None) -> Tensor:
        """A statistic per position over all channels, or over each of several `windows` of channels."""
        planes = x.planes(None)
        groups = [[planes[channel][:-1] for channel in window] for window in windows or [range(len(planes))]]
        data = [self.algebra.measure(function, values) for group in groups for values in zip(*group)]
        return Tensor((len(groups), *x.shape[1:]), data)

    def over(self, function: Statistic, x: Tensor, groups: int) -> Tensor:
        """A statistic per group of channels over all of their positions."""
        size = len(x.data) // groups
        parts = [x.data[start : start + size] for start in range(0, len(x.data), size)]
        return Tensor((groups,) + (1,) * (len(x.shape) - 1), [self.algebra.measure(function, part) for part in parts])

    def mix(self, x: Tensor, axis: int, rows: Sequence[Sequence[tuple[int, float]]]) -> Tensor:
        """Along one axis (0 is the channels), every output position as a fixed combination: (position, share) pairs.

        Positions beyond the axis stand for its ends.
        """
        outer, inner, width = prod(x.shape[:axis]), prod(x.shape[axis + 1 :]), x.shape[axis]
        data = []
        for block in range(outer):
            for row in rows:
                combined = _combining([share for _, share in row])
                starts = [(block * width + inside(position, width, "replicate")) * inner for position, _ in row]
                for place in range(inner):
                    values = [x.data[start + place] for start in starts]
                    data.append(self.algebra.call(combined, values))
        return Tensor((*x.shape[:axis], len(rows), *x.shape[axis + 1 :]), data)

    # elementwise

    def each(self, function: Callable[..., Any], *tensors: Tensor, aside: Sequence[Tensor] = ()) -> Tensor:
        """``function(*scalars, *aside)`` at every position; sizes of 1, and groups of channels, are broadcast."""
        shape = tuple(map(max, zip(*(tensor.shape for tensor in tensors))))
        columns = zip(*(spread(tensor, shape) for tensor in tensors))
        call = self.algebra.call
        if not aside:
            return Tensor(shape, [call(function, values) for values in columns])
        given = zip(*(spread(tensor, shape) for tensor in aside))
        return Tensor(shape, [call(function, values, extra) for values, extra in zip(columns, given)])

    # moved data

    def inside(self, tap: int, width: int, border: str) -> int:
        """The input position that stands at `tap` of a padded axis; -1 where a constant stands there."""
        return inside(tap, width, border)

    def concat(self, *tensors: Tensor) -> Tensor:
        """One after the other on the channel axis."""
        data = [scalar for tensor in tensors for scalar in tensor.data]
        return Tensor((sum(tensor.shape[0] for tensor in tensors), *tensors[0].shape[1:]), data)

    def take(self, x: Tensor, channels: Taps, axes: Sequence[Taps], pad: float = 0.0) -> Tensor:
        """Single positions of every axis; -1 takes `pad`."""
        scalars = [*x.data, self.constant(pad)]
        moved = [scalars[offset] for (offset,) in offsets([channels, *axes], x.shape)]
        return Tensor((len(channels), *map(len, axes)), moved)

    def interleave(self, parts: Sequence[Tensor], blocks: Sequence[int]) -> Tensor:
        """The parts, one per position of a block in row-major order, interleaved on every spatial axis."""
        channels, *sizes = parts[0].shape
        data = []
        for channel in range(channels):
            for place in combinations(*(range(size * block) for size, block in zip(sizes, blocks))):
                part, offset = 0, channel
                for position, size, block in zip(place, sizes, blocks):
                    part, offset = part * block + position % block, offset * size + position // block
                data.append(parts[part].data[offset])
        return Tensor((channels, *(size * block for size, block in zip(sizes, blocks))), data)

    def rearrange(
        self, x: Tensor, shape: Shape, order: Sequence[int] | Callable[[], Sequence[int]] | None = None
    ) -> Tensor:
        """Another shape of the same scalars, in another order; by definition each sees the whole input."""
        scalars: Sequence[Any] = x.data
        if order is not None:
            given = [*x.data, self.constant(0.0)]
            scalars = [given[offset] for offset in (order() if callable(order) else order)]
        return Tensor(shape, [self.algebra.whole(_itself, (scalar,)) for scalar in scalars])

    def unknown(self, shape: Shape) -> Tensor:
        """The result of a layer that cannot be run."""
        return Tensor(shape, [self.algebra.unknown()] * prod(shape))


def _last(*values: Any) -> Any:
    return values[-1]


def _itself(value: Any) -> Any:
    return value


def _counting(function: Reduction, count: int) -> Callable[..., Any]:
    """A window's function with its number of positions given."""
    return lambda *values: function(values, count)


def _combining(shares: Sequence[float]) -> Callable[..., float]:
    """The sum of values by their shares."""
    return lambda *values: sum(map(mul, shares, values))


def spread(tensor: Tensor, shape: Shape) -> Sequence[Any]:
    """The scalars of a tensor broadcast to `shape`: an axis of fewer positions serves equal stretches of the longer."""
    if tensor.shape == shape:
        return tensor.data
    axes = [[(place * size // wide,) for place in range(wide)] for size, wide in zip(tensor.shape, shape)]
    return [tensor.data[offset] for (offset,) in offsets(axes, tensor.shape)]


# -- a whole network ---------------------------------------------------------------------------------------------------


class Executes(Protocol[T]):
    """A machine, whatever its tensors are."""

    def execute(self, node: Node, inputs: Sequence[T]) -> T:
        """The result of one node."""


class Buffer:
    """Where tensors are: one, or several that share it."""

    def __init__(self, size: int) -> None:
        self.size = size
        """Scalars that it has room for."""
        self.tensors: set[int] = set()
        """Those in it that are still needed."""


class Holding:
    """The buffers that a run holds, each as long as a tensor in it is needed."""

    def __init__(self) -> None:
        self.buffers: dict[int, Buffer] = {}
        """Of every tensor that exists."""
        self.scalars = 0

    def fill(self, tensor: int, size: int) -> None:
        """A tensor comes to be in a buffer of its own."""
        self.scalars += size
        self.share(tensor, Buffer(size))

    def share(self, tensor: int, buffer: Buffer) -> None:
        """A tensor comes to be in this buffer."""
        buffer.tensors.add(tensor)
        self.buffers[tensor] = buffer

    def enter(self, node: Node, size: int, leaving: set[int]) -> None:
        """A result of this size comes to be: in its input's buffer where its layer states so, if nothing in there that
        it writes over stays longer than this node."""
        rule = node.operation.layer.buffer
        buffer = self.buffers[node.inputs[0]] if rule != OWN else None
        if buffer is None or (rule == IN_PLACE and not buffer.tensors <= leaving):
            self.fill(node.number, size)
        else:
            self.share(node.number, buffer)

    def leave(self, tensor: int) -> None:
        """A tensor is needed no more; its buffer goes with the last of those in it."""
        buffer = self.buffers.pop(tensor)
        buffer.tensors.remove(tensor)
        if not buffer.tensors:
            self.scalars -= buffer.size


def run(
    graph: Graph, machine: Executes[T], inputs: Sequence[T], held: list[int] | None = None
) -> Iterator[tuple[Node, T]]:
    """Execute a graph on one tensor per input: every node with its result, in order.

    A result is held only as long as a later node needs it, or where it leaves the network; to `held` is added how
    many scalars exist while each node runs.  Raises `Fault` as the machine does.
    """
    last = graph.last_use() | dict.fromkeys((tensor for _, tensor in graph.outputs), len(graph.nodes))
    values = dict(enumerate(inputs))
    holding = Holding()
    for tensor in values.keys() & last.keys():
        holding.fill(tensor, values[tensor].size)
    for node in graph.nodes:
        result = machine.execute(node, [values[tensor] for tensor in node.inputs])
        values[node.number] = result
        leaving = {tensor for tensor in {*node.inputs, node.number} if last.get(tensor, node.place) == node.place}
        holding.enter(node, result.size, leaving)
        if held is not None:
            held.append(holding.scalars)
        for tensor in leaving:
            del values[tensor]
            holding.leave(tensor)
        yield node, result
