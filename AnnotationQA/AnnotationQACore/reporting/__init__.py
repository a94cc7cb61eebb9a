"""Reports of agreement for people (HTML), programs (JSON) and statistics packages (CSV)."""
