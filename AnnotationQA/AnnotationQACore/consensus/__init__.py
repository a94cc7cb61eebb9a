"""One reading computed from several."""
