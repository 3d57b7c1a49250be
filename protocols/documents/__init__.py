"""One typed, validated TOML document: every mistake at once, each with its line and its remedy.

DocumentError   what is wrong, as `problems`
Problem         one mistake: path, line, field, reason
"""

from protocols.documents.canonical import write
from protocols.documents.document import Document, load, parse
from protocols.documents.problems import DocumentError, Problem

__all__ = ["Document", "DocumentError", "Problem", "load", "parse", "write"]
