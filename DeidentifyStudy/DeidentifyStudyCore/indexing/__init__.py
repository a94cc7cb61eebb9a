"""The first pass: what a folder holds, whose it is, and what identifies these patients."""
