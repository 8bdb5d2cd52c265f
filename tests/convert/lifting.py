"""Small networks whose lifted texts are kept, each for one thing that a person would write in that way."""

from __future__ import annotations


def rows(steps: str, *table: object) -> str:
    """Steps for every row of a table, whose entries stand for `<0>`, `<1>`, ... in them."""
    found = []
    for row in table:
        text = steps
        for place, entry in enumerate(row if isinstance(row, tuple) else (row,)):
            text = text.replace(f"<{place}>", str(entry))
        found.append(text)
    return ", ".join(found)


CONV = "{conv: <0>, kernel: 3, padding: half, norm: batch, act: relu}"
RESIDUAL = f"{{add: [x, [{CONV}, {{conv: <0>, kernel: 1}}]]}}, relu"
PARTED = (
    f"{{add: [[{CONV.replace('norm', 'stride: <1>, norm')}, {{conv: <0>, kernel: 1}}], "
    "[{conv: <0>, kernel: 1, stride: <1>}]]}, relu"
)
SHORT = f"{CONV}, {{depthwise_conv: 3, padding: half, norm: batch, act: relu}}"
BRANCH = f"{SHORT}, {{conv: <0>, kernel: 1, norm: batch}}"
SKIPPED = f"{{add: [x, [{BRANCH}]]}}"
WIDE = f"{{add: [x, [{CONV.replace('3', '7')}, {{conv: <0>, kernel: 5, padding: half}}, l2_norm]]}}, mish"
COSTLY = (
    "{conv: <0>, kernel: 5, padding: same, bias: false, act: elu, dilation: 2}",
    "{conv: 7, kernel: 5, padding: same, bias: false, act: tanh, dilation: 2}",
    "{conv: 9, kernel: 3, padding: same, bias: false, act: silu, dilation: 3}",
)
"""Steps whose arguments are not those that most have."""
USUAL = "{max_pool: 1}, " + rows(CONV, 9, 5, 7, 3, 2, 8, 11, 6)
POINTWISE = (
    *("relu", "sigmoid", "tanh", "elu", "silu", "gelu", "selu", "mish", "softplus", "hard_swish", "hard_sigmoid"),
    "relu6",
)
CHAIN = [f"{{conv: 4, kernel: {(3, 1, 5)[place % 3]}, padding: half}}" for place in range(15)]
QUERIES = (
    "{conv: 4, kernel: 1, from: input, name: k}, {conv: 4, kernel: 1, from: input, name: v}, "
    "{attention: 2, from: [q, k, v]}"
)
LONG = [letter + "z" * 299 for letter in "abc"]
"""Names of as many letters as there may be."""
ADDED = "{add: [x, [{conv: 4, kernel: 1}, _]]}"


def nested(depth: int) -> str:
    """Joins so deep inside each other."""
    return "relu" if not depth else ADDED.replace("_", nested(depth - 1))


def widened(*table: tuple[int, int, int, int]) -> str:
    """Inverted residual blocks: the channels before, their multiple within (1: no step for it), a kernel, the channels
    behind; with a skip where it fits."""
    found = []
    for before, ratio, kernel, behind in table:
        steps = f"{{conv: {ratio * before}, kernel: 1, norm: batch, act: relu}}, " if ratio > 1 else ""
        steps += f"{{depthwise_conv: {kernel}, padding: half, norm: batch, act: relu}}, "
        steps += f"{{conv: {behind}, kernel: 1, norm: batch}}"
        found.append(f"{{add: [x, [{steps}]]}}" if before == behind else steps)
    return ", ".join(found)


def stages(*ratios: int) -> str:
    """Stages whose first convolution has so many times the channels of what it takes, after steps that are usual."""
    apart = ("tanh", "elu", "silu", "mish", "gelu", "selu", "softplus", "hard_swish")
    sizes = (16, 24, 40, 56, 88, 104, 136, 152, 184)
    steps = (
        "{conv: <0>, kernel: 1, act: silu, bias: false}, {depthwise_conv: 3, padding: half, norm: batch, act: relu}, "
        f"{CONV.replace('<0>', '<1>')}, l2_norm, {{max_pool: 1}}, <2>"
    )
    table = [(ratio * before, behind, kind) for ratio, before, behind, kind in zip(ratios, sizes, sizes[1:], apart)]
    return f"{USUAL}, {CONV.replace('<0>', '16')}, {rows(steps, *table)}"


def taken(number: int) -> str:
    """Four turns of two steps that cost much, and others; what the step of this number gives is an output as well."""
    steps = [*COSTLY[:2]] * 4
    steps[number] = f"{steps[number][:-1]}, name: taken}}"
    return f"{', '.join(steps).replace('<0>', '4')}, {USUAL}, {{relu, name: last}}]\noutputs: [taken, last"


def units(steps: str, times: int) -> str:
    """The steps so many times with others between them, and others of their kinds, whose arguments are more usual."""
    apart = ("sigmoid", "tanh", "silu", "gelu", "selu", "mish", "softplus")
    usual = f"{rows('{leaky_relu: 0.1}', *range(8))}, l2_norm, {rows('{elu: 0.9}', *range(8))}"
    return f"{rows(f'{steps}, <0>', *apart[:times])}, {usual}"


UNET = """
{conv: 4, kernel: 3, padding: half, act: relu, name: a}, {max_pool: 2},
{conv: 8, kernel: 3, padding: half, act: relu, name: b}, {max_pool: 2},
{conv: 16, kernel: 3, padding: half, act: relu},
{conv_transpose: 8, kernel: 2, stride: 2, name: up}, {concat: [b, up]}, {conv: 8, kernel: 3, padding: half, act: relu},
{conv_transpose: 4, kernel: 2, stride: 2, name: over}, {concat: [over, a]},
{conv: 4, kernel: 3, padding: half, act: relu}
"""

