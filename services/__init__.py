"""What Avain does: use cases over a database session. No Celery, no HTTP, no reading of clocks; committing is the caller's."""
