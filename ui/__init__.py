"""Pictures: pure functions of graph.model types, no I/O but the templates beside them."""
