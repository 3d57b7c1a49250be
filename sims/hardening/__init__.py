"""Long torture of everything that must not fail: `python -m sims.hardening`.

parts/       one file a part; each is found by its name
part.py      what a part is: a generator of tries
running.py   runs parts, stops at Ctrl-C with what was done
report.py    the table, with n beside every zero
"""
