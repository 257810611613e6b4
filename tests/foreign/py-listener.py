"""A py-libp2p node that listens by WebRTC-direct (handshakes v1 and v2) and serves /echo/1.0.0.

Says on stdout, a JSON object a line, where it listens and what it sees.
"""

import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol

from py_common import chunks, say


async def echo(stream):
    try:
        async for data in chunks(stream):
            await stream.write(data)
        say("echoed")
        await stream.close()
    except Exception as error:
        say("failed", reason=repr(error))


async def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    node = new_host(key_pair=create_new_key_pair(), enable_webrtc=True, enable_tcp=False)
    node.set_stream_handler(TProtocol("/echo/1.0.0"), echo)
    listen = multiaddr.Multiaddr(f"/ip4/{host}/udp/0/webrtc-direct")
    async with node.run(listen_addrs=[listen]):
        say("ready", peer_id=str(node.get_id()), addrs=[str(addr) for addr in node.get_addrs()])
        await trio.sleep_forever()


trio.run(main)
