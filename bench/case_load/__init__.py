"""The parts of bench/cases.py: the generated export, one load in a process of its own, and the same load by dlt."""
