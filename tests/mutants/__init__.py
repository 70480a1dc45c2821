"""The site made worse in twelve ways, to see that a test notices each."""
