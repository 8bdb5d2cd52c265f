"""What layers take and refuse, at the bound and one beyond it: each case follows from the definition of its layer.

What is taken is also executed, and every number checked by that.
"""

from __future__ import annotations

import re

import pytest
from sampling import together

import cnncalc
from cnncalc.geometry import Shape
from cnncalc.verify.network import verify

TAKEN: list[tuple[str, str, Shape]] = [  # input, steps, and the output's shape
    # windows
    ("[1, 2, 5]", "{conv: 1, kernel: [2, 5]}", (1, 1, 1)),
    ("[1, 5]", "{conv: 1, kernel: 3, dilation: 2}", (1, 1)),
    ("[1, 5]", "{conv: 1, kernel: 3, padding: [[1, 0]]}", (1, 4)),
    ("[1, 1]", "{conv_transpose: 1, kernel: 3, padding: 1}", (1, 1)),
    ("[1, 5]", "{conv_transpose: 1, kernel: 3, stride: 2, padding: same, output_padding: 1}", (1, 10)),
    ("[1, 5]", "{conv_transpose: 1, kernel: 3, stride: 2, padding: half}", (1, 9)),
    ("[1, 5]", "{conv_transpose: 1, kernel: 3, stride: 2, padding: valid}", (1, 11)),
    ("[2, 5]", "{conv: 3, kernel: 2, weight_norm: standardize_gain}", (3, 4)),
    ("[2, 5]", "{conv: 3, kernel: 2, weight_norm: gain}", (3, 4)),
    # moved data
    ("[12]", "{reshape: [3, -1]}", (3, 4)),
    ("[12]", "{reshape: 12}", (12,)),
    ("[16]", "{reshape: [2, 2, 2, 2]}", (2, 2, 2, 2)),
    ("[3, 8]", "{reshape: [2, 2, 2], over: positions}", (3, 2, 2, 2)),
    ("[3, 8]", "{reshape: [4, -1], over: positions}", (3, 4, 2)),
    ("[2, 3, 4]", "{permute: [2, 0, 1]}", (4, 2, 3)),
    ("[2, 3, 4]", "{flatten, over: positions}", (2, 12)),
    ("[2, 3]", "{flatten, over: positions}", (2, 3)),
    ("[2]", "flatten", (2,)),
    ("[6, 4]", "{slice: [none, 2]}", (2, 4)),
    ("[6, 4]", "{slice: [2]}", (4, 4)),
    ("[6, 4]", "{slice: [0, 6]}", (6, 4)),
    ("[6, 4]", "{slice: [5, 6]}", (1, 4)),
    ("[6, 4]", "{slice: [-6, -5]}", (1, 4)),
    ("[6, 4]", "{slice: [1, -1], over: positions}", (6, 2)),
    ("[6, 4]", "{split: {a: 4, b: rest, c: rest}}, {identity, from: b}", (1, 4)),
    ("[6, 4]", "{split: {a: 1, b: 2, c: 3}}, {identity, from: c}", (3, 4)),
    ("[6, 4]", "{split: {a: 1, b: rest}, over: positions}, {identity, from: b}", (6, 3)),
    ("[1, 4]", "{crop: [[1, 2]]}", (1, 1)),
    ("[1, 4, 9]", "{crop: [1, 4]}", (1, 2, 1)),
    ("[1, 4, 9]", "{pad: [1, [0, 2]], channels: [2, 3]}", (6, 6, 11)),
    ("{a: [1, 5, 8], b: [2, 5, 3]}", "{crop_like: b}", (1, 5, 3)),
    # joins
    ("[3, 1, 4]", "{add: [x, [{conv: 1, kernel: 1}]]}", (3, 1, 4)),
    ("{a: [1, 1, 4], b: [5, 3, 1]}", "{multiply: [a, b]}", (5, 3, 4)),
    ("{a: [2, 3], b: [2, 1], c: [2, 5]}", "{concat: [a, b, c], over: positions}", (2, 9)),
    # products
    ("{a: [4, 6], b: [6, 2, 5]}", "{matmul: [a, b]}", (4, 2, 5)),
    ("{a: [4, 6], b: [3, 2, 3]}", "{matmul: [a, b], over: positions}", (4, 3)),
    ("{a: [4, 6], b: [4, 2, 3]}", "{matmul: [a, b], over: channels}", (6, 2, 3)),
    ("{a: [4, 6], b: [4, 2, 3]}", "{matmul: [a, b], over: channels, groups: 2}", (12, 2, 3)),
    # resampling
    ("[1, 2]", "{upsample: 0.5}", (1, 1)),
    ("[1, 7, 5]", "{upsample: [1.5, 0.4]}", (1, 10, 2)),
    ("[1, 4, 3]", "{upsample, size: [1, 7], mode: bilinear, align_corners: true}", (1, 1, 7)),
    # pools
    ("[1, 9]", "{max_pool: 3, padding: 2}", (1, 4)),
    ("[1, 9]", "{avg_pool: 2, dilation: 3, stride: 2, padding: 3, count_include_pad: false}", (1, 6)),
    ("[1, 7, 5]", "{adaptive_avg_pool: [1, 3]}", (1, 1, 3)),
    ("[1, 7, 5]", "{adaptive_max_pool: [3, 1]}", (1, 3, 1)),
    ("[1, 7, 5]", "{adaptive_max_pool: 1}", (1, 1, 1)),
    ("[3, 2, 3, 2]", "global_avg_pool", (3, 1, 1, 1)),
    # attention
    ("[12, 5]", "{attention: 2}", (4, 5)),
    ("{a: [4, 3], b: [8, 5]}", "{attention: 2, from: [a, b], bias: distance}", (4, 3)),
    ("{a: [4, 3], b: [4, 2], c: [6, 2]}", "{attention: 2, from: [a, b, c]}", (6, 3)),
    ("[12, 6, 8]", "{attention: 2, window: [3, 4], shift: 1, bias: relative}", (4, 6, 8)),
    ("[12, 3, 8]", "{attention: 2, window: [5, 4], shift: [2, 3], bias: relative}", (4, 3, 8)),
    ("[12, 4, 8]", "{attention: 2, window: 4, shift: 5}", (4, 4, 8)),
    ("[12, 6]", "{attention: 2, window: [3]}", (4, 6)),
    ("[12, 6, 8]", "{attention: 2, grid: [3, 4], bias: relative}", (4, 6, 8)),
    ("[12, 2, 8]", "{attention: 2, grid: 4}", (4, 2, 8)),
    ("[12, 6]", "{attention: 2, mode: linear}", (4, 6)),
    ("[12, 6]", "{attention: 2, mode: cosine}", (4, 6)),
    ("{a: [4, 2, 2], b: [8, 4, 2]}", "{attention: 2, from: [a, b], bias: decomposed}", (4, 2, 2)),
    ("[12, 5]", "{attention: 1, bias: relative, maps: 2x2}", (4, 5)),
    ("[12, 4]", "{attention: 2, bias: relative, maps: 2x2}", (4, 4)),
    ("[12, 5]", "{attention: 2, bias: decomposed, maps: 1x4}", (4, 5)),
    ("{q: [12, 6], t: [2, 5]}", "{attention: 2, bias: t, maps: 3, from: q}", (4, 6)),
    ("{q: [4, 6], kv: [8, 6], t: [2, 5]}", "{attention: 2, bias: t, maps: 3, from: [q, kv]}", (4, 6)),
    # learned tensors
    ("[4]", "{offset: one}, {factor: channels}", (4,)),
    ("[3, 1, 2]", "{factor: [height, channels]}, {offset: positions}, {factor: width}", (3, 1, 2)),
    ("[3, 4]", "{offset: one, value: 2}, {factor: one, value: 0.5}, layer_scale", (3, 4)),
    # bounds of numbers
    ("[1, 4]", "{dropout: 0}, {dropout: 1}", (1, 4)),
    ("[1, 4]", "{batch_norm, eps: 0}", (1, 4)),
]


