"""From signing to delivery."""
