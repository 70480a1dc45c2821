"""The public list of names: search, pagination, pages, the API."""
