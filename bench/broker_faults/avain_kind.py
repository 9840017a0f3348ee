"""The kind of Work the bench borrows; its real task is not loaded."""

KIND = "plan_follow_ups"
