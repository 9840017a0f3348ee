"""Papers for people: accessible PDF (PDF/UA-1, ISO 14289-1) made with typst from the templates beside this module.

A service writes every sentence in the reader's language and hands them over as data; a template only sets them. Nothing of the data is ever
read as markup, the templates see no file but each other, and nothing is fetched: fonts are those inside typst.
"""

from documents.pdf.rendering import page_count, render

__all__ = ["page_count", "render"]
