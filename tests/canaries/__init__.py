"""Canaries: distinct values planted in everything that is secret, and a search for them in everything that leaves Avain or stays behind."""
