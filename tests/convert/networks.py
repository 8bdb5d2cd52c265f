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

LAYERS = {
    "responses of odd and even windows": """
input: {map: [5, 3, 4], line: [3, 6], room: [3, 2, 3, 2]}
layers:
  - {local_response_norm: 3, alpha: 0.3, beta: 0.5, k: 1.5, from: map, name: a}
  - {local_response_norm: 4, alpha: 0.3, beta: 0.5, from: map, name: b}
  - {local_response_norm: 3, alpha: 0.3, from: line, name: c}
  - {local_response_norm: 7, alpha: 0.3, from: line, name: d}
  - {local_response_norm: 2, alpha: 0.3, from: room, name: e}
outputs: [a, b, c, d, e]
""",
    "blocks of positions that are not square": """
input: {map: [3, 4, 6], line: [6, 6], room: [4, 4, 2, 6]}
layers:
  - {space_to_depth: [2, 3], from: map, name: a}
  - {depth_to_space: [2, 3], order: dcr}
  - {space_to_depth: [2, 3], order: dcr}
  - {depth_to_space: [3, 2], name: b}
  - {space_to_depth: 3, from: line, order: dcr, name: c}
  - {depth_to_space: 2, from: line, name: d}
  - {space_to_depth: [2, 1, 3], from: room, name: e}
  - {depth_to_space: [3, 2, 1], order: dcr, name: f}
  - {space_to_depth: [1, 2, 2], order: dcr, from: room, name: g}
outputs: [a, b, c, d, e, f, g]
""",
    "windows that are not square": """
input: {map: [12, 4, 6], room: [6, 2, 4, 3]}
layers:
  - {attention: 2, window: [2, 3], shift: [0, 1], bias: relative, from: map, name: a}
  - {attention: 4, window: [4, 2], shift: [3, 0], mode: cosine, from: map, name: b}
  - {attention: 2, grid: [2, 3], from: map, name: c}
  - {attention: 4, grid: [4, 1], bias: relative, from: map, name: d}
  - {attention: 1, window: [1, 2, 3], from: room, name: e}
  - {attention: 2, window: [2, 2, 1], shift: [0, 1, 0], bias: relative, from: room, name: f}
outputs: [a, b, c, d, e, f]
""",
    "branches that are wide and high": """
input: {map: [4, 3, 5], row: [4, 1, 5], column: [4, 3, 1], one: [1, 3, 5]}
layers:
  - {multiply: [row, column, one], name: a}
  - {subtract: [map, column, row], name: b}
  - {add: [one, map], name: c}
  - {add: [row, one, column], name: d}
  - {add: [row, column, map], weights: fast, name: e}
  - {concat: [map, a, b, one], name: f}
  - {subtract: [row, column], name: g}
outputs: [a, b, c, d, e, f, g]
""",
    "sizes that are resized unequally": """
input: {map: [2, 3, 5], line: [2, 4], room: [2, 2, 3, 4]}
layers:
  - {upsample: [2, 1], mode: bilinear, from: map, name: a}
  - {upsample: [1.5, 2], from: map, name: b}
  - {upsample, size: [1, 1], mode: bilinear, align_corners: true, from: map, name: c}
  - {upsample, size: [2, 11], mode: bilinear, from: map, name: d}
  - {upsample: [3, 2], mode: bilinear, align_corners: true, from: map, name: e}
  - {upsample: 2.5, mode: bilinear, from: line, name: f}
  - {upsample, size: 3, from: line, name: g}
  - {upsample: [1, 2, 1.5], from: room, name: h}
  - {upsample, size: [3, 3, 2], mode: bilinear, from: room, name: k}
outputs: [a, b, c, d, e, f, g, h, k]
""",
    "norms without axes": """
input: {flat: [6], line: [4, 3], map: [4, 2, 3]}
layers:
  - {layer_norm: false, shift: true, from: flat, name: a}
  - {layer_norm, over: all, from: flat, name: b}
  - {batch_norm, shift: false, eps: 0.1, from: flat, name: c}
  - {global_response_norm, from: flat, name: d}
  - {l2_norm, scale: true, eps: 0.5, from: line, name: e}
  - {group_norm: 2, from: line, eps: 0.1, name: f}
  - {layer_norm, scale: false, shift: true, eps: 0.1, from: map, name: g}
  - {instance_norm, scale: true, eps: 0.1, from: line, name: h}
  - {instance_norm, shift: true, from: map, name: k}
  - {group_norm: 1, scale: false, from: map, name: l}
outputs: [a, b, c, d, e, f, g, h, k, l]
""",
    "borders of several widths": """
input: {map: [2, 3, 4], line: [3, 5], room: [2, 2, 3, 2]}
layers:
  - {pad: [[2, 1], [0, 3]], mode: reflect, from: map, name: a}
  - {pad: [[3, 1], [2, 4]], mode: circular, from: map, name: b}
  - {pad: [[4, 1]], mode: replicate, channels: [2, 1], from: line, name: c}
  - {pad: [[0, 1], [2, 0], [1, 1]], mode: replicate, from: room, name: d}
  - {pad: [[1, 0], [0, 2], [0, 0]], channels: [0, 1], from: room, name: e}
  - {crop: [[0, 1], [1, 0], [0, 0]], from: room, name: f}
  - {crop: [[2, 1]], from: line, name: g}
  - {crop: 1, from: map, name: h}
  - {conv: 2, kernel: 3, padding: [[3, 0], [1, 2]], padding_mode: circular, from: map, name: k}
outputs: [a, b, c, d, e, f, g, h, k]
""",
    "pools of uneven windows": """
input: {map: [2, 7, 6], line: [2, 9], room: [2, 5, 4, 3]}
layers:
  - {avg_pool: [3, 2], stride: [1, 2], padding: [[0, 2], [1, 0]], from: map, name: a}
  - {avg_pool: [3, 2], stride: [1, 2], padding: [[0, 2], [1, 0]], count_include_pad: false, from: map, name: b}
  - {avg_pool: 4, stride: 3, padding: 2, ceil_mode: true, from: line, name: c}
  - {avg_pool: 4, stride: 3, padding: 2, ceil_mode: true, count_include_pad: false, from: line, name: d}
  - {max_pool: 3, stride: 2, dilation: 2, padding: 1, from: line, name: e}
  - {max_pool: [2, 3, 1], stride: [2, 1, 2], padding: [[1, 0], [1, 1], [0, 0]], from: room, name: f}
  - {avg_pool: [2, 1, 3], stride: 1, from: room, name: g}
  - {lp_pool: [3, 2], stride: [2, 3], p: 2, from: map, name: h}
  - {adaptive_avg_pool: [3, 4, 2], from: room, name: k}
  - {adaptive_max_pool: 4, from: line, name: l}
outputs: [a, b, c, d, e, f, g, h, k, l]
""",
    "rows of sizes of one": """
input: {one: [1, 2, 3], thin: [2, 1, 3], long: [2, 3, 1], point: [3, 1, 1], map: [2, 2, 3]}
layers:
  - {flatten, from: one, name: a}
  - {flatten, from: thin, name: b}
  - {flatten, from: long, name: c}
  - {flatten, from: point, name: d}
  - {reshape: [2, 3, 1], from: one, name: e}
  - {reshape: [6, 1, 1], from: thin, name: f}
  - {reshape: [1, 2, 3], from: long, name: g}
  - {reshape: [1, 1, 3], from: point, name: h}
  - {reshape: [2, 1, 6], from: map, name: k}
  - {reshape: [3, 2, 2], from: map, name: l}
  - {adaptive_avg_pool: 1, from: map}
  - {flatten, name: m}
  - {adaptive_max_pool: 1, from: map, name: kept}
  - {flatten, name: n}
outputs: [a, b, c, d, e, f, g, h, k, l, m, kept, n]
""",
    "constants at borders": """
input: {map: [2, 3, 4]}
layers:
  - {pad: 1, value: 0.5, name: a}
  - {pad: 1, mode: constant, from: map, name: b}
  - {pad: 0, channels: [1, 1], value: 0.5, from: map, name: c}
  - {pad: [[0, 1], [0, 0]], mode: constant, value: -0.5, from: map, name: d}
outputs: [a, b, c, d]
""",
}
"""Layers on one, two and three axes whose arguments differ from axis to axis."""