OF_ALL = (
    *("attention without windows", "inputs and outputs twice", "odd names", "parts", "queries that are learned"),
    *("several ends", "shared and fixed", "skips", "tokens"),
)
"""Networks among those of the exports whose texts are kept with these."""

Layers = dict[str, tuple[str, str]]
"""The shape of the input and the steps, by what they are kept for."""

WIRING: Layers = {
    "concatenations that begin as earlier ones": (
        "[4, 8, 8]",
        rows("{conv: 4, kernel: 3, padding: half, norm: batch, from: input, name: <0>}", *"abcd")
        + ", {concat: [a, b]}, {conv: 5, kernel: 1, name: e}, {concat: [a, b, c]}, {conv: 5, kernel: 1, name: f}, "
        "{concat: [a, b, c, d]}, {conv: 5, kernel: 1, name: g}, {concat: [e, f, g]}",
    ),
    "a concatenation of others in another order": (
        "[4, 8, 8]",
        rows("{conv: 4, kernel: 3, padding: half, norm: batch, from: input, name: <0>}", *"abc")
        + ", {concat: [a, b], name: ab}, {concat: [b, a, c], name: bac}, {concat: [c, a, b], name: cab}, "
        "{concat: [ab, bac, cab]}",
    ),
    "a concatenation in another, that a third begins with": (
        "[4, 8, 8]",
        "{relu, name: a}, {tanh, name: b}, {concat: [a, b], name: j}, {sigmoid, name: c}, {concat: [j, c], name: k}, "
        "{concat: [a, b, c, a], name: l}, {conv: 8, kernel: 1, from: k}, {concat: [l, x]}, {concat: [c, b, a, x]}",
    ),
    "a branch of fourteen steps": ("[4, 8, 8]", f"{{add: [x, [{', '.join(CHAIN[:14])}]]}}, relu"),
    "a branch of fifteen steps": ("[4, 8, 8]", f"{{add: [x, [{', '.join(CHAIN)}]]}}, relu"),
    "joins three deep": ("[4, 8, 8]", nested(3)),
    "joins four deep": ("[4, 8, 8]", nested(4)),
    "skips over what is smaller": ("[1, 16, 16]", UNET),
    "queries of fourteen steps": ("[4, 6, 6]", f"{', '.join(CHAIN[:14])[:-1]}, name: q}}, {QUERIES}"),
    "queries of fifteen steps": ("[4, 6, 6]", f"{', '.join(CHAIN)[:-1]}, name: q}}, {QUERIES}"),
    "keys and values of what is smaller": (
        "[4, 6, 6]",
        "{conv: 4, kernel: 1, name: q}, {avg_pool: 2, from: input}, {layer_norm, name: small}, "
        "{conv: 4, kernel: 1, name: k}, {conv: 4, kernel: 1, from: small, name: v}, {attention: 2, from: [q, k, v]}, "
        "{conv: 4, kernel: 1}",
    ),
    "keys of what is smaller, and another that takes it": (
        "[4, 6, 6]",
        "{conv: 4, kernel: 1, name: q}, {avg_pool: 2, from: input}, {layer_norm, name: small}, "
        "{conv: 4, kernel: 1, name: k}, {conv: 4, kernel: 1, from: small, name: v}, "
        "{attention: 2, from: [q, k, v], name: a}, {global_avg_pool, from: small}, {multiply: [x, a]}",
    ),
    "products of two": (
        "[4, 6, 6]",
        "{conv: 4, kernel: 1, name: q}, {softmax, name: s}, {conv: 4, kernel: 1, from: input, name: k}, tanh, "
        "{matmul: [x, q], over: channels}, {matmul: [s, x]}",
    ),
    "heads": (
        "[3, 8, 8]",
        "{conv: 4, kernel: 3, padding: half, name: trunk}, {conv: 2, kernel: 1, name: one}, tanh, "
        "{conv: 3, kernel: 1, from: trunk, name: two}, {sigmoid, name: lost}, {global_avg_pool, from: two}, "
        "{multiply: [x, two]}, {concat: [x, one]}, {relu, from: trunk}",
    ),
    "one tensor twice": (
        "[4, 8, 8]",
        "{add: [x, x]}, {conv: 4, kernel: 1, name: a}, {concat: [a, [{conv: 2, kernel: 1}], a]}, "
        "{add: [x, [{conv: 10, kernel: 1}]]}",
    ),
    "a branch that begins elsewhere": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 1, name: a}, {conv: 4, kernel: 1, name: b}, {conv: 4, kernel: 1, name: c}, relu, "
        "{add: [x, [{conv: 4, kernel: 3, padding: half, from: a}, tanh], b]}, {add: [x, c]}, {multiply: [x, a]}",
    ),
    "names that end alike, and are longer than names may be with a number": (
        "[4, 4, 4]",
        f"{{relu, name: {LONG[0]}}}, {{tanh, name: {LONG[1]}}}, {{sigmoid, name: {LONG[2]}}}, "
        f"{{add: [{LONG[0]}, {LONG[1]}]}}, {{multiply: [x, {LONG[2]}]}}, {{add: [x, {LONG[0]}]}}, "
        f"{{add: [x, {LONG[1]}]}}, {{add: [x, {LONG[2]}]}}",
    ),
    "a crop as another": (
        "[4, 9, 9]",
        "{conv: 4, kernel: 3, name: small}, {conv: 4, kernel: 1, from: input}, {crop_like: small}, {add: [x, small]}",
    ),
}

