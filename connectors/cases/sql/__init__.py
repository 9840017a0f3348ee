"""Cases from a database's views, any that SQLAlchemy can reach, explained by a profile (docs/sources/sql-view.md)."""
