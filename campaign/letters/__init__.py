"""Letters: text, publishing, pages, feeds."""
