"""A plan as a file: the header, what PyTorch lacks, and the classes."""

from __future__ import annotations

from textwrap import wrap

from cnncalc.analyzers.measurement import Measurement
from cnncalc.convert.torch_out.classes import Class
from cnncalc.convert.torch_out.helpers import helper_sources
from cnncalc.convert.torch_out.plan import Plan
from cnncalc.convert.torch_out.text import MAX_LINE
from cnncalc.geometry import dims
from cnncalc.graph import Graph


def written(plan: Plan) -> str:
    """The file."""
    templates = plan.templates
    classes = [
        Class(template, templates, template.bodies[0] is plan.root, plan.graph) for template in templates.ordered
    ]
    code = "\n\n\n".join("\n".join(each.write()) for each in classes)
    body = "\n\n\n".join([*helper_sources(code, plan.modules), code])
    imports = ["from typing import Any\n"] if " Any" in body else []
    imports += ["import torch"] if "torch." in body else []
    if "F." in body:
        imports.append("import torch.nn.functional as F")
    imports.append("from torch import Tensor, nn" if "Tensor" in body else "from torch import nn")
    return f"{header(plan.graph)}\n" + "\n".join(imports) + f"\n\n\n{body}\n"


def header(graph: Graph) -> str:
    """The docstring: what it is, and the figures that must come out."""
    total = Measurement(graph).total
    variant = f" ({graph.variant})" if graph.variant else ""
    inputs = [f"{name} {dims(shape)}" if len(graph.inputs) > 1 else dims(shape) for name, shape in graph.inputs]
    outputs = [
        f"{name} {dims(graph.shapes[tensor])}" if len(graph.outputs) > 1 else dims(graph.shapes[tensor])
        for name, tensor in graph.outputs
    ]
    entries = {
        "Source": " ".join(graph.source.split()),
        "Input": ", ".join(inputs),
        "Output": ", ".join(outputs),
        "Parameters": f"{total('params') or 0:,}",
        "MACs": f"{total('macs') or 0:,}",
    }
    lines = [f"{' '.join(graph.name.split())}{variant}, written by cnncalc.", ""]
    width = max(map(len, entries)) + 2
    for title, text in entries.items():
        if text:
            whole = f"{title}:".ljust(width) + text
            lines += wrap(
                whole, MAX_LINE, subsequent_indent=" " * width, break_long_words=False, break_on_hyphens=False
            )
    return '"""' + "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''") + '\n"""\n'
