"""Personal budgets: ceilings, shares, totals; kept as versions, recomputed in sets, every figure explained.

`dirty` notes what was touched, `recompute` takes the notes and calculates (`ceiling`, `lines` with `quantities`, `limits`,
`writing`), `news` tells workers, `show` reads the result. The rules: DESIGN.md "Budgets". Orders take the lines calculated here.
"""
