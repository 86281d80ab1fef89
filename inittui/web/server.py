"""Serves the dashboard to browsers on this machine alone, and to those alone that know the address.

Every page is a viewer process of its own, as `inittui attach` would be. It can stop a run, so that listening on 127.0.0.1 is
not enough: other users of the machine reach that, and so does any web page that a person's own browser shows. Hence:

- The address holds a token, which the first request exchanges for a cookie. Nothing is served without it.
- A request whose Host is not this machine's own is refused, since it may come through a name that was bound anew.
- A request that another web page makes (Origin) is refused.

The page fetches nothing from elsewhere.
"""

import hmac
import secrets
import socket
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


class DashboardServer(Server):
    """textual-serve's server of `command`, behind a door. `door` is a socket that listens already."""

    def __init__(self, command: str, door: socket.socket, title: str) -> None:
        port = int(door.getsockname()[1])
        super().__init__(command, host=ADDRESS, port=port, title=title, templates_path=Path(__file__).parent)
        self._door = door
        self._token = secrets.token_urlsafe(24)
        self._cookie = f"inittui-{port}"  # cookies do not tell ports apart

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://{ADDRESS}:{self.port}/?token={self._token}"

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        web.run_app(
            self._make_app(), sock=self._door, print=lambda *_: None, access_log=None, shutdown_timeout=CLOSING_SECONDS
        )

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Nothing to be said here: the command has said where it serves."""

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        # Addresses in the page are those that the browser used: an ssh tunnel may begin at another port.
        self.public_url = f"http://{request.host}"
        response: web.StreamResponse = await super().handle_index(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"  # nobody's clicks through another page
        return response

    @property
    def _guard(self) -> "web.middlewares._Middleware":  # type: ignore[name-defined]
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            why = self._refusal(request)
            if why:
                # Its query stays out of it: a token does not belong into a log.
                print(printable(f"refused {request.path} from {request.remote}: {why}"), file=sys.stderr, flush=True)
                return web.Response(status=403, text=f"inittui: {why}\n")
            if "token" in request.query:
                found = web.HTTPFound("/")
                found.set_cookie(self._cookie, self._token, httponly=True, samesite="Lax")
                raise found
            return await handler(request)

        return guard

    def _refusal(self, request: web.Request) -> str:
        """Why it is refused, in a line; "" for a welcome one."""
        host = urlsplit(f"//{request.host}").hostname
        if host not in OWN_NAMES:
            return f"it was asked for as '{host}'; expected {' or '.join(OWN_NAMES)} (for another machine: ssh -L)"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return f"another page asked for it ({origin}); open the address in a tab of its own"
        given = request.query.get("token") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return "the token is missing or old; open the whole address that 'inittui serve' printed when it began"
        return ""


def listen(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1 alone; port 0 finds a free one. Raises OSError."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((ADDRESS, port))
        door.listen()
    except OSError:
        door.close()
        raise
    return door
