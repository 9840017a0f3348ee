"""The seals over the audit trail: events are written unchained, a job chains them, anchors lie outside the database, anybody can verify.

`form` says which bytes are hashed, `sealing` chains, `anchoring` writes heads of the chain to a file, `verifying` finds the first row that is not
as it was sealed, `purging` removes what was kept long enough, `state` tells how far all that is. docs/audit.md holds the form for third parties.
"""
