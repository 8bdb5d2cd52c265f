"""What an export needs for attention: functions and classes that stand in it where a layer uses them."""

from __future__ import annotations

import re

from cnncalc.convert.torch_out.text import fold

ATTENDING: dict[str, str] = {
    "attention": '''
def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    heads: int,
    scale: float | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Scaled dot-product attention between all positions; channels first."""
    sizes = q.shape[2:]
    q, k, v = (x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3) for x in (q, k, v))
    x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
    return x.transpose(2, 3).flatten(1, 2).unflatten(2, sizes)
''',
    "linear_attention": '''
def linear_attention(q: Tensor, k: Tensor, v: Tensor, *, heads: int) -> Tensor:
    """Attention by relu in place of a softmax, normalised by its sum, so that keys are summed first."""
    sizes = q.shape[2:]
    q, k, v = (x.flatten(2).unflatten(1, (heads, -1)) for x in (q, k, v))
    q, k, v = q.relu(), k.relu(), F.pad(v, (0, 0, 0, 1), value=1.0)
    x = (v @ k.transpose(2, 3)) @ q
    return (x[:, :, :-1] / (x[:, :, -1:] + 1e-15)).flatten(1, 2).unflatten(2, sizes)
''',
    "to_windows": '''
def to_windows(x: Tensor, heads: int, window: tuple[int, ...], shift: tuple[int, ...], grid: bool) -> Tensor:
    """A map as batch, windows, heads, positions and channels of a head; those of a grid lie evenly over the map."""
    rank = len(window)
    x = x.roll([-step for step in shift], dims=list(range(2, 2 + rank)))
    for axis, size in enumerate(window):
        x = x.unflatten(2 + 2 * axis, (size, -1) if grid else (-1, size))
    x = x.unflatten(1, (heads, -1))
    first, second = range(3, 3 + 2 * rank, 2), range(4, 4 + 2 * rank, 2)
    outer, inner = (second, first) if grid else (first, second)
    return x.permute(0, *outer, 1, *inner, 2).flatten(2 + rank, 1 + 2 * rank).flatten(1, rank)
''',
    "from_windows": '''
def from_windows(
    x: Tensor,
    sizes: list[int],
    window: tuple[int, ...],
    shift: tuple[int, ...],
    grid: bool,
) -> Tensor:
    """The map again, of these sizes: the inverse of to_windows."""
    rank = len(window)
    x = x.unflatten(1, [size // wide for size, wide in zip(sizes, window)]).unflatten(-2, window)
    outer, inner = range(1, 1 + rank), range(2 + rank, 2 + 2 * rank)
    pairs = zip(inner, outer) if grid else zip(outer, inner)
    x = x.permute(0, 1 + rank, 2 + 2 * rank, *(axis for pair in pairs for axis in pair)).flatten(1, 2)
    for axis in range(rank):
        x = x.flatten(2 + axis, 3 + axis)
    return x.roll(shift, dims=list(range(2, 2 + rank)))
''',
    "shift_mask": '''
def shift_mask(x: Tensor, window: tuple[int, ...], shift: tuple[int, ...]) -> Tensor:
    """Which positions of a window are neighbours in the map, and not rolled in from its other side."""
    axes = [(torch.arange(size, device=x.device) < step).long() for size, step in zip(x.shape[2:], shift)]
    rolled = sum(side * 2**axis for axis, side in enumerate(torch.meshgrid(*axes, indexing="ij")))
    sides = to_windows(rolled[None, None], 1, window, shift, False).squeeze(-1)
    return sides.unsqueeze(-1) == sides.unsqueeze(-2)
''',
    "relative_bias": '''
def relative_bias(table: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Of a table by relative position, the bias of every head, query and key on a map of these sizes."""
    axes = [torch.arange(size, device=table.device) for size in sizes]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
    related, index = places[:, None] - places, torch.zeros(len(places), len(places), dtype=torch.long).to(table.device)
    for offset, size in zip(related.unbind(-1), table.shape[-len(sizes) :]):
        index = index * size + offset + size // 2
    return table.flatten(-len(sizes))[..., index]
''',
    "distance_bias": '''
def distance_bias(table: Tensor, sizes: tuple[int, ...], key_sizes: tuple[int, ...]) -> Tensor:
    """Of a table by distance on the map of the keys, the bias of every head, query and key."""
    steps = [-(-keys // queries) for queries, keys in zip(sizes, key_sizes)]
    axes = [step * torch.arange(size, device=table.device) for size, step in zip(sizes, steps)]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
    axes = [torch.arange(size, device=table.device) for size in key_sizes]
    keys = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
    return table.unflatten(1, key_sizes).movedim(0, -1)[(places[:, None] - keys).abs().unbind(-1)].movedim(-1, 0)
''',
    "decomposed_bias": '''
def decomposed_bias(
    q: Tensor,
    heads: int,
    tables: list[nn.Parameter],
    sizes: tuple[int, ...],
    key_sizes: tuple[int, ...],
) -> Tensor:
    """Per axis the products of every query with learned vectors by relative position, added up for all keys."""
    rank, axes = len(sizes), "xyz"[: len(sizes)]
    maps = q.flatten(2)[:, :, -torch.Size(sizes).numel() :].unflatten(2, sizes).unflatten(1, (heads, -1))
    bias = q.new_zeros(())
    for axis, (table, queries, keys) in enumerate(zip(tables, sizes, key_sizes)):
        wide, near = max(keys // queries, 1), max(queries // keys, 1)
        places = wide * torch.arange(queries)[:, None] + near * (keys - 1 - torch.arange(keys))
        related = torch.einsum(f"nhc{axes},{axes[axis]}kc->nh{axes}k", maps, table[places.to(table.device)])
        bias = bias + related.unflatten(-1, [keys if other == axis else 1 for other in range(rank)])
    return bias.flatten(2 + rank).flatten(2, 1 + rank)
''',
    "beside_tokens": '''
def beside_tokens(bias: Tensor, q: Tensor, k: Tensor) -> Tensor:
    """A bias of queries and keys on maps, and of 0 for the tokens before them."""
    tokens, key_tokens = q.shape[2:].numel() - bias.shape[-2], k.shape[2:].numel() - bias.shape[-1]
    return F.pad(bias, (key_tokens, 0, tokens, 0))
''',
    "cosine_attention": '''
def cosine_attention(q: Tensor, k: Tensor, v: Tensor, logit_scale: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention by the cosines of queries and keys, times a factor per head; heads, positions and channels are last."""
    scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
    scores = scores * logit_scale.clamp(max=4.605170185988092).exp().view(-1, 1, 1)
    return (scores if bias is None else scores + bias).softmax(-1) @ v
''',
}
"""Functions by name; the classes of attention that learn something are written by `attention_class`."""

