"""What `make bench-reminders` measures, one module for each figure."""
