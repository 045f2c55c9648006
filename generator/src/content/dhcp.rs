//! DHCP messages (RFC 2131).

/// DHCPDISCOVER.
pub const DISCOVER: u8 = 1;
/// DHCPOFFER.
pub const OFFER: u8 = 2;
/// DHCPREQUEST.
pub const REQUEST: u8 = 3;
/// DHCPACK.
pub const ACKNOWLEDGEMENT: u8 = 5;

/// What the messages of a transaction share.
#[derive(Clone, Copy, Debug)]
pub struct Transaction {
    /// The identifier.
    pub id: u32,
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// The server's identifier.
    pub server: [u8; 4],
    /// The address that the client gets.
    pub address: [u8; 4],
}

impl Transaction {
    /// A message of a client that has the address `has`, with a host name, a vendor class and a list of parameters. To the first one,
    /// DISCOVER, no address or server is known.
    pub fn says(&self, kind: u8, has: [u8; 4], host_name: &str) -> Vec<u8> {
        let mut out = self.head(1, has, [0; 4]);
        out.extend_from_slice(&[53, 1, kind]);
        if kind == REQUEST && has == [0; 4] {
            option(&mut out, 50, &self.address);
            option(&mut out, 54, &self.server);
        }
        option(&mut out, 60, b"MSFT 5.0");
        option(&mut out, 12, host_name.as_bytes());
        option(&mut out, 55, &[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252]);
        out.push(255);
        out
    }

    /// A message of the server, which gives the address for a day.
    pub fn answers(&self, kind: u8) -> Vec<u8> {
        let mut out = self.head(2, [0; 4], self.address);
        out.extend_from_slice(&[53, 1, kind]);
        option(&mut out, 54, &self.server);
        option(&mut out, 51, &86_400u32.to_be_bytes());
        option(&mut out, 1, &[255, 255, 255, 0]);
        option(&mut out, 3, &self.server);
        out.push(255);
        out
    }

    fn head(&self, operation: u8, client: [u8; 4], your: [u8; 4]) -> Vec<u8> {
        let mut out = vec![operation, 1, 6, 0];
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[client, your, [0; 4], [0; 4]].concat());
        out.extend_from_slice(&self.mac);
        // The rest of the hardware address, the names of server and file.
        out.resize(236, 0);
        out.extend_from_slice(&[99, 130, 83, 99]);
        out
    }
}

fn option(out: &mut Vec<u8>, code: u8, value: &[u8]) {
    out.push(code);
    out.push(value.len() as u8);
    out.extend_from_slice(value);
}
