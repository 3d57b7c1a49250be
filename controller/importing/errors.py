"""What can go wrong with an import."""


class ImportTrialsError(Exception):
    """Trials can't be imported as asked; the message says what would do."""
