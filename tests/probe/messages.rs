//! What the output `ipfix` sends.

use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::Duration;

use weir_ipfix::message::Message;

use super::{run, weir_on};

/// How messages come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Tcp,
    Udp,
}

/// Runs the program on a capture and receives what it sends with further parameters of the output, message by message.
pub(crate) fn received(capture: &Path, way: Way, parameters: &str, arguments: &str) -> Vec<Vec<u8>> {
    match way {
        Way::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let collector = thread::spawn(move || {
                let mut octets = Vec::new();
                listener.accept().unwrap().0.read_to_end(&mut octets).unwrap();
                octets
            });
            export(capture, &format!("ipfix;port={port};{parameters}"), arguments);
            let stream = collector.join().unwrap();
            let (mut messages, mut rest) = (Vec::new(), &stream[..]);
            while let Some((message, after)) = Message::read_from(rest).unwrap() {
                messages.push(rest[..message.header.length.into()].to_vec());
                rest = after;
            }
            assert!(rest.is_empty());
            messages
        }
        Way::Udp => {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            // All of it, if it has to be.
            rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 1 << 24)
                .or_else(|_| rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 1 << 24))
                .unwrap();
            let port = socket.local_addr().unwrap().port();
            let collector = thread::spawn(move || {
                let mut messages = Vec::new();
                let mut datagram = [0; 65536];
                // An empty datagram is the end.
                while let Ok(length @ 1..) = socket.recv(&mut datagram) {
                    messages.push(datagram[..length].to_vec());
                }
                messages
            });
            export(capture, &format!("ipfix;udp;port={port};{parameters}"), arguments);
            thread::sleep(Duration::from_millis(50));
            let end = UdpSocket::bind("127.0.0.1:0").unwrap();
            end.send_to(&[], ("127.0.0.1", port)).unwrap();
            collector.join().unwrap()
        }
    }
}

/// Runs the program on a capture with one output.
pub(crate) fn export(capture: &Path, output: &str, arguments: &str) {
    let ended = run(weir_on(capture, arguments).args(["-o", output]));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
}

/// A capture of the messages on their way to port 4739 of 127.0.0.1.
pub(crate) fn as_capture(messages: &[Vec<u8>], way: Way) -> Vec<u8> {
    let mut capture = Vec::new();
    let mut words =
        |words: &[u32]| words.iter().for_each(|word| capture.extend_from_slice(&word.to_le_bytes()));
    // LINKTYPE_RAW
    words(&[0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 65535, 101]);
    let mut sequence = 1u32;
    for (number, message) in messages.iter().enumerate() {
        let mut transport = vec![0x12, 0x83, 0x12, 0x83];
        let protocol = match way {
            Way::Udp => {
                transport.extend_from_slice(&(8 + message.len() as u16).to_be_bytes());
                transport.extend_from_slice(&[0, 0]);
                17
            }
            Way::Tcp => {
                transport.extend_from_slice(&sequence.to_be_bytes());
                // Acknowledgement 1, header of five words, PSH and ACK, window, no checksum.
                transport.extend_from_slice(&[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
                sequence += message.len() as u32;
                6
            }
        };
        let length = (20 + transport.len() + message.len()) as u16;
        let [l1, l2] = length.to_be_bytes();
        let header = [0x45, 0, l1, l2, 0, 0, 0, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
        for word in [1, number as u32, length.into(), length.into()] {
            capture.extend_from_slice(&word.to_le_bytes());
        }
        capture.extend_from_slice(&[&header[..], &transport, message].concat());
    }
    capture
}
