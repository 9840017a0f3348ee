"""The `avain` command: one module per subject, each with a typer app."""
