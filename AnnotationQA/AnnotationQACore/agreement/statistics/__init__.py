"""What all kinds of items share: results, intervals, sizes of studies."""
