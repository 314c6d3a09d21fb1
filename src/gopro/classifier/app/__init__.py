"""A classifier served as a web page and an HTTP API (extra ``app``)."""
