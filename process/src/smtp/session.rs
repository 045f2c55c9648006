//! What both sides of a session say.

use super::command::{self, Command, Verb};
use super::reply;
use crate::{
    clip::clipped,
    lines::{first_line, is_tls},
    texts::Texts,
};

/// The texts of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Text {
    Domain,
    Sender,
    Recipient,
}

impl Text {
    const COUNT: usize = 3;
    /// The longest of each.
    const MAX: usize = 254;
    /// All at their longest.
    pub(super) const MAX_TOTAL: usize = Text::COUNT * Text::MAX;
}

/// Of a longer line only the beginning is looked at.
const MAX_LINE: usize = 1024;

/// The end of mail, with the end of the line before it.
const MAIL_END: &[u8] = b"\r\n.\r\n";

/// A session as it went in one record.
#[derive(Default)]
pub(super) struct Session {
    pub(super) command_flags: u32,
    pub(super) mail_count: u32,
    pub(super) recipient_count: u32,
    pub(super) reply_flags: u32,
    /// Replies from 2xx to 5xx.
    pub(super) reply_counts: [u32; 4],
    texts: Texts<{ Text::COUNT }>,
    client: Client,
    server: Server,
    /// A reply or an evident command was seen: what the client says are commands. A record may begin in the middle of mail.
    in_step: bool,
    /// DATA was not answered yet.
    data_asked: bool,
    /// STARTTLS was not refused yet.
    tls_asked: bool,
}

/// What the client's next bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Client {
    #[default]
    Commands,
    /// The rest of a line of which enough was seen.
    LongLine,
    /// Mail, up to a dot on a line by itself.
    Mail {
        /// Bytes of [`MAIL_END`] that were seen last.
        matched: usize,
        /// Some of it was seen.
        begun: bool,
        /// The server asked for it.
        accepted: bool,
    },
    /// So many bytes of mail.
    Chunk(u32),
}

impl Client {
    /// At the beginning of mail, which is that of a line.
    const fn mail(accepted: bool) -> Client {
        Client::Mail { matched: 2, begun: false, accepted }
    }
}

#[derive(Clone, Copy, Default, Debug)]
struct Server {
    /// The code of a reply of which lines are to follow, otherwise 0.
    unfinished: u16,
    /// The next bytes are the rest of a line of which enough was seen.
    in_long_line: bool,
}

/// What is to come after some bytes of one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The last bytes, so many of them, are to be seen again.
    Again(usize),
    /// Nothing that can be read.
    Encrypted,
}

/// Whether the bytes may be the first ones of a session.
pub(super) fn may_begin(data: &[u8], from_server: bool) -> bool {
    data.first().is_some_and(if from_server { u8::is_ascii_digit } else { u8::is_ascii_alphabetic })
}

impl Session {
    pub(super) fn text(&self, text: Text) -> &[u8] {
        self.texts.get(text as usize)
    }

    /// Whether nothing was seen of a session.
    pub(super) fn is_empty(&self) -> bool {
        self.command_flags == 0 && self.reply_flags == 0
    }

    /// Bytes are missing before the next ones of this side.
    pub(super) fn miss_bytes(&mut self, of_server: bool) {
        if of_server {
            self.server = Server::default();
        } else {
            self.in_step = false;
            match &mut self.client {
                Client::Mail { matched, .. } => *matched = 0,
                client => *client = Client::Commands,
            }
        }
    }

    /// Takes in bytes of the client.
    pub(super) fn take_commands(&mut self, data: &[u8], may_wait: bool) -> Outcome {
        let mut rest = data;
        while !rest.is_empty() {
            rest = match &mut self.client {
                Client::Commands if is_tls(rest) => return Outcome::Encrypted,
                Client::Commands => match first_line(rest) {
                    Some((line, len)) => {
                        self.take_command(&line[..line.len().min(MAX_LINE)]);
                        &rest[len..]
                    }
                    None if may_wait && rest.len() <= MAX_LINE => return Outcome::Again(rest.len()),
                    None => {
                        self.client = Client::LongLine;
                        self.take_command(&rest[..rest.len().min(MAX_LINE)]);
                        &[]
                    }
                },
                Client::LongLine => match first_line(rest) {
                    Some((_, len)) => {
                        self.client = Client::Commands;
                        &rest[len..]
                    }
                    None => &[],
                },
                Client::Mail { matched, begun, .. } => {
                    *begun = true;
                    match find_mail_end(rest, matched) {
                        Some(end) => {
                            self.client = Client::Commands;
                            self.data_asked = false;
                            &rest[end..]
                        }
                        None => &[],
                    }
                }
                Client::Chunk(left) => {
                    let len = rest.len().min(*left as usize);
                    *left -= len as u32;
                    if *left == 0 {
                        self.client = Client::Commands;
                    }
                    &rest[len..]
                }
            };
        }
        Outcome::Again(0)
    }

