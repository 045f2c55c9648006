//! Conversations of the common protocols, long and short.

use std::net::Ipv4Addr;

use crate::{
    content::{self, dns, http, quic, tls},
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    path::Path,
    pool::Pool,
    random::Random,
    shapes::{filling, identity},
    traffic::{Parameters, Traffic},
};

/// Which conversations, and how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mix {
    /// All protocols, heavy-tailed lengths, with a pause of 20 s now and then so that timeouts fire.
    Internet,
    /// HTTP, TLS, DNS and QUIC, a few packets each.
    Short,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Application {
    Http,
    Tls,
    Dns,
    Quic,
    TcpBulk,
    UdpBulk,
    Ping,
}

/// See [`super::Shape::Imix`] and [`super::Shape::L7`].
pub(super) struct Conversations {
    mix: Mix,
    pool: Pool<State>,
    seed: u64,
    sent: u64,
    filling: Vec<u8>,
    message: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct State {
    step: u32,
    next: [u32; 2],
}

/// What follows from a flow's number.
struct Identity {
    application: Application,
    path: Path,
    host: u64,
    packets: u32,
}

/// Packets between two pauses, and the length of a pause, in [`Mix::Internet`].
const PAUSE_EVERY: u64 = 500_000;
const PAUSE_US: u64 = 20_000_000;

impl Conversations {
    pub(super) fn new(mix: Mix, parameters: &Parameters, random: &mut Random) -> Conversations {
        Conversations {
            mix,
            pool: Pool::new(parameters.flows),
            seed: parameters.seed,
            sent: 0,
            filling: filling(random),
            message: Vec::with_capacity(2048),
        }
    }

    fn identity(&self, id: u64) -> Identity {
        let mut own = identity::random_of(self.seed, id);
        let v6 = own.chance(15);
        let application = self.mix.application(own.below(1000));
        let port = match application {
            Application::Http => 80,
            Application::Tls | Application::Quic => 443,
            Application::Dns => 53,
            Application::Ping => 0,
            Application::TcpBulk | Application::UdpBulk => identity::high_port(&mut own),
        };
        let path = identity::path(&mut own, v6, port);
        let host = own.below(5000);
        let packets = self.mix.packets(application, &mut own);
        Identity { application, path, host, packets }
    }

    /// Writes a step of a TCP conversation: handshake, the two openings, then data and acknowledgements.
    fn tcp(&mut self, place: usize, identity: &Identity, random: &mut Random, out: &mut Vec<u8>) {
        let State { step, next } = self.pool.at(place).state;
        self.message.clear();
        let mut bulk = 0;
        let (forward, mut bits) = match step {
            0 => (true, flags::SYN),
            1 => (false, flags::SYN | flags::ACK),
            2 => (true, flags::ACK),
            3 | 4 => {
                self.opening(identity, step == 3, random);
                (step == 3, flags::PSH | flags::ACK)
            }
            _ => match random.below(100) {
                0..40 => (true, flags::ACK),
                40..90 => {
                    bulk = if identity.path.is_ipv6() { 1428 } else { 1448 };
                    (false, flags::ACK)
                }
                _ => {
                    bulk = random.between(200, 800) as usize;
                    (true, flags::PSH | flags::ACK)
                }
            },
        };
        if self.mix == Mix::Internet && step + 1 >= identity.packets {
            bits |= flags::FIN;
        }
        let payload = if self.message.is_empty() { &self.filling[..bulk] } else { &self.message };
        let (mine, theirs) = (usize::from(!forward), usize::from(forward));
        let syn = step < 2;
        let segment = Tcp {
            sequence: next[mine],
            acknowledgement: next[theirs],
            flags: bits,
            window: 64_240,
            options: if syn { &SYN_OPTIONS } else { &DATA_OPTIONS },
        };
        frame::tcp(out, &identity.path.directed(forward), self.sent as u16, &segment, payload);
        let len = payload.len() as u32;
        let state = &mut self.pool.at(place).state;
        state.next[mine] = next[mine].wrapping_add(len + u32::from(syn));
    }

