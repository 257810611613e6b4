"""A py-libp2p node that dials by WebRTC-direct, in the handshake of the given version.

Says on stdout, a JSON object a line, what it sees: who answered, what it identifies itself as, and
how many of its pings, each on a stream of its own, were answered.
"""

import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.ping import ID as PING, perform_ping_roundtrip
from libp2p.identity.identify.identify import ID as IDENTIFY, parse_identify_response
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.transport.webrtc.config import WebRTCTransportConfig
from libp2p.transport.webrtc.transport import WebRTCDirectTransport

from py_common import chunks, say


async def identify(node, peer):
    # A stream whose end comes before it is read has lost its bytes in py-libp2p 0.8.1.
    for _ in range(20):
        stream = await node.new_stream(peer, [IDENTIFY])
        data = b"".join([chunk async for chunk in chunks(stream)])
        if data:
            return parse_identify_response(data)
    raise RuntimeError("nothing was identified")


async def main():
    address, version, pings = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keys = create_new_key_pair()
    config = WebRTCTransportConfig(webrtc_direct_dial_version=version)
    transport = WebRTCDirectTransport(private_key=keys.private_key, config=config)
    node = new_host(key_pair=keys, transports=[transport])
    async with node.run(listen_addrs=[]):
        info = info_from_p2p_addr(multiaddr.Multiaddr(address))
        await node.connect(info)
        say("connected", peer=str(info.peer_id))

        told = await identify(node, info.peer_id)
        say("identified", agent=told.agent_version, protocols=list(told.protocols))

        answered = 0
        for _ in range(pings):
            stream = await node.new_stream(info.peer_id, [TProtocol(PING)])
            await perform_ping_roundtrip(stream)
            await stream.close()
            answered += 1
        say("pinged", answered=answered)
        await node.disconnect(info.peer_id)
        say("left")
        await trio.sleep_forever()


trio.run(main)
