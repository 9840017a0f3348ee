"""A whole installation that lives through a generated day while things break (`make chaos`)."""