CLASS = re.compile(r"(?P<bias>Relative|Distance|Decomposed|Given)?(?P<cosine>Cosine)?(?P<where>Window|Token)?Attention")
"""What such a class is called: its bias, whether it is one of cosines, and of windows, or of maps behind tokens."""

TELLS = {
    "Relative": "with a learned bias by relative position",
    "Distance": "with a learned bias by distance",
    "Decomposed": "with a learned bias by relative position, axis by axis",
    "Given": "with a bias by relative position from a table that is computed",
    "Cosine": "of cosines, with a learned scale per head",
    "Window": "within the windows of a map",
    "Token": "of a map with tokens before it",
}
"""What the parts of a class's name say."""

ROOM = "torch.zeros(heads, *(2 * size - 1 for size in {}))"
"""For a table by relative position."""


def attention_class(name: str) -> str:
    """The source of a class by the name that an export uses."""
    found = CLASS.fullmatch(name)
    assert found is not None, name
    bias, cosine, where = (found[group] or "" for group in ("bias", "cosine", "where"))
    framed = where == "Window"
    takes, made = framed_parts(bias) if framed else mapped_parts(bias)
    if cosine:
        made.append("self.logit_scale = nn.Parameter(torch.full((heads,), 10.0).log())")
    else:
        takes.append("scale: float | None = None")
        made.append("self.scale = scale")
    operands = ["self", "q: Tensor", "k: Tensor", "v: Tensor", *(["table: Tensor"] if bias == "Given" else [])]
    words = [TELLS[word] for word in (where, cosine, bias) if word]
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            f'    """Attention {", ".join(words)}."""',
            "",
            *fold(f"def __init__(self, {', '.join(takes)}) -> None:", 4),
            "        super().__init__()",
            *(line for text in made for line in fold(text, 8)),
            "",
            f"    def forward({', '.join(operands)}) -> Tensor:",
            *(f"        {line}" for line in forward(bias, cosine, where)),
        ]
    )


