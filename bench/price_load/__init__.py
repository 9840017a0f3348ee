"""The benchmark of price lists: generated lists, the hand-written peer, and our own loads, each in a process or database of its own."""
