"""What finished runs leave: run folders, results.json, tables, statistics, pages."""
