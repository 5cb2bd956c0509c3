"""The schema, step by step: NNNN_what.sql, each applied once, in order. Both databases read the same files.

BYTES stands for the database's type of byte strings.
"""
