"""Every request: middleware, the page cache, health, error pages."""
