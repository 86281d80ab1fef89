"""Serves the dashboard to browsers on this machine only, and only to those that know the address.

Every page is a viewer process of its own, like `inittui attach`. It can stop a run, so listening on 127.0.0.1 is not enough:
other users of the machine reach that address, and so does any web page in the person's own browser. Therefore:

- The address holds a token, which the first request exchanges for a cookie. Without it nothing is served.
- Browsers send a cookie to every port of a host, where other servers can read it. So the cookie is not the token, and it is
  only for a path that no other server knows: everything is served below that path.
- A request whose Host is not this machine is refused: another host name may have been pointed at 127.0.0.1 (DNS rebinding).
- A request that another web page makes (Origin) is refused.

The page fetches nothing from other hosts.

textual-serve's own application has no place for these checks, so this module makes the application and uses only what
textual-serve's `Server` documents: its handlers of pages' websockets and downloads, and its folder of static files.
"""

import hmac
import html
import logging
import re
import secrets
import socket
import string
import sys
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from inittui.common.atomic_files import one_line
from inittui.common.errors import printable

ADDRESS = "127.0.0.1"
OWN_NAMES = ("127.0.0.1", "localhost")
CLOSING_SECONDS = 2.0  # how long open pages may take to end when serving ends
PAGE = Path(__file__).with_name("page.html")
_HOST = re.compile(rf"({'|'.join(map(re.escape, OWN_NAMES))})(:\d{{1,5}})?", re.IGNORECASE)


class DashboardServer:
    """Serves `command`, a Textual program, through `listener`, a socket that listens already."""

    def __init__(self, command: str, listener: socket.socket, title: str) -> None:
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        self._title = title
        self._token, self._cookie, self._folder = (secrets.token_urlsafe(24) for _ in range(3))
        self.address = f"http://{ADDRESS}:{self.port}/?token={self._token}"  # what a person opens
        self._server = Server(command, host=ADDRESS, port=self.port, title=title)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get(f"/{self._folder}/", self._page),
                web.get(f"/{self._folder}/ws", self._websocket),
                web.get(f"/{self._folder}/download/{{key}}", self._server.handle_download),
                web.static(f"/{self._folder}/static", self._server.statics_path),
            ]
        )
        handler = logging.StreamHandler()
        handler.setFormatter(_OneLine())
        logging.basicConfig(handlers=[handler], level=logging.WARNING)
        web.run_app(app, sock=self._listener, print=lambda *_: None, access_log=None, shutdown_timeout=CLOSING_SECONDS)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        # The page's own addresses use the host that the browser used: an ssh tunnel may begin at another port.
        websocket = f"ws://{request.host}/{self._folder}/ws"
        page = string.Template(PAGE.read_text("utf-8")).substitute(
            title=html.escape(self._title), websocket=html.escape(websocket)
        )
        # Against clickjacking; and no other page gets the path.
        policy = {"Content-Security-Policy": "frame-ancestors 'none'", "Referrer-Policy": "no-referrer"}
        return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store", **policy})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request):
            return web.Response(status=400, text="inittui: expected a websocket\n")
        return await self._server.handle_websocket(request)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        reason = self._refusal(request)
        if reason:
            # Without the query: a token must not be written to a log.
            print(printable(f"refused {request.path} from {request.remote}: {reason}"), file=sys.stderr, flush=True)
            return web.Response(status=403, text=f"inittui: {reason}\n")
        if "token" in request.query:
            redirect = web.HTTPFound(f"/{self._folder}/")
            redirect.set_cookie("inittui", self._cookie, path=f"/{self._folder}/", httponly=True, samesite="Lax")
            raise redirect
        return await handler(request)

    def _refusal(self, request: web.Request) -> str:
        """Why the request is refused, in one line; empty if it is not."""
        if not _HOST.fullmatch(request.host):
            return f"the host is '{request.host}'; expected {' or '.join(OWN_NAMES)} (for another machine: ssh -L)"
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            return f"another page made the request ({origin}); open the address in a tab of its own"
        by_token = "token" in request.query
        given = request.query["token"] if by_token else request.cookies.get("inittui", "")
        if not _same(given, self._token if by_token else self._cookie):
            return "the token is missing or old; open the whole address that 'inittui serve' printed when it began"
        return ""


def _same(given: str, secret: str) -> bool:
    """Compares in constant time. What was given may be any bytes."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


class _OneLine(logging.Formatter):
    """What the libraries log, in one line without a traceback: anybody on the machine can send a malformed request."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return printable(f"{record.getMessage()}{f': {type(error).__name__}: {one_line(error)}' if error else ''}")
