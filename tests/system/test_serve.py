"""The dashboard in a real browser, and the door before it."""

import asyncio
import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pyte
import pytest
from yarl import URL

from inittui.board.follower import Follower
from tests.helpers import preset, write_run

from .conftest import PATIENCE, until

pytest.importorskip("textual_serve", reason="needs inittui[serve]")
aiohttp = pytest.importorskip("aiohttp")
pytestmark = pytest.mark.slow

SPARKLINE = re.compile("[▁▂▃▄▅▆▇█]{4,}")


@contextlib.contextmanager
def serving(inittui: Any, *words: str) -> Iterator[tuple["subprocess.Popen[str]", str, list[str]]]:
    """`inittui serve`, on a free port: its process, the address that it printed, and the lines."""
    server = inittui.start("serve", "--port", "0", *words)
    try:
        lines = [server.stdout.readline() for _ in range(3)]
        assert "http" in lines[0], (lines, server.poll() is not None and server.stderr.read())
        yield server, lines[0].split()[-1], lines
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(PATIENCE)
        finally:
            server.kill()


class Page:
    """A browser's page, and what the server has sent to it, as a terminal shows it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", self._connected)

    def _connected(self, websocket: Any) -> None:
        self.asked.append(websocket.url)
        websocket.on("framesent", self._sent)
        websocket.on("framereceived", self._received)

    def _sent(self, frame: Any) -> None:
        if match := re.match(r'\["resize",\{"width":(\d+),"height":(\d+)\}', str(frame)):
            self.screen.resize(int(match[2]), int(match[1]))

    def _received(self, frame: Any) -> None:
        if isinstance(frame, bytes):
            self._stream.feed(frame)

    def wait_for(self, pattern: "re.Pattern[str]") -> None:
        for _ in range(int(PATIENCE / 0.1)):
            if pattern.search("\n".join(self.screen.display)):
                return
            self.page.wait_for_timeout(100)
        pytest.fail(f"no {pattern.pattern} in the page:\n" + "\n".join(self.screen.display))

    def colours(self) -> int:
        """How many colours the browser has drawn: none but the background's before the first frame."""
        from PIL import Image

        image = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        return len(image.getcolors(maxcolors=1 << 20) or [])


@pytest.fixture
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, from inittui[test]")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium here; Debian's package is called chromium")
    with api.sync_playwright() as playwright:
        # Root may not have a sandbox, and CI's root is all that there is.
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_a_page_shows_the_run_obeys_keys_and_leaves_training_alone(inittui, browser):
    assert inittui("--preset", "digits", "--epochs", "20000", "--detach").returncode == 0
    run = inittui.run_dir()
    until(lambda: Follower(run).poll().arms[0].epochs_done > 5, "some epochs")
    with serving(inittui) as (server, address, lines):
        assert run.name in lines[0]
        port = int(address.partition("127.0.0.1:")[2].partition("/")[0])
        assert f"ssh -L {port}:127.0.0.1:{port} " in lines[1] or f" -L {port}:127.0.0.1:{port} " in lines[1]
        page = Page(browser.new_page(viewport={"width": 1200, "height": 800}))
        page.page.goto(address)
        page.wait_for(SPARKLINE)
        page.wait_for(re.compile("xavier_normal"))
        until(lambda: page.colours() > 30, "the browser's picture")
        viewer = psutil.Process(server.pid)
        ours = [viewer, *viewer.children(recursive=True)]
        listening = {
            c.laddr
            for p in ours
            for c in p.net_connections("inet")
            if c.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
        }
        assert listening == {("127.0.0.1", port)}
        assert {url.split("/")[2] for url in page.asked if not url.startswith("data:")} == {f"127.0.0.1:{port}"}
        assert "token" not in page.page.url  # what is left in the address bar opens nothing
        page.page.keyboard.press("?")
        page.wait_for(re.compile("command palette"))  # of the list of keys
        page.page.keyboard.press("Escape")
        page.page.close()
        until(lambda: not viewer.children(), "the end of the page's dashboard")
        before = Follower(run).poll().arms[0].epochs_done
        until(lambda: Follower(run).poll().arms[0].epochs_done > before, "one more epoch")
        assert run.alive()
    assert server.returncode == 0
    assert run.alive()


