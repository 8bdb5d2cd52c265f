"""The JSON Schema of the spec language, made from the declarations: completion and hover texts for editors.

It is looser than the language, since every value may be an expression, with one exception: a kind whose main argument
is required cannot be the name of an argument of a block call, so that a misspelt argument of such a kind shows up.
"""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.memory import BITS
from cnncalc.analyzers.quantities import GROUPS
from cnncalc.analyzers.quantity import Nature
from cnncalc.language.expectations import expected
from cnncalc.language.lint import FAILURES, LINTS
from cnncalc.layers import KINDS
from cnncalc.layers.base import REQUIRED, Field, Layer
from cnncalc.reference import default, first_line

Schema = dict[str, Any]

KEY_DOCS = {
    "name": "What the network is called.",
    "source": "The paper, table or code that the numbers come from.",
    "input": "The input's shape, channels first, without the batch: `[3, 224, 224]`; or a mapping of names to shapes.",
    "args": "Arguments of the file: `name: default`, or `name: required`.",
    "variants": "Named sets of argument values.",
    "defaults": "Default arguments per layer kind.",
    "import": "Files whose blocks are used as `alias.block`: `alias: file.yaml`.",
    "blocks": "Blocks of layers with arguments, called like a layer kind.",
    "layers": "The steps, in order.",
    "outputs": "The tensors that leave the network, perhaps as `{name: tensor}`; the last step if absent.",
    "expect": "What must hold, directly or per variant; `cnncalc check` compares.",
    "lint": "Lints that the file raises on purpose: `{allow: [code, …]}`.",
}
MODIFIER_DOCS = {
    "from": "The tensor that the step takes, by name; a list for a block with several inputs.",
    "parts": "Send so many equal parts of the channels through the step, with the same weights, and join them again.",
    "repeat": "Chain the step so many times, with index `i` from 0.",
    "if": "A condition; false is as if the step were not written.",
    "gather": "Join the input and the result of every turn of `repeat`.",
    "name": "A name for the result.",
    "share": "Use the weights of an earlier layer or block call.",
    "learned": "`false`: fixed weights, counted as state.",
}
EXPECT_DOCS = {
    "layers": "What must hold of layers, by name.",
    "with": "Other values for arguments of the file.",
    "dtype": "The type of numbers, for figures of memory; float32 if absent.",
}
FIGURE = (
    "A number, a rounded one (`4.09 G`), a limit (`<= 5 M`, of bytes `<= 256 KiB`), a range (`4 M .. 5 M`), or "
    "`300 M +- 1%`."
)
EXPRESSION: Schema = {"type": ["string", "number", "boolean", "array"]}
TEXT: Schema = {"type": ["string", "number"]}
MODIFIERS: dict[str, Schema] = {
    "from": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
    "parts": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]},
    "repeat": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]},
    "if": {"type": ["boolean", "string", "number"]},
    "gather": {"enum": [name for name, kind in KINDS.items() if kind.joins]},
    "name": TEXT,
    "share": {"anyOf": [TEXT, {"type": "object", "properties": {"if": {"type": ["boolean", "string", "number"]}}}]},
    "learned": {"type": ["boolean", "string"]},
}


