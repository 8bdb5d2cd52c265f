"""What other frameworks call things, and what to write here: the one table of their words.

Messages ask it before they go by spelling, and ``cnncalc layers --from FRAMEWORK`` prints it.  `translation` rewrites
steps by it.  It is looked into where something is wrong, and so built only then.
"""

from __future__ import annotations

import re
from functools import cache

from cnncalc.records import NamedTuple

FRAMEWORKS = ("pytorch", "keras", "tensorflow", "caffe", "darknet")


class Row(NamedTuple):
    """One thing of a framework."""

    names: str
    """What it is called there, in all spellings."""
    theirs: str
    """As it is written there."""
    ours: str
    """The same as it is written here; steps in brackets where it takes several, nothing where it has no place."""
    kind: str = ""
    """The kind that it is, if arguments can be taken over one by one."""
    takes: str = ""
    """Its arguments in order, each with `>` and what it is called here: nothing behind it where it is left out, since
    it is inferred or says nothing of the network, `-` where it cannot be taken over.  ``=value`` is its default where
    it is another than here."""
    values: tuple[tuple[str, str, str], ...] = ()
    """An argument of theirs, a value of it, and what that is here."""
    note: str = ""
    """What to know of it."""


CONV = "in_channels> out_channels>channels kernel_size>kernel stride padding dilation groups bias padding_mode"
TRANSPOSED = "in_channels> out_channels>channels kernel_size>kernel stride padding output_padding groups bias dilation"
UNREAD = " device> dtype>"
KERAS_END = " kernel_initializer> bias_initializer> kernel_regularizer> input_shape> trainable>learned"
NORMALISED = "axis> momentum> epsilon>eps=0.001 center>shift scale"