FOLLOWERS: Layers = {
    "followers that are taken twice, or in another order": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 3, padding: half}, batch_norm, {relu, name: a}, {conv: 4, kernel: 3, padding: half}, "
        "{batch_norm, name: b}, relu, {add: [a, x, b]}, {conv: 4, kernel: 3, padding: half}, relu, batch_norm, tanh, "
        "{conv: 4, kernel: 3, padding: half}, {batch_norm, learned: false}, relu, "
        "{conv: 4, kernel: 3, padding: half, learned: false}, {batch_norm, learned: false}, relu",
    ),
    "shared layers with norms of their own": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 3, padding: half, name: a}, batch_norm, relu, {conv: 4, kernel: 3, padding: half, "
        "share: a}, batch_norm, relu, {conv: 4, kernel: 3, padding: half, share: a}, relu",
    ),
    "shared layers, and norms that are shared with others": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 3, padding: half, name: a}, {batch_norm, name: n}, relu, "
        "{conv: 4, kernel: 3, padding: half, share: a}, {batch_norm, share: n}, relu, "
        "{conv: 4, kernel: 3, padding: half, name: b}, {batch_norm, share: n}, relu",
    ),
    "shared layers with norms that are shared": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 3, padding: half, name: a}, {batch_norm, name: n}, relu, "
        "{conv: 4, kernel: 3, padding: half, share: a}, {batch_norm, share: n}, tanh, "
        "{conv: 4, kernel: 3, padding: half, share: a}, {batch_norm, share: n}",
    ),
    "blocks that share weights": (
        "[8, 8, 8]",
        rows(
            "{add: [x, [{conv: 8, kernel: 3, padding: half, norm: batch, act: relu<1>}, {max_pool: 1}, "
            "{depthwise_conv: 3, padding: half, act: elu}, l2_norm]]}, <0>",
            *(("tanh", ", name: a"), ("elu", ", share: a"), ("silu", ", share: a"), ("mish", "")),
        ),
    ),
    "weights that a later row of the text has": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 3, padding: half, norm: batch, name: a}, tanh, {conv: 4, kernel: 3, padding: half, "
        "norm: batch, act: relu, from: input, share: a, name: b}, {add: [b, a]}, "
        "{conv: 4, kernel: 3, padding: half, norm: batch}",
    ),
    "weights that the first branch has": (
        "[4, 8, 8]",
        "{conv: 4, kernel: 3, padding: half, norm: batch, act: relu, name: a}, {conv: 4, kernel: 3, padding: half, "
        "norm: batch, act: relu, from: input, share: a, name: b}, {sigmoid, name: c}, {add: [c, a]}",
    ),
    "sizes of three axes": (
        "[2, 9, 9, 9]",
        "{conv: 4, kernel: [1, 3, 3], padding: half}, {avg_pool: [1, 2, 3]}, {conv: 5, kernel: [2, 1, 1], bias: false}",
    ),
}

