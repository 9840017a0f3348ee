"""Personal budgets: ceilings, shares, totals; kept as versions, recomputed in sets, every figure explained.

`dirty` notes what was touched, `recompute` takes the notes and calculates (`ceiling`, `lines`, `writing`), `notices` tells workers,
`show` reads the result. The rules: DESIGN.md "Budgets"; the SQL of quantities is shared with orders (`quantities`).
"""
