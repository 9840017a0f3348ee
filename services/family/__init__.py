"""A family's own page (`/my`): coming in, seeing the picture, proposing, rating, wishing; and what workers do about it."""
