"""Attacks, made by code: what somebody would send who wants to read our files, reach our network, stop us, or speak in another's name.

documents/              hostile documents by form, each with the sentence it must be refused with, or none where reading it does no harm
test_documents.py       every reader (tests/fuzz/readers.py) is given every attack of its form, within bounds of time and memory
test_*.py               what is not a matter of one document: addresses, listings, letters, tables, terminals
bounds.py               the bounds
"""
