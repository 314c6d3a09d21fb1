"""Speed measured against the published way: ``python -m benchmarks.speed --help``."""
