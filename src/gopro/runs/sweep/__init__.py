"""Sweeps: a grid of runs, each in a folder of its own, one after the other or side by side."""
