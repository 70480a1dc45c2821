"""The public list of names: pages, search, pagination, and the API."""
