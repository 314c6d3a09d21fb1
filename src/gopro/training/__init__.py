"""Settings of a training, and the training loop."""
