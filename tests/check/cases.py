"""Expectations and lints by example: what holds, what fails, what is refused."""

from __future__ import annotations

FORMS = [
    ("params: 480", "params: 481"),
    ("state: 32", "state: 0"),
    ("macs: 442368", "macs: 442367"),
    ("macs: 442,368", "macs: 442,369"),
    ("macs: 442 k", "macs: 443 k"),
    ("macs: 442.4 k", "macs: 442.3 k"),
    ("macs: 0.44 M", "macs: 0.45 M"),
    ("macs: 0.0004 G", "macs: 0.0005 G"),
    ("params: 0.48 k", "params: 0.49 k"),
    ("params: <= 480", "params: < 480"),
    ('params: ">= 480"', 'params: "> 480"'),
    ("params: <= 5 M", "params: <= 0.4 k"),
    ("params: 400 .. 500", "params: 481 .. 500"),
    ("params: 480 .. 480", "params: 481 .. 481"),
    ("params: 400 .. 480", "params: 400 .. 479"),
    ("macs: 442000 +- 368", "macs: 442000 +- 367"),
    ("macs: 442736 +- 368", "macs: 442735 +- 366"),
    ("macs: 442000 +- 0.36849 k", "macs: 442000 +- 0.367 k"),
    ("params: 600 +- 20%", "params: 601 +- 20%"),
    ("params: 400 +- 20%", "params: 399 +- 20%"),
    ("params: 0.4 k..0.5 k", "params: 0.1 k..0.2 k"),
    ("macs: 440 k +- 1%", "macs: 440 k +- 0.1%"),
    ("macs: 440000 +- 3000", "macs: 440000 +- 2 k"),
    ("params: 27*width + 3*width", "params: 28*width"),
    ("output: [16, 16, 16]", "output: [16, 16, 8]"),
    ("output: [width, 16, 16]", "output: [width, 16]"),
    ("output: 16x16x16", "output: 16x16"),
    ("output: {pool1: [16, 16, 16]}", "output: {pool1: [8, 16, 16]}"),
    ("receptive_field: 4", "receptive_field: 5"),
    ("receptive_field: [4, 4]", "receptive_field: [4, 3]"),
    ("receptive_field: 3 .. 5", "receptive_field: <= 3"),
    ("receptive_field: {size: 4, stride: 2, start: -1}", "receptive_field: {size: 4, stride: 2, start: 0}"),
    ("receptive_field: {stride: [2, 2]}", "receptive_field: {stride: [2, 1]}"),
    ("layers: {conv1: {output: [16, 32, 32], params: 480}}", "layers: {conv1: {params: 448}}"),
    ("layers: {conv1.norm: {params: 32, state: 32}}", "layers: {conv1.norm: {state: 0}}"),
    ("layers: {pool1: {macs: 0, receptive_field: {size: 4}}}", "layers: {pool1: {receptive_field: 3}}"),
    ("with: {width: 32}\n  params: 960", "with: {width: 32}\n  params: 480"),
    ("with: {width: 32}\n  params: 30*width", "with: {width: 32}\n  params: 31*width"),
    # by hand: the pool takes 16 x 32 x 32 numbers and makes 16 x 16 x 16, four bytes each
    ("peak_memory: 80 KiB", "peak_memory: 81 KiB"),
    ("peak_memory: <= 81,920", "peak_memory: < 80 KiB"),
    ("peak_memory: 0.07 MiB .. 0.0782 MiB", "peak_memory: 81 KiB .. 0.1 MiB"),
    ("{peak_memory: <= 20 KiB, dtype: int8}", "{peak_memory: <= 20 KiB, dtype: float16}"),
    ("{peak_memory: 160 KiB, dtype: float64}", "peak_memory: 160 KiB"),
    ("{layers: {conv1: {peak_memory: 19 KiB}}, dtype: int8}", "layers: {conv1: {peak_memory: 19 KiB}}"),
    ("weights_memory: 2048", "weights_memory: 2047"),
    ("{gradient_memory: 1920, optimizer_memory: 0}", "gradient_memory: 1921"),
    # kept: the input, twice 16 x 32 x 32, a mean and a deviation a channel; eight bytes for each place of a maximum
    ("kept_memory: 4*(3 + 16 + 16)*1024 + 4*2*16 + 8*4096", "kept_memory: 176255"),
    ("training_memory: 176256 + 2048 + 1920", "training_memory: 176256"),
]

