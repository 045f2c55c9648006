#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn outputs_are_read_with_their_defaults() {
    let all = outputs("t:7600,u:flows,f:/tmp/x.trapcap,b:,b").unwrap();
    let sockets = Sockets::default();
    let kinds: Vec<_> = all.iter().map(|output| output.kind.clone()).collect();
    let file = File { path: "/tmp/x.trapcap".into(), append: false, minutes: None, mebibytes: None };
    assert_eq!(
        kinds,
        [
            OutputKind::Tcp { port: 7600, sockets },
            OutputKind::Unix { name: "flows".into(), sockets },
            OutputKind::File(file),
            OutputKind::BlackHole,
            OutputKind::BlackHole,
        ]
    );
    let usual = |o: &Output| o.timeout.is_none() && o.buffered && o.autoflush == Some(Duration::from_secs(2));
    assert!(all.iter().all(usual));
}

#[test]
fn parameters_may_stand_anywhere() {
    let all = outputs(
        "u:timeout=WAIT:out:buffer=off,T:autoflush=off:9:k.pem:c.pem:timeout=5000:ca.pem:buffer_size=500000:max_clients=3,\
         f:size=10:/x:a:time=5:timeout=HALF_WAIT",
    )
    .unwrap();
    assert_eq!((all[0].timeout, all[0].buffered), (Some(Timeout::Wait), false));
    let OutputKind::Tls { port: 9, files, sockets } = &all[1].kind else { panic!("{:?}", all[1]) };
    assert_eq!(files.certificate.to_str(), Some("c.pem"));
    assert_eq!((sockets.buffer_size, sockets.max_clients, all[1].autoflush), (MAX_BUFFER, 3, None));
    assert_eq!(all[1].timeout, Some(Timeout::After(Duration::from_millis(5))));
    let file = File { path: "/x".into(), append: true, minutes: Some(5), mebibytes: Some(10) };
    assert_eq!((&all[2].kind, all[2].timeout), (&OutputKind::File(file), Some(Timeout::HalfWait)));
}

#[test]
fn inputs_are_read() {
    let tcp = |host: &str, port| InputKind::Tcp { host: host.into(), port };
    let kinds: Vec<_> = inputs("t:7600,t:collector:7600,t:::1:7600,t:[::1]:7600,u:x,f:/x:timeout=NO_WAIT")
        .unwrap()
        .into_iter()
        .map(|input| (input.kind, input.timeout))
        .collect();
    assert_eq!(
        kinds,
        [
            (tcp("localhost", 7600), Timeout::Wait),
            (tcp("collector", 7600), Timeout::Wait),
            (tcp("::1", 7600), Timeout::Wait),
            (tcp("::1", 7600), Timeout::Wait),
            (InputKind::Unix { name: "x".into() }, Timeout::Wait),
            (InputKind::File { path: "/x".into() }, Timeout::NoWait),
        ]
    );
    let tls = inputs("T:host:9:k:c:a").unwrap().remove(0).kind;
    assert!(matches!(tls, InputKind::Tls { host, port: 9, .. } if host == "host"));
}

#[test]
fn both_generations_of_framing_can_be_chosen() {
    let framing = |text: &str| match outputs(text).unwrap().remove(0).kind {
        OutputKind::Unix { sockets, .. } => sockets.framing,
        other => panic!("{other:?}"),
    };
    assert_eq!([framing("u:x"), framing("u:x:framing=1.16")], [Framing::Numbered, Framing::Plain]);
    let framings: Vec<_> = inputs("t:9,u:x:framing=1.16,f:/x").unwrap().iter().map(|i| i.framing).collect();
    assert_eq!(framings, [Framing::Numbered, Framing::Plain, Framing::Plain]);
    let told = outputs("u:x:framing=2").unwrap_err().to_string();
    assert_eq!(told, "interface u: framing=2: 1.17 (and later) or 1.16 (and before) is expected");
}

#[test]
fn what_is_wrong_is_told() {
    let told = |text: &str| outputs(text).unwrap_err().to_string();
    assert_eq!(told("u:x,"), "an interface is empty");
    assert_eq!(told("g:5:hello"), "\"g\" is no kind of output interface");
    assert_eq!(told("t:"), "interface t: the port is missing");
    assert_eq!(told("t:0"), "interface t: PORT=0: a number from 1 to 65535 is expected");
    assert_eq!(told("T:9:k:c"), "interface T: the file of the authorities is missing");
    assert_eq!(told("u:x:buffer=maybe"), "interface u: buffer=maybe: on or off is expected");
    assert_eq!(told("t:9:5"), "interface t: there is no parameter \"5\"");
    assert_eq!(told("f:/x:time=0"), "interface f: time=0: a number of minutes above 0 is expected");
    let wait = inputs("u:x:timeout=HALF_WAIT").unwrap_err();
    assert_eq!(
        wait.to_string(),
        "interface u: timeout=HALF_WAIT: WAIT, NO_WAIT or a number of microseconds is expected"
    );
    assert_eq!(
        inputs("g:4:hello").unwrap_err().to_string(),
        "interface g: N=4: the length of the message behind it, 1 to 255 is expected"
    );
    assert_eq!(inputs("b:").unwrap_err().to_string(), "\"b\" is no kind of input interface");
}
