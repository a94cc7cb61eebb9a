"""Overlap and surface distances of label maps and segmentations."""
