"""Small networks that together say everything that an export can say: their exports are golden texts here, and are
built, counted and computed by the frameworks in tests/frameworks."""

from __future__ import annotations

from functools import cache

import cnncalc
from cnncalc.graph import Graph
from cnncalc.layers import KINDS

EVERY = tuple(kind for kind in KINDS if kind != "opaque")
"""What PyTorch and ONNX can say."""

SMALL = ("[64, 8, 8]", "[96, 8, 8]", "[64, 9]", "[64, 4, 4, 4]", "[40]", "[256, 7, 7]")
"""Inputs of which an example fits one at least, small enough for plain Python."""


@cache
def examples(kinds: tuple[str, ...] = EVERY) -> list[tuple[str, Graph]]:
    """The example of every kind in the reference, on the first input that it fits at a size for plain Python."""
    found = []
    for kind in kinds:
        example = KINDS[kind].example or kind
        if KINDS[kind].joins:
            example = f"{{{example}}}"
        for shape in SMALL:
            before = "".join(f"  - {step}\n" for step in KINDS[kind].shown_after)
            text = f"input: {shape}\nlayers:\n{before}  - {example}\n"
            try:
                graph = cnncalc.loads(text).graph
            except cnncalc.SpecError:
                continue
            found.append((f"{kind} on {shape}", graph))
            if kind == "reshape":
                break
    assert {name.partition(" ")[0] for name, _ in found} == set(kinds)
    return found


