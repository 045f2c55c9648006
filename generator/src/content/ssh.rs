//! What both ends of an SSH connection say in clear (RFC 4253).

/// The key exchange methods of OpenSSH 7.6 as a client.
pub const CLIENT_METHODS: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,\
     ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,\
     diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha256,\
     diffie-hellman-group14-sha1,ext-info-c";

/// Its compressions.
pub const CLIENT_COMPRESSIONS: &str = "none,zlib@openssh.com,zlib";

/// The key exchange methods of OpenSSH 7.6 as a server.
pub const SERVER_METHODS: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,\
     ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,\
     diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1";

/// Its compressions.
pub const SERVER_COMPRESSIONS: &str = "none,zlib@openssh.com";

const HOST_KEYS: &str = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256";
const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,\
     aes256-gcm@openssh.com";
const CODES: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,\
     hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,\
     hmac-sha2-256,hmac-sha2-512,hmac-sha1";

/// The line with which an end identifies its software.
pub fn identification(software: &str) -> Vec<u8> {
    format!("SSH-2.0-{software}\r\n").into_bytes()
}

/// The packet with the algorithms of an end: SSH\_MSG\_KEXINIT.
pub fn algorithms(methods: &str, compressions: &str) -> Vec<u8> {
    let mut message = vec![20];
    message.extend_from_slice(&[0xcc; 16]);
    let pairs = [CIPHERS, CODES, compressions, ""].into_iter().flat_map(|list| [list, list]);
    for list in [methods, HOST_KEYS].into_iter().chain(pairs) {
        message.extend_from_slice(&(list.len() as u32).to_be_bytes());
        message.extend_from_slice(list.as_bytes());
    }
    // No guess follows; reserved.
    message.extend_from_slice(&[0; 5]);
    packet(&message)
}

/// The packet that begins the key exchange of the client, with its public key.
pub fn exchange() -> Vec<u8> {
    packet(&[&[30, 0, 0, 0, 32][..], &[0x5a; 32]].concat())
}

/// A message in a packet without encryption: padded to a multiple of eight bytes, by at least four.
pub fn packet(message: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (5 + message.len() + 4) % 8) % 8;
    let mut out = ((1 + message.len() + padding) as u32).to_be_bytes().to_vec();
    out.push(padding as u8);
    out.extend_from_slice(message);
    out.resize(out.len() + padding, 0);
    out
}
