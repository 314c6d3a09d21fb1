"""A classifier for your own pictures: fit, predict, compare, explain, save, load, serve."""
