"""A whole installation that works through a generated day while a seeded schedule breaks things."""