PYTORCH = (
    Row(
        "Conv1d Conv2d Conv3d",
        "Conv2d(3, 64, 3, padding=1)",
        "{conv: 64, kernel: 3, padding: 1}",
        "conv",
        CONV + UNREAD,
    ),
    Row("LazyConv1d LazyConv2d LazyConv3d", "LazyConv2d(64, 3)", "{conv: 64, kernel: 3}", "conv", CONV[13:] + UNREAD),
    Row(
        "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        "ConvTranspose2d(64, 32, 2, stride=2)",
        "{conv_transpose: 32, kernel: 2, stride: 2}",
        "conv_transpose",
        TRANSPOSED + UNREAD,
    ),
    Row("Linear", "Linear(512, 10)", "{linear: 10}", "linear", "in_features> out_features>features bias" + UNREAD),
    Row("LazyLinear", "LazyLinear(10)", "{linear: 10}", "linear", "out_features>features bias" + UNREAD),
    Row(
        "MaxPool1d MaxPool2d MaxPool3d",
        "MaxPool2d(3, stride=2, padding=1)",
        "{max_pool: 3, stride: 2, padding: 1}",
        "max_pool",
        "kernel_size>kernel stride padding dilation return_indices> ceil_mode",
    ),
    Row(
        "AvgPool1d AvgPool2d AvgPool3d",
        "AvgPool2d(2, ceil_mode=True)",
        "{avg_pool: 2, ceil_mode: true}",
        "avg_pool",
        "kernel_size>kernel stride padding ceil_mode count_include_pad",
    ),
    Row(
        "LPPool1d LPPool2d",
        "LPPool2d(2, 3)",
        "{lp_pool: 3, p: 2}",
        "lp_pool",
        "norm_type>p kernel_size>kernel stride ceil_mode",
    ),
    Row(
        "MaxUnpool1d MaxUnpool2d",
        "MaxUnpool2d(2)",
        "{max_unpool: pool1}",
        note="by the name of the pool that it undoes",
    ),
    Row(
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d",
        "AdaptiveAvgPool2d(7)",
        "{adaptive_avg_pool: 7}",
        "adaptive_avg_pool",
        "output_size>size",
        note="to 1: `global_avg_pool`",
    ),
    Row(
        "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d",
        "AdaptiveMaxPool2d(7)",
        "{adaptive_max_pool: 7}",
        "adaptive_max_pool",
        "output_size>size return_indices>",
    ),
    Row(
        "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
        "BatchNorm2d(64)",
        "batch_norm",
        "batch_norm",
        "num_features> eps momentum> affine> track_running_stats>statistics" + UNREAD,
        note="or `norm: batch` in the convolution's line",
    ),
    Row(
        "LayerNorm",
        "LayerNorm(96, eps=1e-6)",
        "{layer_norm, eps: 1e-6}",
        "layer_norm",
        "normalized_shape> eps elementwise_affine> bias>shift" + UNREAD,
        note="over channels; of all axes: `{layer_norm, over: all}`",
    ),
    Row(
        "GroupNorm",
        "GroupNorm(32, 64)",
        "{group_norm: 32}",
        "group_norm",
        "num_groups>groups num_channels> eps affine>" + UNREAD,
    ),
    Row(
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
        "InstanceNorm2d(64)",
        "instance_norm",
        "instance_norm",
        "num_features> eps momentum>",
    ),
    Row(
        "LocalResponseNorm",
        "LocalResponseNorm(5)",
        "{local_response_norm: 5}",
        "local_response_norm",
        "size alpha beta k",
    ),
    Row("ReLU", "ReLU(inplace=True)", "relu", "relu", "inplace>", note="or `act: relu` in the convolution's line"),
    Row("ReLU6", "ReLU6()", "relu6", "relu6", "inplace>"),
    Row("LeakyReLU", "LeakyReLU(0.1)", "{leaky_relu: 0.1}", "leaky_relu", "negative_slope inplace>"),
    Row("PReLU", "PReLU(64)", "{prelu: 64}", "prelu", "num_parameters>slopes init>"),
    Row("ELU", "ELU()", "elu", "elu", "alpha inplace>"),
    Row("SELU", "SELU()", "selu", "selu", "inplace>"),
    Row("GELU", "GELU()", "gelu", "gelu", "approximate"),
    Row("SiLU", "SiLU()", "silu", "silu", "inplace>"),
    Row("Mish", "Mish()", "mish", "mish", "inplace>"),
    Row("Sigmoid", "Sigmoid()", "sigmoid", "sigmoid"),
    Row("Hardsigmoid", "Hardsigmoid()", "hard_sigmoid", "hard_sigmoid", "inplace>"),
    Row("Hardswish", "Hardswish()", "hard_swish", "hard_swish", "inplace>"),
    Row("Tanh", "Tanh()", "tanh", "tanh"),
    Row("Softplus", "Softplus()", "softplus", "softplus", "beta threshold>"),
    Row("Softmax", "Softmax(dim=1)", "softmax", "softmax", "dim>"),
    Row("LogSoftmax", "LogSoftmax(dim=1)", "log_softmax", "log_softmax", "dim>"),
    Row(
        "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout",
        "Dropout(0.5)",
        "{dropout: 0.5}",
        "dropout",
        "p>rate inplace>",
    ),
    Row("StochasticDepth DropPath", "DropPath(0.1)", "{drop_path: 0.1}", "drop_path", "drop_prob>rate"),
    Row("Flatten", "Flatten()", "flatten", "flatten", "start_dim> end_dim>"),
    Row("Unflatten", "Unflatten(1, (64, 7, 7))", "{reshape: [64, 7, 7]}", "reshape", "dim> unflattened_size>shape"),
    Row("Identity", "Identity()", "identity", "identity"),
    Row("PixelShuffle", "PixelShuffle(2)", "{depth_to_space: 2}", "depth_to_space", "upscale_factor>block"),
    Row("PixelUnshuffle", "PixelUnshuffle(2)", "{space_to_depth: 2}", "space_to_depth", "downscale_factor>block"),
    Row("ChannelShuffle", "ChannelShuffle(2)", "{channel_shuffle: 2}", "channel_shuffle", "groups"),
    Row(
        "Upsample interpolate",
        "Upsample(scale_factor=2, mode='bilinear')",
        "{upsample: 2, mode: bilinear}",
        "upsample",
        "size scale_factor>scale mode align_corners recompute_scale_factor>",
    ),
    Row(
        "UpsamplingNearest2d",
        "UpsamplingNearest2d(scale_factor=2)",
        "{upsample: 2}",
        "upsample",
        "size scale_factor>scale",
    ),
    Row("ZeroPad1d ZeroPad2d ZeroPad3d", "ZeroPad2d(1)", "{pad: 1}", "pad", "padding>amount"),
    Row(
        "ReflectionPad1d ReflectionPad2d",
        "ReflectionPad2d(1)",
        "{pad: 1, mode: reflect}",
        "pad",
        "padding>amount mode=reflect",
    ),
    Row(
        "ReplicationPad1d ReplicationPad2d ReplicationPad3d",
        "ReplicationPad2d(1)",
        "{pad: 1, mode: replicate}",
        "pad",
        "padding>amount mode=replicate",
    ),
    Row("cat", "torch.cat([a, b], 1)", "{concat: [a, b]}", note="branches are names, or lists of steps"),
    Row("matmul bmm", "torch.matmul(a, b)", "{matmul: [a, b]}", note="matrices of channels by positions"),
    Row("mean", "x.mean([2, 3])", "[global_avg_pool, flatten]"),
    Row(
        "MultiheadAttention",
        "MultiheadAttention(64, 8)",
        "[{conv: 192, kernel: 1}, {attention: 8}, {conv: 64, kernel: 1}]",
    ),
    Row(
        "Sequential ModuleList",
        "Sequential(a, b)",
        "{layers: [relu, relu]}",
        note="steps follow each other by themselves",
    ),
)
KERAS = (
    Row(
        "Conv1D Conv2D Conv3D Convolution2D",
        "Conv2D(64, 3, padding='same', activation='relu')",
        "{conv: 64, kernel: 3, padding: same, act: relu}",
        "conv",
        "filters>channels kernel_size>kernel strides>stride padding data_format> dilation_rate>dilation groups "
        "activation>act use_bias>bias" + KERAS_END,
    ),
    Row(
        "DepthwiseConv1D DepthwiseConv2D",
        "DepthwiseConv2D(3, padding='same')",
        "{depthwise_conv: 3, padding: same}",
        "depthwise_conv",
        "kernel_size>kernel strides>stride padding depth_multiplier>multiplier data_format> dilation_rate>dilation "
        "activation>act use_bias>bias" + KERAS_END,
    ),
    Row(
        "SeparableConv1D SeparableConv2D SeparableConvolution2D",
        "SeparableConv2D(64, 3, padding='same')",
        "{separable_conv: 64, kernel: 3, padding: same}",
        "separable_conv",
        "filters>channels kernel_size>kernel strides>stride padding data_format> dilation_rate>dilation "
        "depth_multiplier>multiplier activation>- use_bias>bias" + KERAS_END,
        note="norm and act follow both parts here: an activation after the pointwise alone is the next step",
    ),
    Row(
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose Deconvolution2D",
        "Conv2DTranspose(32, 2, strides=2)",
        "{conv_transpose: 32, kernel: 2, stride: 2}",
        "conv_transpose",
        "filters>channels kernel_size>kernel strides>stride padding output_padding data_format> dilation_rate>dilation "
        "activation>act use_bias>bias" + KERAS_END,
    ),
    Row(
        "Dense",
        "Dense(10, activation='softmax')",
        "{linear: 10, act: softmax}",
        "linear",
        "units>features activation>act use_bias>bias" + KERAS_END,
        note="on positions: `{conv: 10, kernel: 1}`",
    ),
    Row(
        "MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D MaxPool2D MaxPool3D",
        "MaxPooling2D(3, strides=2, padding='same')",
        "{max_pool: 3, stride: 2, padding: same}",
        "max_pool",
        "pool_size>kernel=2 strides>stride padding data_format>",
    ),
    Row(
        "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D",
        "AveragePooling2D(2)",
        "{avg_pool: 2}",
        "avg_pool",
        "pool_size>kernel=2 strides>stride padding data_format>",
        (("padding", "same", "same, count_include_pad: false"),),
    ),
    Row(
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool2D",
        "GlobalAveragePooling2D()",
        "[global_avg_pool, flatten]",
    ),
    Row(
        "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalMaxPool2D",
        "GlobalMaxPooling2D()",
        "[global_max_pool, flatten]",
    ),
    Row(
        "BatchNormalization",
        "BatchNormalization()",
        "{batch_norm, eps: 0.001}",
        "batch_norm",
        NORMALISED + " input_shape>",
        note="or `norm: batch` in the convolution's line",
    ),
    Row("LayerNormalization", "LayerNormalization()", "{layer_norm, eps: 0.001}", "layer_norm", NORMALISED),
    Row(
        "GroupNormalization",
        "GroupNormalization(8)",
        "{group_norm: 8, eps: 0.001}",
        "group_norm",
        "groups=32 axis> epsilon>eps=0.001 center>shift scale",
    ),
    Row(
        "Activation", "Activation('relu')", "relu", note="the activation is a step itself, or `act:` of the convolution"
    ),
    Row("LeakyReLU", "LeakyReLU()", "{leaky_relu: 0.3}", "leaky_relu", "negative_slope=0.3 alpha>negative_slope"),
    Row("ELU", "ELU()", "elu", "elu", "alpha"),
    Row("Softmax", "Softmax()", "softmax", "softmax"),
    Row(
        "Dropout SpatialDropout1D SpatialDropout2D",
        "Dropout(0.5)",
        "{dropout: 0.5}",
        "dropout",
        "rate noise_shape> seed>",
    ),
    Row("Flatten", "Flatten()", "flatten", "flatten", "data_format>"),
    Row(
        "ZeroPadding1D ZeroPadding2D ZeroPadding3D",
        "ZeroPadding2D(3)",
        "{pad: 3}",
        "pad",
        "padding>amount=1 data_format>",
    ),
    Row("Cropping1D Cropping2D Cropping3D", "Cropping2D(2)", "{crop: 2}", "crop", "cropping>amount data_format>"),
    Row(
        "UpSampling1D UpSampling2D UpSampling3D",
        "UpSampling2D(2, interpolation='bilinear')",
        "{upsample: 2, mode: bilinear}",
        "upsample",
        "size>scale=2 data_format> interpolation>mode",
    ),
    Row("Concatenate", "Concatenate()([a, b])", "{concat: [a, b]}", note="branches are names, or lists of steps"),
    Row("Add", "Add()([a, b])", "{add: [a, b]}"),
    Row("Multiply", "Multiply()([a, b])", "{multiply: [a, b]}"),
    Row("Subtract", "Subtract()([a, b])", "{subtract: [a, b]}"),
    Row("Rescaling Normalization", "Rescaling(1/255)", "", note="leave it out: it prepares data"),
    Row(
        "InputLayer Input",
        "Input((224, 224, 3))",
        "",
        note="leave it out: `input: [3, 224, 224]` stands above `layers`",
    ),
)
TENSORFLOW = (
    Row("depth_to_space", "tf.nn.depth_to_space(x, 2)", "{depth_to_space: 2, order: dcr}"),
    Row("space_to_depth", "tf.nn.space_to_depth(x, 2)", "{space_to_depth: 2, order: dcr}"),
    Row(
        "max_pool2d",
        "tf.nn.max_pool2d(x, 2, 2, 'SAME')",
        "{max_pool: 2, stride: 2, padding: same}",
        "max_pool",
        "x> ksize>kernel strides>stride padding data_format>",
    ),
    Row(
        "avg_pool2d",
        "tf.nn.avg_pool2d(x, 2, 2, 'VALID')",
        "{avg_pool: 2, stride: 2, padding: valid}",
        "avg_pool",
        "x> ksize>kernel strides>stride padding data_format>",
        (("padding", "SAME", "same, count_include_pad: false"),),
    ),
    Row("bias_add", "tf.nn.bias_add(x, b)", "{offset: channels}", note="a convolution has its bias already"),
    Row("reduce_mean", "tf.reduce_mean(x, [1, 2])", "[global_avg_pool, flatten]"),
    Row("swish", "tf.nn.swish(x)", "silu", "silu", "x>"),
    Row("concat", "tf.concat([a, b], -1)", "{concat: [a, b]}"),
)
CAFFE = (
    Row(
        "Convolution",
        "Convolution(num_output=64, kernel_size=3, pad=1)",
        "{conv: 64, kernel: 3, padding: 1}",
        "conv",
        "num_output>channels kernel_size>kernel stride pad>padding group>groups dilation bias_term>bias",
    ),
    Row(
        "Deconvolution",
        "Deconvolution(num_output=21, kernel_size=4, stride=2)",
        "{conv_transpose: 21, kernel: 4, stride: 2}",
        "conv_transpose",
        "num_output>channels kernel_size>kernel stride pad>padding group>groups dilation bias_term>bias",
    ),
    Row(
        "InnerProduct",
        "InnerProduct(num_output=1000)",
        "{linear: 1000}",
        "linear",
        "num_output>features bias_term>bias",
        note="of an image put `flatten` before it",
    ),
    Row("Pooling", "Pooling(pool=MAX, kernel_size=3, stride=2)", "{max_pool: 3, stride: 2, ceil_mode: true}"),
    Row("LRN", "LRN(local_size=5)", "{local_response_norm: 5}", "local_response_norm", "local_size>size alpha beta k"),
    Row(
        "BatchNorm",
        "BatchNorm()",
        "{batch_norm, scale: false, shift: false}",
        note="with the `Scale` after it: `batch_norm`",
    ),
    Row("Eltwise", "Eltwise(operation=SUM)", "{add: [a, b]}", note="of bottoms `a` and `b`; PROD is `multiply`"),
    Row("Concat", "Concat()", "{concat: [a, b]}", note="of bottoms `a` and `b`"),
    Row("Dropout", "Dropout(dropout_ratio=0.5)", "{dropout: 0.5}", "dropout", "dropout_ratio>rate"),
    Row("Crop", "Crop()", "{crop_like: a}", note="centred, of the same size as `a`"),
    Row("Data SoftmaxWithLoss Accuracy", "Data()", "", note="leave it out: it is no layer of the network"),
)
DARKNET = (
    Row(
        "convolutional",
        "convolutional(filters=32, size=3, stride=1, pad=1, batch_normalize=1, activation=leaky)",
        "{conv: 32, kernel: 3, stride: 1, padding: half, bias: false, norm: {batch, eps: 1e-6}, "
        "act: {leaky_relu: 0.1}}",
        "conv",
        "filters>channels size>kernel stride pad>padding batch_normalize>bias activation>act groups dilation",
        (
            ("pad", "1", "half"),
            ("pad", "0", "valid"),
            ("batch_normalize", "1", "false, norm: {batch, eps: 1e-6}"),
            ("batch_normalize", "0", "true"),
            ("activation", "leaky", "{leaky_relu: 0.1}"),
        ),
    ),
    Row(
        "connected",
        "connected(output=1000, activation=linear)",
        "{linear: 1000, act: none}",
        "linear",
        "output>features activation>act",
        (("activation", "leaky", "{leaky_relu: 0.1}"),),
        note="on positions put `flatten` before it",
    ),
    Row("maxpool", "maxpool(size=2, stride=2)", "{max_pool: 2, stride: 2, padding: [[0, 1], [0, 1]]}"),
    Row("avgpool", "avgpool()", "global_avg_pool", note="of all positions; over a window: `{avg_pool: 2}`"),
    Row("upsample", "upsample(stride=2)", "{upsample: 2}", "upsample", "stride>scale"),
    Row("reorg", "reorg(stride=2)", "{space_to_depth: 2, order: dcr}"),
    Row("shortcut", "shortcut(from=-3)", "{add: [x, a]}", note="of the current tensor `x` and the layer named `a`"),
    Row("route", "route(layers=-1,-4)", "{concat: [x, a]}", note="of a single layer: `{identity, from: a}`"),
    Row("dropout", "dropout(probability=0.5)", "{dropout: 0.5}", "dropout", "probability>rate"),
    Row("batchnorm", "batchnorm()", "{batch_norm, eps: 1e-6}"),
    Row("logistic", "logistic()", "sigmoid", "sigmoid"),
    Row(
        "yolo region detection cost",
        "yolo()",
        "",
        note="leave it out: it holds no weights, and its input is the output",
    ),
)
TABLE: dict[str, tuple[Row, ...]] = dict(zip(FRAMEWORKS, (PYTORCH, KERAS, TENSORFLOW, CAFFE, DARKNET)))

