"""Ways to share a letter: links, the embed, the share image."""