def answer(url: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_nobody_comes_in_without_the_token_or_under_another_name_and_each_refusal_is_said(inittui):
    write_run(inittui.runs_dir, preset(2))
    with serving(inittui) as (server, address, _):
        page, _, token = address.partition("?")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
        refusals = [
            answer(page),
            answer(f"{page}?token=x{token}"),
            answer(f"{page}ws", **upgrade),
            answer(f"{page}static/js/textual.js"),
            answer(address, Host="evil.example:80"),
            answer(f"{page}ws?{token}", Origin="http://evil.example", **upgrade),
        ]
        assert [code for code, _ in refusals] == [403] * 6
        assert "open the whole address that 'inittui serve' printed" in refusals[0][1]
        assert "expected 127.0.0.1 or localhost" in refusals[4][1]
        assert "another page made the request (http://evil.example)" in refusals[5][1]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        for name in ("127.0.0.1", "localhost"):  # through an ssh tunnel people type either
            body = opener.open(address.replace("127.0.0.1", name), timeout=PATIENCE).read().decode()
            assert f"ws://{name}:" in body
            assert "googleapis" not in body
    printed = server.stderr.read()
    assert printed.count("refused /") == 6
    assert token.partition("=")[2] not in printed


def test_malformed_requests_are_refused_without_a_traceback(inittui):
    write_run(inittui.runs_dir, preset(2))
    with serving(inittui) as (server, address, _):
        port = int(address.partition("127.0.0.1:")[2].partition("/")[0])
        good = f"Host: 127.0.0.1:{port}"
        jar = urllib.request.HTTPCookieProcessor()
        urllib.request.build_opener(jar).open(address, timeout=PATIENCE)
        (cookie,) = jar.cookiejar
        known = f"Cookie: {cookie.name}={cookie.value}"
        for line, headers, code in (
            ("/", ["Host: ["], 403),
            ("/", ["Host: [::1"], 403),
            ("/", ["Host: 127.0.0.1:x"], 403),
            ("/", ["Host: me@127.0.0.1"], 403),
            ("/", [], 403),
            ("/", [good, "Origin: http://["], 403),
            ("/", [good, "Origin: null"], 403),
            ("/", [good, "Cookie: inittui=\udcff\udcfe"], 403),
            ("/", [good, 'Cookie: inittui="'], 403),
            ("/?token=%ff%00", [good], 403),
            ("/?token=\udcff", [good], 403),
            (cookie.path, [good], 403),
            (f"{cookie.path}ws", [good, known], 400),  # no websocket
            (f"{cookie.path}static/../../x", [good, known], 404),
            (f"{cookie.path}download/x", [good, known], 404),
            ("/", [good, known], 404),
        ):
            request = "\r\n".join([f"GET {line} HTTP/1.1", *headers, "Connection: close", "", ""])
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                client.sendall(request.encode("utf-8", "surrogateescape"))
                answered = client.makefile("rb").read()
            assert answered.split()[1] in (str(code).encode(), b"400"), (line, headers, answered)
    printed = server.stderr.read()
    assert "Traceback" not in printed
    assert all(len(line) < 300 for line in printed.splitlines())


def test_the_cookie_is_not_the_token_and_goes_to_no_other_server(inittui):
    write_run(inittui.runs_dir, preset(2))
    with serving(inittui) as (_, address, _):
        jar = urllib.request.HTTPCookieProcessor()
        with urllib.request.build_opener(jar).open(address, timeout=PATIENCE) as response:
            shown = response.url
        (cookie,) = jar.cookiejar
        token = address.partition("token=")[2]
        assert token not in (cookie.value, cookie.path.strip("/"))
        assert cookie.value not in shown
        # A browser sends it to every port, but below this path alone, which only this server knows.
        assert len(cookie.path) > 32
        assert shown.endswith(cookie.path)
        assert answer(shown, Cookie=f"{cookie.name}={token}")[0] == 403
        assert answer(shown, Cookie=f"{cookie.name}={cookie.value}")[0] == 200


async def test_a_page_gets_the_dashboard_through_its_websocket(inittui):
    write_run(inittui.runs_dir, preset(2))
    screen = pyte.Screen(100, 30)
    stream = pyte.ByteStream(screen)
    with serving(inittui) as (_, address, _):
        jar = aiohttp.CookieJar(unsafe=True)  # of an address without a name
        async with aiohttp.ClientSession(cookie_jar=jar) as session, asyncio.timeout(PATIENCE):
            async with session.get(address) as response:
                page, shown = await response.text(), response.url
                assert response.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
            (websocket,) = re.findall('data-session-websocket-url="(.+)"', page)
            for script in re.findall('(?:src|href)="(static/.+?)"', page):
                async with session.get(shown.join(URL(script))) as response:
                    assert response.status == 200, script
            async with session.ws_connect(f"{websocket}?width=100&height=30") as connection:
                while not SPARKLINE.search("\n".join(screen.display)):
                    message = await connection.receive()
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                    if message.type == aiohttp.WSMsgType.BINARY:
                        stream.feed(message.data)


def test_a_port_in_use_is_one_line(inittui):
    write_run(inittui.runs_dir, preset(2))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = inittui("serve", "--port", str(port))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"--port {port}: can't listen on 127.0.0.1:{port} (address already in use)" in done.stderr


def test_the_tunnel_leads_back_the_way_one_came(inittui):
    write_run(inittui.runs_dir, preset(2))
    inittui.environment["SSH_CONNECTION"] = "192.0.2.7 50000 192.0.2.1 2222"
    with serving(inittui) as (_, address, lines):
        port = address.partition("127.0.0.1:")[2].partition("/")[0]
        assert re.search(rf": ssh -p 2222 -L {port}:127\.0\.0\.1:{port} \S+@192\.0\.2\.1$", lines[1].strip())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve"], "no run in '"),
        (["serve", "--port", "70000"], "--port 70000: expected a whole number from 1 to 65535"),
        (["serve", "--port", "http"], "--port http: expected a whole number from 1 to 65535"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(inittui, words, said):
    done = inittui(*words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_a_missing_extra_is_one_line(inittui, tmp_path):
    write_run(inittui.runs_dir, preset(2))
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['textual_serve'] = None\n", "utf-8")
    inittui.environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = inittui("serve")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "inittui: serve: needs textual_serve, which is not installed; pip install 'inittui[serve]'\n"
    )
