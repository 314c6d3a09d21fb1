"""The answers to many pictures: kept on disk as they come, as a table, as folders, for review."""
