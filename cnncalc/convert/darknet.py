"""Darknet's ``.cfg`` -> Graph: sections in a row, each a layer; what names another counts sections.

How the text is read is said in `darknet_file`, what a section becomes in `darknet_layers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.convert import Imported, Inputs
from cnncalc.convert.account import Account
from cnncalc.convert.darknet_file import Section, load, parse
from cnncalc.convert.darknet_layers import HEADS, LAYERS, Build
from cnncalc.convert.rows import Rows, failed
from cnncalc.convert.unreadable import DARKNET, Advice, advised
from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import Shape

FORM = "a Darknet file has `[net]`, then its layers, `[convolutional]` and others, each with lines of `name=value`"


@advised(Advice(DARKNET, FORM, FORM))
def read(source: str, inputs: Inputs = None) -> Imported:
    """The network of a ``.cfg`` file; raises `SpecError`."""
    return from_text(load(source), source, inputs)


def from_text(text: str, source: str = "net.cfg", inputs: Inputs = None) -> Imported:
    """The network of a text; `source` is what messages call it.  Raises `SpecError`."""
    sections = parse(text, source)
    if not sections or sections[0].word not in ("net", "network"):
        message = f"{source} does not begin with `[net]`"
        if sections:
            raise sections[0].fail("wrong-format", message, "", FORM)
        raise failed(Fault("wrong-format", message, None, FORM), source)
    name = source.rpartition("/")[2].rpartition(".")[0] or "network"
    shape = _input_shape(sections[0], inputs, source)
    return build(Rows(name, source, [("input", shape)], Account(source)), sections)


def _input_shape(net: Section, given: Inputs, source: str) -> Shape:
    """Channels first: ``[net]``'s, or the one given from outside."""
    stated = tuple([net.number(key, 0) for key in ("channels", "height", "width")])
    if isinstance(given, Mapping):
        for name in given:
            if name != "input":
                message = f"there is no input `{name}`"
                raise failed(Fault("unknown-input", message, None, "a Darknet network has one, `input`"), source)
        given = given.get("input")
    if given is not None:
        return tuple(given)
    if all(stated):
        return stated
    if any(stated):
        missing = next(key for key, size in zip(("channels", "height", "width"), stated) if not size)
        raise net.fail("missing-argument", f"`[net]` needs `{missing}`", "", "or give `--input 3x416x416`")
    return (net.number("inputs", least=1),)


def build(rows: Rows, sections: Sequence[Section]) -> Imported:
    """The network of the sections after the first; raises `SpecError`."""
    site, graph, heads = Build(rows, sections[0]), rows.graph, []
    for section in sections[1:]:
        site.section = section
        site.account.nodes += 1
        first = len(graph.nodes)
        found = LAYERS.get(section.word)
        if found is None:
            help = suggestion(section.word, LAYERS) or f"it knows {', '.join(sorted(LAYERS))}"
            raise section.fail("unknown-section", f"cnncalc does not know the section `[{section.word}]`", "", help)
        name, site.x = site.name, found(site)
        site.tensors.append(site.x)
        site.made.append(graph.nodes[first:])
        if graph.nodes[first:]:
            site.account.names[name] = graph.nodes[first].name
        if section.word in HEADS:
            heads.append((name, site.x))
    if not graph.nodes:
        raise sections[0].fail("empty", "the file has no layers", "", FORM)
    for name, tensor in heads or [("", site.x)]:
        rows.leave(name, tensor)
    site.account.close(graph)
    return Imported(graph, site.account)
