"""The depthwise-separable what-if, layer by layer.

Every standard convolution with a kernel larger than 1 and one group becomes depthwise plus pointwise; all else
stays as it is.
"""

from __future__ import annotations

from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.layers.convolution import Conv, separate


@once_per_operation
def separable(operation: Operation) -> tuple[Operation, ...]:
    """The depthwise and the pointwise convolution in place of a standard one; none for any other layer."""
    layer = operation.layer
    if not isinstance(layer, Conv) or layer.groups > 1:
        return ()
    if all(size == 1 for size in layer.kernel_sizes(operation.inputs)):
        return ()
    depthwise, pointwise = separate(layer)
    first = Operation(depthwise, operation.inputs)
    return first, Operation(pointwise, (first.output,))