ERRORS = [
    ("parms: 1", "unknown-key", "`params`"),
    ("params: 4.09 g", "unknown-unit", "write `G`"),
    ("params: 4.09 B", "wrong-unit", "units are"),
    ("params: 4.09", "wrong-type", "4.09 G"),
    ("params: [1]", "wrong-form", "1.5 M"),
    ("params: >= 4 M", "yaml", "quote a value that begins with `>`"),
    ("params: 1_000", "number", "write `1000`"),
    ("params: none", "wrong-type", ""),
    ("params: 5 M .. 4 M", "value", "smaller number first"),
    ("params:", "syntax", ""),
    ("params: <=", "syntax", ""),
    ("output: [a, b]", "wrong-type", ""),
    ("output: [0]", "wrong-type", ""),
    ("receptive_field: {sizes: 3}", "unknown-key", "`size`"),
    ("receptive_field: [1, 2, 3]", "wrong-rank", "one per axis"),
    ("layers: {conv9: {params: 1}}", "unknown-layer", "`conv1`"),
    ("layers: {conv1: {parms: 1}}", "unknown-key", "`params`"),
    ("layers: {conv1: {with: {width: 1}}}", "unknown-key", ""),
    ("with: {widht: 1}", "unknown-key", "`width`"),
    ("params: width + hight", "unknown-name", ""),
    ("{}", "empty", ""),
    ("params: 5 KiB", "wrong-unit", "units are `k`, `M`, `G` and `T`"),
    ("peak_memory: <= 5 M", "wrong-unit", "units are `B`, `KiB`, `MiB` and `GiB`"),
    ("peak_memory: 5 kib", "unknown-unit", "write `KiB`"),
    ("{peak_memory: 5 KiB, dtype: int7}", "unknown-dtype", "`int8`"),
    ("{peak_memory: 5 KiB, dtype: [int8]}", "wrong-form", "dtype: int8"),
    ("{params: 480, dtype: int8}", "unused-dtype", "`peak_memory`"),
    ("[1]", "wrong-form", ""),
]


def net(layers: str, input_: str = "[4, 32, 32]", more: str = "") -> str:
    """A spec of steps, one a line."""
    return f"input: {input_}\n{more}layers:\n" + "".join(f"  - {step}\n" for step in layers.split("\n"))


