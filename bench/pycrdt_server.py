"""pycrdt-websocket as its documentation serves it: an ASGI application under hypercorn on asyncio."""

from __future__ import annotations

import asyncio
import sys

from hypercorn import Config
from hypercorn.asyncio import serve
from pycrdt.websocket import ASGIServer, WebsocketServer


async def main(port: int) -> None:
    server = WebsocketServer(auto_clean_rooms=False)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    async with server:
        serving = asyncio.create_task(serve(ASGIServer(server), config, mode="asgi"))
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.02)
        writer.close()
        print("ready", flush=True)
        await serving


asyncio.run(main(int(sys.argv[1])))