USUAL = (
    Row("convolution conv_bn conv_bn_relu", "", "conv", "conv"),
    Row("deconv deconvolution transposed_conv upconv up_conv conv_t", "", "conv_transpose", "conv_transpose"),
    Row("dwconv dw_conv depthwise depthwise_convolution", "", "depthwise_conv", "depthwise_conv"),
    Row("conv1x1 conv_1x1 pointwise pointwise_conv pw_conv pwconv pw", "", "conv", "conv", "channels kernel=1"),
    Row("conv3x3 conv_3x3", "", "conv", "conv", "channels kernel=3"),
    Row("conv5x5 conv_5x5", "", "conv", "conv", "channels kernel=5"),
    Row("conv7x7 conv_7x7", "", "conv", "conv", "channels kernel=7"),
    Row("dense fc fully_connected ip affine", "", "linear", "linear"),
    Row("maxpool maxpooling max_pooling mp", "", "max_pool", "max_pool"),
    Row(
        "avgpool avgpooling average_pool average_pooling",
        "",
        "avg_pool",
        "avg_pool",
        note="of all positions: `global_avg_pool`",
    ),
    Row(
        "se se_block senet_block squeeze_and_excitation",
        "",
        "{common.squeeze_excite: 16}",
        note="with `import: {common: blocks}` at the top",
    ),
    Row(
        "transformer transformer_block transformer_encoder transformer_encoder_layer encoder_block",
        "",
        "[{add: [x, [layer_norm, {common.self_attention: 8}]]}, {add: [x, [layer_norm, {common.mlp: 4*x.channels}]]}]",
        note="on tokens, with `import: {common: blocks}` at the top",
    ),
    Row("attn mhsa multi_head_self_attention self_attn", "", "attention", "attention"),
    Row("cls_token class_token", "", "{concat: [[{parameter: [64, 1]}], x], over: positions}", note="of 64 channels"),
    Row("pos_embed pos_embedding position_embedding positional_embedding pos_encoding", "", "{offset: all}"),
    Row("gap global_pool global_average_pool", "", "global_avg_pool", "global_avg_pool"),
    Row("gmp", "", "global_max_pool", "global_max_pool"),
    Row("bn batchnorm batch_normalization", "", "batch_norm", "batch_norm"),
    Row("ln layernorm", "", "layer_norm", "layer_norm"),
    Row("gn groupnorm", "", "group_norm", "group_norm"),
    Row("lrn", "", "local_response_norm", "local_response_norm"),
    Row("swish", "", "silu", "silu"),
    Row("hswish h_swish hard_silu", "", "hard_swish", "hard_swish"),
    Row("hsigmoid h_sigmoid", "", "hard_sigmoid", "hard_sigmoid"),
    Row("lrelu leaky", "", "leaky_relu", "leaky_relu"),
    Row("logistic", "", "sigmoid", "sigmoid"),
    Row("pixel_shuffle pixelshuffle subpixel", "", "depth_to_space", "depth_to_space"),
    Row("pixel_unshuffle reorg", "", "space_to_depth", "space_to_depth"),
    Row("upsampling resize interpolate", "", "upsample", "upsample"),
    Row("zero_pad zeropad padding", "", "pad", "pad"),
    Row(
        "skip residual_add sum plus eltwise",
        "",
        "{add: [x, a]}",
        note="of the current tensor `x` and the layer named `a`",
    ),
    Row(
        "residual residual_block skip_connection",
        "",
        "{add: [x, [{conv: 64, kernel: 3, padding: half}, relu]]}",
        note="of the current tensor `x` and a branch",
    ),
    Row("cat concatenate merge", "", "{concat: [x, a]}", note="of the current tensor `x` and the layer named `a`"),
    Row("mul product", "", "{multiply: [x, a]}", note="of the current tensor `x` and the layer named `a`"),
)
"""Words that belong to no framework, or to all."""

