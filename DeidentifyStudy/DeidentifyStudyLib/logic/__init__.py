"""What the panel does, without Qt: every class here is tested without a widget."""