    fn take_command(&mut self, line: &[u8]) {
        let Some(command) = command::parse(line) else { return };
        self.in_step |= command.is_evident;
        if !self.in_step {
            return;
        }
        self.command_flags |= command.flag;
        match command.verb {
            Verb::Hello => self.keep_first(Text::Domain, command.argument),
            Verb::Mail => {
                self.mail_count = self.mail_count.saturating_add(1);
                self.keep_address(Text::Sender, command);
            }
            Verb::Recipient => {
                self.recipient_count = self.recipient_count.saturating_add(1);
                self.keep_address(Text::Recipient, command);
            }
            Verb::Data => {
                self.data_asked = true;
                self.client = Client::mail(false);
            }
            Verb::Chunk => self.client = Client::Chunk(command.chunk_len()),
            Verb::StartTls => self.tls_asked = true,
            Verb::Other => {}
        }
    }

    fn keep_address(&mut self, text: Text, command: Command<'_>) {
        self.keep_first(text, command.address().unwrap_or_default());
    }

    fn keep_first(&mut self, text: Text, value: &[u8]) {
        if self.text(text).is_empty() && !value.is_empty() {
            self.texts.set(text as usize, clipped(value, Text::MAX));
        }
    }

    /// Takes in bytes of the server.
    pub(super) fn take_replies(&mut self, data: &[u8], may_wait: bool) -> Outcome {
        let mut rest = data;
        while !rest.is_empty() {
            let (line, len, is_whole) = match first_line(rest) {
                Some((line, len)) => (line, len, true),
                None if may_wait && !self.server.in_long_line && rest.len() <= MAX_LINE => {
                    return Outcome::Again(rest.len());
                }
                None => (rest, rest.len(), false),
            };
            rest = &rest[len..];
            let is_rest = std::mem::replace(&mut self.server.in_long_line, !is_whole);
            if !is_rest && self.take_reply(&line[..line.len().min(MAX_LINE)]) {
                return Outcome::Encrypted;
            }
        }
        Outcome::Again(0)
    }

    /// Takes in a line of a reply. Whether encryption begins behind it.
    fn take_reply(&mut self, line: &[u8]) -> bool {
        let Some(line) = reply::parse(line) else { return false };
        self.in_step = true;
        if line.speaks_of_spam {
            self.reply_flags |= reply::SPAM;
        }
        let goes_on = self.server.unfinished == line.code;
        self.server.unfinished = if line.is_last { 0 } else { line.code };
        if goes_on {
            return false;
        }
        self.reply_flags |= reply::flag(line.code);
        let count = &mut self.reply_counts[usize::from(line.code / 100) - 2];
        *count = count.saturating_add(1);
        self.answer_data(line.code);
        match line.code {
            220 => self.tls_asked,
            400.. => {
                self.tls_asked = false;
                false
            }
            _ => false,
        }
    }

    /// What a reply says about mail that is or is not to come.
    fn answer_data(&mut self, code: u16) {
        match (&mut self.client, code) {
            (Client::Mail { accepted, .. }, 354) => *accepted = true,
            // A recipient was refused before DATA was accepted.
            (client, 354) if self.data_asked => *client = Client::mail(true),
            (Client::Mail { begun: false, .. }, 400..) => self.client = Client::Commands,
            // A verdict on mail whose end was missed.
            (Client::Mail { begun: true, accepted: true, .. }, _) => self.client = Client::Commands,
            _ => {}
        }
        if code == 354 {
            self.data_asked = false;
        }
    }
}

/// Where the end of mail ends. `matched` bytes of it lie before `data`, and afterwards at its end.
fn find_mail_end(data: &[u8], matched: &mut usize) -> Option<usize> {
    let mut position = 0;
    while position < data.len() {
        if *matched == 0 {
            position += memchr::memchr(b'\r', &data[position..])? + 1;
            *matched = 1;
            continue;
        }
        let byte = data[position];
        position += 1;
        *matched = match byte {
            byte if byte == MAIL_END[*matched] => *matched + 1,
            b'\r' => 1,
            _ => 0,
        };
        if *matched == MAIL_END.len() {
            return Some(position);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_mail_is_found_across_any_cut() {
        let mail = b"Subject: x\r\n\r\n.. dots\r\n.\r\r\n.x\r\n.\r\nQUIT\r\n";
        let end = mail.len() - 6;
        for cut in 0..=mail.len() {
            let mut matched = 2;
            let first = find_mail_end(&mail[..cut], &mut matched);
            let found = first.or_else(|| find_mail_end(&mail[cut..], &mut matched).map(|end| cut + end));
            assert_eq!(found, Some(end), "cut at {cut}");
        }
        assert_eq!(find_mail_end(b".\r\n", &mut 2), Some(3), "mail may be empty");
        assert_eq!(find_mail_end(b".\r\n", &mut 0), None);
    }
}
