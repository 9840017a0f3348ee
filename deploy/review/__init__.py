"""The papers for a county's reviewers that are made from lists, so that they cannot fall behind: docs/review/ (`make review`)."""