@together("shape, steps, output", TAKEN)
def test_taken(shape: str, steps: str, output: Shape) -> None:
    graph = cnncalc.loads(f"input: {shape}\nlayers: [{steps}]\n").graph
    assert graph.nodes[-1].operation.output == output
    assert verify(graph).differences == []


REFUSED = [  # input, the step, and what is said of it
    # windows
    ("[1, 4]", "{conv: 1, kernel: 3, dilation: 2}", "kernel 3 (extent 5 at dilation 2) does not fit the length 4",
     "use `padding: same`, or a kernel of at most 2"),
    ("[1, 3, 5]", "{conv: 1, kernel: [3, 8], padding: [0, 1]}", "kernel 8 does not fit the padded width 7",
     "use `padding: same`, or a kernel of at most 7"),
    ("[2, 4, 5, 6]", "{conv: 1, kernel: [1, 6, 1]}", "kernel 6 does not fit the height 5",
     "use `padding: same`, or a kernel of at most 5"),
    ("[4, 9]", "{conv: 1, kernel: 3, padding: [1, 0, 1]}", "`padding` has 3 entries for 1 spatial axis",
     "write `padding: 1`"),
    ("[2, 4, 4, 4]", "{conv: 1, kernel: 1, padding: [1, 1]}", "`padding` has 2 entries for 3 spatial axes",
     "write one number, or one per axis"),
    ("[1, 4, 4]", "{conv_transpose: 1, kernel: 1, output_padding: [1, 0, 0]}",
     "`output_padding` has 3 entries for 2 spatial axes", "write one number, or one per axis"),
    ("[1, 1]", "{conv_transpose: 1, kernel: 2, padding: 1}", "padding 1 + 1 cuts all of the output, 0 wide",
     "use less padding, or a larger kernel"),
    # moved data
    ("[12]", "{reshape: [0, 12]}", "`shape` takes one to four sizes above 0, one of which may be -1", ""),
    ("[12]", "{reshape: [-1, -1]}", "`shape` takes one to four sizes above 0, one of which may be -1", ""),
    ("[3, 16]", "{reshape: [2, 2, 2, 2], over: positions}",
     "`shape` takes one to three sizes above 0, one of which may be -1", ""),
    ("[3, 16]", "{reshape: [3, -1], over: positions}", "the 16 positions of 3 x 16 are no multiple of 3", ""),
    ("[3, 16]", "{reshape: [3, 5], over: positions}", "`shape` 3 x 5 has 15 positions, the input 3 x 16 has 16", ""),
    ("[2, 3, 4]", "{permute: [0, 1]}", "`axes` must name each of the 3 axes 0 to 2 once (0: channels)", ""),
    ("[2, 3, 4]", "{permute: [0, 1, 1]}", "`axes` must name each of the 3 axes 0 to 2 once (0: channels)", ""),
    ("[6, 4]", "{slice: [2, 2]}", "channels 2 to 2 are not within the 6 input channels",
     "`start` is below `stop`, and `stop` is at most `x.channels`"),
    ("[6, 4]", "{slice: [0, 7]}", "channels 0 to 7 are not within the 6 input channels",
     "`start` is below `stop`, and `stop` is at most `x.channels`"),
    ("[6, 4]", "{slice: [-7, 6]}", "channels -1 to 6 are not within the 6 input channels",
     "`start` is below `stop`, and `stop` is at most `x.channels`"),
    ("[6, 4]", "{slice: [0, 5], over: positions}", "positions 0 to 5 are not within the 4 input positions",
     "`start` is below `stop`, and `stop` is at most `x.length`"),
    ("[6, 4, 4]", "{slice: [0, 2], over: positions}",
     "`slice` over positions takes those of a single axis, but its input is 6 x 4 x 4",
     "put `{flatten, over: positions}` before it"),
    ("[5, 4]", "{split: {a: 4, b: rest, c: rest}}", "the parts 4 + rest + rest do not make the 5 input channels",
     "make the parts smaller: together they have 5"),
    ("[6, 4]", "{split: {a: 4, b: 4}}", "the parts 4 + 4 do not make the 6 input channels",
     "make the parts smaller: together they have 6"),
    ("[6, 4]", "{split: {a: 2, b: 3}}", "the parts 2 + 3 do not make the 6 input channels",
     "give the last part the size `rest`"),
    ("[6, 4]", "{split: {a: 1, b: rest, c: rest}, over: positions}",
     "2 equal parts do not make the 3 of 4 input positions that are left",
     "give all of them but one a size, such as 1, and leave that one `rest`"),
    ("[1, 4]", "{crop: [[1, 3]]}", "cropping 1 + 3 leaves nothing of 4", ""),
    ("[1, 9, 4]", "{crop: [1, 2]}", "cropping 2 + 2 leaves nothing of 4", ""),
    ("{a: [1, 5, 8], b: [2, 6, 3]}", "{crop_like: b}", "5 x 8 cannot be cropped to 6 x 3", ""),
    ("{a: [1, 5, 8], b: [2, 5, 9]}", "{crop_like: b}", "5 x 8 cannot be cropped to 5 x 9", ""),
    ("{a: [1, 5, 8], b: [2, 5]}", "{crop_like: b}", "5 x 8 cannot be cropped to 5", ""),
    ("{a: [1], b: [2, 5]}", "{crop_like: b}", "a flat tensor cannot be cropped to 5", ""),
    ("{a: [1, 5], b: [2]}", "{crop_like: b}", "5 cannot be cropped to a flat one", ""),
    # joins
    ("{a: [2, 3], b: [3, 3]}", "{add: [a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 2 x 3, 3 x 3",
     "bring a branch to as many channels with `{conv: 3, kernel: 1}`"),
    ("{a: [3, 2], b: [3, 3]}", "{add: [a, a, a, a, a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 3 x 2, 3 x 2, 3 x 2, 3 x 2, 3 x 2, 3 x 3",
     "an odd kernel keeps sizes with `padding: half`; `{crop_like: name}` cuts to those of a layer"),
    ("{a: [3, 2], b: [3, 3]}", "{add: [a, a, a, a, a, a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 3 x 2, 3 x 2, 3 x 2, 3 x 2, 3 x 2, 3 x 2, …",
     "an odd kernel keeps sizes with `padding: half`; `{crop_like: name}` cuts to those of a layer"),
    ("{a: [3, 2, 4], b: [5, 6, 12]}", "{concat: [a, b]}",
     "`concat` needs equal shapes off the channel axis, but its branches give 3 x 2 x 4, 5 x 6 x 12",
     "end the branch of 3 x 2 x 4 with `{upsample: 3}`, or that of 5 x 6 x 12 with `{max_pool: 3}`"),
    ("{a: [3, 6, 12], b: [3, 2, 4]}", "{add: [a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 3 x 6 x 12, 3 x 2 x 4",
     "end the branch of 3 x 2 x 4 with `{upsample: 3}`, or that of 3 x 6 x 12 with `{max_pool: 3}`"),
    ("{a: [3, 2], b: [3, 4]}", "{add: [a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 3 x 2, 3 x 4",
     "end the branch of 3 x 2 with `{upsample: 2}`, or that of 3 x 4 with `{max_pool: 2}`"),
    ("{a: [3, 2], b: [3, 5]}", "{add: [a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 3 x 2, 3 x 5",
     "an odd kernel keeps sizes with `padding: half`; `{crop_like: name}` cuts to those of a layer"),
    ("{a: [3, 6], b: [3, 2]}", "{add: [a, b]}",
     "`add` needs equal shapes, or sizes of 1, but its branches give 3 x 6, 3 x 2",
     "end the branch of 3 x 2 with `{upsample: 3}`, or that of 3 x 6 with `{max_pool: 3}`"),
    ("{a: [3, 2, 4], b: [5, 4, 4]}", "{concat: [a, b]}",
     "`concat` needs equal shapes off the channel axis, but its branches give 3 x 2 x 4, 5 x 4 x 4",
     "an odd kernel keeps sizes with `padding: half`; `{crop_like: name}` cuts to those of a layer"),
    ("{a: [3, 2], b: [3, 4], c: [3, 3]}", "{concat: [a, b, c]}",
     "`concat` needs equal shapes off the channel axis, but its branches give 3 x 2, 3 x 4, 3 x 3",
     "an odd kernel keeps sizes with `padding: half`; `{crop_like: name}` cuts to those of a layer"),
    ("{a: [3, 2], b: [4, 2]}", "{concat: [a, b], over: positions}",
     "`concat` over positions needs a single axis, and equal channels, but its branches give 3 x 2, 4 x 2",
     "bring a branch to as many channels with `{conv: 4, kernel: 1}`"),
    ("{a: [3, 2], b: [4, 5]}", "{concat: [a, b], over: positions}",
     "`concat` over positions needs a single axis, and equal channels, but its branches give 3 x 2, 4 x 5",
     "bring a branch to as many channels with `{conv: 4, kernel: 1}`"),
    ("{a: [3, 2], b: [3, 2, 2]}", "{concat: [a, b], over: positions}",
     "`concat` over positions needs a single axis, and equal channels, but its branches give 3 x 2, 3 x 2 x 2",
     "put `{flatten, over: positions}` at the end of a branch that has a map"),
    ("{a: [3, 2], b: [3]}", "{concat: [a, b], over: positions}",
     "`concat` over positions needs a single axis, and equal channels, but its branches give 3 x 2, 3",
     "a single token has a position, too: shape `[3, 1]`, as of a `parameter`"),
    # products
    ("{a: [4, 6], b: [4, 5]}", "{matmul: [a, b], over: positions}",
     "a*b' of 4 x 6 and 4 x 5 does not fit: it would sum over 6 and 5",
     "`over` says what is summed over: `channels` or `positions`"),
    ("{a: [4, 6], b: [8, 6]}", "{matmul: [a, b], over: channels}",
     "a'*b of 4 x 6 and 8 x 6 does not fit: it would sum over 4 and 8",
     "`over` says what is summed over: `channels` or `positions`"),
    ("{a: [4, 6], b: [6, 6]}", "{matmul: [a, b], groups: 4}", "4 groups do not divide the 6 input channels",
     "use 3 groups, or a multiple of 4 channels"),
    # pools
    ("[1, 9]", "{max_pool: 3, padding: 3}", "padding 3 leaves a window of 3 wholly in the padding",
     "use padding of at most 1"),
    ("[1, 9]", "{max_pool: 2, dilation: 3, padding: [[0, 4]]}", "padding 4 leaves a window of 4 wholly in the padding",
     "use padding of at most 2"),
    ("[1, 4, 4]", "{adaptive_avg_pool: [1, 2, 3]}", "`size` has 3 entries for 2 spatial axes",
     "write one number, or one per axis"),
    # dense layers
    ("[4, 1, 1]", "{linear: 2}", "`linear` needs a flat tensor, but its input is 4 x 1 x 1",
     "put `flatten` before it (4 features); for one linear layer per position use `{conv: 2, kernel: 1}`"),
    ("[4, 2]", "{linear: 3}", "`linear` needs a flat tensor, but its input is 4 x 2",
     "put `flatten` before it (8 features) or `global_avg_pool` and `flatten` (4 features); "
     "for one linear layer per position use `{conv: 3, kernel: 1}`"),
    # convolutions
    ("[2, 4]", "{conv: 1, kernel: 2, weights: [1, 2, 3]}", "`weights` holds 3 values for a kernel of 1 x 2 x 2 = 4",
     ""),
    ("[6, 4]", "{conv: 8, kernel: 1, groups: 4}", "4 groups do not divide the 6 input channels",
     "use 2 groups, or a multiple of 4 channels"),
    ("[8, 4]", "{conv: 6, kernel: 1, groups: 4}", "4 groups do not divide the 6 output channels",
     "use 2 groups, or a multiple of 4 channels"),
    ("[9, 4]", "{conv: 6, kernel: 1, groups: 2}", "2 groups do not divide the 9 input channels",
     "use 1 group, or a multiple of 2 channels"),
    # learned tensors
    ("[3, 4]", "{offset: height}", "the input has no axis `height`", "it has `channels`, `length`"),
    ("[4]", "{factor: [length]}", "the input has no axis `length`", "it has `channels`"),
    ("[3, 4]", "{offset: channels, value: 2}", "a constant is one for all", "write `one`"),
    # tensors, which are no values
    ("{q: [4, 6], t: [2, 5]}", "{max_pool: 2, padding: t}",
     "`padding` takes a number per side, a list per axis, or one of `valid`, `same`, `same_lower`, `half`, got `t`",
     "a tensor is no value; ask for a size of it: `t.channels`, `t.size`"),
    ("{q: [4, 6], t: [2, 5]}", "{pad: t}", "`amount` needs a number per side, or one number or pair per axis, got `t`",
     "a tensor is no value; ask for a size of it: `t.channels`, `t.size`"),
    ("{q: [4, 6], t: [2, 5]}", "{conv: 1, kernel: 1, weights: t}", "`weights` needs a list of numbers, got `t`",
     "a tensor is no value; ask for a size of it: `t.channels`, `t.size`"),
    ("{q: [4, 6], t: [2, 5]}", "{conv: 1, kernel: 1, act: {leaky_relu: t}}", "`t` is a tensor",
     "a tensor is no value; ask for a size of it: `t.channels`, `t.size`"),
    # attention
    ("[13, 4]", "{attention: 1}", "q, k and v are thirds, and 3 does not divide 13 channels",
     "project to q, k and v first: `{conv: 3*x.channels, kernel: 1}`"),
    ("{a: [4, 3], b: [7, 3]}", "{attention: 1, from: [a, b]}",
     "k and v are halves, and 2 does not divide 7 channels",
     "project to q, k and v first: `{conv: 3*x.channels, kernel: 1}`"),
    ("{a: [4, 3], b: [10, 3]}", "{attention: 1, from: [a, b]}", "q and k need equal channels, got 4 and 5",
     "project k to 4 channels, with `{conv: 4, kernel: 1}`"),
    ("{a: [4, 3], b: [4, 3], c: [4, 2]}", "{attention: 1, from: [a, b, c]}",
     "k and v need equal positions, got 3 and 2", "make k and v of one tensor"),
    ("[12, 4]", "{attention: 3}", "3 heads do not divide the 4 query channels",
     "use 2 heads, or a multiple of 3 channels"),
    ("{a: [4, 3], b: [4, 3], c: [6, 3]}", "{attention: 4, from: [a, b, c]}",
     "4 heads do not divide the 6 value channels", "use 2 heads, or a multiple of 4 channels"),
    ("[12, 6, 8]", "{attention: 2, window: 4}", "window 4 does not divide the height 6",
     "put `{pad: [[0, -x.height % 4], [0, -x.width % 4]]}` before the projections, and "
     "`{crop: [[0, -input.height % 4], [0, -input.width % 4]]}` after them"),
    ("[12, 6, 8]", "{attention: 2, grid: [2, 3]}", "grid 3 does not divide the width 8",
     "put `{pad: [[0, -x.height % 2], [0, -x.width % 3]]}` before the projections, and "
     "`{crop: [[0, -input.height % 2], [0, -input.width % 3]]}` after them"),
    ("[12, 6]", "{attention: 2, window: 2x3}", "`window` has 2 entries, but tokens have no map",
     "put `{reshape: [height, width], over: positions}` before it"),
    ("{a: [4, 3], b: [8, 4]}", "{attention: 2, from: [a, b], window: 3}",
     "a window needs q and k on one map, got 3 and 4",
     "give q, k and v of one map, or leave `window` out: then every query has all keys"),
    ("[12, 6]", "{attention: 2, shift: 1}", "`shift` moves windows, and there is no `window`",
     "give `window`, or leave `shift` out"),
    ("{a: [4, 3], b: [8, 4]}", "{attention: 2, from: [a, b], bias: distance}",
     "a `distance` bias needs queries that are every n-th key: no n gives 3 of 4 along the length",
     "take the queries of 4 by a stride, as `max_pool: 1, stride: 2` does"),
    ("{a: [4, 3], b: [8, 4]}", "{attention: 2, from: [a, b], bias: relative}",
     "a bias by relative position needs equal maps, got 3 and 4",
     "`distance` and `decomposed` allow keys of another map"),
    ("{a: [4, 4], b: [8, 2, 2]}", "{attention: 2, from: [a, b], bias: distance}",
     "a bias needs maps of equal rank, got 4 and 2 x 2", ""),
    ("[12, 6]", "{attention: 2, window: 3, bias: distance}", "a `distance` bias is one of whole maps",
     "use `bias: relative`"),
    ("[12, 6]", "{attention: 2, maps: 6}", "`maps` says what takes a bias, and there is none", "give `bias`"),
    ("[12, 6]", "{attention: 2, key_maps: 6}", "`maps` says what takes a bias, and there is none", "give `bias`"),
    ("[12, 6]", "{attention: 2, mode: linear, window: 3}", "`mode: linear` has no windows, no grid and no bias",
     "leave them out, or leave `mode` out"),
    ("[12, 6]", "{attention: 2, mode: linear, grid: 3}", "`mode: linear` has no windows, no grid and no bias",
     "leave them out, or leave `mode` out"),
    ("[12, 6]", "{attention: 2, mode: cosine, scale: 2}", "`mode: cosine` has no `scale`", "leave it out"),
    ("{q: [12, 6], t: [2, 10]}", "{attention: 2, bias: t, from: q}",
     "the bias `t` is 2 x 10, but 2 x 11 are needed: heads, and 2*w - 1 offsets per axis",
     "make it of `{coordinates: [11]}`, and end with `{conv: 2, kernel: 1}`"),
    ("{q: [12, 6], t: [2, 6]}", "{attention: 2, window: 3, bias: t, from: q}",
     "the bias `t` is 2 x 6, but 2 x 5 are needed: heads, and 2*w - 1 offsets per axis",
     "make it of `{coordinates: [5]}`, and end with `{conv: 2, kernel: 1}`"),
    ("[12, 4, 4]", "{attention: 2, bias: relative, maps: 2x2}", "a map of 2 x 2 does not fit 4 x 4 positions",
     "leave `maps` out: the positions are a map already"),
    ("[12, 4]", "{attention: 2, bias: relative, maps: 1x5}", "a map of 1 x 5 does not fit 4 positions",
     "`maps: 2x2` is a map of 4; tokens before a map take no bias"),
    ("{a: [4, 6], b: [8, 4]}", "{attention: 2, from: [a, b], bias: distance, maps: 6}",
     "a map of 6 does not fit 4 positions", "`maps: 2x2` is a map of 4; tokens before a map take no bias"),
    ("{a: [4, 6], b: [8, 4]}", "{attention: 2, from: [a, b], bias: distance, key_maps: 5}",
     "a map of 5 does not fit 4 positions", "`key_maps: 2x2` is a map of 4; tokens before a map take no bias"),
    # resampling
    ("[1, 1]", "{upsample: 0.5}", "1 positions times 0.5 leave none", ""),
    # bounds of numbers
    ("[1, 4]", "{dropout: 1.01}", "`rate` needs a number from 0 to 1, got `1.01`", ""),
    ("[1, 4]", "{dropout: -0.01}", "`rate` needs a number from 0 to 1, got `-0.01`", ""),
    ("[1, 4]", "{batch_norm, eps: -1}", "`eps` needs a number of at least 0, got `-1`", ""),
    ("[1, 4]", "{upsample: 0}", "`scale` needs a number above 0, got `0`", ""),
    ("[1, 4]", "{upsample: -2}", "`scale` needs a number above 0, got `-2`", ""),
    ("[1, 4]", "{upsample: [2, 0, 1]}", "`scale` needs a number above 0, got `0`", ""),
    ("[1, 4]", "{upsample: 2**63}", "`scale` needs a number above 0, got `9223372036854775808`", ""),
    ("[1, 4]", "{lp_pool: 1, p: 0}", "`p` needs a number above 0, got `0`", ""),
    ("[1, 4]", "{conv: 0, kernel: 1}", "`channels` needs a whole number of at least 1, got `0`", ""),
    ("[1, 4]", "{conv: 1.5, kernel: 1}", "`channels` needs a whole number, got `1.5`",
     "use `//`, `round`, `floor`, `ceil` or `int`"),
    ("[1, 4]", "{conv: 2**63, kernel: 1}", "`channels` is 9223372036854775808, beyond 64 bits", ""),
    ("[1, 4]", "{conv: true, kernel: 1}", "`channels` needs a whole number, got `true`", ""),
    ("[1, 4]", "{conv: 1, kernel: 0}", "`kernel` needs a whole number or one per axis of at least 1, got `0`", ""),
    ("[1, 4]", "{conv_transpose: 1, kernel: 1, output_padding: -1}",
     "`output_padding` needs a whole number or one per axis of at least 0, got `-1`", ""),
    ("[1, 4]", "{dropout: true}", "`rate` needs a number, got `true`", ""),
    # bounds of lists
    ("[1, 4]", "{conv: 1, kernel: []}", "`kernel` needs one entry per axis, got `[]`", ""),
    ("[1, 4]", "{conv: 1, kernel: [1, 1, 1, 1]}", "`kernel` needs one entry per axis, got `[1, 1, 1, 1]`", ""),
    ("[1, 4]", "{crop: []}", "`amount` needs one entry per axis, got `[]`", ""),
    ("[1, 4]", "{crop: [0, 0, 0, 0]}", "`amount` needs one entry per axis, got `[0, 0, 0, 0]`", ""),
    ("[1, 4]", "{crop: [[0, 0, 0]]}", "`amount` needs a pair [before, after], got `[0, 0, 0]`", ""),
    ("[1, 4]", "{crop: [[0]]}", "`amount` needs a pair [before, after], got `[0]`", ""),
    ("[1, 4]", "{pad: 1, channels: [1, 2, 3]}", "`channels` needs a pair [before, after], got `[1, 2, 3]`", ""),
    ("[1, 4]", "{upsample: []}", "`scale` needs one entry per axis, got `[]`", ""),
    ("[1, 4]", "{upsample: [1, 1, 1, 1]}", "`scale` needs one entry per axis, got `[1, 1, 1, 1]`", ""),
    ("[4]", "{reshape: []}", "`shape` needs a list of sizes with one to four entries, got `[]`", ""),
    ("[4]", "{reshape: [1, 1, 2, 2, 1]}",
     "`shape` needs a list of sizes with one to four entries, got `[1, 1, 2, 2, 1]`", ""),
    ("[4]", "{reshape: [-2, 2]}", "`shape` needs a list of sizes of at least -1, got `-2`", ""),
    ("[4]", "{permute: [-1]}", "`axes` needs a list of whole numbers of at least 0, got `-1`", ""),
    ("[6, 4]", "{slice: [1, 2, 3]}", "`channels` takes two numbers: [start, stop]",
     "`[start, none]` is open at its end"),
    ("[6, 4]", "{slice: []}", "`channels` takes two numbers: [start, stop]", "`[start, none]` is open at its end"),
    ("[6, 4]", "{slice: -1}", "`channels` takes two numbers: [start, stop]", "`[start, none]` is open at its end"),
    ("[6, 4]", "{slice: 0}", "`channels` takes two numbers: [start, stop]",
     "write `[0, 1]`, or up to the end `[0, none]`"),
    ("[6, 4]", "{offset: []}", "`axes` needs names of axes, got `[]`", ""),
    ("[6, 4]", "{split: {a: 0, b: rest}}", "`sizes` needs a whole number of at least 1, got `0`", ""),
    ("[6, 4]", "{split: {a: all}}", "`sizes` needs a whole number, or `rest`, got `all`", ""),
    ("[6, 4]", "{conv: 1, kernel: 1, weights: 6}", "`weights` needs a list of numbers, got `6`", ""),
    # what was given is shown, a long text cut
    ("[6, 4]", f"{{split: {{a: {'w' * 40}}}}}", f"`sizes` needs a whole number, or `rest`, got `{'w' * 40}`", ""),
    ("[6, 4]", f"{{split: {{a: {'w' * 40}v}}}}",
     f"`sizes` needs a whole number, or `rest`, got `{'w' * 20}…{'w' * 9}v`", ""),
]  # fmt: skip