    /// The first message of either side.
    fn opening(&mut self, identity: &Identity, request: bool, random: &mut Random) {
        let number = identity.host;
        let host = content::host(number);
        self.message = match (identity.application, request) {
            (Application::Http, true) => {
                http::request(&host, &format!("/path/{number}/index.html?id={}", self.sent), 60 + number % 80)
            }
            (Application::Http, false) => {
                http::response(&format!("nginx/1.{}", number % 25), self.sent, 100_000)
            }
            (Application::Tls, true) => tls::client_hello(&host, random),
            (Application::Tls, false) => tls::server_hello(random),
            (_, true) => self.filling[..200].to_vec(),
            (_, false) => self.filling[..1000].to_vec(),
        };
    }

    /// Writes a datagram.
    fn datagram(&mut self, step: u32, identity: &Identity, random: &mut Random, out: &mut Vec<u8>) {
        let number = self.sent as u16;
        let (forward, len) = match identity.application {
            Application::Dns => {
                let (id, host) = (identity.path.from_port, content::host(identity.host));
                let query = step.is_multiple_of(2);
                let message = if query {
                    dns::query(id, &host)
                } else {
                    let [a, b, c, d] = random.bytes();
                    dns::response(id, &host, &[Ipv4Addr::new(198, 18, a, b), Ipv4Addr::new(198, 19, c, d)])
                };
                return frame::udp(out, &identity.path.directed(query), number, &message);
            }
            Application::Quic if step == 0 => {
                return frame::udp(out, &identity.path, number, &quic::initial_like(random));
            }
            Application::Quic if random.chance(33) => (true, random.between(40, 140)),
            Application::Quic => (false, 1250),
            _ => (step == 0 || random.chance(67), random.between(100, 1000)),
        };
        frame::udp(out, &identity.path.directed(forward), number, &self.filling[..len as usize]);
    }
}

impl Mix {
    /// The application at `point` of 1000.
    fn application(self, point: u64) -> Application {
        match self {
            Mix::Internet => match point {
                0..120 => Application::Http,
                120..480 => Application::Tls,
                480..760 => Application::Dns,
                760..860 => Application::Quic,
                860..930 => Application::TcpBulk,
                930..990 => Application::UdpBulk,
                _ => Application::Ping,
            },
            Mix::Short => match point {
                0..280 => Application::Http,
                280..560 => Application::Tls,
                560..900 => Application::Dns,
                _ => Application::Quic,
            },
        }
    }

    /// How many packets a flow has.
    fn packets(self, application: Application, own: &mut Random) -> u32 {
        match (self, application) {
            (_, Application::Dns) => 2,
            (_, Application::Ping) => 4,
            (Mix::Short, Application::Http) => 8,
            (Mix::Short, Application::Tls) => 9,
            (Mix::Short, _) => 6,
            (Mix::Internet, Application::UdpBulk) => own.pareto(1.0, 1.1, 20_000.0),
            (Mix::Internet, _) => own.pareto(6.0, 1.1, 50_000.0),
        }
    }
}

impl Traffic for Conversations {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = *self.pool.at(place);
        let identity = self.identity(member.id);
        let step = member.state.step;
        match identity.application {
            Application::Http | Application::Tls | Application::TcpBulk => {
                self.tcp(place, &identity, random, out);
            }
            Application::Ping => {
                let request = step.is_multiple_of(2);
                let path = identity.path.directed(request);
                frame::echo(out, &path, self.sent as u16, request, step as u16 / 2, &self.filling[..56]);
            }
            _ => self.datagram(step, &identity, random, out),
        }
        self.sent += 1;
        if step == 0 {
            self.pool.begin();
        }
        if step + 1 >= identity.packets {
            self.pool.replace(place);
        } else {
            self.pool.at(place).state.step = step + 1;
        }
    }

    fn renew(&mut self) {
        self.pool.renew();
    }

    fn pause_us(&self, packet: u64) -> u64 {
        if self.mix == Mix::Internet && packet % PAUSE_EVERY == PAUSE_EVERY - 1 { PAUSE_US } else { 0 }
    }

    fn flows_begun(&self) -> u64 {
        self.pool.begun()
    }
}
