"""How far an answer can be trusted: calibrated shares, sets, pictures of no known class."""
