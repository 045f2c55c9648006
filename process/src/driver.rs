//! Drives one plugin with the packets of one flow, as the cache does but simpler: for the tests of the plugins.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, SocketAddr};

use weir_flow::{
    Endpoint, Field, Flow, Frame, Instances, Packet, Schema, Timestamp, TunnelKind, Value,
    key::Oriented,
    options::PluginString,
    packet::protocol,
    plugin::{Account, Descriptor, Handle, Hooks, Inspection, Interest, Next, Packets, Protocols, View},
    tcp,
};

/// A packet in the making.
#[derive(Clone)]
pub(crate) struct PacketBuilder {
    source: SocketAddr,
    destination: SocketAddr,
    packet: Packet,
    vlan_id: u16,
    window: u16,
    options: Vec<u8>,
    mpls: Option<[u8; 4]>,
    outer: Option<(TunnelKind, Vec<u8>)>,
    payload: Vec<u8>,
}

fn words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(v4) => [0, v4.to_bits().into()],
        IpAddr::V6(v6) => [(v6.to_bits() >> 64) as u64, v6.to_bits() as u64],
    }
}

fn set_key(packet: &mut Packet, source: SocketAddr, destination: SocketAddr, protocol: u8, vlan_id: u16) {
    packet.set_key(&Oriented {
        source: words(source.ip()),
        destination: words(destination.ip()),
        source_port: source.port(),
        destination_port: destination.port(),
        protocol,
        vlan_id,
        ipv6: source.is_ipv6(),
    });
}

/// A flow as its first packet begins it.
pub(crate) fn flow(source: &str, destination: &str, protocol: u8, vlan_id: u16) -> Flow {
    let mut packet = Packet::default();
    set_key(&mut packet, source.parse().unwrap(), destination.parse().unwrap(), protocol, vlan_id);
    Flow::begin(&packet)
}

impl PacketBuilder {
    fn new(source: SocketAddr, destination: SocketAddr, protocol: u8) -> PacketBuilder {
        let mut packet = Packet { ttl: 64, ..Packet::default() };
        set_key(&mut packet, source, destination, protocol, 0);
        PacketBuilder {
            source,
            destination,
            packet,
            vlan_id: 0,
            window: 0,
            options: vec![],
            mpls: None,
            outer: None,
            payload: vec![],
        }
    }
    pub(crate) fn tcp(source: &str, destination: &str) -> PacketBuilder {
        PacketBuilder::new(source.parse().unwrap(), destination.parse().unwrap(), protocol::TCP)
            .flags(tcp::ACK)
    }
    pub(crate) fn udp(source: &str, destination: &str) -> PacketBuilder {
        PacketBuilder::new(source.parse().unwrap(), destination.parse().unwrap(), protocol::UDP)
    }
    pub(crate) fn icmp(source: &str, destination: &str) -> PacketBuilder {
        let end = |address: &str| SocketAddr::new(address.parse().unwrap(), 0);
        PacketBuilder::new(end(source), end(destination), protocol::ICMP)
    }
    pub(crate) fn payload(mut self, payload: &[u8]) -> PacketBuilder {
        self.payload = payload.to_vec();
        self
    }
    pub(crate) fn flags(mut self, flags: u8) -> PacketBuilder {
        self.packet.tcp_flags = flags;
        self
    }
    pub(crate) fn window(mut self, window: u16) -> PacketBuilder {
        self.window = window;
        self
    }
    pub(crate) fn options(mut self, options: &[u8]) -> PacketBuilder {
        self.options = options.to_vec();
        self
    }
    pub(crate) fn sequence(mut self, sequence: u32) -> PacketBuilder {
        self.packet.tcp_sequence = sequence;
        self
    }
    pub(crate) fn acknowledgement(mut self, acknowledgement: u32) -> PacketBuilder {
        self.packet.tcp_acknowledgement = acknowledgement;
        self
    }
    pub(crate) fn at_second(self, second: u32) -> PacketBuilder {
        self.at(Timestamp::new(second, 0))
    }
    pub(crate) fn at(mut self, time: Timestamp) -> PacketBuilder {
        self.packet.time = time;
        self
    }
    pub(crate) fn ttl(mut self, ttl: u8) -> PacketBuilder {
        self.packet.ttl = ttl;
        self
    }
    pub(crate) fn ip_flags(mut self, flags: u8) -> PacketBuilder {
        self.packet.ip_flags = flags;
        self
    }
    pub(crate) fn mpls(mut self, entry: [u8; 4]) -> PacketBuilder {
        self.mpls = Some(entry);
        self
    }
    /// In a tunnel whose headers, IP first, are `outer`.
    pub(crate) fn inside(mut self, kind: TunnelKind, outer: &[u8]) -> PacketBuilder {
        self.outer = Some((kind, outer.to_vec()));
        self
    }
    pub(crate) fn later_fragment(mut self) -> PacketBuilder {
        self.packet.later_fragment = true;
        self
    }

