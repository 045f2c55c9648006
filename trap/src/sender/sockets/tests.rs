#![allow(clippy::unwrap_used)]
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use super::*;
use crate::buffer::{END_OF_STREAM, Messages, SOCKET_HEADER_LEN, SocketHeader};
use crate::hello::{HEADER_LEN, Header};
use crate::specification;

fn output(text: &str) -> Output {
    specification::outputs(text).unwrap().remove(0)
}

fn format() -> Format {
    Format::UniRec("uint8 A".into())
}

/// A sender at a socket in a directory of the test's own.
fn sender(directory: &std::path::Path, parameters: &str) -> (SocketSender, PathBuf) {
    let path = directory.join("trap-x.sock");
    let output = output(&format!("u:x:{parameters}"));
    let specification::OutputKind::Unix { sockets, .. } = output.kind else { panic!() };
    (SocketSender::open(Listener::unix(&path).unwrap(), sockets, &output, &format()).unwrap(), path)
}

/// The hello, and the contents of all messages until the end.
fn receive(mut stream: impl Read) -> (Format, Vec<Vec<u8>>) {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).unwrap();
    let header = Header::decode(header).unwrap();
    let mut specifier = vec![0; header.specifier_len];
    stream.read_exact(&mut specifier).unwrap();
    let mut contents = Vec::new();
    let mut header_bytes = [0; SOCKET_HEADER_LEN];
    while stream.read_exact(&mut header_bytes).is_ok() {
        let buffer = SocketHeader::decode(header_bytes);
        let mut payload = vec![0; buffer.payload_len as usize];
        stream.read_exact(&mut payload).unwrap();
        let before = contents.len();
        contents.extend(Messages::new(&payload).map(<[u8]>::to_vec));
        assert_eq!(contents.len() - before, usize::from(buffer.messages));
    }
    (header.format(&specifier).unwrap(), contents)
}

/// Waits until so many are connected.
fn await_clients(sender: &SocketSender, count: usize) {
    while sender.monitor().clients().len() != count {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn clients_get_everything_from_their_coming_to_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let (mut sender, path) = sender(directory.path(), "timeout=WAIT");
    let readers: Vec<_> = (0..10)
        .map(|_| {
            let stream = UnixStream::connect(&path).unwrap();
            std::thread::spawn(move || receive(stream))
        })
        .collect();
    await_clients(&sender, 10);
    for i in 0..1000u32 {
        sender.send([&i.to_le_bytes()[..], END_OF_STREAM]);
    }
    let counters = sender.close(PATIENCE);
    assert_eq!((counters.messages, counters.lost), (2000, 0));
    for reader in readers {
        let (received, contents) = reader.join().unwrap();
        assert_eq!((received, contents.len()), (format(), 2000));
        assert_eq!((&contents[1998][..], &contents[1999][..]), (&999u32.to_le_bytes()[..], END_OF_STREAM));
    }
    assert!(!path.exists());
}

#[test]
fn a_client_that_stops_reading_costs_the_others_nothing_without_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let (mut sender, path) = sender(directory.path(), "timeout=NO_WAIT:buffer=off");
    let stopped = UnixStream::connect(&path).unwrap();
    await_clients(&sender, 1);
    let reading = UnixStream::connect(&path).unwrap();
    await_clients(&sender, 2);
    let reader = std::thread::spawn(move || receive(reading));
    for _ in 0..200 {
        sender.send([&[7; 10_000][..]]);
        std::thread::sleep(Duration::from_millis(1));
    }
    let skipped = sender.monitor().clients()[0].skipped;
    assert!(skipped > 0, "the socket of who does not read is full");
    let counters = sender.close(Duration::from_millis(50));
    assert_eq!((counters.messages, counters.lost), (200, 0));
    assert_eq!(reader.join().unwrap().1.len(), 200);
    drop(stopped);
}