TURNS: Layers = {
    "two turns of three steps": (
        "[8, 8, 8]",
        rows(f"{CONV}, {{conv: 8, kernel: 1}}, {{depthwise_conv: 3, padding: half}}", 8, 8) + ", tanh",
    ),
    "two turns of five steps": (
        "[8, 8, 8]",
        "sigmoid, "
        + rows(
            f"{CONV}, {{conv: 9, kernel: 1}}, {{depthwise_conv: 3, padding: half}}, {{group_norm: 3, eps: 0.1}}, "
            "{conv: 8, kernel: 5, padding: half, groups: 1, bias: false}",
            *(8, 8),
        )
        + ", {max_pool: 2}",
    ),
    "turns of rows that are repeated": (
        "[8, 8, 8]",
        rows("{conv: 8, kernel: 1}, {layers: [{conv: 8, kernel: 3, padding: half}], repeat: 3}, sigmoid", *range(4)),
    ),
    "rows of equal steps": (
        "[8, 8, 8]",
        "tanh, relu, relu, relu, tanh, relu, relu, {relu, name: r}, sigmoid, {add: [x, r]}, {add: [x, x]}, "
        "{add: [x, x]}, relu",
    ),
    "equal steps, one of which another takes": (
        "[8, 8, 8]",
        "relu, {relu, name: r}, relu, relu, sigmoid, {add: [x, r]}, {multiply: [x, r]}, {conv: 8, kernel: 1}, "
        "{conv: 8, kernel: 1, name: a}, {conv: 8, kernel: 1, share: a}, {conv: 8, kernel: 1}, {conv: 8, kernel: 1}",
    ),
    "two rows of three steps": (
        "[3, 64, 64]",
        rows(
            "{conv: 4, kernel: <0>, padding: half, act: relu, dilation: 2}, {depthwise_conv: <0>, padding: half, "
            "multiplier: 2}, {conv: <0>, kernel: 3, padding: half, norm: batch, act: relu, stride: <0>}",
            *(3, 5),
        ),
    ),
    "two rows of four steps": (
        "[64, 32, 32]",
        rows(
            "{conv: <0>, kernel: 3, stride: 2, padding: half, norm: batch, act: relu, bias: false}, "
            "{l2_norm, scale: true}, {lp_pool: 3, stride: 1, p: 3}, "
            "{conv: <0>, kernel: 5, padding: same, groups: 2, padding_mode: reflect}",
            *(128, 256),
        ),
    ),
    "three rows of one step": ("[3, 64, 64]", rows("{conv: 4, kernel: <0>, stride: <0>, bias: false}", 7, 1, 2)),
    "four rows of one step": (
        "[3, 99, 99]",
        rows("{conv: 4, kernel: <0>, bias: false, act: relu, norm: batch}", 7, 1, 2, 4),
    ),
    "three rows of three steps": (
        "[3, 64, 64]",
        rows("{depthwise_conv: 3, padding: half, act: relu, multiplier: <0>}, {max_pool: 2}, {crop: 1}", 2, 1, 5),
    ),
    "six rows of two steps": (
        "[3, 99, 99]",
        "tanh, "
        + rows(
            "{conv: <0>, kernel: 3, padding: half, act: relu}, {max_pool: <1>, stride: 1}",
            *((20, 2), (30, 2), (50, 3), (70, 2), (6, 5), (9, 2)),
        )
        + ", sigmoid",
    ),
    "two rows of two steps that cost much": ("[3, 9, 9]", f"{rows(f'{COSTLY[0]}, {{max_pool: 1}}', 4, 6)}, {USUAL}"),
    "three rows of two steps that cost much": (
        "[3, 9, 9]",
        f"{rows(f'{COSTLY[0]}, {{max_pool: 1}}', 4, 6, 8)}, {USUAL}",
    ),
    "two rows of three steps that cost much": ("[3, 9, 9]", f"{rows(', '.join(COSTLY), 4, 6)}, {USUAL}"),
    "three rows of a step that costs much": ("[3, 9, 9]", f"{rows(COSTLY[0], 4, 6, 8)}, {USUAL}"),
    "rows that follow rows": (
        "[3, 9, 9]",
        f"{rows(COSTLY[0], 4, 6, 8)}, "
        f"{rows('{conv: <0>, kernel: 1, stride: 2, bias: false, act: elu}', 3, 1, 5)}, {USUAL}",
    ),
    "rows whose channels are twice their kernels": (
        "[3, 64, 64]",
        rows(
            "{depthwise_conv: <0>, padding: half, bias: false, norm: batch, act: relu}, {conv: <1>, kernel: 1}, "
            "{lp_pool: 3, stride: 1, p: 3}",
            *((kernel, 2 * kernel) for kernel in (3, 5, 7, 9)),
        ),
    ),
    "two groups of steps that cost much": (
        "[3, 9, 9]",
        f"{rows(f'{COSTLY[0]}, {{max_pool: 1}}', 4, 4, 4)}, softmax, {rows(f'{COSTLY[1]}, {{lp_pool: 1}}', 4, 4, 4)}, "
        f"{USUAL}",
    ),
    "six words twice": ("[4, 8, 8]", ", ".join(POINTWISE[:6] * 2)),
    "seven words twice": ("[4, 8, 8]", ", ".join(POINTWISE[:7] * 2)),
    "rows whose last step is an output": (
        "[3, 9, 9]",
        f"{rows(COSTLY[0], 4, 6, 8)[:-1]}, name: taken}}, {USUAL}, {{relu, name: last}}]\noutputs: [taken, last",
    ),
    "turns whose first step is an output": ("[3, 9, 9]", taken(0)),
    "turns whose last step is an output": ("[3, 9, 9]", taken(3)),
    "turns whose last but one step is an output": ("[3, 9, 9]", taken(6)),
    "repeated calls that come again": ("[8, 256, 256]", rows(PARTED, *((16, 2), (16, 1)) * 3)),
    "a row that fills a line": (
        "[3, 9, 9]",
        rows("{conv: <0>, kernel: 3, padding: half}", *range(101, 121), 1001, 1002),
    ),
    "a row that is longer than a line": ("[3, 9, 9]", rows("{conv: <0>, kernel: 3, padding: half}", *range(101, 130))),
    "rows of lists": (
        "[16, 18, 18]",
        rows(
            "{conv: 16, kernel: 1, norm: batch, act: relu}, {slice: <0>}, {depthwise_conv: 3, norm: batch, act: relu}, "
            "{max_pool: 2, stride: 1}",
            *(([0, 3],), ([3, "none"],), ([1, 7],), ([0, 11],)),
        ).replace("'", ""),
    ),
    "rows of four sizes": (
        "[4, 4, 4]",
        rows(
            "{conv: 4, kernel: 1, norm: batch, act: relu}, {reshape: <0>}, relu6, {reshape: [4, 4, 4]}, "
            "{max_pool: 2, stride: 1, padding: [[0, 1], [0, 1]]}",
            *(([2, 2, 4, 4],), ([1, 4, 4, 4],), ([4, 1, 4, 4],), ([2, 8, 2, 2],)),
        ),
    ),
    "a branch that fills a line": (
        "[4, 8, 8]",
        "{add: [x, [relu, tanh, softplus, hard_swish, hard_sigmoid, sigmoid, relu6, l2_norm, batch_norm, layer_norm, "
        "instance_norm]]}",
    ),
    "a branch that is longer than a line by a letter": (
        "[4, 8, 8]",
        "{add: [x, [relu, elu, softplus, hard_swish, hard_sigmoid, sigmoid, l2_norm, softmax, batch_norm, layer_norm, "
        "instance_norm]]}",
    ),
    "a row of sizes": (
        "[3, 99, 99]",
        rows(
            "{conv: 4, kernel: [<0>, <1>], bias: false, act: relu, norm: batch}", *((1, place) for place in range(2, 9))
        ),
    ),
    "steps that are longer than a line": (
        "[1, 9, 9]",
        f"{{conv: 1, kernel: 7, weights: {[place % 10 for place in range(49)]}, learned: false}}, "
        "{conv: 1, kernel: 1, weights: [1], padding: [[0, 1], [2, 3]], padding_mode: replicate, bias: false, "
        "norm: batch, act: hard_sigmoid, learned: false}, {upsample, size: [17, 19], mode: bilinear}",
    ),
    "a step that fills a line": (
        "[4, 9, 9]",
        f"{{tanh, name: {'a' * 102}}}, {rows('relu', *range(9))}, {{sigmoid, name: b}}]\noutputs: [{'a' * 102}, b",
    ),
    "a step that is longer than a line by a letter": (
        "[4, 9, 9]",
        f"{{tanh, name: {'a' * 103}}}, {rows('relu', *range(9))}, {{sigmoid, name: b}}]\noutputs: [{'a' * 103}, b",
    ),
    "names of parts": (
        "[4, 9, 9]",
        "{conv: 4, kernel: 1, name: a.0.one}, {conv: 4, kernel: 1, name: a.1}, tanh, "
        "{conv: 4, kernel: 1, name: b.one}, {conv: 4, kernel: 1, name: b.2x}, {add: [x, a.1], name: 3.add}, "
        "{sigmoid, name: conv1}, {add: [x, a.0.one, b.2x]}, {sigmoid, from: 3.add}, {add: [x, conv1]}",
    ),
    "rows of twelve steps": ("[3, 9, 9]", rows(f"{{conv: <0>, kernel: 1}}, {', '.join(POINTWISE[:11])}", 5, 7, 9)),
    "rows of thirteen steps": ("[3, 9, 9]", rows(f"{{conv: <0>, kernel: 1}}, {', '.join(POINTWISE)}", 5, 7, 9)),
    "rows of another number of turns": ("[3, 64, 64]", rows(CONV, 20, 20, 30, 50, 50, 50, 20, 20)),
    "rows whose channels are multiples and parts": (
        "[4, 64, 64]",
        rows(
            "{conv: <0>, kernel: <1>, padding: half, act: relu}, {conv: <2>, kernel: 3, padding: half}, "
            "{depthwise_conv: <1>, padding: half}, {conv: <3>, kernel: 1}, {slice: [0, <4>]}",
            *((16, 3, 32, 4, 2), (24, 5, 48, 6, 3), (40, 3, 80, 10, 5), (64, 7, 128, 16, 8)),
        ),
    ),
    "rows whose channels are those before": (
        "[64, 32, 32]",
        rows(
            "{conv: <0>, kernel: 3, padding: half, act: relu}, {conv: <1>, kernel: 1}, <2>",
            *((64, 128, "tanh"), (128, 256, "elu"), (256, 512, "silu"), (512, 1024, "mish")),
        ),
    ),
}

