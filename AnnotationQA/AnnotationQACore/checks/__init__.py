"""Whether a reading is plausible, before it is submitted."""
