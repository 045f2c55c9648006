"""Collects datagrams until an empty one with the package netflow: prints its port, then records and sums of their ports.

An element and its reverse have one name there, so that counters are those of either direction.
"""

import socket
import sys

import netflow

templates = {"netflow": {}, "ipfix": {}}
records = sources = destinations = 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
    collector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    collector.bind((sys.argv[1], 0))
    print(collector.getsockname()[1], flush=True)
    while datagram := collector.recv(65535):
        for flow in netflow.parse_packet(datagram, templates).flows:
            records += 1
            sources += flow.sourceTransportPort
            destinations += flow.destinationTransportPort
print(records, sources, destinations)