@together("shape, step, message, help", REFUSED)
def test_refused(shape: str, step: str, message: str, help: str) -> None:
    with pytest.raises(cnncalc.SpecError) as refused:
        cnncalc.loads(f"input: {shape}\nlayers: [{step}]\n")
    problem = refused.value.diagnostics[0]
    assert (problem.message, problem.help) == (message, help)


@pytest.mark.parametrize(
    ("shape", "pool", "formulas"),
    [
        ("[1, 9]", "{max_pool: 3, stride: 2, name: p}", ["(W - 1)*S - P + K = (4 - 1)*2 - 0 + 3 = 9"]),
        ("[1, 10]", "{max_pool: 3, stride: 2, name: p}", ["(W - 1)*S - P + K = (4 - 1)*2 - 0 + 3 + 1 = 10"]),
        ("[1, 9]", "{max_pool: 2, stride: 3, dilation: 4, name: p}",
         ["(W - 1)*S - P + K = (2 - 1)*3 - 0 + 5 + 1 = 9"]),
        ("[1, 10, 9]", "{max_pool: 3, stride: 2, padding: 1, name: p}",
         ["(W - 1)*S - P + K = (5 - 1)*2 - 1 + 3 = 10", "(W - 1)*S - P + K = (5 - 1)*2 - 2 + 3 = 9"]),
    ],
)  # fmt: skip
def test_an_unpooled_axis_is_explained(shape: str, pool: str, formulas: list[str]) -> None:
    """What the windows of the pool cover, less what they had of padding, and what none of them had read."""
    told = cnncalc.loads(f"input: {shape}\nlayers: [{pool}, {{max_unpool: p, name: back}}]\n").explain("back")
    assert re.findall(r"\(W - 1\).* = \d+", str(told)) == formulas


