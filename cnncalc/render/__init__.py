"""Table -> text, one module per form; only `rich` imports rich."""
