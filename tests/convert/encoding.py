"""A writer of protocol buffers, as small as it can be: what hostile files are made with."""

from __future__ import annotations

Field = tuple[int, "int | bytes | str"]


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def message(*fields: Field) -> bytes:
    """A message of numbers, texts and messages."""
    found = []
    for number, value in fields:
        if isinstance(value, int):
            found.append(varint(number << 3) + varint(value))
        else:
            content = value.encode() if isinstance(value, str) else value
            found.append(varint(number << 3 | 2) + varint(len(content)) + content)
    return b"".join(found)


def value_info(name: str, *sizes: int | str) -> bytes:
    shape = message(*[(1, message((1, size) if isinstance(size, int) else (2, size))) for size in sizes])
    return message((1, name), (2, message((1, message((1, 1), (2, shape))))))


def attribute(name: str, *whole: int, kind: int = 7) -> bytes:
    """Whole numbers, or (kind 2) a single one."""
    values = [(8, value) for value in whole] if kind == 7 else [(3, whole[0])]
    return message((1, name), *values, (20, kind))


def node(
    kind: str, inputs: list[str], outputs: list[str], *attributes: bytes, name: str = "", domain: str = ""
) -> bytes:
    given = [(1, text) for text in inputs] + [(2, text) for text in outputs]
    return message(*given, (3, name), (4, kind), *[(5, one) for one in attributes], (7, domain))


def tensor(name: str, kind: int, sizes: list[int], raw: bytes = b"") -> bytes:
    return message(*[(1, size) for size in sizes], (2, kind), (8, name), *([(9, raw)] if raw else []))


def model(
    nodes: list[bytes],
    inputs: list[bytes],
    outputs: list[str],
    tensors: list[bytes] | None = None,
    functions: list[bytes] | None = None,
    opset: int = 17,
) -> bytes:
    graph = message(
        *[(1, one) for one in nodes],
        (2, "net"),
        *[(5, one) for one in tensors or []],
        *[(11, one) for one in inputs],
        *[(12, message((1, name))) for name in outputs],
    )
    return message((1, 8), (7, graph), (8, message((2, opset))), *[(25, one) for one in functions or []])
