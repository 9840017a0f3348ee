"""Every reader of what others write is fed thousands of documents that are nearly right: `make fuzz` (docs/fuzzing.md).

readers.py    the readers, each with valid documents to begin with and the form they have
forms/        how a document of each form is changed: its bytes, and its tree, cells, parts or keys
outcome.py    what came of a document, and what counts as a fault
child.py      the process that reads, confined in memory and time; Hypothesis draws the documents
running.py    its parent: watches, counts, and goes on after what could not be survived
found.py      documents that once were faults, made by code
"""
