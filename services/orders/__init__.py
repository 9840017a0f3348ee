"""Purchase orders: from a family's choice to a document at the provider, each ordered once, and what comes back (docs/orders.md).

Choosing and approving: `choosing` and `chosen` say who shall provide an item, `naming` hears which items are meant, `waiting` and `ticked` list what waits.
`items`, `periods` and `lines` read what an order needs; `judging`, `money`, `limits` and `ledger` say what stands against it; `bundles` puts together what
is one order, `document` writes it, `storing` stores it, and nothing else does. `approval` is a person's way there, `generating` the night's, on approvals
that stand (`standing`); `proposing` and `previewing` ask without ordering, `declining` keeps from ordering, `proposals` notices plans that changed.

Going out: `delivery` takes orders to providers, `cancelling` tells them of the end, `testing` tries the way, `ending` is what people do about all that.
`paper`, `paper_values` and `paper_words` print, `letters` writes the e-mail, `papers` keeps what went out, `reply_links` and `link_renewal` make its links.

Coming back: `incoming` knows files by what they hold; `answers` takes an answer from wherever it comes (`answer_values`, `answer_judging`), `reply_page` is a
provider's way, `answers_held` a person's; `delivered` and `delivered_held` the same of what was delivered; `incoming_held` and `incoming_seen` list. `hand_over`
and `unanswered` remind, `closing` closes. Invoices have a package of their own (services/invoices).

Reading: `show` and `story` one order, `listing` many, `words` what codes mean, `news` who hears of it. States: approved → sending → sent → (received →
accepted | changed | rejected) → closed, or failed, or cancelled (DESIGN.md "Orders").
"""
