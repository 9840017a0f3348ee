"""Reading XML close to the speed of its parser.

The bytes are cut behind record end tags into pieces; two child processes parse them, skip what is known by its hash, and write rows.
If every piece between the document's head and its end is well-formed, so is the document, with the same records. What a child is not
sure of, the parent reads the slow way (client.py), which alone decides what is wrong with a record. Whatever does not fit these
assumptions (a record's end tag in a comment, a malformed file) has the whole document read the slow way.

    cutting.py     bytes to pieces
    placing.py     where the fields of a profile stand in a record's element
    shapes.py      what the values must be, and the ends of the generated functions
    compiling.py   a profile to the source of a function that walks a record
    converting.py  text to a row's value, or None for "not sure"; used in the child
    child.py       the child process
    reading.py     the parent: feeds children, hands out rows in the file's order
"""
