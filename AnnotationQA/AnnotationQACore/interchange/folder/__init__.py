"""Readings that lie in a folder as files of any supported format: which file is whose, and what is in it."""
