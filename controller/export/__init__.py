"""A store's tables in the formats of others: NWB, CSV, Parquet; every value as it is stored.

formats.py    which format is which module, and what it needs
content.py    what is exported: an experiment and its sessions, column by column
whole_folder  all files, or none
"""
