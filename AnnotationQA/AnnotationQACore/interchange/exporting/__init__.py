"""Readings of a project written as objects and files that other software reads."""
