"""Letters: their texts, publishing, pages, feeds."""
