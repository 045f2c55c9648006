"""Collects datagrams until an empty one with the package netflow: prints its port, then records, octets and packets of both directions."""

import socket
import sys

import netflow

IN_OCTETS, IN_PACKETS, REVERSE = 1, 2, 29305
templates = {"netflow": {}, "ipfix": {}}
records = octets = packets = 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
    collector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    collector.bind((sys.argv[1], 0))
    print(collector.getsockname()[1], flush=True)
    while datagram := collector.recv(65535):
        for flow in netflow.parse_packet(datagram, templates).flows:
            records += 1
            octets += flow.octetDeltaCount
            packets += flow.packetDeltaCount
print(records, octets, packets)
