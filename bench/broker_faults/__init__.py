"""What Celery and the shipped Valkey really do when something breaks: every row of docs/reliability.md, measured again on demand.

    python -m bench.broker_faults [--only NAME ...] [--json FILE]

Real worker processes, a real server, real signals; nothing but processes started here is ever killed, by pid. `plain_app` is a
throwaway Celery app whose settings each measurement chooses; `avain_app` is Avain's own app with one harmless task.
"""
