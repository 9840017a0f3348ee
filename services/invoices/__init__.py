"""Invoices and credit notes of providers: booked on the lines of orders, or held until a person decides.

`taking` books or holds, `matching` finds what is billed, `deciding` hears people, `listing` shows.
"""
