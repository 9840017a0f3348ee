"""Cases from tables, CSV files or workbooks, that a profile explains (docs/sources/table.md)."""