def framed_parts(bias: str) -> tuple[list[str], list[str]]:
    """What the constructor of a class of windows takes, and what it does."""
    takes = ["heads: int", "window: tuple[int, ...]", "shift: tuple[int, ...] = ()", "grid: bool = False"]
    made = ["self.heads, self.window, self.shift, self.grid = heads, window, shift or (0,) * len(window), grid"]
    if bias == "Relative":
        takes.append("table: tuple[int, ...] = ()")
        made.append(f"self.bias_table = nn.Parameter({ROOM.format('table or window')})")
    return takes, made


def mapped_parts(bias: str) -> tuple[list[str], list[str]]:
    """The same of a class of whole maps."""
    takes, made = ["heads: int"], ["self.heads = heads"]
    if bias:
        takes.append("sizes: tuple[int, ...]")
        made[0] = "self.heads, self.sizes = heads, sizes"
    if bias in ("Distance", "Decomposed"):
        takes.append("key_sizes: tuple[int, ...] = ()")
        made.append("self.key_sizes = key_sizes or sizes")
    if bias == "Relative":
        made.append(f"self.bias_table = nn.Parameter({ROOM.format('sizes')})")
    elif bias == "Distance":
        made.append("self.bias_table = nn.Parameter(torch.zeros(heads, torch.Size(self.key_sizes).numel()))")
    elif bias == "Decomposed":
        takes.insert(2, "channels: int")
        made += [
            'self.axes = ("length",) if len(sizes) == 1 else ("depth", "height", "width")[-len(sizes) :]',
            "for axis, *lengths in zip(self.axes, sizes, self.key_sizes):",
            "    table = 0.02 * torch.randn(2 * max(lengths) - 1, channels)",
            '    self.register_parameter(f"rel_pos_{axis}", nn.Parameter(table))',
        ]
    return takes, made


def forward(bias: str, cosine: str, where: str) -> list[str]:
    """The statements of a class."""
    if where == "Window":
        lines = framed_bias(bias, cosine)
    else:
        lines = mapped_bias(bias, cosine) if bias else []
        if where and bias:
            lines.append("bias = beside_tokens(bias, q, k)")
    given = "self.logit_scale, bias" if bias or where == "Window" else "self.logit_scale"
    if where != "Window" and not cosine:
        return [*lines, f"return attention(q, k, v, heads=self.heads, scale=self.scale{', bias=bias' if bias else ''})"]
    if where != "Window":
        return [
            *lines,
            "sizes = q.shape[2:]",
            "q, k, v = (x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3) for x in (q, k, v))",
            f"x = cosine_attention(q, k, v, {given})",
            "return x.transpose(2, 3).flatten(1, 2).unflatten(2, sizes)",
        ]
    plain = "F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=self.scale)"
    return [
        *lines,
        "frame, sizes = (self.window, self.shift, self.grid), list(q.shape[2:])",
        "q, k, v = (to_windows(x, self.heads, *frame) for x in (q, k, v))",
        f"x = {f'cosine_attention(q, k, v, {given})' if cosine else plain}",
        "return from_windows(x, sizes, *frame)",
    ]


def framed_bias(bias: str, cosine: str) -> list[str]:
    """What is added to the products within windows, and hides what a shift has rolled in."""
    hide = '{}.masked_fill(~shift_mask(q, self.window, self.shift), float("-inf"))'
    if not bias:
        mask = hide.format("q.new_zeros(())") if cosine else "shift_mask(q, self.window, self.shift)"
        return ["bias = None", "if any(self.shift):", f"    bias = {mask}"]
    table = "relative_bias(self.bias_table, self.window)"
    return [
        f"bias = {table if bias == 'Relative' else 'relative_bias(table, self.window).unsqueeze(1)'}",
        "if any(self.shift):",
        f"    bias = {hide.format('bias')}",
    ]


def mapped_bias(bias: str, cosine: str) -> list[str]:
    """What is added to the products on a whole map."""
    if bias == "Decomposed":
        unit = "F.normalize(q.unflatten(1, (self.heads, -1)), dim=2).flatten(1, 2)"
        return [
            'tables = [self.get_parameter(f"rel_pos_{axis}") for axis in self.axes]',
            *([f"unit = {unit}"] if cosine else []),
            f"bias = decomposed_bias({'unit' if cosine else 'q'}, self.heads, tables, self.sizes, self.key_sizes)",
        ]
    return {
        "Relative": ["bias = relative_bias(self.bias_table, self.sizes)"],
        "Distance": ["bias = distance_bias(self.bias_table, self.sizes, self.key_sizes)"],
        "Given": ["bias = relative_bias(table, self.sizes)"],
    }[bias]
