"""The console as people meet it: in a real browser, with a keyboard, on a phone, without JavaScript. Run by `make test-browser`."""
