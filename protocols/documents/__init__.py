"""One typed, validated TOML document: every mistake at once, each with its line and its remedy.

DocumentError   what is wrong, as `problems`
Problem         one mistake: path, line, field, reason
Section         base of every table
"""

from protocols.documents.canonical import write
from protocols.documents.document import Document, load, parse
from protocols.documents.problems import DocumentError, Problem
from protocols.documents.section import Section

__all__ = ["Document", "DocumentError", "Problem", "Section", "load", "parse", "write"]
