"""What stands between the network and a page, as plain ASGI middleware: it streams, and what it sets is seen by everything inside."""
