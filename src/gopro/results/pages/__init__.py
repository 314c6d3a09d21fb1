"""Reports on finished runs: pages, pictures and printed tables."""
