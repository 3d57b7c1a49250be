"""What can go wrong with an export."""


class ExportError(Exception):
    """A store can't be exported as asked; the message says what would do."""