BLOCKS: Layers = {
    "residual blocks with a projection": (
        "[8, 16, 16]",
        f"{rows(RESIDUAL, 8, 8, 8)}, {rows(f'{PARTED}, {RESIDUAL}', (16, 2), (32, 2))}",
    ),
    "residual blocks without their skip, where it does not fit": (
        "[8, 16, 16]",
        f"{rows(BRANCH, 12)}, relu, {rows(SKIPPED, 12)}, elu, {rows(BRANCH, 20)}, {rows(SKIPPED, 20, 20)}, tanh, "
        f"{rows(BRANCH, 36)}, sigmoid, {rows(SKIPPED, 36)}, {rows(BRANCH, 52)}",
    ),
    "residual blocks whose first step is missing": (
        "[8, 16, 16]",
        f"{rows(BRANCH, 8).partition('relu}, ')[2]}, relu, {rows(SKIPPED, 8)}, elu, {rows(BRANCH, 20)}, "
        f"{rows(SKIPPED, 20, 20)}, {rows(BRANCH, 8)}, {rows(SKIPPED, 8)}",
    ),
    "residual blocks that begin as others": (
        "[8, 16, 16]",
        f"{{add: [x, [{SHORT.replace('<0>', '8')}]]}}, relu, {rows(SKIPPED, 8)}, elu, {rows(BRANCH, 20)}, "
        f"{rows(SKIPPED, 20, 20)}, tanh, {rows(BRANCH, 8)}, relu, {SHORT.replace('<0>', '30')}, elu, "
        f"{{add: [x, [{SHORT.replace('<0>', '30')}]]}}",
    ),
    "a skip over one step": (
        "[8, 16, 16]",
        f"{rows(CONV, 8)}, tanh, {{add: [x, [{rows(CONV, 8)}]]}}, elu, {rows(CONV, 12)}, sigmoid, "
        f"{{add: [x, [{rows(CONV, 12)}]]}}, relu6, {rows(CONV, 20)}, {{add: [x, [{rows(CONV, 20)}]]}}",
    ),
    "blocks that begin with another stride": (
        "[8, 32, 32]",
        rows(PARTED, (16, 2), (16, 1), (16, 1), (24, 2), (24, 1), (40, 1), (40, 1)),
    ),
    "blocks with a step that some leave out": (
        "[8, 32, 32]",
        rows(
            f"{{add: [[{CONV}, {{depthwise_conv: <1>, padding: half, norm: batch}}, <2>{{conv: <0>, kernel: 1}}], "
            "[{conv: <0>, kernel: 1}]]}, <3>",
            *((12, 3, "", "tanh"), (20, 5, "{group_norm: 4}, ", "sigmoid"), (28, 3, "", "{max_pool: 2}")),
            *((44, 5, "{group_norm: 4}, ", "elu"), (36, 5, "", "selu")),
        ),
    ),
    "blocks with a step that those of one stride leave out": (
        "[8, 32, 32]",
        rows(
            f"{{add: [[{CONV}, <2>{{conv: <0>, kernel: 1}}], [{{conv: <0>, kernel: 1, stride: <1>}}]]}}, <3>",
            *((12, 1, "", "tanh"), (20, 2, "{max_pool: 2}, ", "sigmoid"), (28, 1, "", "relu6")),
            *((44, 2, "{max_pool: 2}, ", "elu"), (36, 1, "", "selu")),
        ),
    ),
    "blocks with a branch that some leave out": (
        "[8, 32, 32]",
        rows(
            "{add: [[{conv: <0>, kernel: <1>, padding: half, norm: batch, act: relu}, {conv: <0>, kernel: 1}], "
            "[{conv: <0>, kernel: 1}, {depthwise_conv: 3, padding: half}]<2>]}, <3>",
            *((12, 3, "", "tanh"), (20, 5, ", [{conv: 20, kernel: 1, groups: 4}]", "sigmoid"), (28, 3, "", "relu6")),
            *((44, 3, ", [{conv: 44, kernel: 1, groups: 4}]", "elu"), (36, 5, "", "selu")),
        ),
    ),
    "three residual blocks": (
        "[8, 16, 16]",
        f"{rows(RESIDUAL, 8, 8)}, {rows(PARTED, (12, 2), (20, 2))}, {rows(WIDE, 20)}, {{conv: 28, kernel: 1}}, "
        f"{rows(WIDE, 28)}, {{conv: 12, kernel: 1}}, {rows(WIDE, 12)}, {{conv: 16, kernel: 1}}, "
        f"{rows(RESIDUAL, 16, 16)}",
    ),
}

