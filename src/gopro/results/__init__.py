"""Finished runs: run folders, results.json, tables, statistics, pages."""
