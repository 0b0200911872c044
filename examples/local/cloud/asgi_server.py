"""Serves an ASGI application over HTTP/1.1 to the front port, which is its only client.

The front port sends well-formed requests, one after the other on each connection that it keeps open. A general server
spends more time on a small request than the application does; here it is as little as such a client needs.
"""
import asyncio
import traceback
from http import HTTPStatus
from urllib.parse import unquote

REASONS = {status.value: status.phrase for status in HTTPStatus}


class Connection(asyncio.Protocol):
    """One connection: requests are answered in their order."""

    def __init__(self, app):
        self.app = app
        self.reader = asyncio.StreamReader(limit=1 << 20)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        self.task = asyncio.get_running_loop().create_task(self.serve())

    def data_received(self, data):
        self.reader.feed_data(data)

    def connection_lost(self, _):
        self.reader.feed_eof()

    async def serve(self):
        try:
            while True:
                head = await self.reader.readuntil(b"\r\n\r\n")
                await self.answer(head)
        except asyncio.IncompleteReadError:
            pass  # the client has closed the connection
        finally:
            self.transport.close()

    async def answer(self, head):
        first, *lines = head[:-4].split(b"\r\n")
        method, target, _ = first.split(b" ")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        raw_path, _, query = target.partition(b"?")
        body = await self.body(dict(headers))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "", "extensions": {},
            "method": method.decode(), "path": unquote(raw_path.decode()), "raw_path": raw_path, "query_string": query, "headers": headers,
            "client": self.transport.get_extra_info("peername"), "server": self.transport.get_extra_info("sockname"),
        }
        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive():
            message = next(received, None)
            if message is None:
                await asyncio.Event().wait()  # nothing more comes while the answer is made
            return message

        answer = Answer(self.transport, method == b"HEAD")
        try:
            # a task of its own keeps what the application notes in its context to this request
            await asyncio.get_running_loop().create_task(self.app(scope, receive, answer.send))
        except Exception:
            traceback.print_exc()
            if answer.head is not None:
                raise
            await answer.send({"type": "http.response.start", "status": 500})
            await answer.send({"type": "http.response.body"})

    async def body(self, headers):
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            parts = []
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                parts.append(await self.reader.readexactly(size))
                await self.reader.readexactly(2)
            while await self.reader.readuntil(b"\r\n") != b"\r\n":
                pass  # trailers
            return b"".join(parts)
        length = int(headers.get(b"content-length", b"0"))
        return await self.reader.readexactly(length) if length else b""


class Answer:
    """An answer on its way: in one write where it comes in one piece."""

    def __init__(self, transport, headless):
        self.transport = transport
        self.headless = headless
        self.head = None
        self.chunked = False

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.start = message
            return
        if message["type"] != "http.response.body":
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        written = b""
        if self.head is None:
            written = self.head = self.begin(len(body), more)
        if self.headless:
            body = b""
        if self.chunked:
            written += b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            written += b"" if more else b"0\r\n\r\n"
        else:
            written += body
        if written:
            self.transport.write(written)

    def begin(self, length, more):
        status, headers = self.start["status"], list(self.start.get("headers", []))
        names = {name.lower() for name, _ in headers}
        bodiless = self.headless or status in (204, 304) or status < 200
        if b"content-length" not in names and not bodiless:
            self.chunked = more
            headers.append((b"transfer-encoding", b"chunked") if more else (b"content-length", b"%d" % length))
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, REASONS.get(status, "").encode(), lines)


async def serve(app, host, port):
    """Starts the application, then answers until the process ends."""
    started, stopped = asyncio.Event(), asyncio.Event()
    failure = []
    messages = iter([{"type": "lifespan.startup"}])

    async def receive():
        message = next(messages, None)
        if message is None:
            await stopped.wait()
        return message

    async def send(message):
        if message["type"] == "lifespan.startup.failed":
            failure.append(message.get("message", ""))
        started.set()

    lifespan = asyncio.get_running_loop().create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))
    await asyncio.wait([lifespan, asyncio.ensure_future(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    if failure or not started.is_set():
        raise SystemExit(f"the application did not start: {failure or lifespan.exception()}")
    server = await asyncio.get_running_loop().create_server(lambda: Connection(app), host, port)
    await server.serve_forever()
