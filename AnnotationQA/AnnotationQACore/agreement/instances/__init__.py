"""Lesions and other things that occur several times."""
