"""What a release has to pass: checks, each of which names what is wrong and the remedy."""