    /// The finished packet. Its bytes live for ever: the tests' processes do not.
    pub(crate) fn build(&self) -> Packet {
        let mut packet = self.packet;
        let kind = packet.key.protocol();
        set_key(&mut packet, self.source, self.destination, kind, self.vlan_id);
        let mut bytes = vec![0; 4];
        if let Some(entry) = self.mpls {
            packet.mpls_offset = bytes.len() as u16;
            bytes.extend(entry);
        }
        if let Some((kind, outer)) = &self.outer {
            packet.tunnel = Some(*kind);
            packet.outer_offset = bytes.len() as u16;
            bytes.extend(outer);
        }
        packet.transport_offset = bytes.len() as u16;
        match kind {
            protocol::TCP => {
                bytes.extend([0; 14]);
                bytes.extend(self.window.to_be_bytes());
                bytes.extend([0; 4]);
                bytes.extend(&self.options);
            }
            protocol::UDP => bytes.extend([0; 8]),
            _ => {}
        }
        packet.payload_offset = bytes.len() as u16;
        bytes.extend(&self.payload);
        packet.payload_len = self.payload.len() as u32;
        packet.payload_wire_len = self.payload.len() as u32;
        packet.wire_len = bytes.len() as u32;
        packet.ip_len = 20 + bytes.len() as u32 - packet.transport_offset as u32;
        packet.frame = Frame::of_static(Box::leak(bytes.into_boxed_slice()));
        packet
    }
}

/// Both ends of a TCP connection, whose sequence numbers go on from packet to packet.
pub(crate) struct Connection {
    ends: [&'static str; 2],
    sequences: [u32; 2],
}

impl Connection {
    pub(crate) fn new(client: &'static str, server: &'static str) -> Connection {
        Connection { ends: [client, server], sequences: [u32::MAX - 20, 1000] }
    }
    /// The SYN of the client and that of the server.
    pub(crate) fn handshake(&mut self) -> [PacketBuilder; 2] {
        [0, 1].map(|from| {
            let syn = self.next(from, b"").flags(tcp::SYN);
            self.sequences[from] = self.sequences[from].wrapping_add(1);
            syn
        })
    }
    fn next(&mut self, from: usize, payload: &[u8]) -> PacketBuilder {
        let sequence = self.sequences[from];
        self.sequences[from] = sequence.wrapping_add(payload.len() as u32);
        PacketBuilder::tcp(self.ends[from], self.ends[1 - from]).payload(payload).sequence(sequence)
    }
    /// The client says `payload`.
    pub(crate) fn client(&mut self, payload: &[u8]) -> PacketBuilder {
        self.next(0, payload)
    }
    /// The server says `payload`.
    pub(crate) fn server(&mut self, payload: &[u8]) -> PacketBuilder {
        self.next(1, payload)
    }
    /// The capture misses `count` bytes of the server's.
    pub(crate) fn server_gap(&mut self, count: u32) {
        self.sequences[1] = self.sequences[1].wrapping_add(count);
    }
}

/// A value that outlives its plugin.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Owned {
    Number(u64),
    Float(f32),
    Text(String),
    Numbers(Vec<i64>),
    TimeList(Vec<Timestamp>),
}

