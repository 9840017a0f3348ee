"""What every other part stands on: settings, database, clock, money, errors, logging, embedded services.

Imports nothing of Avain outside itself.
"""
