"""Price lists that people bring to the console: kept until they are decided, read by a worker, planned as any other list and applied by a
person who has seen what they change.

The file is kept in the database, not in a folder: it is there for whichever worker reads it, is written and forgotten in the same transaction
as all that is known of it, and no disk has to be shared with the console. `bringing` is what people do, `reading` what workers do.
"""

from services.price_uploads.bringing import Upload, bring, discard, forget_decided, read_again, upload_of, uploads_open
from services.price_uploads.reading import Kept, imported, kept_file, put_down, refused, sort

__all__ = [
    "Kept",
    "Upload",
    "bring",
    "discard",
    "forget_decided",
    "imported",
    "kept_file",
    "put_down",
    "read_again",
    "refused",
    "sort",
    "upload_of",
    "uploads_open",
]
