"""A classifier of one's own pictures: fit, answer, compare, save, load."""