#[test]
fn a_client_that_goes_leaves_room_for_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let (mut sender, path) = sender(directory.path(), "timeout=WAIT:buffer=off:max_clients=1");
    let mut first = UnixStream::connect(&path).unwrap();
    await_clients(&sender, 1);
    let mut rejected = UnixStream::connect(&path).unwrap();
    assert_eq!(rejected.read(&mut [0; 8]).unwrap(), 0, "no hello for one too many");
    sender.send([&b"a"[..]]);
    first.read_exact(&mut [0; 8 + 7 + 14 + 3]).unwrap();
    drop(first);
    let reader = std::thread::spawn(move || {
        loop {
            let stream = UnixStream::connect(&path).unwrap();
            let mut byte = [0];
            if (&stream).read(&mut byte).unwrap() == 1 {
                return receive((&byte[..]).chain(stream)).1;
            }
        }
    });
    // Until the first is found to be gone its place is taken.
    for i in 0..20u8 {
        sender.send([&[i][..]]);
        std::thread::sleep(Duration::from_millis(1));
    }
    let counters = sender.close(PATIENCE);
    let got = reader.join().unwrap();
    assert_eq!(counters.lost + got.len() as u64 + 1, 21);
    assert_eq!(got.last(), Some(&vec![19]));
}

#[test]
fn a_buffer_that_is_not_full_is_sent_after_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let (mut sender, path) = sender(directory.path(), "timeout=WAIT:autoflush=10000");
    let mut stream = UnixStream::connect(&path).unwrap();
    sender.send([&b"a"[..]]);
    let mut bytes = [0; 8 + 7 + 14 + 3];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!((bytes[31], sender.monitor().counters().autoflushes), (b'a', 1));
}

#[test]
fn tcp_clients_are_served_too() {
    let mut free = 30_000;
    let mut sender = loop {
        free += 1;
        let output = output(&format!("t:{free}:timeout=WAIT"));
        if let Ok(sender) = SocketSender::tcp(free, Sockets::default(), &output, &format()) {
            break sender;
        }
    };
    let stream = TcpStream::connect(("127.0.0.1", free)).unwrap();
    let port = u64::from(stream.local_addr().unwrap().port());
    let reader = std::thread::spawn(move || receive(stream));
    sender.send([&b"abc"[..]]);
    assert_eq!(sender.monitor().clients()[0].id, port);
    sender.close(PATIENCE);
    assert_eq!(reader.join().unwrap().1, [b"abc".to_vec()]);
}

/// Key, certificate and authority in files: an authority that signs itself, and one certificate for both sides.
fn tls_files(directory: &std::path::Path, name: &str) -> specification::TlsFiles {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["not-the-host".into()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::from_params(&parameters, &authority_key);
    let certificate =
        rcgen::CertificateParams::new(vec!["not-the-host".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let write = |kind: &str, text: String| {
        let path = directory.join(format!("{name}-{kind}.pem"));
        std::fs::write(&path, text).unwrap();
        path
    };
    specification::TlsFiles {
        key: write("key", key.serialize_pem()),
        certificate: write("certificate", certificate.pem()),
        authority: write("authority", authority.pem()),
    }
}

#[test]
fn tls_clients_need_a_certificate_that_is_trusted() {
    use crate::reader::{Event, Reader};
    use crate::specification::{Input, InputKind};

    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (tls_files(directory.path(), "ours"), tls_files(directory.path(), "theirs"));
    let mut free = 31_000;
    let mut sender = loop {
        free += 1;
        let output = output("b:timeout=WAIT");
        if let Ok(sender) = SocketSender::tls(free, &ours, Sockets::default(), &output, &format()) {
            break sender;
        }
    };
    let stranger = specification::TlsFiles { authority: ours.authority.clone(), ..theirs };
    let input = |files| Input {
        framing: crate::buffer::Framing::Numbered,
        kind: InputKind::Tls { host: "localhost".into(), port: free, files },
        timeout: Timeout::Wait,
    };
    let mut refused = Reader::open(input(stranger)).unwrap();
    assert_eq!(refused.read().unwrap(), Event::Away);
    assert!(refused.failure().is_some());
    await_clients(&sender, 0);
    let mut reader = Reader::open(input(ours.clone())).unwrap();
    let reading = std::thread::spawn(move || {
        assert_eq!(reader.read().unwrap(), Event::Format(&format()));
        assert_eq!(reader.read().unwrap(), Event::Message(b"abc"));
    });
    await_clients(&sender, 1);
    sender.send([&b"abc"[..]]);
    sender.close(PATIENCE);
    reading.join().unwrap();
}
