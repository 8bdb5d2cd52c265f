"""The codes of the lints, and the `lint` key, which says what a file does on purpose; part of the language station.

::

    lint:
      allow: [stride-gap]       # the 1x1 convolutions of the shortcuts, as in the paper
"""

from __future__ import annotations

from cnncalc.diagnostics import Span, suggestion
from cnncalc.language.forms import FormReader
from cnncalc.language.source import Located, Scalar, Sequence

LINTS = {
    "stride-unread": "a stride loses pixels, or an output position: (W + P - K)/S + 1 is no whole number",
    "stride-gap": "a stride is larger than the kernel, or shares a divisor with its dilation: pixels are never read",
    "bias-before-norm": "a bias stands directly before a batch normalisation, which subtracts it again",
    "beyond-input": "even the smallest path of a layer sees more than the input",
    "misaligned-branches": "branches that are joined differ in stride, or in the centers of what they see",
    "checkerboard": "the kernel of a transposed convolution is not divisible by its stride: outputs overlap unevenly",
    "separable-no-gain": "a depthwise separable convolution has no fewer parameters than a regular one",
    "dead-branch": "the condition of a step or branch is false in every variant",
    "unused-block": "nothing calls a block",
    "unused-argument": "nothing asks for an argument",
    "unused-variant": "two variants give the same network",
    "unchecked-variant": "a variant has no expectation, where others in its file have",
    "unused-allow": "a lint is allowed, but nothing in the file raises it",
}
"""What each lint says, by code."""

FAILURES = {"unused-layer": "a layer reaches no output, as an auxiliary head does that is trained and then left out"}
"""What fails in `check` rather than being a lint, and can be allowed as one is."""


def read_allowed(reader: FormReader, node: Located) -> dict[str, Span]:
    """The codes that ``lint: {allow: [code, ...]}`` names, and where."""
    example = "for example `lint: {allow: [stride-gap]}`"
    found = reader.entries(node, "`lint`", ("allow",), example)
    if "allow" not in found:
        return {}
    listed = found["allow"][1]
    if not isinstance(listed, Sequence):
        reader.report("wrong-form", "`allow` is a list of codes", listed.span, example)
        return {}
    allowed = {}
    for item in listed.items:
        text = item.text if isinstance(item, Scalar) else ""
        if text in LINTS or text in FAILURES:
            allowed[text] = item.span
        else:
            help = suggestion(text, [*LINTS, *FAILURES]) or f"codes are {', '.join((*LINTS, *FAILURES))}"
            reader.report("unknown-lint", f"there is no lint `{text}`", item.span, help)
    return allowed