MODIFIERS = (
    "bottom>from inputs>from input>from prev>from source>from top>name id>name label>name repeats>repeat times>repeat "
    "number>repeat trainable>learned when>if condition>if filters>channels out_channels>channels num_output>channels "
    "out_features>features units>features normalization>norm normalisation>norm bn>norm nonlinearity>act relu>act "
    "activation_fn>act size>kernel k>kernel s>stride p>padding pad>padding in_channels> in_features> input_shape> "
    "embed_dim> d_model> hidden_dim> num_heads>heads n_heads>heads nhead>heads "
    "input_dim> input_size> inplace> data_format> kernel_size>kernel pool_size>kernel strides>stride "
    "dilation_rate>dilation use_bias>bias bias_term>bias activation>act"
)
"""What arguments are called anywhere, and here, in the form of `Row.takes`."""

KEYS = {
    "input": "input_shape input_size in_shape inputs shape",
    "outputs": "output heads",
    "args": "parameters params config hyperparameters hparams arguments",
    "name": "title model_name",
    "source": "reference paper description url",
    "import": "include includes imports",
    "blocks": "modules functions defs",
    "expect": "expected tests assert asserts",
    "in": "range over values",
    "layers": "model network net architecture arch backbone sequence sequential steps ops do body",
    "params": "parameters weights num_params n_params total_params parameter_count",
    "macs": "flops gflops mac mult_adds multiply_adds madds",
    "receptive_field": "rf field fov receptive",
    "peak_memory": "memory ram peak",
    "output": "shape output_shape out_shape outputs",
}
"""What the keys of a file, a block or a loop are called elsewhere."""

