"""Sweeps: a grid of runs, each in its own folder, in turn or in parallel."""
