"""cnncalc: exact shapes, parameters, MACs and receptive fields of convolutional networks.

>>> import cnncalc
>>> net = cnncalc.load("resnet50")
>>> net.params().totals.params
25557032
>>> net.receptive_field().field.size
((427, 427), (427, 427))
"""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic, Fault, SpecError
from cnncalc.language.library import UnknownSpec, bundled_names
from cnncalc.network import Network, load, loads
from cnncalc.report import Layer, Report, Totals

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Fault",
    "Layer",
    "Network",
    "Report",
    "SpecError",
    "Totals",
    "UnknownSpec",
    "__version__",
    "bundled_names",
    "load",
    "loads",
]
