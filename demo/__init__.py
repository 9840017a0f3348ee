"""The demo: an installation of its own, four invented families, three months in a minute. Run by `avain demo`."""