impl Owned {
    fn of(value: Value<'_>) -> Owned {
        match value {
            Value::U8(n) => Owned::Number(n.into()),
            Value::U16(n) => Owned::Number(n.into()),
            Value::U32(n) => Owned::Number(n.into()),
            Value::U64(n) => Owned::Number(n),
            Value::F32(n) => Owned::Float(n),
            Value::Address(address) => Owned::Text(address.to_string()),
            Value::Mac(address) => Owned::Text(address.map(|octet| format!("{octet:02x}")).join(":")),
            // Octets that become a text: one character for each.
            Value::Text(bytes) | Value::Bytes(bytes) => {
                Owned::Text(bytes.iter().map(|&b| char::from(b)).collect())
            }
            Value::U8List(list) => Owned::Numbers(list.iter().map(|&n| n.into()).collect()),
            Value::I8List(list) => Owned::Numbers(list.iter().map(|&n| n.into()).collect()),
            Value::U16List(list) => Owned::Numbers(list.iter().map(|&n| n.into()).collect()),
            Value::U32List(list) => Owned::Numbers(list.iter().map(|&n| n.into()).collect()),
            Value::TimeList(list) => Owned::TimeList(list.to_vec()),
            other => panic!("no plugin of this crate says {other:?}"),
        }
    }

    /// Two lists of times, element by element.
    fn pairs(&self, other: &Owned) -> String {
        let (Owned::TimeList(first), Owned::TimeList(second)) = (self, other) else { panic!("not times") };
        let pair = |(from, to): (&Timestamp, &Timestamp)| format!("{}-{}", from.seconds(), to.seconds());
        format!("({})", first.iter().zip(second).map(pair).collect::<Vec<_>>().join(","))
    }

    fn text(&self, form: &str) -> String {
        let list = |items: Vec<String>| format!("({})", items.join(","));
        match (self, form) {
            (Owned::Number(n), "") => n.to_string(),
            (Owned::Number(n), "x") => format!("{n:x}"),
            (Owned::Number(n), "04x") => format!("{n:04x}"),
            (Owned::Number(n), "high") => (n >> 8).to_string(),
            (Owned::Number(n), "low") => (n & 0xff).to_string(),
            (Owned::Float(n), "") => n.to_string(),
            (Owned::Text(t), "") => t.clone(),
            (Owned::Text(t), "x") => t.chars().map(|c| format!("{:02x}", c as u32)).collect(),
            (Owned::Text(t), "length") => t.chars().count().to_string(),
            (Owned::Text(t), "number") => t.chars().fold(0, |n, c| n << 8 | c as u64).to_string(),
            (Owned::Numbers(l), "") => list(l.iter().map(i64::to_string).collect()),
            (Owned::TimeList(l), "") => list(l.iter().map(|t| t.seconds().to_string()).collect()),
            _ => panic!("unknown form {form}"),
        }
    }
}

/// One instance: the values in the order of the schema.
pub(crate) type Instance = Vec<Owned>;

/// What became of one record.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) packets: [u64; 2],
    pub(crate) instances: Vec<Instance>,
}

/// The bytes of one direction that are shown again, and where its stream goes on.
#[derive(Default)]
struct Stream {
    next: Option<u32>,
    retained: Vec<u8>,
}

struct Current {
    flow: Flow,
    handle: Handle,
    interested: bool,
    number: u32,
}

