"""The live page: what stores have published, in a browser, as it happens.

    published stores ── stat ── Topic ── worker thread: open_source, describe ── server-sent events

Nothing is written, no journal is opened, and every number is one of `describe`'s.
"""
