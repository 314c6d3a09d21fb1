"""What moved an answer: words near the context, its shifts, regions, similar pictures."""
