"""Settings of a training, and the one loop that does it."""
