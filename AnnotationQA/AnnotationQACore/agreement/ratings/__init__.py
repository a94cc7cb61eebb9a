"""Categories, measurements, and readers over time."""
