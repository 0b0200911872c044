"""ministack for one local cloud: it ends with its parent, and takes the events of AWS services.

ministack refuses `aws.*` sources in PutEvents, as AWS does for callers. The local cloud's own stand-ins are such
services, so they use a route beside the API. The names used here are private to ministack; its version is pinned, and
a missing one ends the start with its name.
"""
import asyncio
import json
import os
import sys
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import eventbridge

put_events = eventbridge._put_events


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


async def app(scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/_local/events":
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
    status, _, answer = put_events(json.loads(body), allow_aws_source=True)
    answer = answer if isinstance(answer, bytes) else answer.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 600
    config.loglevel = "WARNING"
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
