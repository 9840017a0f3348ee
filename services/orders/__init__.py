"""Purchase orders: from a family's choice to a document at the provider, each ordered once.

`choosing` records who shall provide an item, `naming` hears which are meant, `items` and `lines` read what an order needs, `judging`
says what stands against it, `document` writes it, `approval` decides and stores, `delivery` takes it out, `ending` resends and
cancels, `show` reads. States: approved → sending → sent → (received → accepted | changed | rejected) → closed, or failed, or
cancelled (DESIGN.md "Orders").
"""
