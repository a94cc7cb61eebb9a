"""How alike the readings of a case are, by the statistic that fits each kind of item."""
