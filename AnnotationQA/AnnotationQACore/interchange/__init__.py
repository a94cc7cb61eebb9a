"""File formats and networks: the only place that knows them."""
