"""What staff decide: the review queue, bulk rules, paper imports, switches."""
