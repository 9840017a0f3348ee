"""What comes back about orders.

`incoming` knows files by what they hold; `answers` takes an answer from wherever it comes (`answer_values`, `answer_judging`), `reply_page` is a provider's
way, `answers_held` a person's; `delivered` and `delivered_held` the same of what was delivered; `incoming_held` and `incoming_seen` list. `hand_over`
is ticked.
"""
