"""A copy of the database, and an installation made from one (docs/backup.md).

`programs` finds the pg_dump and pg_restore that fit a server and runs them, `archive` says what a file holds before anybody relies on it, `making`
writes a copy, `restoring` puts one into an empty database. Both work as the tables' owner; a copy made by a plain pg_dump is as good.
"""