MODULES: Layers = {
    "pools beside convolutions": (
        "[8, 64, 64]",
        rows(
            "{concat: [[{conv: <0>, kernel: 2, stride: <1>, norm: batch, act: relu}, {conv: 9, kernel: 1}], "
            "[{max_pool: 2, stride: <1>}, {depthwise_conv: 3, padding: half, norm: batch, act: relu}, l2_norm]]}, <2>",
            *((8, 2, "tanh"), (12, 1, "elu"), (20, 1, "relu6"), (12, 2, "mish"), (9, 2, "silu")),
        ),
    ),
    "modules of three sizes": (
        "[16, 32, 32]",
        rows(
            "{concat: [[{conv: <0>, kernel: 1, norm: batch, act: relu}, "
            "{depthwise_conv: 3, padding: half, norm: batch, act: relu}], "
            "[{conv: <1>, kernel: 1, norm: batch, act: relu}, l2_norm, "
            "{conv: <2>, kernel: 5, padding: half, act: relu}, instance_norm]]}, <3>",
            *((8, 4, 6, "tanh"), (3, 5, 9, "elu"), (11, 4, 13, "silu"), (5, 4, 6, "mish"), (8, 8, 1, "relu")),
        ),
    ),
    "modules of many branches": (
        "[16, 32, 32]",
        rows(
            "{concat: [[{conv: <0>, kernel: 1, norm: batch, act: relu}], "
            "[{conv: <1>, kernel: 1, norm: batch, act: relu}, "
            "{conv: <2>, kernel: 3, padding: half, norm: batch, act: relu}], "
            "[{max_pool: 3, stride: 1, padding: 1}, {conv: <3>, kernel: 1, norm: batch, act: relu}]]}, <4>",
            *(
                (8, 4, 6, 7, "tanh"),
                (3, 5, 9, 7, "elu"),
                (11, 4, 13, 7, "silu"),
                (5, 4, 6, 9, "mish"),
                (8, 8, 1, 7, "relu"),
            ),
        ),
    ),
    "modules of two branches": (
        "[16, 32, 32]",
        rows(
            "{concat: [[{conv: <0>, kernel: 1, norm: batch, act: relu}, {depthwise_conv: 3, padding: half}], "
            "[{conv: <1>, kernel: 1, norm: batch, act: relu}, "
            "{conv: <2>, kernel: <3>, padding: half, act: relu}]]}, <4>",
            *(
                (8, 4, 6, 7, "tanh"),
                (3, 5, 9, 7, "elu"),
                (11, 4, 13, 3, "silu"),
                (5, 4, 6, 9, "mish"),
                (8, 8, 1, 7, "relu"),
            ),
        ),
    ),
    "pools that step by their kernel, or not": (
        "[8, 64, 64]",
        rows(
            "{conv: <0>, kernel: 3, padding: half, norm: batch, act: relu, groups: 1, bias: false}, "
            "{depthwise_conv: 3, padding: half, norm: batch, act: relu, bias: false}, "
            "{max_pool: <1>, stride: <2>}, <3>",
            *((12, 2, 2, "tanh"), (20, 3, 1, "elu"), (28, 2, 1, "silu"), (9, 3, 3, "mish"), (50, 2, 2, "relu")),
        ),
    ),
    "parts of the channels": (
        "[16, 8, 8]",
        rows(
            "{conv: <0>, kernel: 1, norm: batch}, {concat: [[{slice: [0, <1>]}], [{slice: [<1>, none]}, "
            "{conv: <1>, kernel: 3, padding: half, norm: batch, act: relu}]]}, <2>",
            *((16, 8, "tanh"), (24, 12, "elu"), (20, 10, "silu"), (36, 18, "mish")),
        ),
    ),
    "inverted bottlenecks": (
        "[16, 32, 32]",
        rows(
            "{conv: <0>, kernel: 1, norm: batch, act: relu}, {depthwise_conv: <1>, stride: <2>, padding: half, "
            "norm: batch, act: relu}, {conv: <3>, kernel: 1, norm: batch}",
            *((32, 3, 1, 24), (96, 5, 2, 24), (96, 3, 1, 32), (64, 5, 1, 56), (112, 3, 2, 56)),
        ),
    ),
    "blocks that widen by one ratio, or not": (
        "[16, 16, 16]",
        widened((16, 1, 3, 24), (24, 2, 3, 24), (24, 2, 5, 24), (24, 2, 3, 40), (40, 2, 3, 40), (40, 2, 5, 56)),
    ),
    "blocks that widen by two ratios": (
        "[16, 16, 16]",
        widened((16, 2, 3, 24), (24, 4, 3, 24), (24, 4, 5, 24), (24, 2, 3, 40), (40, 4, 3, 40), (40, 2, 5, 56)),
    ),
    "blocks that widen by three ratios": (
        "[16, 16, 16]",
        widened(
            (16, 2, 3, 24),
            (24, 4, 3, 24),
            (24, 4, 5, 32),
            (32, 3, 3, 40),
            (40, 4, 3, 40),
            (40, 2, 5, 56),
            (56, 3, 3, 56),
        ),
    ),
    "blocks that widen by four ratios": (
        "[16, 16, 16]",
        widened(
            *((16, 2, 3, 24), (24, 4, 3, 24), (24, 5, 5, 32), (32, 3, 3, 40), (40, 4, 3, 40), (40, 2, 5, 56)),
            *((56, 3, 3, 56), (56, 5, 3, 64), (64, 2, 3, 72)),
        ),
    ),
    "stages that widen by two ratios": ("[16, 16, 16]", stages(2, 4, 4, 2, 4, 2, 4, 2)),
    "stages that widen by three ratios": ("[16, 16, 16]", stages(2, 4, 3, 2, 4, 3, 4, 2)),
    "stages that widen by three ratios, to six numbers": ("[16, 16, 16]", stages(2, 4, 3, 2, 4, 3)),
    "stages that widen by three ratios, to five numbers": ("[16, 16, 16]", stages(2, 4, 3, 2, 4)),
    "stages that widen by four ratios": ("[16, 16, 16]", stages(2, 4, 3, 5, 4, 3, 4, 2)),
    "blocks that widen to other numbers": (
        "[16, 16, 16]",
        widened((16, 2, 3, 24), (24, 4, 3, 24), (24, 3, 5, 24), (24, 2, 3, 40), (40, 4, 3, 40)).replace(
            "conv: 96", "conv: 97"
        ),
    ),
    "blocks with a skip where there are so many channels": (
        "[16, 16, 16]",
        f"{rows(BRANCH, 24)}, relu6, {rows(SKIPPED, 24)}, {{conv: 32, kernel: 1}}, {rows(BRANCH, 24)}, tanh, "
        f"{{conv: 40, kernel: 1}}, {rows(BRANCH, 24)}, elu, {rows(SKIPPED, 24)}",
    ),
    "rows of calls whose first is another": (
        "[8, 64, 64]",
        rows(PARTED, (16, 1), (24, 2), (24, 1), (24, 1), (40, 2), (56, 1), (56, 1), (72, 2), (72, 1)),
    ),
    "rows of calls that are repeated, and of some that are not": (
        "[8, 512, 512]",
        rows(
            PARTED,
            *((16, 2), (16, 1), (16, 1), (24, 1), (24, 1), (40, 2)),
            *((56, 2), (56, 1), (72, 1), (72, 1), (72, 1), (9, 2)),
        ),
    ),
    "calls whose first is larger": (
        "[8, 64, 64]",
        rows(PARTED, (16, 1), (24, 1), (24, 1), (24, 1), (40, 2), (40, 2), (40, 1), (24, 2)),
    ),
    "steps that many leave out": (
        "[8, 32, 32]",
        rows(
            f"{{add: [[<2>{CONV}, <3><4>{{conv: <0>, kernel: 1}}<5>], [{{conv: <0>, kernel: 1}}]]}}, <1>",
            *(
                (12, "tanh", "relu6, ", "{max_pool: 1}, ", "softmax, ", ""),
                (20, "elu", "", "{max_pool: 1}, ", "softmax, ", ""),
            ),
            *(
                (28, "mish", "relu6, ", "", "softmax, ", ""),
                (28, "tanh", "", "", "", ""),
                (36, "silu", "relu6, ", "", "", ""),
            ),
        ),
    ),
    "steps that two leave out": (
        "[8, 32, 32]",
        rows(
            f"{{add: [[<2>{CONV}, <3>{{conv: <0>, kernel: 1}}], [{{conv: <0>, kernel: 1}}]]}}, <1>",
            *(
                (12, "tanh", "relu6, ", "{max_pool: 1}, "),
                (20, "elu", "", "{max_pool: 1}, "),
                (28, "mish", "relu6, ", ""),
            ),
            *((28, "tanh", "relu6, ", ""), (36, "silu", "", "")),
        ),
    ),
    "sizes that are one behind the other": (
        "[8, 32, 32]",
        rows(
            "{multiply: [x, [{conv: <0>, kernel: [<1>, <2>], padding: [<3>, <4>]}]]}, {conv: <5>, kernel: 1}, <6>",
            *((8, 1, 3, 0, 1, 16, "tanh"), (16, 3, 1, 1, 0, 20, "elu"), (20, 1, 5, 0, 2, 24, "mish")),
            *((24, 5, 1, 2, 0, 24, "silu"), (24, 3, 3, 1, 1, 9, "relu")),
        ),
    ),
    "a gate": (
        "[16, 8, 8]",
        rows(
            f"{CONV}, {{multiply: [x, [global_avg_pool, {{conv: <1>, kernel: 1, act: relu}}, "
            "{conv: <0>, kernel: 1, act: sigmoid}]]}, <2>",
            *((32, 8, "tanh"), (40, 16, "elu"), (72, 24, "silu"), (96, 24, "mish")),
        ),
    ),
    "attention blocks": (
        "[24, 6, 6]",
        rows(
            "{add: [x, [layer_norm, {attention: <0>, window: <1>, shift: <2>}, {conv: 24, kernel: 1}]]}, "
            "{add: [x, [layer_norm, {conv: <3>, kernel: 1, act: gelu}, {conv: 24, kernel: 1}]]}",
            *((2, 3, 0, 48), (2, 3, 1, 48), (4, 2, 0, 96), (4, 2, 1, 96), (4, 2, 0, 96)),
        ),
    ),
    "names within blocks that end alike": (
        "[24, 6, 6]",
        rows(
            "{conv: <2>, kernel: 1}, {add: [x, [{conv: <2>, kernel: 3, padding: half, norm: batch, act: relu, name: "
            "<0>.conv}, {max_pool: 1}, {depthwise_conv: 3, padding: half, name: <0>.side.own.conv}, "
            "{conv: <2>, kernel: 1, from: <0>.conv}, {attention: 2, from: [x, <0>.side.own.conv, <0>.conv]}]]}, <1>",
            *(("one", "relu", 12), ("two", "tanh", 16), ("three", "elu", 20)),
        ),
    ),
    "attention of thirds, and of three": (
        "[36, 6, 6]",
        rows(
            "{conv: <0>, kernel: 3, padding: half, norm: batch, act: relu}, {conv: <0>, kernel: 1, name: <3>}, "
            "{max_pool: 1}, {attention: 2<1>}, {conv: 36, kernel: 1, norm: batch}, {depthwise_conv: 3, padding: half}, "
            "<2>",
            *((12, ", from: [x, a, a]", "relu", "a"), (36, "", "tanh", "b"), (24, "", "elu", "c")),
            (24, ", from: [d, x, d]", "silu", "d"),
        ),
    ),
    "blocks of ten steps, the most that there may be": (
        "[8, 8, 8]",
        rows(
            f"{RESIDUAL.replace('<0>', '8')}, {', '.join(POINTWISE[1:11])}, <0>", "l2_norm", "softmax", "{max_pool: 1}"
        ),
    ),
    "units that cost too little, however often they come": ("[8, 8, 8]", units("{leaky_relu: 0.2}, {elu: 0.5}", 7)),
    "units that cost enough": ("[8, 8, 8]", units("{leaky_relu: 0.2}, relu, {elu: 0.5}", 5)),
    "units that do not come often enough": ("[8, 8, 8]", units("{leaky_relu: 0.2}, relu, {elu: 0.5}", 4)),
    "modules of three branches": (
        "[16, 8, 8]",
        rows(
            "{concat: [[{conv: 8, kernel: 1, norm: batch, act: relu}], "
            "[{conv: 4, kernel: 1, norm: batch, act: relu}, {conv: 8, kernel: 3, padding: half, norm: batch}], "
            "[{max_pool: 3, stride: 1, padding: 1}, {conv: 8, kernel: 1, norm: batch}]]}, <0>",
            *("tanh", "elu", "silu"),
        ),
    ),
    "residual blocks with one convolution": (
        "[16, 18, 18]",
        rows(
            "{add: [x, [batch_norm, {max_pool: 3, stride: 1, padding: 1}, "
            "{conv: <0>, kernel: 1, norm: batch, act: relu}, l2_norm]]}, <1>, {conv: <2>, kernel: 3}",
            *((16, "tanh", 24), (24, "elu", 32), (32, "silu", 9)),
        ),
    ),
    "an argument that most steps ask for": (
        "[16, 18, 18]",
        rows(
            "{conv: <0>, kernel: 3, act: <1>, padding: half}, {max_pool: 1}, "
            "{conv: <0>, kernel: 5, act: <1>, padding: half}, l2_norm, {conv: <0>, kernel: 7, act: <1>, padding: half}",
            *((16, "tanh"), (24, "elu"), (32, "silu"), (10, "relu")),
        ),
    ),
    "layers that are their own part of the source": (
        "[4, 4, 4]",
        "sigmoid, "
        + rows("{relu, name: /one/Relu_<0>}", *range(9))
        + ", "
        + rows("{tanh, name: /two/two.<0>/Tanh}", *range(9)),
    ),
    "parts of a source that begin before a repeat, or end behind it": (
        "[4, 4, 4]",
        "{sigmoid, name: one.first}, "
        + rows("{relu, name: one.<0>}", *range(9))
        + ", "
        + rows("{tanh, name: two.<0>}", *range(9))
        + ", {elu, name: two.last}, "
        + rows("{relu6, name: three.<0>}", *range(9)),
    ),
    "names that a source gave": (
        "[8, 16, 16]",
        rows(
            "{conv: <1>, kernel: 3, padding: half, norm: batch, act: relu, name: body.<0>.<2>.one}, "
            "{depthwise_conv: 3, padding: half, norm: batch, name: body.<0>.<2>.two}, "
            "{conv: <1>, kernel: 1, name: body.<0>.<2>.three}, {max_pool: 3, stride: 1, name: body.<0>.<2>.four}",
            *(
                (stage, size, place)
                for stage, size, count in (("first", 8, 1), ("second", 12, 1), ("third", 20, 2), ("fourth", 20, 1))
                for place in range(count)
            ),
        ),
    ),
}

SMALL_ONES = {
    part: {name: f"input: {shape}\nlayers: [{layers.strip()}]\n" for name, (shape, layers) in ones.items()}
    for part, ones in {
        "wiring": WIRING,  # what takes which tensors
        "followers": FOLLOWERS,  # a layer with its norm and activation
        "turns": TURNS,  # repeats and loops
        "blocks": BLOCKS,
        "modules": MODULES,  # blocks of other kinds
    }.items()
}
