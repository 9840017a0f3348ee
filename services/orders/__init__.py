"""Purchase orders: from a family's choice to a document at the provider, each ordered once.

`choosing` records who shall provide an item, `waiting` lists what waits for approval, `naming` hears which are meant. `items`, `periods` and
`lines` read what an order needs, `judging`, `money` and `limits` say what stands against it, `ledger` counts, `document` writes, `storing`
stores; `approval` is the one door to it, `proposing` asks without going through, `generating` goes through by night on approvals that stand
(`standing`). `declining` keeps a choice from being ordered, `proposals` notices plans that changed, `delivery` takes orders out, `ending`
resends and cancels, `closing` closes, `show` reads. States: approved → sending → sent → (received → accepted | changed | rejected) → closed, or failed, or
cancelled (DESIGN.md "Orders").
"""
