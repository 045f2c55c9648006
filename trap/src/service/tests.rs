#![allow(clippy::unwrap_used)]
use super::*;
use crate::hello::Format;
use crate::sender::Sender;
use crate::specification;

fn ask(stream: &mut UnixStream) -> String {
    stream.write_all(&[10, 1, 2, 3, 0, 0, 0, 0]).unwrap();
    let mut header = [0; 8];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[..4], [12, 0, 0, 0]);
    let mut text = vec![0; u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize];
    stream.read_exact(&mut text).unwrap();
    assert_eq!(text.pop(), Some(0));
    String::from_utf8(text).unwrap()
}

#[test]
fn statistics_are_told_as_often_as_they_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a\"b");
    let outputs = specification::outputs(&format!("f:{},b:", file.display())).unwrap();
    let mut senders: Vec<Sender> =
        outputs.iter().map(|output| Sender::open(output, &Format::Raw).unwrap()).collect();
    let statistics = outputs.iter().zip(&senders).map(|(output, sender)| Statistics::of(output, sender));
    let service = Service::open(statistics.collect()).unwrap();
    assert!(Service::open(Vec::new()).is_err(), "there is one already");
    let path = crate::sender::sockets::directory().join(format!("trap-service_{}.sock", std::process::id()));
    let mut stream = UnixStream::connect(&path).unwrap();
    let first = ask(&mut stream);
    let id = format!("\"ifc_id\": \"{}\"", file.display().to_string().replace('"', "\\\""));
    assert!(first.contains(&id), "{first}");
    assert!(first.contains("\"ifc_type\": 102, \"num_clients\": 0, \"sent-messages\": 0,"), "{first}");
    for sender in &mut senders {
        sender.send([&b"a"[..], b"b"]);
    }
    senders[0].finish();
    let second = ask(&mut stream);
    assert!(second.contains("\"ifc_type\": 102, \"num_clients\": 0, \"sent-messages\": 2,"), "{second}");
    assert!(second.contains("\"ifc_id\": \"none\", \"ifc_type\": 98, "), "{second}");
    assert!(second.ends_with("\"client_stats_arr\": []}]}"), "{second}");
    drop(service);
    assert!(!path.exists());
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the connection has ended");
}

#[test]
fn clients_of_a_socket_are_told_with_their_numbers() {
    let output =
        specification::outputs(&format!("u:weir-test-{}:buffer=off:timeout=WAIT", std::process::id()));
    let output = output.unwrap().remove(0);
    let specification::OutputKind::Unix { name, .. } = &output.kind else { panic!() };
    let mut sender = Sender::open(&output, &Format::Raw).unwrap();
    let statistics = [Statistics::of(&output, &sender)];
    let mut client = UnixStream::connect(crate::sender::sockets::socket_path(name)).unwrap();
    sender.send([&b"abc"[..]]);
    client.read_exact(&mut [0; 8 + 14 + 5]).unwrap();
    // It counts when it has given it away.
    let told = loop {
        let told = json(&statistics);
        if told.contains("\"sent_messages\": \"1\"") {
            break told;
        }
    };
    let id =
        format!("{{\"id\": {}, \"sent_containers\": \"1\", \"sent_messages\": \"1\", ", std::process::id());
    assert!(told.contains(&id), "{told}");
    assert!(told.contains("\"client_stats_arr\": [{\"id\": \"extended_input_interface_info\", "), "{told}");
    assert!(
        told.contains("\"num_clients\": 1, \"sent-messages\": 1, \"dropped-messages\": 0, \"buffers\": 1"),
        "{told}"
    );
}

#[test]
fn other_requests_end_the_connection() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let shared = Shared {
        listener: Listener::unix(&directory.path().join("x")).unwrap(),
        outputs: Vec::new(),
        is_closed: AtomicBool::new(false),
        clients: Mutex::default(),
    };
    theirs.write_all(&[11, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    shared.serve(ours).unwrap();
    assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
}
