"""What an order needs, and what speaks against it: planned services, their shares of days and euros, limits, what stands approved.

`items`, `periods` and `lines` read; `bundles` puts together what is one order; `judging`, `money`, `limits` and `ledger` say what stands against it;
`standing` are approvals by the month. Nothing here writes an order.
"""
