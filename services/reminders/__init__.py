"""Reminders: one e-mail per person and working day, holding counts, references, due dates and links, and nothing else."""
