"""The avain.toml that `avain init` writes: every group, commented, with the defaults. A test loads it."""

SAMPLE = """\
# Avain: what your organisation decides. URLs and secrets belong into the environment or .env:
#   AVAIN_DATABASE_URL, AVAIN_DATABASE_OWNER_URL, AVAIN_REDIS_URL, AVAIN_HASH_KEY (openssl rand -hex 32)
# or each into a file that its owner alone can read: AVAIN_HASH_KEY_FILE and so on (docs/keys.md)
# Without the URLs Avain starts its own PostgreSQL and Valkey under var/ (refused when environment = "production").
# Check with: avain doctor        All keys: avain config schema
# Workers, beat and console read this file when they start: after a change stop and start them (avain up: Ctrl-C, then again).

environment = "development"        # production: own database, Redis and hash key are demanded
language = "fi"                    # fi, sv, en: of the command line and of texts without a reader of their own

[organisation]                     # the buyer on every order
name = "Esimerkin hyvinvointialue (keksitty)"
business_id = "9999999-2"
endpoint_scheme = "0216"           # Peppol: 0216 (0037 + business id) or 0088 (GLN)
endpoint_id = "003799999992"

# Where cases come from: one table per source. Files are only read.
# [sources.cases.lifecare-vienti]
# kind = "xml"
# path = "/srv/avain/in/asiakkuudet-*.xml"
# mode = "snapshot"                # snapshot: what is absent is gone; delta: only what changed is in the file
# max_gone = 0.05                  # hold the run when more than this share vanished
# max_rejected = 0.10              # hold the run when more than this share was rejected
# profile = "profiles/vienti.toml" # how a foreign export is read (docs/sources/profiles.md); kind may be table, fhir or sql, too
# [sources.cases.lifecare-vienti.gentle]
# requests_per_second = 5
# hours = ["20:00-06:00"]          # when it may be read; without it: always
# failures = 5                     # so many failures in a row, and it is left alone
# pause_minutes = 30               # for so long; then it is tried once (docs/left-alone.md)
# give_up_days = 7                 # what has waited so long for it is given up

# Where price lists come from: one table per provider, and one for your own unit costs.
# [sources.prices.esimerkkivalmennus]
# provider = "1234567-1"
# path = "/srv/avain/in/hinnastot/esimerkkivalmennus.csv"
# encoding = "cp1252"              # used when the file is not UTF-8
# [sources.prices.own]
# kind = "own"
# path = "/srv/avain/in/oman-toiminnan-yksikkokustannukset.csv"

# Where providers' answers, invoices and delivered quantities come in (docs/orders/answers.md); each file is recognised by what it holds.
# [sources.incoming.peppol]
# path = "/srv/avain/in/tilaukset/*"

# Who is away and who stands in, from an HR or shift system (docs/sources/absences.md)
# [sources.absences.poissaolot]
# path = "/srv/avain/in/poissaolot.csv"

# Where reminders that could not be delivered come back to: the maildrop of the sender below (docs/sources/bounces.md)
# [sources.bounces.palautuneet]
# path = "/var/mail/avain/Maildir/new/*"   # or an mbox file, or *.eml

[mail]
host = "127.0.0.1"
port = 25
security = "none"                  # none, starttls, tls
sender = "avain@example.invalid"
timeout_seconds = 20
# per_minute = 600                 # so many reminders a minute at most; unset: as fast as the server takes them
# operator_email = "avain-yllapito@example.invalid"    # told when a job finally fails or works again, and when reminders are held

[outgoing]                         # what fails is left alone: the mail server, connections of orders (docs/left-alone.md)
failures = 5                       # so many failures in a row, and what goes that way waits
first_pause_seconds = 60           # until one tries; in vain, and the pause doubles
longest_pause_minutes = 15         # up to this
give_up_days = 7                   # what has waited so long is given up, and whoever it concerns is told

[budgets]                          # cost neutrality as your organisation reads it
tolerance = 0.05                   # share of the ceiling that may be passed without a reason
near_limit = 0.90                  # from this share on a budget is "near"

[statements]                       # what families get on paper
folder = "statements"              # where those of many cases are put; relative to AVAIN_HOME
# contact.fi = "Puhelin …"        # how a family reaches you safely, printed as it is; also contact.sv, contact.en

[family]                           # "My budget", families' own page: docs/my-budget.md
enabled = false
link_hours = 72                    # how long a link opens that a worker hands over in person
support_link_days = 30             # how long a support person's link opens
wrong_codes = 5                    # so many wrong codes in a row end a link
idle_minutes = 15                  # signed out after so long without a click
session_minutes = 120              # signed out after so long in any case
wish_days = 30                     # the words of a wish are removed after so long, written down or not
# public_url = "https://oma.avain.example"    # a name of its own: that name alone has to be reachable for families
# Logging in through the county's Suomi.fi broker too, where identity is sealed: a table family.oidc, see docs/my-budget.md

[orders]
approval_limit = 5000.00           # euros; above it the approver must not be who chose
outbox = "outbox"                  # where file orders go; relative to AVAIN_HOME

[follow_ups]                       # where the client plan states no rhythm of its own
start_working_days = 10
interval_days = 30
before_end_days = 14
mail_at = "08:00"                  # Helsinki time, on working days
repeat_working_days = 3            # unacknowledged for this long: told again
max_repeats = 2                    # after this many repetitions: to the supervisor
supervisors_hear_on = "monday"     # the day of a supervisor's weekly list
plan_review_months = 0             # the client plan is reviewed so often; 0: only where it says so
# child_welfare_units = ["LASTENSUOJELU"]    # units whose plans are reviewed at least yearly
base_url = "https://avain.invalid" # where links in mails lead
# templates = "mails"              # e-mail templates of your own; a start: avain reminder template mails
[follow_ups.storm]                 # far more e-mails than usual are held until a person releases them
max_factor = 3                     # times the median of the last 20 days with e-mails
max_first = 200                    # as long as there were fewer than five such days
max_percent = 80                   # of all active workers
never_below = 20                   # so few are never held

[console]                          # the web pages: docs/console.md
host = "127.0.0.1"                 # the address it listens on; others only with a login provider
port = 8765
idle_minutes = 30                  # signed out after so long without a click
session_hours = 9                  # signed out after so long in any case
max_upload_mb = 20
# public_url = "https://avain.example"    # where people reach it; needed with a login provider
# trusted_proxies = ["10.0.0.7"]   # whose X-Forwarded-For is believed
# metrics_from = ["10.0.0.0/24"]   # who may read /metrics, beside this machine
# case_url = "https://lifecare.example/asiakas/{external_id}"    # a case's page in the client information system
# [console.oidc]                   # how people sign in; without it: one-time links on this machine (avain console link)
# issuer = "https://login.example/realms/hyvinvointialue"
# client_id = "avain"              # its secret: AVAIN_CONSOLE__OIDC__CLIENT_SECRET
# roles_claim = "realm_access.roles"
# [console.oidc.roles]             # which values of that claim mean which role
# worker = ["avain-omatyontekija"]
# supervisor = ["avain-esihenkilo"]
# price_manager = ["avain-hintavastaava"]
# operator = ["avain-yllapito"]
# auditor = ["avain-tarkastaja"]

[privacy]
identity = "none"                  # none: identity is dropped at the door; sealed: kept encrypted (AVAIN_SEAL_KEYS, AVAIN_INDEX_KEY)

[audit]                            # who did and saw what: docs/audit.md
anchor_file = "audit-anchors.jsonl"    # under home; have it copied to where nobody who can write the database can write
keep_years = 12                    # what events say may be purged after so many years
# request_years = 2                # an extract for a client goes back so far, unless there is a special reason

[effects]                          # what was sent is written down outside the database: docs/effects.md
journal = "effects"                # a folder under home; back it up beside the database
journal_months = 13                # at least as long as the oldest backup is kept

[consistency]                      # the nightly check of what is kept: docs/consistency.md
budgets = 200                      # so many budgets, drawn anew each night, are calculated once more

[workers]                          # read when a worker starts
stop_seconds = 20                  # a worker told to stop finishes what takes no longer and gives back the rest; it is gone within 30 s
tasks_per_child = 500              # a process is replaced after so many tasks
memory_per_child_mb = 512          # and when it has used more than this, as soon as its task has ended
"""
