//! What packets carry: messages of the protocols that a probe looks into.

pub mod dhcp;
pub mod dns;
pub mod http;
pub mod mqtt;
pub mod netbios;
pub mod ntp;
pub mod openvpn;
pub mod quic;
pub mod rtsp;
pub mod sip;
pub mod smtp;
pub mod ssh;
pub mod tls;
pub mod wireguard;

/// The host that conversation number `number` asks for.
pub fn host(number: u64) -> String {
    format!("host{number}.example{}.com", number % 97)
}
