"""The second pass: decide on every element of a file, write it, and verify what was written."""