WRITTEN = {
    "rows of equal steps": """
input: [16, 6, 6]
layers:
  - {conv: 16+4*i, kernel: 1, repeat: 4, name: wider}
  - {conv: 24-4*i, kernel: 1, repeat: 4, name: narrower}
  - {conv: 4, kernel: 1, repeat: 3, name: two}
  - {conv: 4, kernel: 1, repeat: 4, name: three}
  - {conv: 5+i, kernel: 3, padding: 1, act: relu, repeat: 3, name: activated}
  - {conv: (i+2)**2, kernel: 1, repeat: 4, name: squares}
  - {conv: 7-i, kernel: 2*i+1, padding: i, bias: false, norm: batch, repeat: 3, name: normed}
  - {max_pool: 2, stride: 1, repeat: 2, name: pools}
""",
    "lines as long as they may be": f"""
input: [2, 4, 4]
blocks:
  unit: {{layers: [{{conv: 2, kernel: 1}}, {{add: [x, input]}}]}}
layers:
  - {{conv: 2, kernel: 1, name: {"a" * 87}}}
  - {{conv: 2, kernel: 1, name: {"b" * 88}}}
  - {{sigmoid, name: {"c" * 110}}}
  - {{conv: 3, kernel: [3, 1], padding: [1, 0], dilation: [1, 1], stride: [2, 1], bias: false, name: {"d" * 60}}}
  - {{add: [{"a" * 87}, {"b" * 88}], name: sum}}
  - {{unit, name: {"e" * 110}}}
outputs: [sum, {"a" * 87}, {"b" * 88}, {"c" * 110}, {"d" * 60}, {"e" * 110}]
""",
    "lines of just the length that fits": """
input: [2, 4, 4]
layers:
  - {conv: 2, kernel: 1, name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
  - {conv: 2, kernel: 1, name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}
  - {conv: 2, kernel: 1, name: ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc}
  - {conv: 2, kernel: 1, name: dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd}
  - {conv: 2, kernel: 1, name: eee}
""",
    "long sums": """
input: {first_of_the_tensors: [3, 4, 4], second_of_the_tensors: [3, 4, 4], third_of_the_tensors: [3, 4, 4],
    fourth: [3, 4, 4]}
layers:
  - {add: [first_of_the_tensors, second_of_the_tensors, third_of_the_tensors, fourth, first_of_the_tensors],
      name: short}
  - {add: [short, first_of_the_tensors, second_of_the_tensors, third_of_the_tensors, fourth, first_of_the_tensors],
      name: long}
  - {concat: [short, long, first_of_the_tensors, second_of_the_tensors, third_of_the_tensors, fourth, short, long]}
  - {conv: 3, kernel: 1, name: narrow}
  - {multiply: [narrow, first_of_the_tensors, second_of_the_tensors, third_of_the_tensors, fourth, short],
      name: product}
  - {add: [product, first_of_the_tensors, second_of_the_tensors, third_of_the_tensors, fourth, short, long, narrow]}
""",
    "blocks with long arguments": """
input: [4, 8, 8]
blocks:
  a_block_with_arguments:
    args: {channels: required, first_kernel: 3, second_kernel: 3, first_dilation: 1, second_dilation: 1, act: relu,
        third_kernel: 1}
    layers:
      - add:
          - - {conv: channels, kernel: first_kernel, padding: same, dilation: first_dilation, act: act, name: first}
            - {conv: 2*channels, kernel: second_kernel, padding: same, dilation: second_dilation, act: act,
                name: second}
            - {conv: x.channels//2, kernel: third_kernel, padding: half, name: third}
          - x
layers:
  - {a_block_with_arguments: 4, repeat: 2}
  - {a_block_with_arguments: 4, first_kernel: 5, second_kernel: 1, first_dilation: 2, second_dilation: 3, act: silu,
      third_kernel: 3, repeat: 3, name: many}
  - {a_block_with_arguments: 4, first_kernel: 1, repeat: 4, act: tanh, name: more}
""",
    "other numbers in activations": """
input: [4, 6, 6]
blocks:
  unit:
    args: {n: required, slope: 0.1, slopes: 1}
    layers:
      - {conv: n, kernel: 1, act: {leaky_relu: slope}}
      - {conv: n, kernel: 1, act: {prelu: n}}
      - {conv: n, kernel: 1, act: {prelu: slopes}}
layers:
  - {unit: 4}
  - {unit: 6}
  - {unit: 6, slope: 0.2}
  - {unit: 8, slope: 0.2, slopes: 8}
  - {unit: 6, slopes: 6}
""",
    "maxima that go back beyond the map": """
input: [2, 6, 6]
layers:
  - {max_pool: 2, padding: 1, name: pool}
  - {sigmoid}
  - {max_unpool: pool}
""",
    "as many positions more as a stride": """
input: [2, 4]
layers:
  - {conv_transpose: 2, kernel: 1, stride: 2, output_padding: 2}
""",
    "blocks of two inputs": """
input: {left: [4, 6, 6], right: [6, 6, 6]}
blocks:
  merge:
    args: {channels: required, residual: true, side: true}
    inputs: [a, b]
    layers:
      - {conv: channels, kernel: 1, from: a, name: shortcut, if: residual}
      - {conv: channels, kernel: 3, padding: same, from: b, norm: batch, act: relu, name: main}
      - {add: [shortcut, main], if: residual}
  pick:
    args: {second: false}
    inputs: [a, b]
    layers:
      - {conv: 4, kernel: 1, from: a, if: not second}
      - {conv: 4, kernel: 1, from: b, if: second}
layers:
  - {merge: 5, from: [left, right], name: one}
  - {merge: 6, from: [right, left], residual: false, name: two}
  - {merge: 6, from: [one, two], name: three}
  - {merge: 6, from: [three, right], name: four}
  - {pick, from: [four, one], name: five}
  - {pick, second: true, from: [four, one], name: six}
outputs: [five, six]
""",
    "blocks that are not alike": """
input: [4, 8, 8]
blocks:
  unit:
    args: {kind: 1, channels: 4}
    layers:
      - {conv: channels, kernel: 3, padding: 1, if: kind < 4}
      - {batch_norm, if: kind == 1}
      - {layer_norm, if: kind == 2}
      - relu
      - {max_pool: 2, stride: 1, padding: [[0, 1], [0, 1]], if: kind == 3}
      - {conv: channels, kernel: 1, stride: 1}
layers:
  - unit
  - {unit, kind: 2}
  - {unit, kind: 3, channels: 6}
  - {unit, kind: 1, channels: 8}
  - {unit, kind: 2, channels: 6}
  - {unit, kind: 4}
""",
    "taps": """
input: [4, 8, 8]
blocks:
  stage:
    args: {channels: required, down: true}
    layers:
      - {conv: channels, kernel: 3, padding: 1, act: relu, name: tap}
      - {conv: channels, kernel: 1, name: wide}
      - {max_pool: 2, if: down}
      - {sigmoid, name: gate}
layers:
  - {stage: 6, name: a}
  - {stage: 8, name: b}
  - {stage: 8, down: false, name: c}
outputs: [a.tap, b.tap, b.wide, c, c.tap]
""",
    "optional layers in a row": """
input: [4, 6, 6]
blocks:
  unit:
    args: {n: 4, deep: true, norm: true, skip: true}
    layers:
      - {conv: n, kernel: 3, padding: 1, if: deep}
      - {batch_norm, if: deep}
      - {relu, if: deep}
      - {conv: n, kernel: 1, bias: false}
      - {batch_norm, if: norm}
      - {dropout: 0.2, if: norm}
      - {add: [x, input], if: skip}
      - {sigmoid, if: norm}
layers:
  - unit
  - {unit, deep: false}
  - {unit, norm: false}
  - {unit, n: 6, skip: false}
  - {unit, n: 6, deep: false, norm: false, skip: false}
  - {unit, n: 6, deep: false, skip: true}
""",
    "channels that are explained": """
input: [8, 6, 6]
blocks:
  wide:
    args: {channels: required, factor: 2}
    layers:
      - {conv: channels*factor, kernel: 1, act: relu}
      - {depthwise_conv: 3, padding: 1}
      - {conv: channels, kernel: 1, name: out}
      - {conv: channels//2, kernel: 1}
      - {conv: x.channels + input.channels, kernel: 1}
      - {conv: input.channels, kernel: 1}
      - {conv: channels - 2, kernel: 1}
  sized:
    args: {k: 3, d: 1, s: 1, g: 1}
    layers:
      - {conv: 8, kernel: k, padding: half, dilation: d, stride: s, groups: g}
      - relu
      - {conv: 8, kernel: 3, padding: d, dilation: d, name: second}
      - {conv: 8, kernel: k, padding: half, dilation: 2, name: third}
  pair:
    args: {k: 3, d: 1, s: 1}
    layers:
      - {conv: 8, kernel: k, padding: half, dilation: d, stride: s}
      - {conv: 4, kernel: 1, stride: s}
      - {conv: 8, kernel: k, padding: half, dilation: 2}
      - relu
layers:
  - {wide: 8}
  - {wide: 12}
  - {wide: 12, factor: 3}
  - {conv: 8, kernel: 1}
  - {sized, k: 5}
  - {sized, d: 2}
  - {sized, s: 2, g: 4}
  - {pair, k: [1, 3]}
  - {pair, d: [2, 1]}
  - {pair, s: [1, 2]}
""",
    "names that are taken": """
name: 3-fold class
input: {torch: [4, 5, 5], self: [4, 5, 5], F: [4, 5, 5], range: [4, 5, 5]}
blocks:
  torch: {layers: [{conv: 4, kernel: 1, name: to}, {sigmoid, name: _in}, {add: [x, input]}, {conv: 4, kernel: 1,
      name: type}, {batch_norm, name: bn}]}
  Tensor: {layers: [{conv: 4, kernel: 1, name: out}, {add: [x, input]}, {tanh, name: eval}, {conv: 4, kernel: 1},
      {layer_norm, name: x1}]}
  unit2: {layers: [{conv: 4, kernel: 1, name: out}, {multiply: [x, input]}, {conv: 4, kernel: 3, padding: 1,
      name: None}, relu]}
  Unit2: {layers: [{conv: 4, kernel: 1, name: class}, {multiply: [x, input]}, {conv: 4, kernel: 5, padding: 2,
      name: F}, relu]}
  class: {layers: [{conv: 4, kernel: 1}, relu, {conv: 4, kernel: 1}, tanh]}
  network_3_fold_class: {layers: [{conv: 4, kernel: 1}, relu, {conv: 4, kernel: 1}, sigmoid]}
  min: {layers: [{conv: 4, kernel: 1}, tanh, {conv: 4, kernel: 1}, relu]}
  named:
    args: {nn: 4, lambda: 1, range: true, torch: 3, super: 5, training: 3}
    layers:
      - {conv: nn, kernel: torch, padding: same, dilation: lambda}
      - {conv: 4, kernel: 3, padding: 1, bias: range}
      - {conv: super, kernel: 1}
      - {slice: [0, training]}
      - {conv: 4, kernel: 1, repeat: torch}
layers:
  - {torch, from: torch, name: x2}
  - {Tensor, name: unit}
  - {add: [x2, unit, self], name: self2}
  - {unit2, name: nn}
  - {Unit2, name: super}
  - {add: [nn, super, F], name: out}
  - {torch, name: relu}
  - {relu, name: relu1}
  - {add: [out, relu1, self2], name: module}
  - {pad: 1, mode: reflect, name: float}
  - {adaptive_avg_pool: [3, 3]}
  - {max_pool: 2, stride: 1, padding: [[0, 1], [0, 1]], name: min}
  - {adaptive_max_pool: [2, 2]}
  - class
  - network_3_fold_class
  - min
  - {named}
  - {named, nn: 5, super: 7}
  - {named, nn: 6, lambda: 2, torch: 5, training: 4}
  - {named, range: false}
  - {concat: [min, float, module, range, torch, F, self], if: false}
  - {add: [x, [{global_max_pool, from: min}], [{global_max_pool, from: float}]]}
  - {concat: [x, x], name: nn2}
  - {add: [[{global_avg_pool, from: module}], [{global_avg_pool, from: range}], [{global_avg_pool, from: torch}]]}
outputs: [x2, nn2, add2]
""",
    "activations in place": """
input: [4, 6, 6]
blocks:
  unit:
    args: {act: relu, pool: true}
    layers:
      - {conv: 4, kernel: 3, padding: 1, name: conv}
      - {max_pool: 2, stride: 1, padding: [[0, 1], [0, 1]], if: pool}
      - {relu, name: one}
      - {conv: 4, kernel: 1, act: act, name: other}
      - {conv: 4, kernel: 1, act: act, name: last}
      - {add: [last, other], if: pool}
      - {relu, name: end}
layers:
  - {relu, name: first}
  - {relu, name: again}
  - unit
  - {unit, pool: false}
  - {unit, act: tanh}
  - {conv: 4, kernel: 1, name: kept}
  - {relu, name: beside}
  - {add: [kept, beside]}
  - {relu, name: sum}
  - {avg_pool: 2, stride: 1}
  - {relu6, name: pooled}
  - {conv: 4, kernel: 1, norm: layer_norm, act: relu}
  - {conv: 4, kernel: 1, norm: batch}
  - relu
  - relu6
  - {elu: 0.5}
  - {concat: [x, x], name: cat}
  - {relu, name: cut}
  - {conv: 4, kernel: 1}
""",
    "rows of calls that are joined": """
input: [4, 6, 6]
blocks:
  layer:
    args: {growth: 2}
    layers:
      - {batch_norm, name: norm}
      - {relu, name: act}
      - {conv: growth, kernel: 3, padding: 1, name: conv}
      - {add: [x, conv]}
  dense:
    args: {n: required, growth: 2}
    layers:
      - {layer, growth: growth, repeat: n, gather: concat, name: rows}
      - {conv: 4, kernel: 1, name: out}
  short: {layers: [{layer, repeat: 2, gather: concat}, {sigmoid, name: last}]}
layers:
  - {dense: 1}
  - {dense: 2}
  - {dense: 3, growth: 3}
  - {dense: 4, growth: 3, name: four}
  - {layer, repeat: 3, gather: concat, name: wide}
  - {relu, name: after}
  - {layer, growth: i + 1, repeat: 3, gather: concat, name: other}
  - {add: [wide, [{conv: 4, kernel: 1, from: four, act: tanh}, {conv: 10, kernel: 1}]], name: sum}
  - short
  - {layer, repeat: 2, gather: add, name: added, if: false}
  - {layer, growth: 14, repeat: 2, gather: add, name: sums}
outputs: [sum, sums, other]
""",
    "calls whose results are taken elsewhere": """
input: [4, 6, 6]
blocks:
  unit: {args: {n: 4}, layers: [{conv: n, kernel: 3, padding: 1, name: conv}, relu, {add: [x, input]}]}
layers:
  - {unit, repeat: 3, name: "a$i"}
  - {conv: 4, kernel: 1, repeat: 3, name: "b$i"}
  - {add: [a0, a1, b0, b2]}
  - {unit, repeat: 2, name: c}
  - {conv: 4, kernel: 1, repeat: 2, act: relu, name: d}
  - {add: [c, d], name: sum}
  - repeat: 2
    layers:
      - {conv: 4, kernel: 1, norm: batch, name: "e$i"}
      - {add: [x, sum]}
      - {relu, name: "f$i"}
  - repeat: 3
    layers:
      - {conv: 4, kernel: 3, padding: 1}
      - {unit}
      - {depthwise_conv: 3, padding: 1, act: relu}
  - {add: [x, e0, f0]}
""",
    "parts of several sizes": """
input: [12, 6, 6]
blocks:
  unit: {args: {n: 2, deep: false}, layers: [{conv: n, kernel: 3, padding: 1, act: relu}, {conv: n, kernel: 1,
      if: deep}, {add: [x, [{conv: n, kernel: 1}]]}]}
  cut:
    args: {k: 2}
    layers:
      - {conv: 12//k, kernel: 1, parts: k}
      - {relu, name: act}
      - {unit: 12//k, parts: k}
      - {add: [x, act]}
layers:
  - {cut, k: 3}
  - {cut, k: 4}
  - {add: [x, input], name: sum}
  - {conv: 3, kernel: 1, parts: 4, name: one}
  - {conv: 4, kernel: 1, norm: batch, act: relu, parts: 3, from: sum, name: two}
  - {unit, deep: true, n: 6, parts: 2, name: three}
  - {conv: 12, kernel: 1, parts: 1, name: four}
outputs: [one, two, three, four]
""",
    "weights that are shared": """
input: {left: [4, 6, 6], right: [4, 5, 5]}
blocks:
  unit: {args: {n: 4}, layers: [{conv: n, kernel: 3, padding: 1, norm: batch, name: conv}, relu, {add: [x, input]},
      {conv: n, kernel: 1, name: out}]}
  tower:
    args: {deep: true}
    layers:
      - {unit, name: one}
      - {conv: 4, kernel: 1, name: three}
      - {tanh, if: deep}
layers:
  - {unit, repeat: 2, from: left, name: a}
  - {conv: 4, kernel: 1, act: relu, from: right, name: d}
  - {conv: 4, kernel: 1, act: relu, from: left, share: d, name: e}
  - {tower, name: f}
  - {tower, share: f, from: right, name: g}
  - {tower, deep: false, from: left, name: h}
  - {separable_conv: 6, kernel: 3, padding: 1, from: left, name: j}
  - {separable_conv: 6, kernel: 3, padding: 1, from: right, share: j, name: k}
  - {batch_norm, from: left, name: m}
  - {batch_norm, from: right, share: m, name: n}
  - {tower, from: left, learned: false, name: o}
outputs: [a, d, e, f, g, h, j, k, m, n, o]
""",
    "layers in short blocks": """
input: [4, 6, 6]
blocks:
  one: {args: {n: 4}, layers: [{conv: n, kernel: 1}]}
  two: {args: {n: 4}, layers: [{conv: n, kernel: 1}, relu]}
  three: {args: {n: 4}, layers: [{conv: n, kernel: 1}, batch_norm, relu]}
  four: {args: {n: 4}, layers: [{conv: n, kernel: 1}, batch_norm, relu, dropout]}
  nested: {args: {n: 4}, layers: [{two: n}, {three: n}, {max_pool: 2, stride: 1, padding: [[0, 1], [0, 1]]}]}
  chained: {args: {n: 4}, layers: [{two: n}, {conv: n, kernel: 1, repeat: 2}]}
  rare: {args: {n: 4}, layers: [{conv: n, kernel: 1}, tanh, {conv: n, kernel: 1}]}
layers:
  - {one: 5}
  - {one: 6, repeat: 2}
  - {two: 4}
  - {two: 6, repeat: 4}
  - {three: 4, repeat: 2}
  - {three: 6}
  - {rare: 4}
  - {rare: 6}
  - {rare: 8}
  - {rare: 6}
  - {four: 4}
  - {nested: 4}
  - {nested: 6}
  - {chained: 4}
  - {chained: 6}
  - {four: 6}
  - {conv: 6, kernel: 3, padding: 1, repeat: 2, act: relu, name: d}
  - {conv: 8, kernel: 3, padding: 1, repeat: 2, act: relu, name: e}
  - {conv: 8, kernel: 3, padding: 1, repeat: 2, act: relu, name: f}
  - {conv: 8, kernel: 1, repeat: 3, name: g}
  - {conv: 6, kernel: 1, repeat: 3, name: h}
  - {conv: 5, kernel: 1, repeat: 3, name: k}
  - {conv: 5, kernel: 1, act: tanh, repeat: 2, name: l}
  - {conv: 4, kernel: 1, act: tanh, repeat: 2, name: m}
""",
    "branches": """
input: [4, 6, 6]
layers:
  - concat:
      - [{conv: 2, kernel: 1, norm: batch, act: relu}]
      - [{conv: 2, kernel: 1, norm: batch, act: relu}, {conv: 2, kernel: 3, padding: 1, norm: batch, act: relu}]
      - [{max_pool: 3, stride: 1, padding: 1}, {conv: 2, kernel: 1}]
      - [{avg_pool: 3, stride: 1, padding: 1}, {conv: 2, kernel: 1, act: relu, name: named}, {sigmoid}]
  - add: [[{conv: 8, kernel: 1}], [{depthwise_conv: 3, padding: 1}, relu]]
  - multiply: [[{global_avg_pool}, {conv: 4, kernel: 1, act: relu}, {conv: 8, kernel: 1, act: hard_sigmoid}], x]
  - subtract: [x, [{conv: 8, kernel: 1}], [{max_pool: 3, stride: 1, padding: 1}]]
  - add: [[{multiply: [x, [{sigmoid}]]}], [{conv: 8, kernel: 1, name: inner}, {subtract: [inner, x]}]]
  - {batch_norm, name: norm}
  - {relu, name: act}
  - {conv: 8, kernel: 1, name: conv}
  - {add: [norm, conv], name: sum}
  - add: [sum, [{layer_norm}, {conv: 16, kernel: 1, act: gelu}, {dropout: 0.1}, {conv: 8, kernel: 1},
      {layer_scale: 0.1}, {drop_path: 0.1}]]
  - {concat: [x, [{upsample: 1}], [{global_max_pool}, {upsample, size: [6, 6]}]]}
  - {batch_norm}
  - {relu}
  - {avg_pool: 2}
  - {max_pool: 2, stride: 1}
  - {dropout: 0.5}
  - {sigmoid}
  - {tanh}
  - flatten
  - {linear: 10, act: relu}
  - {dropout: 0.5}
  - {linear: 10}
  - {softmax}
""",
    "joins that pass on what stands second": """
input: [4, 6, 6]
blocks:
  unit:
    args: {skip: true, last: true}
    layers:
      - {conv: 4, kernel: 1, name: main}
      - {add: [input, main], if: skip}
      - {conv: 4, kernel: 3, padding: 1}
      - {multiply: [input, x], if: last}
  ends:
    args: {first: true}
    layers:
      - {conv: 4, kernel: 3, padding: 1, name: tap}
      - {conv: 4, kernel: 1, name: wide}
      - {sigmoid, if: first}
      - {conv: 4, kernel: 1, name: gate}
  picked:
    args: {pick: both}
    layers:
      - {conv: 4, kernel: 1, name: a}
      - {conv: 4, kernel: 1, name: b}
      - {add: [a, b], name: both, if: pick == both}
      - {conv: 4, kernel: 3, padding: 1, from: $pick}
      - {add: [x, a, b]}
  late:
    args: {pick: early}
    layers:
      - {conv: 4, kernel: 1, name: a}
      - {sigmoid, name: early, if: pick == early}
      - {conv: 4, kernel: 1, name: b, from: a}
      - {conv: 4, kernel: 3, padding: 1, from: $pick}
      - {add: [x, a, b]}
  wide:
    args: {joined: true}
    layers:
      - {conv: 4, kernel: 1, name: shortcut, if: joined}
      - {conv: 4, kernel: 3, padding: 1, from: input, name: main}
      - {relu, name: act}
      - {conv: 4, kernel: 3, padding: 1, name: last}
      - {add: [shortcut, last], if: joined}
layers:
  - late
  - {late, pick: b}
  - late
  - {late, pick: b}
  - wide
  - {wide, joined: false}
  - picked
  - {picked, pick: a}
  - {picked, pick: b}
  - picked
  - unit
  - {unit, skip: false}
  - {unit, last: false}
  - {unit, skip: false, last: false}
  - {ends, name: one}
  - {ends, name: two}
  - {ends, first: false, name: three}
  - {add: [x, one.tap, two.wide, three.tap]}
""",
    "blocks at both ends of blocks": """
input: [4, 6, 6]
blocks:
  inner: {args: {n: 4}, layers: [{conv: n, kernel: 1}, tanh, {conv: 4, kernel: 1}]}
  other: {layers: [{conv: 4, kernel: 1}, relu, {conv: 4, kernel: 1}, sigmoid]}
  outer:
    args: {first: false, last: false}
    layers:
      - {inner, if: first}
      - {conv: 4, kernel: 3, padding: 1}
      - relu
      - other
      - {inner: 5, if: last}
  shell: {args: {n: 4}, layers: [{inner: n}]}
  halved: {args: {n: 2}, layers: [{conv: n, kernel: 5, padding: n//2}, relu, {conv: 4, kernel: 3, padding: 3 - n//2}]}
layers:
  - outer
  - {outer, first: true}
  - {outer, last: true}
  - {outer, first: true, last: true}
  - {shell: 4}
  - {shell: 6}
  - {halved: 2}
  - {halved: 4}
""",
    "multiples": """
input: [48, 2, 1]
blocks:
  unit:
    args: {n: required}
    layers:
      - {conv: n, kernel: 1, name: base}
      - {conv: 8*n, kernel: 1}
      - {conv: n//3, kernel: 1}
      - {conv: 9*n, kernel: 1}
      - {conv: n//16, kernel: 1}
      - {conv: 2*n, kernel: 1, bias: false}
      - {conv: n//8, kernel: 1}
      - {conv: n//4, kernel: 1}
      - {conv: n//2, kernel: 1}
      - {conv: n//6, kernel: 1, act: relu}
      - {conv: n - 16, kernel: 1}
      - {conv: n//12, kernel: 1}
  given:
    args: {n: 2}
    layers:
      - {conv: 8*input.channels, kernel: 1}
      - {conv: input.channels//2, kernel: 1}
      - {conv: 64*input.channels, kernel: 1}
      - {conv: 65*input.channels, kernel: 1, groups: input.channels}
      - {conv: 3*input.channels + n, kernel: 1}
      - {conv: n, kernel: 1}
layers:
  - {unit: 48}
  - {unit: 96}
  - {conv: 2, kernel: 1}
  - {given: 4}
  - {given: 2}
""",
    "calls that are counted": """
input: [4, 6, 6]
blocks:
  unit: {args: {n: 4, k: 3}, layers: [{conv: n, kernel: k, padding: same, name: conv}, relu, {add: [x, input]}]}
  pair: {args: {n: 4}, layers: [{conv: n, kernel: 1}, relu]}
  three: {layers: [{conv: 4, kernel: 1}, {max_pool: 3, stride: 1, padding: 1}, tanh]}
layers:
  - {unit, repeat: 3, name: "s$(i + 1)"}
  - {unit, repeat: 2, name: "t$i"}
  - {unit, name: u0}
  - {unit, name: u2}
  - {unit, name: u3}
  - {unit, k: 1, name: u4}
  - {unit, k: 1, name: u5}
  - {unit, repeat: 2, name: "v0$i"}
  - {unit, repeat: 3, name: "w$(9 + i)"}
  - {unit, name: y2}
  - {unit, name: y1}
  - {unit, name: z}
  - {unit, name: z1}
  - {unit, name: q}
  - {unit, name: q0}
  - {unit, name: q2}
  - {pair, repeat: 2}
  - {three, repeat: 3}
  - {layer_scale: 0.1, repeat: 2, name: "scaled$i"}
  - {conv: 12, kernel: 1, name: wide}
  - {attention: 2, from: [wide, wide, wide], name: h0}
  - {attention: 2, name: h1}
  - {attention: 2, from: [h1, h1, h1], name: h2}
""",
    "stretches that are left out": """
input: [4, 6, 6]
blocks:
  unit:
    args: {n: 4, a: true, b: true, c: true, act: relu}
    layers:
      - {conv: n, kernel: 1, name: first}
      - {batch_norm, if: a}
      - {relu, if: a}
      - {conv: n, kernel: 3, padding: 1, name: second}
      - {dropout: 0.5, if: b}
      - {conv: n, kernel: 1, act: act, name: third}
      - multiply: [x, [global_avg_pool, {conv: n, kernel: 1, act: sigmoid}]]
        if: c
        name: squeeze
      - {add: [x, input], if: b}
layers:
  - unit
  - {unit, a: false}
  - {unit, b: false}
  - {unit, c: false}
  - {unit, a: false, b: false, n: 6}
  - {unit, a: false, b: false, c: false, n: 8, act: sigmoid}
  - {unit, n: 8, act: sigmoid}
  - {unit, n: 8, a: false, c: false}
""",
    "depthwise on other axes": """
input: {line: [2, 9], map: [2, 7, 6], room: [2, 4, 5, 3]}
layers:
  - {depthwise_conv: 3, padding: 1, stride: 2, from: line, name: a}
  - {depthwise_conv: 3, stride: [2, 1], multiplier: 2, padding: same, from: map, name: b}
  - {depthwise_conv: 3, padding: [[1, 1], [0, 2]], dilation: [1, 2], stride: 2, from: map, act: relu, name: c}
  - {depthwise_conv: 3, padding: 1, bias: false, from: room, name: d}
  - {depthwise_conv: [1, 2], weights: [1, 2, 3, 4], learned: false, bias: false, from: map, name: e}
  - {conv: 3, kernel: 3, stride: [2, 1], dilation: [1, 2], padding: same, from: map, act: tanh, name: f}
  - {conv: 2, kernel: 2, stride: 2, dilation: 2, padding: [[1, 0], [0, 1], [1, 1]], from: room, name: g}
  - {layer_norm, over: all, from: line, name: h}
outputs: [a, b, c, d, e, f, g, h]
""",
    "maxima of what is positive": """
input: [4, 6, 6]
layers:
  - {relu, name: a}
  - {max_pool: 3, stride: 2, padding: 1, name: b}
  - {concat: [a, input], name: c}
  - {max_pool: 3, stride: 2, padding: 1, name: d}
  - {concat: [b, [{sigmoid, from: b}]]}
  - {avg_pool: 2, stride: 1}
  - {max_pool: 3, stride: 2, padding: 1, name: e}
  - {subtract: [a, input]}
  - {max_pool: 3, stride: 2, padding: 1, name: f}
  - {add: [a, [{hard_sigmoid, from: a}]]}
  - {dropout: 0.5}
  - {max_pool: 3, stride: 2, padding: [[1, 0], [0, 1]], name: g}
  - {conv: 4, kernel: 3, act: relu6}
  - {max_pool: 2, padding: 1, name: h}
outputs: [b, d, e, f, g, h]
""",
}
"""Networks whose code has classes, functions and names of all sorts, and layers that only code says in several ways."""

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
    """One of `NETWORKS`, `LAYERS` or `WRITTEN`, or of those that are `REFUSED`."""
    return cnncalc.loads({**NETWORKS, **LAYERS, **WRITTEN, **REFUSED}[name]).graph
