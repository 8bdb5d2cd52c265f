"""The command line: a thin layer over the public API; the only package that prints or exits."""

from cnncalc.cli.commands import app, main

__all__ = ["app", "main"]
