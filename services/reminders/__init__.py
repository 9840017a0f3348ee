"""Reminders: one e-mail per person and working day, holding counts, references, due dates and links, and nothing else (docs/reminder-mails.md).

Composing, in one transaction a day (`daily`): `gathering` reads what is to be told today, `people` says who hears it, `guard` holds a day with
far too many mails. What came together for one person (`bundle`) is written by `message`, from templates that `mail_templates` runs and
`mail_check` tries on `mail_samples`.

Sending: `sending` begins a mail and records what became of it (the tasks: workers/series.py), `addresses` remembers those a mail server refused for
good, `bounces` believes reports of mails that came back. `operators` says what whoever runs the installation should know of all that.
"""
