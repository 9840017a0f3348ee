"""The web console: pages rendered on the server, which work without JavaScript.

`app.py` puts it together, `visit.py` is what a page is handed, `pages/` holds one module a subject, `web/` what stands between the network
and a page. Nothing here decides anything about cases, prices or budgets: pages call services/, as the command line does.
"""