/// A plugin, and the one flow that it sees.
pub(crate) struct Driver {
    schema: &'static Schema,
    interest: Interest,
    hooks: Box<dyn Hooks>,
    streams: [Stream; 2],
    /// The most bytes that are retained for a direction.
    pub(crate) buffer: usize,
    current: Option<Current>,
    records: u32,
    exported: Vec<Exported>,
}

impl Driver {
    pub(crate) fn new(descriptor: &'static Descriptor, parameters: &str) -> Driver {
        let string = PluginString::parse(&format!("{};{parameters}", descriptor.names[0])).unwrap();
        let options = string.parameters(descriptor.options).unwrap();
        let factory = (descriptor.configure)(&options).unwrap();
        Driver {
            schema: descriptor.schema_of(factory.as_ref()),
            interest: factory.interest(),
            hooks: factory.build(8),
            streams: Default::default(),
            buffer: 16384,
            current: None,
            records: 0,
            exported: vec![],
        }
    }

    /// The driver of a plugin that has seen the handshake of `connection`.
    pub(crate) fn connected(descriptor: &'static Descriptor, connection: &mut Connection) -> Driver {
        let mut driver = Driver::new(descriptor, "");
        connection.handshake().iter().for_each(|packet| driver.put(packet));
        driver
    }

    /// Whether the plugin wants further packets of the current record.
    pub(crate) fn is_interested(&self) -> bool {
        self.current.as_ref().is_some_and(|c| c.interested)
    }

    fn wants(&self, packet: &Packet) -> bool {
        let Interest { protocols, ports, packets, .. } = self.interest;
        protocols.has_index(Protocols::index(packet.key.protocol()))
            && (ports.is_empty()
                || [Endpoint::Low, Endpoint::High].iter().any(|&end| ports.contains(&packet.key.port(end))))
            && (packets == Packets::All || packet.payload_len > 0)
    }

    /// The bytes that the packet adds to its stream, preceded by what was retained, and whether some are missing.
    fn stream_data(stream: &mut Stream, packet: &Packet) -> (Vec<u8>, bool) {
        let syn = (packet.tcp_flags & tcp::SYN != 0) as u32;
        let sequence = packet.tcp_sequence.wrapping_add(syn);
        let next = stream.next.unwrap_or(sequence);
        let skip = next.wrapping_sub(sequence) as i32;
        let begun_in_the_middle = stream.next.is_none() && syn == 0;
        stream.next = Some(next.max_wrapping(sequence.wrapping_add(packet.payload_len)));
        if skip < 0 {
            stream.retained.clear();
            return (packet.payload().to_vec(), true);
        }
        let new = packet.payload().get(skip as usize..).unwrap_or(&[]);
        let mut data = if new.is_empty() { vec![] } else { std::mem::take(&mut stream.retained) };
        data.extend(new);
        (data, begun_in_the_middle)
    }

    /// The next packet of the flow.
    pub(crate) fn put(&mut self, packet: &PacketBuilder) {
        let packet = packet.build();
        let wanted = self.wants(&packet);
        let streaming = self.interest.stream && packet.is_tcp();
        let stream = &mut self.streams[packet.sender as usize];
        let (data, after_gap) = match streaming {
            true => Driver::stream_data(stream, &packet),
            false => (packet.payload().to_vec(), false),
        };
        let buffer_full = data.len() > self.buffer;
        let number = self.records;
        let mut current = self.current.take().unwrap_or_else(|| {
            self.records += 1;
            Current { flow: Flow::begin(&packet), handle: 0, interested: true, number }
        });
        let direction = current.flow.direction(&packet);
        if wanted && current.interested && current.flow.total_packets() > 0 {
            let flow = &current.flow;
            let view = View { packet: &packet, flow, direction, data: &data, after_gap, buffer_full };
            if self.hooks.inspect(&view, current.number, current.handle) == Inspection::Cut {
                let source_end = current.flow.source_end;
                self.export(current);
                let flow = Flow { source_end, ..Flow::begin(&packet) };
                current = Current { flow, handle: 0, interested: true, number: self.records };
                self.records += 1;
            }
        }
        let direction = current.flow.direction(&packet);
        current.flow.count(&packet, direction);
        let mut account = Account::CONTINUE;
        if wanted && current.interested {
            let flow = &current.flow;
            let view = View { packet: &packet, flow, direction, data: &data, after_gap, buffer_full };
            account = self.hooks.account(&view, current.number, &mut current.handle);
            assert!(account.retain <= data.len(), "more retained than there is");
            if streaming && !data.is_empty() {
                let retain = if buffer_full { 0 } else { account.retain };
                self.streams[packet.sender as usize].retained = data[data.len() - retain..].to_vec();
            }
        }
        match account.next {
            Next::Continue => self.current = Some(current),
            Next::Done => {
                current.interested = false;
                self.current = Some(current);
            }
            Next::Export => self.export(current),
        }
    }

