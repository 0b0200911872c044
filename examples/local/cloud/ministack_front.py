"""ministack for one local cloud: it ends with its parent, takes the events of AWS services and hands out many objects at once.

ministack refuses `aws.*` sources in PutEvents, as AWS does for callers. The local cloud's own stand-ins are such
services, so they use a route beside the API. Another one answers the bytes of many objects: months of captures are
thousands of small ones, and a request each would take longer than the queries over them. The names used here are private to ministack; its version is pinned, and
a missing one ends the start with its name.
"""
import asyncio
import json
import os
import struct
import sys
import threading

from asgi_server import serve
from ministack.app import app as ministack
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import eventbridge, s3

put_events = eventbridge._put_events
get_object_data = s3._get_object_data
ABSENT = struct.pack(">I", 0xFFFFFFFF)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def events(request):
    status, _, answer = put_events(request, allow_aws_source=True)
    return status, b"application/json", answer if isinstance(answer, bytes) else answer.encode()


def objects(request):
    """Of each key the length of its object, as four bytes, and the object."""
    parts = []
    for key in request["keys"]:
        body = get_object_data(request["bucket"], key)
        parts += [ABSENT] if body is None else [struct.pack(">I", len(body)), body]
    return 200, b"application/octet-stream", b"".join(parts)


ROUTES = {"/_local/events": events, "/_local/objects": objects}


async def app(scope, receive, send):
    route = ROUTES.get(scope["path"]) if scope["type"] == "http" else None
    if route is None:
        await ministack(scope, receive, send)
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    set_request_account_id(os.environ["MINISTACK_ACCOUNT_ID"])
    set_request_region(os.environ["MINISTACK_REGION"])
    status, kind, answer = route(json.loads(body))
    headers = [(b"content-type", kind), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    asyncio.run(serve(app, os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])))


if __name__ == "__main__":
    main()
