"""What came out: results, statistics, claims, tables, charts, page. Reads the store, never the runner."""
