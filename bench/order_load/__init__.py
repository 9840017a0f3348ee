"""What the measurement of purchase orders needs (bench/orders.py)."""