KEY_NOTES = dict.fromkeys(("flops", "gflops"), ", of half the figure: FLOPs are 2 x MACs")
"""What to know where a key is called otherwise elsewhere, and counts something else."""

ABSENT = {
    "pool": "which of them: `{max_pool: 2}` or `{avg_pool: 2}`",
    "norm normalise normalize": "which of them: `batch_norm`, `layer_norm` or another; `cnncalc layers` lists them",
    "causal": "pad before only, by the kernel less one: `[[2, 0]]` in 1-D for a kernel of 3",
    "group steps stage sequence seq module block": (
        "steps in a row are `{layers: [relu, relu]}`; what several places use is a block, which has a name"
    ),
    "act": "which of them: `relu`, `silu` or another; `cnncalc layers` lists them",
    "softmin min_pool minpool unpool avg_unpool downsample down_sample hardtanh hard_tanh softsign celu glu rrelu "
    "log_sigmoid logsigmoid softshrink hardshrink tanhshrink threshold maxout sin exp sqrt log abs": (
        "cnncalc has no such kind; `{opaque: [8, 16, 16], params: 0, macs: 0}` stands for one, with its output's shape"
    ),
    "lstm gru rnn embedding bidirectional conv_lstm": (
        "cnncalc has no recurrent layers; `{opaque: [8, 16, 16], params: 100}` stands for one, with its output's shape"
    ),
}
"""What is no kind here, and must not be taken for one that is spelled alike; and what to do."""


