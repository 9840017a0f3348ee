"""What units' supervisors are told, against the database."""
