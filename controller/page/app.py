"""The addresses of the page: the list, one experiment, their events, the files for a browser."""

import json
import mimetypes
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from controller.page.experiment_topic import ExperimentTopic
from controller.page.folders import Catalogue, Listed
from controller.page.list_topic import ListTopic
from controller.page.topic import AbstractTopic
from controller.page.worker import Worker

HERE = Path(__file__).parent
HEARTBEAT_S = 5.0
AGAIN_MS = 1000
"""After which a browser connects again."""
STREAMS = 64
"""Most browsers at the same time."""
KEPT = 8
"""Topics that nobody looks at and that are kept, as text, for who comes back."""
LONGEST_ID = 8192


class Page:
    """What is served; one for each server."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder of an experiment, of a session, or of several experiments."""
        self.catalogue = Catalogue(root)
        self._quick, self._slow = Worker("sessions"), Worker("experiments")
        self._list = ListTopic(self.catalogue, self._quick)
        self._topics: OrderedDict[Path, ExperimentTopic] = OrderedDict()
        self._streams = 0
        self._files = {
            path.name: path.read_bytes()
            for path in sorted((HERE / "static").iterdir())
            if path.is_file()
        }
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True
        )
        self.app = Starlette(
            routes=[
                Route("/", self._first),
                Route("/events", self._list_events),
                Route("/e/{key}", self._experiment),
                Route("/e/{key}/events", self._events),
                Route("/static/{name}", self._static),
            ],
            exception_handlers={404: self._missing},
        )

    def close(self) -> None:
        """Let every browser go."""
        for topic in (self._list, *self._topics.values()):
            topic.close()

    async def _listed(self) -> list[Listed]:
        return await self._quick.run(self.catalogue.listed)

    async def _first(self, request: Request) -> Response:
        listed = await self._listed()
        if self.catalogue.single and listed:
            return self._shown(listed, listed[0])
        del request
        return self._html("list.html", experiments=listed, root=str(self.catalogue.root))

    async def _experiment(self, request: Request) -> Response:
        listed = await self._listed()
        one = next((one for one in listed if one.key == request.path_params["key"]), None)
        return await self._missing(request, None) if one is None else self._shown(listed, one)

    def _shown(self, listed: list[Listed], one: Listed) -> Response:
        place = listed.index(one)
        return self._html(
            "experiment.html",
            one=one,
            before=listed[place - 1] if place else None,
            after=listed[place + 1] if place + 1 < len(listed) else None,
            single=self.catalogue.single,
        )

    async def _missing(self, request: Request, error: Exception | None) -> Response:
        del request, error
        return self._html("missing.html", 404)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            return await self._missing(request, None)
        kind = mimetypes.guess_type(name)[0] or "text/plain"
        return Response(self._files[name], media_type=kind)

    async def _list_events(self, request: Request) -> Response:
        return self._stream(request, self._list)

    async def _events(self, request: Request) -> Response:
        folder = self.catalogue.folders().get(request.path_params["key"])
        if folder is None:
            return await self._missing(request, None)
        return self._stream(request, self._topic(folder))

    def _topic(self, folder: Path) -> ExperimentTopic:
        if folder not in self._topics:
            self._topics[folder] = ExperimentTopic(folder, self._quick, self._slow)
        self._topics.move_to_end(folder)
        idle = [path for path, topic in self._topics.items() if not topic.readers]
        for path in idle[: max(0, len(idle) - KEPT)]:
            if path != folder:
                self._topics.pop(path).close()
        return self._topics[folder]

    def _stream(self, request: Request, topic: AbstractTopic) -> Response:
        if self._streams >= STREAMS:
            return Response(f"{STREAMS} browsers look already: close one\n", 503)
        kind = "text/event-stream"
        if request.method == "HEAD":
            return Response(media_type=kind)
        return StreamingResponse(self._told(topic, _known(request)), media_type=kind)

    async def _told(self, topic: AbstractTopic, known: dict[str, str]) -> AsyncIterator[str]:
        """Yield server-sent events; an event's id says all that its reader has by then."""
        self._streams += 1
        try:
            yield f"retry: {AGAIN_MS}\n\n"
            async with aclosing(topic.changes(known, HEARTBEAT_S)) as changes:
                async for new in changes:
                    if not new:
                        yield ": alive\n\n"
                    for name, one in new.items():
                        known[name] = one.version
                        here = {part: known[part] for part in topic.parts if part in known}
                        data = f'{{"part": {json.dumps(name)}, "numbers": {one.text}}}'
                        yield f"id: {urlencode(here)}\nevent: part\ndata: {data}\n\n"
        finally:
            self._streams -= 1

    def _html(self, template: str, code: int = 200, **values: object) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(values), code)


def _known(request: Request) -> dict[str, str]:
    """Return the versions of the parts that a browser has, which comes back."""
    said = request.headers.get("last-event-id") or request.query_params.get("last", "")
    return dict(parse_qsl(said)) if len(said) <= LONGEST_ID else {}
