"""Purchase orders: from a family's choice to a document at the provider, each ordered once, and what comes back (docs/orders.md).

By subject, each standing on the former: `weighing` (what an order needs, and what speaks against it), `approving` (from a choice to a stored order),
`sending` (out to providers, by whatever channel, and back), `replies` (answers, hand-overs, what was delivered). Invoices have a package of their own
(services/invoices). `show` and `story` read one order, `listing` many, `words` says what codes mean, `news` who hears of it; `proposals` notices plans
that changed after ordering, `closing` closes what is over.

States: approved → sending → sent → (received → accepted | changed | rejected) → closed, or failed, or cancelled (DESIGN.md "Orders").
"""
