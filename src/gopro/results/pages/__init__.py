"""Reports on run folders; nothing here trains or changes a run."""
