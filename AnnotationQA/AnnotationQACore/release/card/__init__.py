"""The dataset card: one page for people, and Croissant metadata for programs."""
