"""Collects one session over TCP with the package ipfix: prints its port, then records, octets and packets of both directions."""

import socket
import sys

import ipfix.ie
import ipfix.reader

ipfix.ie.use_iana_default()
ipfix.ie.use_5103_default()

address = sys.argv[1]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
with socket.create_server((address, 0), family=family) as listener:
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()

records = octets = packets = 0
with connection, connection.makefile("rb") as stream:
    for record in ipfix.reader.from_stream(stream).namedict_iterator():
        records += 1
        octets += record["octetDeltaCount"] + record["reverseOctetDeltaCount"]
        packets += record["packetDeltaCount"] + record["reversePacketDeltaCount"]
print(records, octets, packets)
