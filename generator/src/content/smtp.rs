//! Mail sessions.

/// What a client says up to DATA, with its commands in one piece (RFC 2920), after EHLO.
pub fn envelope(sender: &str, recipients: &[&str]) -> Vec<u8> {
    let mut commands = format!("MAIL FROM:<{sender}>\r\n");
    for recipient in recipients {
        commands += &format!("RCPT TO:<{recipient}>\r\n");
    }
    (commands + "DATA\r\n").into_bytes()
}

/// A mail of this many lines, with its end.
pub fn mail(subject: &str, lines: usize) -> Vec<u8> {
    let mut mail = format!("Subject: {subject}\r\n\r\n");
    for number in 0..lines {
        mail += &format!("QUIT is not a command in line {number}.\r\n");
    }
    (mail + ".\r\n").into_bytes()
}
