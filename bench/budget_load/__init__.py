"""What `bench.budgets` measures with: a county's cases and prices, and the peers."""
