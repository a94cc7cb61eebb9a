"""What a reviewer needs of the readings of a case: where they differ, what may be decided, and how it is recorded."""
