"""What follow-ups and reminders should do, in plain Python: no SQL, no library of holidays, nothing of the product's.

`calendar` knows the working days and clocks of Finland by rule, `rhythm` what has to be looked at when, `people` who hears of it, and `telling`
what each hears on a day. Simulations hold the product against it (tests/integration/reminders_simulated).
"""
