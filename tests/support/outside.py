"""Prints, for every packet for outside of 10.77.0.0/24 that a router is handed, a line: protocol,
destination, port, and for a DNS question the name."""

import ipaddress
import socket
import struct

HERE = ipaddress.ip_network("10.77.0.0/24")
NAMES = {6: "tcp", 17: "udp"}


def question(payload):
    """The name that a DNS question asks for."""
    labels, at = [], 12
    while at < len(payload) and payload[at]:
        labels.append(payload[at + 1 : at + 1 + payload[at]].decode("ascii", "replace"))
        at += 1 + payload[at]
    return ".".join(labels)


def main():
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    packets.bind(("lan", 0x0800))
    print("ready", flush=True)
    while True:
        packet = packets.recv(65_535)
        destination = ipaddress.ip_address(packet[16:20])
        if destination in HERE or destination.is_multicast or packet[16:20] == b"\xff" * 4:
            continue
        header = (packet[0] & 15) * 4
        kind = NAMES.get(packet[9], str(packet[9]))
        (port,) = struct.unpack("!H", packet[header + 2 : header + 4])
        name = question(packet[header + 8 :]) if (kind, port) == ("udp", 53) else ""
        print(kind, destination, port, name, flush=True)


main()
