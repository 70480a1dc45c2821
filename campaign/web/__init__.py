"""Middleware, the page cache, the client network, health, error pages."""