NETWORKS = {
    # -- what random layers seldom are
    "borders": """
input: [3, 7, 6]
layers:
  - {conv: 4, kernel: 3, padding: 2, padding_mode: reflect}
  - {conv: 4, kernel: 3, padding: [[1, 2], [0, 1]], padding_mode: circular, stride: 2}
  - {conv: 4, kernel: 3, padding: 4, padding_mode: reflect}
  - {depthwise_conv: 3, padding: 1, padding_mode: replicate, act: sigmoid}
""",
    "optional at both ends": """
input: [4, 5, 5]
blocks:
  block:
    args: {wide: true}
    layers:
      - {conv: 4, kernel: 1, if: wide}
      - {add: [x, [{conv: 4, kernel: 3, padding: 1}, relu]]}
      - {conv: 4, kernel: 1, if: wide}
layers: [block, {block, wide: false}, tanh, block, {block, wide: false}]
""",
    "pads": """
input: [3, 4, 5]
layers:
  - {pad: [[1, 2], [0, 1]], mode: reflect}
  - {pad: 2, mode: circular, channels: [1, 0]}
  - {pad: 1, mode: constant, value: 0.5, channels: [0, 2]}
  - {pad: 1, mode: replicate}
""",
    "rounded up": """
input: [2, 6, 5]
layers:
  - {max_pool: 3, stride: 2, ceil_mode: true, name: all}
  - {avg_pool: [2, 3], stride: [2, 3], padding: [0, 1], ceil_mode: true, from: input, name: one}
  - {avg_pool: 3, stride: 2, padding: 1, ceil_mode: true, count_include_pad: false, from: input, name: inside}
  - {max_pool: [2, 2], stride: [5, 3], padding: 1, ceil_mode: true, from: input, name: other}
  - {lp_pool: 3, stride: 2, ceil_mode: true, p: 3, from: input, name: power}
outputs: [all, one, inside, other, power]
""",
    "activated": """
input: [3, 6, 6]
layers:
  - {conv_transpose: 4, kernel: 3, stride: 2, padding: 1, act: sigmoid}
  - {conv_transpose: 4, kernel: 2, stride: 3, padding: same, act: tanh}
  - {conv_transpose: 4, kernel: 3, stride: 2, padding: same_lower, groups: 2, act: silu}
  - {conv: 4, kernel: 3, stride: 2, dilation: 2, padding: same, act: sigmoid}
""",
    "resized": """
input: [2, 5, 7]
layers:
  - {upsample: 2, mode: bilinear, align_corners: true, name: corners}
  - {upsample, size: [8, 3], from: input, name: nearest}
  - {upsample, size: [9, 4], mode: bilinear, from: input, name: linear}
  - {upsample: 1.5, mode: bilinear, align_corners: true, from: input, name: odd}
  - {upsample: [2, 3], from: input, name: uneven}
outputs: [corners, nearest, linear, odd, uneven]
""",
    "shared and fixed": """
input: {left: [3, 8, 8], right: [3, 6, 8]}
layers:
  - {conv: 3, kernel: 3, padding: same, norm: batch, act: relu, name: one, from: left}
  - {conv: 3, kernel: 3, padding: same, norm: batch, act: relu, name: two, from: right, share: one}
  - {conv: 1, kernel: 1, bias: false, weights: [1, 2, 3], learned: false, name: three}
  - {max_pool: 2, from: one, name: four}
outputs: [three, four]
""",
    "inputs and outputs twice": """
input: {image: [2, 3], other: [2, 3]}
layers:
  - {add: [[{identity, from: image}], [{relu, from: other}]], name: sum}
outputs: [sum, image]
""",
    "activations": """
input: [3, 4]
layers:
  - {leaky_relu: 0.2}
  - {elu: 0.7}
  - {selu: 1.5, gamma: 1.1}
  - {hard_sigmoid: 0.2, beta: 0.4}
  - {softplus: 2}
  - {gelu: tanh}
  - {prelu: 3}
""",
    "norms": """
input: [4, 3, 3]
layers:
  - {l2_norm: true}
  - {batch_norm: false, statistics: false}
  - {local_response_norm: 4, alpha: 0.5, k: 2}
  - {instance_norm: true, shift: true}
  - {layer_norm: false, eps: 0.001}
  - {layer_scale: 0.1}
""",
    # -- products, and weights
    "windows beside windows that are larger than the map": """
input: [12, 4, 6]
layers:
  - {attention: 2, window: [4, 3], shift: [1, 1], bias: relative, name: one}
  - {attention: 2, window: 7, bias: relative, from: input, name: two}
  - {attention: 2, window: [2, 3], mode: cosine, from: input, name: three}
  - {attention: 2, grid: 2, scale: 0.3, bias: relative, from: input, name: four}
outputs: [one, two, three, four]
""",
    "tokens": """
input: [12, 7]
layers:
  - {attention: 2, bias: relative, maps: [2, 3], name: one}
  - {attention: 2, bias: decomposed, maps: [2, 3], from: input, name: two}
  - {attention: 2, bias: distance, maps: [2, 3], from: input, name: three}
  - {attention: 2, mode: cosine, bias: relative, from: input, name: four}
outputs: [one, two, three, four]
""",
    "a table that is computed": """
input: [12, 4, 6]
layers:
  - {coordinates: [7, 5]}
  - {conv: 8, kernel: 1, act: relu}
  - {conv: 2, kernel: 1, name: table}
  - {attention: 2, window: [4, 3], shift: [0, 2], mode: cosine, bias: table, from: input}
""",
    "queries that are learned": """
input: [12, 5]
layers:
  - {conv: 8, kernel: 1, name: keys}
  - {parameter: [4, 3], name: queries}
  - {attention: 2, from: [queries, keys], name: found}
  - {parameter: [12, 1], name: token}
  - {concat: [token, input], over: positions, name: tokens}
  - {conv: 4, kernel: 1, name: fewer}
  - {matmul: [fewer, found], over: channels, groups: 2, name: product}
outputs: [found, tokens, product]
""",
    "parts": """
input: [8, 5, 5]
blocks:
  unit: {layers: [{conv: 4, kernel: 3, padding: 1, norm: batch, act: relu}, {max_pool: 2}]}
layers:
  - {conv: 2, kernel: 3, padding: same, act: relu, parts: 2, name: a}
  - {unit, parts: 4, from: input, name: b}
outputs: [a, b]
""",
    "kernels of mean 0": """
input: [4, 5, 5]
layers:
  - {conv: 4, kernel: 3, weight_norm: standardize, padding: [[0, 1], [1, 0]]}
  - {conv: 4, kernel: 3, weight_norm: standardize_gain, groups: 2, bias: false}
  - {depthwise_conv: 1, weight_norm: gain}
""",
    "maxima that go back": """
input: [2, 7, 6]
layers:
  - {max_pool: 2, ceil_mode: true, name: one}
  - {max_pool: 3, stride: 2, padding: 1, name: two}
  - {conv: 2, kernel: 1}
  - {max_unpool: two}
  - {max_unpool: one}
""",
    # -- what becomes a module, a function, or a line
    "asymmetric": """
input: [2, 6, 7]
layers:
  - {conv: 3, kernel: 3, stride: 2, padding: [[0, 1], [2, 0]]}
  - relu
""",
    "same": """
input: [2, 6, 7]
layers:
  - {conv: 3, kernel: 4, stride: 2, padding: same}
  - {conv: 2, kernel: 2, padding: same_lower}
""",
    "modes": """
input: [2, 6, 7]
layers:
  - {conv: 3, kernel: 3, padding: 1, padding_mode: reflect, act: silu}
  - {conv: 3, kernel: 3, padding: [[1, 2], [0, 1]], padding_mode: replicate, groups: 3}
  - {conv: 3, kernel: 3, padding: 1, dilation: 1, padding_mode: circular}
""",
    "one axis": """
input: [3, 17]
layers:
  - {conv: 4, kernel: 3, padding: half, norm: batch, act: mish}
  - {max_pool: 3, stride: 2, padding: 1, ceil_mode: true}
  - {avg_pool: 2, stride: 1, padding: [[0, 1]], count_include_pad: false}
  - {lp_pool: 2, stride: 1}
  - {conv_transpose: 2, kernel: 3, stride: 2, padding: same}
  - {upsample: 2, mode: bilinear}
  - {adaptive_avg_pool: 5}
""",
    "three axes": """
input: [2, 4, 5, 6]
layers:
  - {conv: 4, kernel: [1, 3, 3], padding: half, act: gelu}
  - {group_norm: 2}
  - {max_pool: 2, stride: 1, dilation: [1, 2, 1]}
  - {upsample: 2, mode: bilinear, align_corners: true}
  - {conv_transpose: 2, kernel: 2, stride: 2, output_padding: 1}
  - layer_norm
  - {instance_norm, scale: true, shift: true, statistics: true}
  - global_max_pool
""",
    "transposed": """
input: [2, 4, 5]
layers:
  - {conv_transpose: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1, groups: 2}
  - {conv_transpose: 4, kernel: [2, 4], stride: 2, padding: same}
  - {conv_transpose: 3, kernel: 4, stride: 2, padding: [[1, 2], [0, 1]]}
  - {conv_transpose: 3, kernel: 1, stride: 2, padding: same}
""",
    "pools": """
input: [2, 9, 8]
layers:
  - {max_pool: 3, stride: 2, padding: [[0, 1], [1, 0]]}
  - {avg_pool: 2, stride: 1, padding: [[1, 0], [0, 1]]}
  - {avg_pool: 3, stride: 1, padding: 1, ceil_mode: true, count_include_pad: false}
  - {lp_pool: 3, stride: 2, padding: 1, ceil_mode: true, p: 3}
  - {adaptive_max_pool: [2, 2]}
""",
    "norms, and what is left out of them": """
input: [6, 3, 4]
layers:
  - {batch_norm, scale: false, eps: 0.001}
  - {batch_norm, shift: false}
  - {batch_norm, statistics: false}
  - {layer_norm, shift: false}
  - {layer_norm, scale: false}
  - {group_norm: 3, shift: false}
  - {instance_norm}
  - {l2_norm, scale: true}
  - {l2_norm}
  - {local_response_norm: 4, alpha: 0.1, k: 2}
""",
    "activations one after another": """
input: [4, 3, 3]
layers: [relu6, {leaky_relu: 0.2}, prelu, {prelu: 4}, elu, {elu: 0.5}, selu, {selu: 1.5, gamma: 2}, gelu,
  {gelu: tanh}, silu, mish, sigmoid, hard_sigmoid, {hard_sigmoid: 0.2}, hard_swish, tanh, softplus, {softplus: 2},
  log_softmax, softmax]
""",
    "moves": """
input: [8, 4, 6]
layers:
  - {channel_shuffle: 4}
  - {slice: [2, 6]}
  - {pad: [[1, 0], [0, 2]], channels: [1, 0]}
  - {pad: 1, mode: reflect}
  - {pad: 1, mode: constant, value: 0.5}
  - {crop: [[1, 0], [2, 1]]}
  - {permute: [1, 2, 0]}
  - {reshape: [4, -1, 5]}
  - {reshape: [-1, 5]}
  - flatten
  - {channel_shuffle: 2}
  - {linear: 4, norm: batch, act: tanh}
  - layer_norm
""",
    "blocks of positions": """
input: [4, 4, 6]
layers:
  - {space_to_depth: 2}
  - {depth_to_space: 2, order: dcr}
  - {space_to_depth: 2, order: dcr}
  - {depth_to_space: 2}
  - {reshape: [4, 4, 2, 3]}
  - {conv: 8, kernel: 1}
  - {upsample, size: [4, 4, 6]}
  - {space_to_depth: 2}
  - {depth_to_space: 2}
""",
    "several ends": """
input: {left: [2, 5, 5], class: [2, 9, 9]}
layers:
  - {conv: 3, kernel: 3, padding: 1, name: a}
  - {conv: 3, kernel: 3, padding: 1, from: class, share: a, name: b}
  - {crop_like: left, from: b, name: cropped}
  - add: [cropped, a]
  - {relu, name: sum}
  - multiply: [x, [global_avg_pool, {conv: 3, kernel: 1, act: sigmoid}]]
  - {layer_scale: 0.1, name: product}
outputs: [sum, product, b]
""",
    "shared blocks": """
input: [2, 6, 6]
blocks:
  head:
    args: {n: required}
    layers:
      - {conv: 4, kernel: 3, padding: 1, norm: batch, act: relu, repeat: 2}
      - {conv: n, kernel: 1}
layers:
  - {head: 3, name: first}
  - {max_pool: 2, from: input, name: half}
  - {head: 3, share: first, name: second}
  - {head: 2, from: half, learned: false, name: third}
outputs: [first, second, third]
""",
    "skips": """
input: [4, 6, 6]
blocks:
  unit:
    args: {channels: required, stride: 1, gate: false, act: relu}
    layers:
      - add:
          - - {conv: channels, kernel: 3, padding: 1, stride: stride, act: act}
            - multiply: [x, [global_avg_pool, {conv: channels, kernel: 1, act: sigmoid}]]
              if: gate
            - {drop_path: 0.1}
          - {x, if: stride == 1 and input.channels == channels}
  tower:
    args: {n: required}
    layers:
      - {slice: [0, x.channels//2]}
      - {unit: x.channels, repeat: n, gather: concat}
layers:
  - {unit: 4}
  - {unit: 6, gate: true, act: silu}
  - {unit: 6, stride: 2}
  - {unit: 6, gate: true, repeat: 3}
  - {tower: 2}
  - {tower: 1}
  - {separable_conv: 6, kernel: 3, padding: same, norm: batch, act: relu, repeat: 2}
  - dropout
""",
    "fixed": """
input: [1, 7]
layers:
  - {conv: 1, kernel: 3, weights: [1, 0, -1], learned: false, name: c}
  - {conv: 2, kernel: 2}
""",
    "odd names": """
input: [1, 4, 4]
layers:
  - {conv: 2, kernel: 1, name: train}
  - {conv: 2, kernel: 1, name: class}
  - {conv: 2, kernel: 1, name: a_b}
""",
    # -- layers with other arguments than their examples
    "shares of positions": """
input: {map: [2, 3, 4], line: [2, 7]}
layers:
  - {softmax: positions, from: map, name: one}
  - {softmax: positions, from: line, name: two}
  - {log_softmax: positions, name: three}
outputs: [one, two, three]
""",
    "logarithms over two axes": """
input: [2, 3, 4]
layers:
  - {log_softmax: positions}
""",
    "sums by learned shares": """
input: [3, 4, 5]
layers:
  - {conv: 3, kernel: 1, name: a}
  - {add: [input, a], weights: fast, name: b}
  - {add: [b, a, input], weights: softmax, name: c}
  - {add: [c, [global_avg_pool]], weights: fast, name: d}
  - {add: [d], weights: softmax, name: e}
  - {concat: [e], name: f}
  - {add: [f, a, b, [global_max_pool]]}
""",
    "attention without windows": """
input: [12, 4, 3]
layers:
  - {attention: 2, mode: linear, name: one}
  - {attention: 2, scale: 0.5, from: input, name: two}
  - {attention: 1, mode: cosine, from: input, name: three}
  - {conv: 8, kernel: 1, from: input, name: keys}
  - {conv: 4, kernel: 1, name: queries}
  - {attention: 2, mode: linear, from: [queries, keys], name: four}
  - {max_pool: 2, from: keys, name: fewer}
  - {attention: 2, from: [queries, fewer], name: five}
  - {attention: 2, from: [queries, queries, input], scale: 2, name: six}
outputs: [one, two, three, four, five, six]
""",
    "attention of tokens and maps": """
input: {input: [12, 9], map: [8, 4, 3], queries: [4, 2, 3]}
layers:
  - {attention: 2, from: [queries, map], bias: distance, name: four}
  - {attention: 2, bias: relative, maps: [2, 4], from: input, name: one}
  - {attention: 2, bias: relative, maps: [3, 3], from: input, name: two}
  - {conv: 8, kernel: 1, from: input, name: keys}
  - {slice: [0, 3], over: positions, name: few}
  - {conv: 4, kernel: 1, from: input, name: asked}
  - {attention: 2, from: [asked, few], bias: decomposed, maps: [4, 2], key_maps: [2, 1], name: three}
outputs: [one, two, three, four]
""",
    "rows of positions": """
input: [6, 3, 4]
layers:
  - {flatten, over: positions}
  - {slice: [2, 10], over: positions}
  - {reshape: [2, 4], over: positions}
  - {reshape: [4, 2], over: positions}
  - {reshape: [8], over: positions}
  - {reshape: [2, 2, 2], over: positions}
  - {reshape: [6, 8]}
  - {permute: [1, 0]}
  - {slice: [-5, -1]}
  - {reshape: [24]}
  - {reshape: [24, 1, 1]}
  - {reshape: [1, 24]}
""",
    "reductions": """
input: [4, 3, 5]
layers:
  - {reduce: mean, over: channels, name: a}
  - {reduce: max, over: channels, from: input, name: b}
  - {reduce: sum, over: positions, from: input, name: c}
  - {reduce: norm, over: positions, from: input, name: d}
  - {reduce: norm, over: channels, from: input, name: e}
  - {flatten, over: positions, from: input}
  - {reduce: max, over: positions, name: f}
  - {reduce: mean, over: positions, from: input, name: g}
outputs: [a, b, c, d, e, f, g]
""",
    "tensors that are added and multiplied": """
input: [3, 4, 5]
layers:
  - {offset: one, value: 2}
  - {factor: one, value: -0.5}
  - {offset: one}
  - {factor: channels}
  - {offset: positions}
  - {factor: all}
""",
    "resized otherwise": """
input: [2, 4, 5]
layers:
  - {upsample: 2, mode: bilinear, name: a}
  - {upsample: [1, 3], from: input, name: b}
  - {upsample: [1, 2.5], mode: bilinear, from: input, name: c}
  - {upsample, size: [3, 5], from: input, name: d}
  - {upsample, size: [1, 10], mode: bilinear, align_corners: true, from: input, name: e}
  - {flatten, over: positions, from: input}
  - {upsample: 2, name: f}
  - {upsample, size: 7, mode: bilinear, name: g}
outputs: [a, b, c, d, e, f, g]
""",
    "norms of all": """
input: [4, 3, 2]
layers:
  - {layer_norm, over: all}
  - {layer_norm, over: all, scale: false, shift: false, eps: 0.01}
  - {global_response_norm, eps: 0.001}
  - {flatten, over: positions}
  - {global_response_norm}
  - {batch_norm, eps: 0.01, scale: false, shift: false}
  - {conv: 4, kernel: 3, padding: same, norm: layer_norm, act: gelu}
""",
    "pools to sizes": """
input: [2, 6, 5]
layers:
  - {adaptive_avg_pool: 1, name: a}
  - {adaptive_max_pool: 1, from: input, name: b}
  - {adaptive_avg_pool: [3, 5], from: input, name: c}
  - {adaptive_max_pool: [2, 5], from: input, name: d}
  - {adaptive_avg_pool: [6, 2], from: input, name: e}
  - {adaptive_max_pool: [4, 5], from: input, name: f}
  - {adaptive_max_pool: [3, 3], from: input, name: g}
  - {adaptive_avg_pool: [4, 1], from: input, name: h}
outputs: [a, b, c, d, e, f, g, h]
""",
    "powers": """
input: [2, 6, 5]
layers:
  - {lp_pool: 2, stride: 1, p: 2.5, name: a}
  - {lp_pool: 1, from: input, name: b}
  - {lp_pool: [1, 3], stride: [1, 2], p: 1, from: input, name: c}
outputs: [a, b, c]
""",
    "powers far apart": """
input: [2, 6, 5]
layers:
  - {lp_pool: 2, stride: 1, dilation: 2, p: 3}
""",
    "means far apart": """
input: [2, 6, 7]
layers:
  - {avg_pool: 2, stride: 1, dilation: 2, name: a}
  - {avg_pool: 2, stride: 2, dilation: 2, padding: 1, count_include_pad: false, from: input, name: b}
outputs: [a, b]
""",
    "means of one axis rounded up": """
input: [2, 7, 6]
layers:
  - {avg_pool: 2, stride: [2, 3], ceil_mode: true, name: a}
  - {avg_pool: [3, 2], stride: [2, 4], padding: [1, 0], ceil_mode: true, count_include_pad: false, from: input, name: b}
  - {max_pool: [3, 2], stride: [2, 4], padding: [1, 0], ceil_mode: true, from: input, name: c}
outputs: [a, b, c]
""",
    "transposed far apart": """
input: [2, 4, 5]
layers:
  - {conv_transpose: 3, kernel: 3, dilation: 2, padding: 1}
  - {conv_transpose: 3, kernel: 3, stride: 1, padding: same_lower, bias: false}
  - {conv_transpose: 2, kernel: 1, stride: 3, padding: 0, output_padding: 2, act: relu}
""",
    "transposed far apart with a stride": """
input: [2, 4, 5]
layers:
  - {conv_transpose: 3, kernel: 3, stride: 2, dilation: 2}
""",
    "products of maps": """
input: {left: [4, 3, 2], right: [4, 2, 3], line: [4, 6]}
layers:
  - {matmul: [left, right], over: channels, name: a}
  - {matmul: [left, right], over: positions, name: b}
  - {matmul: [left, line], over: channels, groups: 2, name: c}
  - {matmul: [line, left], over: positions, groups: 4, name: d}
  - {conv: 6, kernel: 1, from: right, name: wide}
  - {matmul: [line, wide], over: none, name: e}
  - {matmul: [left, a], over: none, name: f}
outputs: [a, b, c, d, e, f]
""",
    "depthwise": """
input: [4, 5, 5]
layers:
  - {depthwise_conv: 3, multiplier: 2, stride: 2, padding: same, act: relu6}
  - {depthwise_conv: [1, 2], dilation: 2, bias: false, padding: [[1, 1], [0, 1]]}
  - {conv: 8, kernel: 2, groups: 8, padding: 1, act: {leaky_relu: 0.3}}
  - {separable_conv: 4, kernel: 3, padding: 1, bias: false, norm: batch, act: hard_swish}
""",
    "activations that are taken twice": """
input: [2, 4]
layers:
  - {conv: 2, kernel: 1, act: relu, name: a}
  - {conv: 2, kernel: 1, act: relu, share: a, name: b}
  - {conv: 2, kernel: 1, act: {elu: 0.5}, name: c}
  - {conv: 2, kernel: 1, act: relu, learned: false, name: d}
outputs: [a, b, c, d]
""",
    "digits and dots in names": """
input: {class: [2, 4, 4], print: [2, 4, 4]}
layers:
  - {conv: 3, kernel: 3, padding: 1, from: class, name: 3x3_reduce}
  - {conv: 3, kernel: 3, padding: 1, from: print, name: self}
  - {add: [3x3_reduce, self], name: layers}
  - {conv: 3, kernel: 1, name: ops}
  - {conv: 2, kernel: 1, name: keras}
outputs: {out: keras, "2": ops}
""",
}
"""Networks that every export says, but for what its golden text gives as refused."""

