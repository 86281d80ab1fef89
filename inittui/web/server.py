"""Serves the dashboard to browsers on this machine only, and only to those that know the address.

Every page is a viewer process of its own, like `inittui attach`. It can stop a run, so listening on 127.0.0.1 is not enough:
other users of the machine reach that address, and so does any web page in the person's own browser. Therefore:

- The address holds a token, which the first request exchanges for a cookie. Without it nothing is served.
- A request whose Host is not this machine is refused: another host name may have been pointed at 127.0.0.1 (DNS rebinding).
- A request that another web page makes (Origin) is refused.

The page fetches nothing from other hosts.

textual-serve's own application has no place for these checks, so this module makes the application and uses only what
textual-serve's `Server` documents: its handlers of pages' websockets and downloads, and its folder of static files.
"""

import hmac
import html
import secrets
import socket
import string
import sys
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from inittui.common.errors import printable

ADDRESS = "127.0.0.1"
OWN_NAMES = ("127.0.0.1", "localhost")
CLOSING_SECONDS = 2.0  # how long open pages may take to end when serving ends
PAGE = Path(__file__).with_name("page.html")


class DashboardServer:
    """Serves `command`, a Textual program, through `listener`, a socket that listens already."""

    def __init__(self, command: str, listener: socket.socket, title: str) -> None:
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        self._title = title
        self._token = secrets.token_urlsafe(24)
        self.address = f"http://{ADDRESS}:{self.port}/?token={self._token}"  # what a person opens
        self._cookie = f"inittui-{self.port}"  # browsers send the cookies of one port to all ports
        self._server = Server(command, host=ADDRESS, port=self.port, title=title)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._server.handle_websocket),
                web.get("/download/{key}", self._server.handle_download),
                web.static("/static", self._server.statics_path),
            ]
        )
        web.run_app(app, sock=self._listener, print=lambda *_: None, access_log=None, shutdown_timeout=CLOSING_SECONDS)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        # The page's own addresses use the host that the browser used: an ssh tunnel may begin at another port.
        page = string.Template(PAGE.read_text("utf-8")).substitute(
            title=html.escape(self._title), websocket=html.escape(f"ws://{request.host}/ws")
        )
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'"}  # no clickjacking
        return web.Response(text=page, content_type="text/html", headers=headers)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        reason = self._refusal(request)
        if reason:
            # Without the query: a token must not be written to a log.
            print(printable(f"refused {request.path} from {request.remote}: {reason}"), file=sys.stderr, flush=True)
            return web.Response(status=403, text=f"inittui: {reason}\n")
        if "token" in request.query:
            redirect = web.HTTPFound("/")
            redirect.set_cookie(self._cookie, self._token, httponly=True, samesite="Lax")
            raise redirect
        return await handler(request)

    def _refusal(self, request: web.Request) -> str:
        """Why the request is refused, in one line; empty if it is not."""
        host = urlsplit(f"//{request.host}").hostname
        if host not in OWN_NAMES:
            return f"the host is '{host}'; expected {' or '.join(OWN_NAMES)} (for another machine: ssh -L)"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return f"another page made the request ({origin}); open the address in a tab of its own"
        given = request.query.get("token") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return "the token is missing or old; open the whole address that 'inittui serve' printed when it began"
        return ""
