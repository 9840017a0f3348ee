"""From a choice to a stored order.

`choosing` and `chosen` say who shall provide an item, `naming` hears which items are meant, `waiting` and `ticked` list what waits, `declining` keeps from
ordering. `document` writes, `storing` stores, and nothing else does; `approval` is a person's way there, `generating` the night's; `proposing` asks without ordering.
"""