VARIANTS = "args: {c: 4, k: 3}\nvariants:\n  a: {}\n  b: {c: 8}\n"
CONV = "{conv: c, kernel: k}"
CASES: dict[str, list[tuple[str, str]]] = {
    "stride-unread": [
        (
            net("{conv: 64, kernel: 11, stride: 4, padding: 2}", "[3, 224, 224]"),  # AlexNet's (224 + 4 - 11)/4
            net("{conv: 64, kernel: 11, stride: 4, padding: 2}", "[3, 227, 227]"),
        ),
        (net("{max_pool: 2}", "[4, 33, 33]"), net("{max_pool: 2, ceil_mode: true}", "[4, 33, 33]")),
        (net("{avg_pool: 3, stride: 2}"), net("{avg_pool: 3, stride: 2, padding: same}")),
        (
            net("{conv: 64, kernel: 5, stride: 2, padding: 1}", "[4, 8, 8]"),  # three positions, `same` has four
            net("{conv: 64, kernel: 3, stride: 2, padding: 1}", "[4, 8, 8]"),  # padding alone is left over
        ),
        (
            net("{conv: 64, kernel: 4, stride: 4, padding: 1}", "[4, 8, 8]"),  # two are left over, one is padding
            net("{conv: 64, kernel: 3, stride: 3, padding: 1}", "[4, 8, 8]"),
        ),
        (
            net("{conv: 4, kernel: 3, stride: 2}", "[1, 8]"),
            net("{conv: 4, kernel: 3, stride: 2, padding: half}", "[1, 8]"),
        ),
    ],
    "stride-gap": [
        (net("{conv: 8, kernel: 1, stride: 2}"), net("{conv: 8, kernel: 2, stride: 2}")),
        (net("{max_pool: 2, stride: 3}"), net("{max_pool: 3, stride: 3}")),
        (net("{max_pool: 2, stride: 3, dilation: 2}"), net("{max_pool: 3, stride: 3, dilation: 2}")),
        (net("{max_pool: 4, stride: 2, dilation: 2}"), net("{max_pool: 4, stride: 2, dilation: 3}")),
        (net("{max_pool: 1, stride: 5}", "[4, 6, 6]"), net("{max_pool: 1, stride: 5}", "[4, 5, 5]")),  # one position
    ],
    "bias-before-norm": [
        (net("{conv: 8, kernel: 1, norm: batch}"), net("{conv: 8, kernel: 1, norm: batch, bias: false}")),
        (net("{conv: 8, kernel: 1}\nbatch_norm"), net("{conv: 8, kernel: 1}\nrelu\nbatch_norm")),
        (net("{linear: 8}\nbatch_norm", "[4]"), net("{linear: 8}\nlayer_norm", "[4]")),
        (  # what something else takes too, or leaves the network, needs its bias
            net("{conv: 4, kernel: 1, name: a}\nadd: [[{batch_norm, from: a}], [{batch_norm, from: a}]]"),
            net("{conv: 4, kernel: 1, name: a}\nadd: [[{batch_norm, from: a}], a]"),
        ),
        (
            net("{conv: 4, kernel: 1, name: a}\n{batch_norm, name: b}") + "outputs: [b]\n",
            net("{conv: 4, kernel: 1, name: a}\n{batch_norm, name: b}") + "outputs: [a, b]\n",
        ),
    ],
    "beyond-input": [
        (net("{conv: 4, kernel: 3, padding: half, repeat: 3}", "[4, 6, 6]"), net("{conv: 4, kernel: 3, repeat: 2}")),
        (
            net("{conv: 4, kernel: 7, padding: half}", "[4, 6, 6]"),
            net("add: [[{conv: 4, kernel: 7, padding: half}, {conv: 4, kernel: 1}], input]", "[4, 9, 9]"),
        ),
    ],
    "misaligned-branches": [
        (
            net("add: [[{conv: 4, kernel: 2, padding: [[0, 1], [0, 1]]}], [{conv: 4, kernel: 3, padding: 1}]]"),
            net("add: [[{conv: 4, kernel: 5, padding: 2}], [{conv: 4, kernel: 3, padding: 1}]]"),
        ),
        (
            net("concat: [[{conv: 4, kernel: 2, stride: 2}, {pad: 8}], input]"),  # strides 2 and 1
            net("concat: [[{conv: 4, kernel: 3}, {pad: 1}], input]"),
        ),
    ],
    "checkerboard": [
        (net("{conv_transpose: 4, kernel: 3, stride: 2}"), net("{conv_transpose: 4, kernel: 4, stride: 2}")),
        (net("{conv_transpose: 4, kernel: 1x3, stride: [1, 2]}"), net("{conv_transpose: 4, kernel: 3, stride: 1}")),
    ],
    "separable-no-gain": [
        (net("{separable_conv: 1, kernel: 3}"), net("{separable_conv: 8, kernel: 3}")),
        (net("{separable_conv: 8, kernel: 3, multiplier: 16}"), net("{separable_conv: 8, kernel: 3, multiplier: 2}")),
        (net("{conv: 1, kernel: 3}"), net("{conv: 8, kernel: 3}")),
        # of kernels of two, 2*c + 2*c weights are as many as 2*c*2, and 2*c + 3*c fewer than 2*c*3
        (net("{separable_conv: 2, kernel: 1x2}"), net("{separable_conv: 3, kernel: 1x2}")),
        (net("{conv: 2, kernel: 1x2}"), net("{conv: 3, kernel: 1x2}")),
        (net("{conv: 1, kernel: 3}"), net("{conv: 1, kernel: 3, learned: false}")),
    ],
    "dead-branch": [
        (
            net("{conv: c, kernel: k}\n{relu, if: c > 100}", more=VARIANTS),
            net("{conv: c, kernel: k}\n{relu, if: c > 4}", more=VARIANTS),
        ),
        (
            net("add: [[{conv: 4, kernel: 1}], {layers: [relu], if: deep}, input]", more="args: {deep: false}\n"),
            net("add: [[{conv: 4, kernel: 1}], {layers: [relu], if: deep}, input]", more="args: {deep: true}\n"),
        ),
    ],
    "unused-block": [
        (
            net("relu", more="blocks:\n  one: {layers: [relu]}\n"),
            net("one", more="blocks:\n  one: {layers: [two]}\n  two: {layers: [relu]}\n"),
        ),
        (
            net("relu", more="blocks:\n  one: {layers: [two]}\n  two: {layers: [one, relu]}\n"),
            net("$block", more="args: {block: one}\nblocks:\n  one: {layers: [relu]}\n"),
        ),
    ],
    "unused-argument": [
        (net("{conv: 4, kernel: 3}", more="args: {width: 3}\n"), net("{conv: 4, kernel: w}", more="args: {w: 3}\n")),
        (
            net("{for: c, in: 2, layers: [{conv: c + 1, kernel: 1}]}", more="args: {c: 3}\n"),
            net("{for: k, in: c, layers: [{conv: k + 1, kernel: 1, name: conv$k}]}", more="args: {c: 3}\n"),
        ),
        (
            net("{one: 4}", more="blocks:\n  one: {args: {c: required, k: 1}, layers: [{conv: c, kernel: 1}]}\n"),
            net("{one: 4}", more="blocks:\n  one: {args: {c: required, k: c}, layers: [{conv: k, kernel: 1}]}\n"),
        ),
        (  # a default that asks for the file's argument of the same name
            net("{one: 4}", more="args: {c: 3}\nblocks:\n  one: {args: {c: 4}, layers: [{conv: c, kernel: 1}]}\n"),
            net("one", more="args: {c: 3}\nblocks:\n  one: {args: {c: c}, layers: [{conv: c, kernel: 1}]}\n"),
        ),
        (
            net(
                "{one: 4}\n{two: 4}",
                more="blocks:\n"
                "  one: {args: {c: 4}, layers: [relu]}\n  two: {args: {c: 4}, layers: [{conv: c, kernel: 1}]}\n",
            ),
            net(
                "{$block: 4}",  # one and two are interchangeable, so both take the same
                more="args: {block: one}\nvariants: {a: {}, b: {block: two}}\nblocks:\n"
                "  one: {args: {c: 4}, layers: [relu]}\n  two: {args: {c: 4}, layers: [{conv: c, kernel: 1}]}\n",
            ),
        ),
    ],
    "unused-variant": [
        (net(CONV, more=VARIANTS + "  d: {c: 2*4}\n"), net(CONV, more=VARIANTS + "  d: {c: 9}\n")),
        (net(CONV, more=VARIANTS + "  d: {k: 3}\n"), net(CONV, more=VARIANTS)),
    ],
    "unchecked-variant": [
        (
            net(CONV, more=VARIANTS + "expect:\n  a: {params: 148}\n"),
            net(CONV, more=VARIANTS + "expect:\n  a: {params: 148}\n  b: {params: 296}\n"),
        ),
        (net(CONV, more=VARIANTS + "expect: {b: {params: 296}}\n"), net(CONV, more=VARIANTS)),
    ],
    "unused-allow": [
        (
            net("{conv: 8, kernel: 3}", more="lint: {allow: [stride-gap]}\n"),
            net("{conv: 8, kernel: 1, stride: 2}", more="lint: {allow: [stride-gap]}\n"),
        ),
    ],
}
PAIRS = [(code, *pair) for code, pairs in CASES.items() for pair in pairs]
