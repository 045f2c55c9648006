#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::protocol::{HEADER_LEN, Header, MAGIC};
use crate::{InputNumbers, OutputNumbers};

/// A socket whose first input counts the answers.
struct Probe {
    _directory: tempfile::TempDir,
    socket: StatisticsSocket,
}

impl Probe {
    fn with_inputs(inputs: usize) -> Probe {
        let directory = tempfile::tempdir().unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let socket = StatisticsSocket::open_in(&directory.path().join("weir"), move || {
            let packets = count.fetch_add(1, Ordering::Relaxed) + 1;
            Snapshot {
                inputs: vec![InputNumbers { packets, ..InputNumbers::default() }; inputs],
                outputs: vec![OutputNumbers::default()],
            }
        })
        .unwrap();
        Probe { _directory: directory, socket }
    }

    fn new() -> Probe {
        Probe::with_inputs(1)
    }

    fn client(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket.path()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

fn read_answer(stream: &mut UnixStream) -> Snapshot {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).unwrap();
    let header = Header::decode(&header).unwrap();
    let mut rows = vec![0; header.rows_len()];
    stream.read_exact(&mut rows).unwrap();
    header.rows(&rows)
}

/// Asks and tells the number of the answer.
fn ask(stream: &mut UnixStream) -> u64 {
    stream.write_all(&MAGIC.to_ne_bytes()).unwrap();
    read_answer(stream).inputs[0].packets
}

fn is_closed(stream: &mut UnixStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn only_the_own_user_can_reach_the_socket() {
    let probe = Probe::new();
    let path = probe.socket.path();
    assert_eq!(fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("weir_{}.sock", process::id()));
    let directory = path.parent().unwrap();
    assert_eq!(fs::symlink_metadata(directory).unwrap().permissions().mode() & 0o7777, 0o700);
}

#[test]
fn several_requests_are_answered_on_one_connection_even_at_once() {
    let probe = Probe::new();
    let mut client = probe.client();
    assert_eq!(ask(&mut client), 1);
    assert_eq!(ask(&mut client), 2);
    let request = MAGIC.to_ne_bytes();
    client.write_all(&[request, request].concat()).unwrap();
    assert_eq!(read_answer(&mut client).inputs[0].packets, 3);
    assert_eq!(read_answer(&mut client).inputs[0].packets, 4);
}

#[test]
fn a_request_may_come_in_pieces() {
    let probe = Probe::new();
    let mut client = probe.client();
    for byte in MAGIC.to_ne_bytes() {
        client.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(read_answer(&mut client).inputs[0].packets, 1);
}

#[test]
fn who_closes_its_side_after_the_request_gets_the_answer() {
    let probe = Probe::new();
    let mut client = probe.client();
    client.write_all(&MAGIC.to_ne_bytes()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_answer(&mut client).inputs[0].packets, 1);
    assert!(is_closed(&mut client));
}

#[test]
fn another_request_than_that_for_numbers_is_ignored() {
    let probe = Probe::new();
    let mut client = probe.client();
    client.write_all(b"GET ").unwrap();
    client.write_all(&MAGIC.swap_bytes().to_ne_bytes()).unwrap();
    assert_eq!(ask(&mut client), 1);
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut further = Vec::new();
    client.read_to_end(&mut further).unwrap();
    assert_eq!(further, [0u8; 0], "there was one request, and so there is one answer");
}

#[test]
fn a_second_client_is_turned_away_until_the_first_has_gone() {
    let probe = Probe::new();
    let mut first = probe.client();
    assert_eq!(ask(&mut first), 1);
    assert!(is_closed(&mut probe.client()));
    assert_eq!(ask(&mut first), 2);
    drop(first);
    assert_eq!(ask(&mut probe.client()), 3);
    // At once, however often.
    for number in 4..200 {
        assert_eq!(ask(&mut probe.client()), number);
    }
}

#[test]
fn a_client_that_says_nothing_makes_room_after_ten_seconds() {
    let probe = Probe::new();
    let mut silent = probe.client();
    assert!(is_closed(&mut probe.client()));
    thread::sleep(Duration::from_secs(10));
    assert_eq!(ask(&mut probe.client()), 1);
    assert!(is_closed(&mut silent));
}

#[test]
fn a_client_that_does_not_finish_its_request_is_sent_away() {
    let probe = Probe::new();
    let mut client = probe.client();
    let begin = Instant::now();
    client.write_all(&MAGIC.to_ne_bytes()[..3]).unwrap();
    assert!(is_closed(&mut client));
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_millis(1900) && waited < Duration::from_secs(10), "{waited:?}");
    assert_eq!(ask(&mut probe.client()), 1);
}

/// Asks without reading until nothing more can be written: the answers fill the way back, then the requests the way there.
fn clog(client: &mut UnixStream) {
    client.set_nonblocking(true).unwrap();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        if client.write(&MAGIC.to_ne_bytes()).is_ok() {
            since = Instant::now();
        }
    }
    client.set_nonblocking(false).unwrap();
}

#[test]
fn a_client_that_does_not_read_is_sent_away_and_holds_nobody_up() {
    let probe = Probe::with_inputs(1000);
    let mut slow = probe.client();
    clog(&mut slow);
    // Others hear at once that they come in vain.
    let begin = Instant::now();
    assert!(is_closed(&mut probe.client()));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    thread::sleep(Duration::from_millis(2500));
    assert!(ask(&mut probe.client()) > 1);
}

#[test]
fn the_end_does_not_wait_for_a_slow_client() {
    let probe = Probe::with_inputs(1000);
    let mut slow = probe.client();
    clog(&mut slow);
    let begin = Instant::now();
    drop(probe);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn more_inputs_than_an_answer_holds_are_left_out() {
    let probe = Probe::with_inputs(3000);
    let mut client = probe.client();
    client.write_all(&MAGIC.to_ne_bytes()).unwrap();
    let snapshot = read_answer(&mut client);
    assert_eq!((snapshot.inputs.len(), snapshot.outputs.len()), (crate::protocol::MOST_INPUTS, 1));
}

#[test]
fn the_socket_is_removed_at_the_end() {
    let probe = Probe::new();
    let path = probe.socket.path().to_owned();
    let mut client = probe.client();
    assert_eq!(ask(&mut client), 1);
    drop(probe.socket);
    assert!(!path.exists());
    assert!(is_closed(&mut client));
}

#[test]
fn the_socket_can_be_removed_before_the_end() {
    let probe = Probe::new();
    let path = probe.socket.path().to_owned();
    thread::scope(|scope| scope.spawn(|| probe.socket.remove_now()).join().unwrap());
    assert!(!path.exists());
}

#[test]
fn what_somebody_else_has_put_in_the_place_of_the_socket_stays() {
    let probe = Probe::new();
    let path = probe.socket.path().to_owned();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "other").unwrap();
    drop(probe.socket);
    assert_eq!(fs::read(&path).unwrap(), b"other");
}

#[test]
fn what_a_killed_process_left_behind_is_replaced() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("weir");
    directory::make_private(&directory).unwrap();
    let path = directory.join(socket_name(process::id()));
    drop(UnixListener::bind(&path).unwrap());
    assert!(UnixStream::connect(&path).is_err());
    let _socket = StatisticsSocket::open_in(&directory, Snapshot::default).unwrap();
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn the_socket_of_another_process_with_the_same_id_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("weir");
    directory::make_private(&directory).unwrap();
    let path = directory.join(socket_name(process::id()));
    let _other = UnixListener::bind(&path).unwrap();
    let error = StatisticsSocket::open_in(&directory, Snapshot::default).unwrap_err();
    assert!(error.to_string().ends_with("another process with this id serves it"), "{error}");
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn a_directory_that_others_can_enter_gets_no_socket() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let error = StatisticsSocket::open_in(directory.path(), Snapshot::default).unwrap_err();
    assert!(error.to_string().contains("mode 0755"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_path_too_long_for_a_socket_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("d".repeat(120));
    let error = StatisticsSocket::open_in(&deep, Snapshot::default).unwrap_err();
    assert!(matches!(error, ServiceError::Socket { .. }), "{error:?}");
}
