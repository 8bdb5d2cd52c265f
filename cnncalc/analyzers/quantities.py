"""QUANTITIES: the one table of what is reported.  Rows, columns, ``--sort``, JSON, CSV, `expect` and the reference
come from it; a new quantity is a function in a file of this package and an entry here."""

from __future__ import annotations

from cnncalc.analyzers.quantity import Figure, Fold, Line, Measure, Nature, Quantity
from cnncalc.records import NamedTuple

FIELD = "receptive_field"

ENTRIES = (
    Quantity(
        "input_shapes",
        "Input",
        "The shapes of the tensors that the layer takes, channels first, without the batch.",
        "shapes.input_shapes",
        Nature.SHAPE,
        fold=Fold.FIRST,
        commands=("summary", "shapes", "params", "rf"),
        columns=("shapes",),
    ),
    Quantity(
        "output_shape",
        "Output",
        "The output's shape, channels first, without the batch; of the network, the shapes of its outputs.",
        "shapes.output_shapes",
        Nature.SHAPE,
        fold=Fold.LAST,
        total="shapes.outputs",
        total_key="output",
        expected=True,
        commands=("summary", "shapes", "params", "rf"),
        columns=("summary", "shapes", "params", "rf"),
    ),
    Quantity(
        "params",
        "Params",
        "Learned parameters, as papers and PyTorch count them; shared weights count once.",
        "params.learned",
        expected=True,
        commands=("summary", "params"),
        columns=("summary", "params"),
        shared=True,
    ),
    Quantity(
        "state",
        "State",
        "Numbers that are kept and not learned: running statistics, and weights that are fixed.",
        "params.state",
        expected=True,
        commands=("summary", "params"),
        columns=("params",),
        optional=True,
        further=(Line("Params + state", "params.with_state"),),
    ),
    Quantity(
        "macs",
        "MACs",
        "Multiply-accumulates of convolutions, linear layers and products of tensors; FLOPs are twice as many.",
        "macs.macs",
        total="macs.total",
        expected=True,
        commands=("summary",),
        columns=("summary",),
        shared=True,
        further=(
            Line("of which products of tensors", "macs.all_products"),
            Line("FLOPs (2 x MACs)", "macs.flops"),
            Line("Weights, 32-bit", "params.weight_bytes", "bytes"),
        ),
    ),
    Quantity(
        "flops",
        "FLOPs",
        "Floating-point operations: two for each of the MACs.",
        "macs.flops_of_layers",
        total="macs.flops",
    ),
    Quantity(
        "product_macs",
        "Product MACs",
        "Those of the MACs that multiply two tensors of the network, as attention does; some papers leave them out.",
        "macs.products",
        total="macs.all_products",
        expected=True,
        commands=("summary",),
        columns=("summary",),
        untold=("summary",),
        optional=True,
    ),
    Quantity(
        "separable_params",
        "Separable",
        "Parameters with every standard convolution larger than 1x1 made depthwise separable.",
        "params.separable",
        total_title="Params, separable",
        commands=("summary", "params"),
        columns=("params",),
        untold=("summary",),
    ),
    Quantity(
        "size",
        "Size",
        "Pixels between the extreme ones that a unit sees; padding is not clipped.",
        "receptive_field.size_of",
        Nature.AXES,
        fold=Fold.LAST,
        group=FIELD,
        expected=True,
        commands=("summary", "rf"),
        columns=("rf",),
        figure=Figure("field", "Field", "receptive_field.field_size"),
    ),
    Quantity(
        "stride",
        "Stride",
        "Pixels between the receptive fields of neighbouring units.",
        "receptive_field.stride_of",
        Nature.AXES,
        fold=Fold.LAST,
        group=FIELD,
        expected=True,
        commands=("summary", "rf"),
        columns=("rf",),
    ),
    Quantity(
        "start",
        "Start",
        "The first pixel that unit 0 sees; negative in the padding.",
        "receptive_field.start_of",
        Nature.AXES,
        fold=Fold.LAST,
        group=FIELD,
        expected=True,
        commands=("summary", "rf"),
        columns=("rf",),
    ),
    Quantity(
        "center",
        "Center",
        "The middle of what unit 0 sees.",
        "receptive_field.center_of",
        Nature.AXES,
        fold=Fold.LAST,
        group=FIELD,
        commands=("summary", "rf"),
        columns=("rf",),
        detail=True,
    ),
    Quantity(
        "min_size",
        "Min size",
        "The size along the smallest path to the input.",
        "receptive_field.min_size_of",
        Nature.AXES,
        fold=Fold.LAST,
        group=FIELD,
        commands=("summary", "rf"),
        columns=("rf",),
        detail=True,
    ),
    Quantity(
        "global",
        "Global",
        "Whether some path sees the whole input: global pooling, flatten, a gate.",
        "receptive_field.global_of",
        Nature.FLAG,
        fold=Fold.LAST,
        group=FIELD,
        commands=("summary", "rf"),
        columns=("rf",),
        optional=True,
    ),
    Quantity(
        "unread",
        "Unread",
        "Rows and columns of the padded input that no window reads.",
        "shapes.unread",
        Nature.AXES,
        fold=Fold.NOTHING,
        commands=("summary", "shapes"),
        columns=("shapes",),
        optional=True,
    ),
    Quantity(
        "output_bytes",
        "Bytes",
        "Bytes of the output; of the network, of its largest tensor that a layer makes.",
        "memory.output_bytes",
        unit="bytes",
        fold=Fold.MOST,
        total_title="Largest output",
        commands=("memory",),
        columns=("memory",),
    ),
    Quantity(
        "live_bytes",
        "Live",
        "Bytes of the tensors that exist while the layer runs; of the network, the peak.",
        "memory.live_bytes",
        unit="bytes",
        fold=Fold.MOST,
        total_title="Peak",
        total_key="peak_bytes",
        expected=True,
        commands=("memory",),
        columns=("memory",),
        figure=Figure("peak_memory", "Peak"),
    ),
    Quantity(
        "weights_bytes",
        "Weights",
        "Bytes of parameters and state, shared ones once.",
        "memory.weights_bytes",
        unit="bytes",
        expected=True,
        commands=("memory",),
        figure=Figure("weights_memory", "Weights"),
    ),
    Quantity(
        "kept_bytes",
        "Kept",
        "Bytes that a step of training keeps for its backward pass, a tensor at the first layer that keeps it.",
        "training.kept_bytes",
        unit="bytes",
        total_title="Kept for backward",
        expected=True,
        commands=("training",),
        columns=("training",),
        figure=Figure("kept_memory", "Kept"),
    ),
    Quantity(
        "gradient_bytes",
        "Gradients",
        "Bytes of the gradients of all that is learned.",
        "training.gradient_bytes",
        unit="bytes",
        expected=True,
        commands=("training",),
        figure=Figure("gradient_memory", "Gradients"),
    ),
    Quantity(
        "optimizer_bytes",
        "Optimizer",
        "Bytes of the numbers that the optimizer holds for all that is learned.",
        "training.optimizer_bytes",
        unit="bytes",
        expected=True,
        commands=("training",),
        figure=Figure("optimizer_memory", "Optimizer"),
    ),
    Quantity(
        "training_bytes",
        "Training",
        "Bytes of a step of training: what is kept, weights, gradients, and the optimizer's numbers.",
        "training.training_bytes",
        unit="bytes",
        total="training.all_training_bytes",
        total_title="Training step",
        expected=True,
        commands=("training",),
        figure=Figure("training_memory", "Training"),
    ),
    Quantity("layers", "Layers", "How many layers there are.", "shapes.ones"),
    Quantity(
        "input_size",
        "Size",
        "The least spatial size of the input; of the network, that of its first input.",
        "shapes.input_sizes",
        fold=Fold.FIRST,
        figure=Figure("size", "Size", "shapes.size_of_first_input"),
    ),
)


class Group(NamedTuple):
    """Quantities that are told together, under one key."""

    key: str
    title: str
    doc: str
    measure: str | Measure
    """Of a measurement what its parts are taken from, for every node; None where the layer has none of it."""
    total: str | Measure
    """The same for the network."""
    main: str
    """The part that is meant where a single figure is expected."""


QUANTITIES: dict[str, Quantity] = {quantity.key: quantity for quantity in ENTRIES}

GROUPS: dict[str, Group] = {
    FIELD: Group(
        FIELD,
        "Receptive field",
        "Which pixels influence a unit.",
        "receptive_field.fields",
        "receptive_field.own_field",
        "size",
    )
}


def reported(command: str) -> list[Quantity]:
    """The quantities that a report has, in order."""
    return [quantity for quantity in QUANTITIES.values() if command in quantity.commands]


def asked() -> dict[str, Quantity]:
    """The quantities by which networks are compared, by the word for them."""
    return {quantity.question: quantity for quantity in QUANTITIES.values() if quantity.is_asked}


def columns(command: str) -> list[Quantity]:
    """The quantities that are columns of a report's table, in order."""
    return [quantity for quantity in QUANTITIES.values() if command in quantity.columns]