def test_the_largest_numbers() -> None:
    """Sizes have 63 bits; beyond 2**1024 a value would be no floating-point number."""
    assert cnncalc.loads("input: [1]\nlayers: [{opaque: [2**63 - 1]}]\n").graph.shapes[-1] == (2**63 - 1,)
    text = "input: [1, 4]\nargs: {slope: 1}\nlayers: [{leaky_relu: slope}]\n"
    for sign in (1, -1):
        cnncalc.loads(text, args={"slope": sign * 2**1000})
        with pytest.raises(cnncalc.SpecError, match="too large for a number"):
            cnncalc.loads(text, args={"slope": sign * (2**1000 + 1)})


UNPOOLED = "{max_pool: 2, name: p}, {max_unpool: p, from: %s, name: back}"


@together("from_, message", [
    ("wide", "3 x 4 is larger than the pool of 3 x 6 gave"),
    ("flat", "`max_unpool` slides over spatial axes, but its input is flat: 3"),
    ("map", "3 x 3 x 1 cannot go where the maxima of 3 x 6 were"),
])  # fmt: skip
def test_what_cannot_be_unpooled(from_: str, message: str) -> None:
    with pytest.raises(cnncalc.SpecError) as refused:
        cnncalc.loads(
            "input: {main: [3, 6], wide: [3, 4], flat: [3], map: [3, 3, 1]}\nlayers: [" + UNPOOLED % from_ + "]\n"
        )
    assert refused.value.diagnostics[0].message == message