def render() -> str:
    """The schema as JSON text."""
    import json

    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """The schema of a spec file, in draft 7, which editors know."""
    definitions: dict[str, Schema] = {
        name: {**MODIFIERS[name], "description": MODIFIER_DOCS[name]} for name in MODIFIERS
    }
    definitions |= {f"kind-{name}": _kind(kind) for name, kind in KINDS.items()}
    following = _following()
    definitions |= {f"call-{word}": _follower(word, KINDS[kind]) for word, kind in following.items()}
    definitions["value"] = {"anyOf": [EXPRESSION, *(_ref(f"call-{word}") for word in following)]}
    definitions |= {"step": _step(), "steps": _steps(), "branch": _branch(), "block-call": _block_call()}
    definitions |= {"group": _group(()), "loop": _group(("for", "in")), "figure": _figure()}
    definitions |= {"layer-expectation": _entry(False), "expectation": _entry(True)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "cnncalc spec",
        "description": "A convolutional network, as cnncalc reads it.",
        "type": "object",
        "properties": {name: {**body, "description": KEY_DOCS[name]} for name, body in _keys().items()},
        "additionalProperties": False,
        "anyOf": [{"required": ["layers"]}, {"required": ["blocks"]}],
        "definitions": definitions,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _object(properties: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _mapping(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _keys() -> dict[str, Schema]:
    """The keys of a file."""
    arguments = _mapping(_ref("value"))
    imported = {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}
    block = _object({"args": arguments, "inputs": {"type": "array", "items": TEXT}, "layers": _ref("steps")})
    output = {"anyOf": [TEXT, {"type": "object"}]}
    entries = [_ref("expectation"), {"type": "array", "items": _ref("expectation")}]
    codes = [{"const": code, "description": text} for code, text in (LINTS | FAILURES).items()]
    return {
        "name": TEXT,
        "source": TEXT,
        "input": {"type": ["array", "string", "integer", "object"]},
        "args": arguments,
        "variants": _mapping(arguments),
        "defaults": _object({name: _object(_arguments(kind)) for name, kind in KINDS.items() if kind.fields}),
        "import": _mapping({"anyOf": [{"type": "string"}, imported]}),
        "blocks": _mapping(block),
        "layers": _ref("steps"),
        "outputs": {"anyOf": [{"type": "array", "items": output}, _mapping(output)]},
        "expect": {"anyOf": [*entries, _mapping({"anyOf": entries})]},
        "lint": _object({"allow": {"type": "array", "items": {"anyOf": codes}}}),
    }


# -- steps -------------------------------------------------------------------------------------------------------------


def _steps() -> Schema:
    return {"type": ["array", "null"], "items": _ref("step")}


def _step() -> Schema:
    bare = [{"const": name, "description": first_line(kind)} for name, kind in KINDS.items() if not kind.joins]
    forms = [_ref("group"), _ref("loop"), *(_ref(f"kind-{name}") for name in KINDS), _ref("block-call")]
    return {"anyOf": [*bare, {"type": "string"}, *forms]}


def _modifiers(*without: str) -> dict[str, Schema]:
    return {name: _ref(name) for name in MODIFIERS if name not in without}


def _arguments(kind: type[Layer]) -> dict[str, Schema]:
    return {name: _field(field) for name, field in kind.fields.items()}


def _field(field: Field) -> Schema:
    """What a field takes: its type's values, its words, or an expression."""
    accepted = [*field.type.schema]
    if field.type.words:
        accepted.append({"enum": list(field.type.words)})
    accepted += [_ref(f"call-{word}") for word, kind in field.type.kinds if KINDS[kind].fields]
    doc = f"{field.doc}: {field.type.text}; {default(field)}"
    return {"anyOf": [*accepted, {"type": "string"}], "description": doc}


def _kind(kind: type[Layer]) -> Schema:
    """A call of a layer kind: its key holds the main argument, or nothing."""
    description = first_line(kind) + (f"\n\nFor example: `{kind.example}`" if kind.example else "")
    if kind.joins:
        branches = {"type": "array", "minItems": 1, "items": _ref("branch"), "description": description}
        return _object({kind.kind: branches, **_arguments(kind), **_modifiers("from")}, (kind.kind,))
    fields = _arguments(kind)
    main: Schema = {"type": "null"}
    if kind.fields:
        first = fields.pop(next(iter(kind.fields)))
        main = {"anyOf": [*first["anyOf"], main]}
        description += f"\n\n{first['description']}"
    return _object({kind.kind: {**main, "description": description}, **fields, **_modifiers()}, (kind.kind,))


def _following() -> dict[str, str]:
    """The words for kinds with arguments that may follow another layer, as its `norm` or `act`."""
    fields = [field for kind in KINDS.values() for field in kind.fields.values()]
    return {word: kind for field in fields for word, kind in field.type.kinds if KINDS[kind].fields}


def _follower(word: str, kind: type[Layer]) -> Schema:
    """A call of a layer that follows another: ``act: {leaky_relu: 0.1}``."""
    fields = _arguments(kind)
    first = fields.pop(next(iter(kind.fields)))
    text = f"{first_line(kind)}\n\n{first['description']}"
    main: Schema = {"anyOf": [*first["anyOf"], {"type": "null"}], "description": text}
    return _object({word: main, **fields}, (word,))


def _block_call() -> Schema:
    """A call of a block, whose name and arguments only the file knows."""
    kinds = [
        name for name, kind in KINDS.items() if kind.joins or any(f.default is REQUIRED for f in kind.fields.values())
    ]
    others = {"anyOf": [{"required": [name]} for name in (*kinds, "layers", "for")]}
    values = {"anyOf": [_ref("value"), {"type": "null"}]}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": _modifiers(),
        "additionalProperties": values,
        "not": others,
    }


def _group(keys: tuple[str, ...]) -> Schema:
    """Steps together, or once per row."""
    docs = {"for": "The name, or names, that each row binds.", "in": "A list of rows, or a number of turns."}
    bound = {key: {**EXPRESSION, "description": docs[key]} for key in keys}
    steps = {**_ref("steps"), "description": "The steps of the group."}
    return _object({"layers": steps, **bound, **_modifiers()}, ("layers", *keys))


def _branch() -> Schema:
    """A list of steps, a name, or a name, a group or a loop with a condition."""
    named = {
        "type": "object",
        "maxProperties": 2,
        "properties": {"if": _ref("if")},
        "additionalProperties": {"type": "null"},
    }
    return {"anyOf": [_ref("steps"), TEXT, _ref("group"), _ref("loop"), named]}


# -- expectations ------------------------------------------------------------------------------------------------------


def _figure() -> Schema:
    return {"type": ["number", "string"], "description": FIGURE}


def _entry(whole: bool) -> Schema:
    """What is expected of a network, or of a layer."""
    shape = {"type": ["array", "string", "integer"]}
    bodies: dict[str, tuple[Schema, str]] = {}
    for name, parts in expected().items():
        doc = GROUPS[name].doc if name in GROUPS else parts[0].doc
        if parts[0].nature == Nature.SHAPE:
            bodies[name] = ({"anyOf": [shape, _mapping(shape)]} if whole else shape, doc)
        elif parts[0].nature == Nature.AXES:
            axes = [_ref("figure"), {"type": "array", "items": _ref("figure")}]
            described = {part.key: {"anyOf": axes, "description": part.doc} for part in parts}
            bodies[name] = ({"anyOf": [*axes, _object(described)]}, doc)
        else:
            bodies[name] = (_ref("figure"), doc)
    if whole:
        bodies["layers"] = (_mapping(_ref("layer-expectation")), EXPECT_DOCS["layers"])
        bodies["with"] = (_mapping(EXPRESSION), EXPECT_DOCS["with"])
        bodies["dtype"] = ({"enum": list(BITS)}, EXPECT_DOCS["dtype"])
    documented = {name: {"allOf": [body], "description": doc} for name, (body, doc) in bodies.items()}
    return {**_object(documented), "minProperties": 1}
