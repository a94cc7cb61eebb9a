"""Faces in CT and MR of the head: where the facial surface is, its alteration, and what a person confirms."""
