"""Text burned into pixels: where it is, a person's decision on it, and its removal."""
