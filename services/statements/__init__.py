"""Statements: what a family reads about its personal budget, in euros and in visits, on paper and in plain language.

`reading` gathers the figures of many cases at once, `wording` makes sentences of them, `printing` a PDF, `bulk` does it for every case as
Work. A statement holds the case's number and nothing that names the client; it is printed, or sent by the county's own secure channel,
never e-mailed (DOMAIN "Privacy").
"""
