"""A page as a browser reads it: its elements, ids, tables; it refuses what isn't well formed."""

from html.parser import HTMLParser

VOID = frozenset(["meta", "link", "br", "hr", "img", "input"])


class Page(HTMLParser):
    """A page's parts; a tag that isn't closed in its order is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.values: list[str] = []
        """What `<data>` elements hold, to the last digit."""
        self.preformatted = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.elements]

    def all(self, name: str) -> list[str]:
        """Values of an attribute, wherever it is."""
        return [value for _, found in self.elements if (value := found.get(name)) is not None]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        elif tag == "caption":
            self.captions.append("")
        elif tag == "data":
            self.values.append(dict(attrs)["value"])

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data
        elif "caption" in self._open:
            self.captions[-1] += data
        elif "pre" in self._open:
            self.preformatted += data
