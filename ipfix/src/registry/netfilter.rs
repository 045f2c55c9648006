//! Netfilter's information elements, the private list of its logging daemon.

use super::elements;

elements! { 21373;
    1 nfRawPacket OctetArray Default None Current None;
    2 nfRawPacketLength Unsigned32 Quantity Octets Current None;
    3 nfPrefix String Default None Current None;
    4 nfMark Unsigned32 Identifier None Current None;
    5 nfHook Unsigned8 Identifier None Current None;
    6 nfConntrackId Unsigned32 Identifier None Current None;
    7 nfSequenceLocal Unsigned32 Identifier None Current None;
    8 nfSequenceGlobal Unsigned32 Identifier None Current None;
}
