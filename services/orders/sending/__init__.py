"""Taking orders to providers, and back.

`delivery` sends, `cancelling` tells of the end, `testing` tries the way, `ending` is what people do about all that, `placing` about orders that
are placed elsewhere. `previewing`, `paper`, `paper_values` and
`paper_words` print, `letters` writes the e-mail, `papers` keeps what went out, `reply_links` and `link_renewal` make its links.
"""
