"""What a unit's supervisor is shown: many cases together (no small group in it), and what waits for a person. Counted by night.

`blocks` says what may be told of many; `euros`, `starts`, `ratings` and `results` count it; `counting` keeps it. `exceptions`,
`escalations` and `workload` are lists of single matters of the unit's own cases. `report` gathers all of it for a period. docs/oversight.md
says in words how each figure comes about.
"""