    fn export(&mut self, mut current: Current) {
        let Current { flow, handle, number, .. } = &mut current;
        self.hooks.finish(flow, *number, handle);
        let mut instances = Instances::default();
        self.hooks.export(flow, *number, *handle, &mut instances);
        for instance in instances.iter() {
            assert_eq!(instance.len(), self.schema.fields.len());
            instance.iter().zip(&*self.schema.fields).for_each(check_length);
        }
        let owned = instances.iter().map(|i| i.iter().map(|&v| Owned::of(v)).collect()).collect();
        drop(instances);
        self.exported.push(Exported { packets: flow.packets, instances: owned });
        self.hooks.release(*number, handle);
    }

    /// Ends the flow. All its records.
    pub(crate) fn records(mut self) -> Vec<Exported> {
        if let Some(current) = self.current.take() {
            self.export(current);
        }
        self.exported
    }

    /// Ends the flow. The instances of all its records.
    pub(crate) fn finish(self) -> Vec<Instance> {
        self.records().into_iter().flat_map(|record| record.instances).collect()
    }

    /// Ends the flow. The instances of all its records in the form of the `text` output.
    pub(crate) fn finish_text(self) -> Vec<String> {
        let schema = self.schema;
        self.finish().iter().map(|instance| text(&schema.text, &schema.fields, instance)).collect()
    }
}

fn check_length((value, field): (&Value<'_>, &Field)) {
    use weir_flow::FieldType::{Bytes, Text};
    if let (Value::Text(v), Text { max }) | (Value::Bytes(v), Bytes { max }) = (value, field.kind) {
        assert!(v.len() <= max as usize, "{} holds {} bytes", field.name, v.len());
    }
}

/// The placeholders of a text form, as (name, form), with the literal text before each; the last name is empty.
pub(crate) fn placeholders(template: &str) -> Vec<(&str, &str, &str)> {
    let mut parts = vec![];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (placeholder, after) = after.split_once('}').unwrap();
        let (name, form) = placeholder.split_once(':').unwrap_or((placeholder, ""));
        parts.push((before, name, form));
        rest = after;
    }
    parts.push((rest, "", ""));
    parts
}

fn text(template: &str, fields: &[Field], instance: &Instance) -> String {
    let mut text = String::new();
    for (before, name, form) in placeholders(template) {
        text += before;
        let value = |name: &str| fields.iter().position(|f| f.name == name).map(|i| &instance[i]);
        if let Some((first, second)) = name.split_once('-') {
            text += &value(first).unwrap().pairs(value(second).unwrap());
        } else if let Some(value) = value(name) {
            text += &value.text(form);
        }
    }
    text
}

trait SequenceNumber {
    fn max_wrapping(self, other: Self) -> Self;
}

impl SequenceNumber for u32 {
    /// The later of two sequence numbers.
    fn max_wrapping(self, other: u32) -> u32 {
        if other.wrapping_sub(self) as i32 > 0 { other } else { self }
    }
}
