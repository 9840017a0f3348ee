"""The parts of bench/console.py: what a county has after a year beside its cases and prices, and how every page of it is opened."""
