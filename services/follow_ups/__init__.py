"""Follow-ups: planned from rhythms and events, settled by the people responsible (docs/follow-ups.md).

Planning, in sets: `planning` goes over plan items, orders and cases (`planned_items`, `planned_orders`, `planned_cases` say what is wanted of
each) and writes what changes (`planning_rules`, `planning_writes`); the rules themselves are pure (schedules/follow_ups.py). `closing` ends at
once what somebody's act has made superfluous.

People: `acknowledging` settles, puts off or lets be, `acting` hands over, writes down and corrects; `findings` says what can be noted, `notes`
seals free words, `events` keeps who did what. `listing` reads many, `showing` one, `record_text` makes the text for the client's record,
`calendar` is read by calendar programs, `words` says what codes mean. `ratings` counts answers for comparisons.

Who is told of a follow-up when: services/reminders.
"""
