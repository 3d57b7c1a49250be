"""Trials that somebody else recorded, made into a store that the same tools read.

mapping.py    the document that says which column is what
table.py      rows of text, from CSV or TSV
cells.py      what one cell says
sessions.py   rows become sessions; every row is looked at before anything is written
stores.py     sessions become stores
ready/        sources that have a name
"""
