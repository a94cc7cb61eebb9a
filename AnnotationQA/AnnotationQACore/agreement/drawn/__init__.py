"""Boxes, landmarks, lines and polygons."""
