"""Follow-ups: planned from each service's rhythm, settled by the people responsible."""