@cache
def rows(name: str) -> tuple[Row, ...]:
    """All that is called so, those of a spelling with this case first."""
    plain, found = plainly(name), []
    for row in (*(row for table in TABLE.values() for row in table), *USUAL):
        if any(plainly(known) == plain for known in row.names.split()):
            found.append(row)
    return tuple(sorted(found, key=lambda row: name.rpartition(".")[2] not in row.names.split()))


def join(name: str) -> str:
    """The join that a thing of this name is; nothing where it is none."""
    for row in rows(name):
        found = re.match(r"\{(concat|add|subtract|multiply): ", row.ours)
        if found is not None:
            return found[1]
    return ""


def plainly(name: str) -> str:
    """A name without case, underscores, number of axes, and the module that it stands in."""
    return name.rpartition(".")[2].lower().replace("_", "").removesuffix("2d").removesuffix("1d").removesuffix("3d")


def absent(name: str) -> str:
    """What to do about a layer that has no kind here; nothing where it may have one."""
    plain = plainly(name)
    return next((help for names, help in ABSENT.items() if plain in map(plainly, names.split())), "")


class Argument(NamedTuple):
    """An argument of theirs: what it is here (nothing: it is left out), and its default there, where it differs."""

    theirs: str
    ours: str
    default: str


def arguments(takes: str) -> list[Argument]:
    """The entries of a signature, in order."""
    found = []
    for entry in takes.split():
        names, _, default = entry.partition("=")
        theirs, changed, ours = names.partition(">")
        found.append(Argument(theirs, ours if changed else theirs, default))
    return found


@cache
def argument(kind: str, name: str) -> tuple[str, ...]:
    """What an argument that other frameworks call so may be here, for this kind first; "" is to be left out."""
    of_kind: list[str] = []
    others: list[str] = []
    for row in (row for table in TABLE.values() for row in table):
        for entry in arguments(row.takes):
            if entry.theirs == name and entry.ours == "-" and row.kind == kind:
                return ()
            if entry.theirs == name and entry.ours not in (name, "-"):
                (of_kind if row.kind == kind else others).append(entry.ours)
    others += [entry.ours for entry in arguments(MODIFIERS) if entry.theirs == name]
    return tuple(dict.fromkeys([*of_kind, *others]))


def word(name: str, allowed: tuple[str, ...]) -> str:
    """What to write for a word that a field takes here by another name; nothing where the table has none."""
    if name.lower() in allowed:
        return name.lower()
    if name.lower() in ("linear", "identity", "null") and "none" in allowed:
        return "none"
    kinds = [row.kind for row in rows(name) if row.kind in allowed]
    return kinds[0] if kinds else ""