REFUSED = {
    "a layer that is not known": """
input: [2, 4, 4]
layers:
  - {opaque: [3]}
""",
    "one name in Keras": """
input: [2, 4, 4]
layers:
  - {conv: 2, kernel: 1, norm: batch, name: a}
  - {conv: 2, kernel: 1, name: a_norm}
""",
    "a group of one value": """
input: [4, 1, 1]
layers:
  - {group_norm: 4, eps: 1}
""",
    "an instance of one position": """
input: [4, 1, 1]
layers:
  - instance_norm
""",
    "an instance without positions": """
input: [4]
layers:
  - {instance_norm, statistics: true}
""",
    "a response without a factor": """
input: [4, 3, 3]
layers:
  - {global_response_norm, scale: false}
""",
    "a table beside tokens": """
input: [12, 7]
layers:
  - {coordinates: [3, 5]}
  - {conv: 2, kernel: 1, name: table}
  - {attention: 2, bias: table, maps: [2, 3], from: input}
""",
    "an unpooling of a dilated pool": """
input: [2, 7, 7]
layers:
  - {max_pool: 2, stride: 1, dilation: 2, name: pool}
  - {max_unpool: pool}
""",
    "an unpooling of an uneven pool": """
input: [2, 7, 7]
layers:
  - {max_pool: 2, padding: [[0, 1], [0, 1]], name: pool}
  - {max_unpool: pool}
""",
    "an addition of many positions": """
input: [2, 4]
layers:
  - {conv_transpose: 2, kernel: 1, stride: 2, padding: same, output_padding: 3}
""",
    "an addition of many positions to one axis": """
input: [2, 4, 4]
layers:
  - {conv_transpose: 2, kernel: [1, 3], stride: 2, padding: same, output_padding: [3, 0]}
""",
    "weights of another block": """
input: [2, 4, 4]
blocks:
  unit: {layers: [{conv: 2, kernel: 1, name: inner}, relu]}
layers:
  - {unit, name: first}
  - {conv: 2, kernel: 1, share: first.inner}
""",
    "weights of another layer": """
input: [2, 4, 4]
layers:
  - {conv: 2, kernel: 3, padding: 1, name: first}
  - {conv: 2, kernel: 3, padding: 0, share: first}
""",
}
"""Networks that one export or another cannot say."""


@cache
def network(name: str) -> Graph:
    """One of `NETWORKS`, or of those that are `REFUSED`."""
    return cnncalc.loads({**NETWORKS, **REFUSED}[name]).graph
