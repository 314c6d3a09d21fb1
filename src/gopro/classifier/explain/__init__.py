"""Explain a prediction: context words, shifts, image regions, similar training pictures."""
