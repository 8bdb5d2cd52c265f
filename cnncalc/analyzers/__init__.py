"""Analyzers: of a graph, what every layer is and costs.  QUANTITIES is the table of them."""
