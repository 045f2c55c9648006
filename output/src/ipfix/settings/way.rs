//! How messages get to the collector.

use std::time::Duration;

use weir_flow::options::{OptionError, Parsed};
use weir_ipfix::export::transport::{
    Dtls, File, Framing, Lz4, Rotation, Sctp, SctpSettings, Tcp, Tls, Transport, Udp,
};
use weir_ipfix::identity::{Identity, IdentityError, IdentityFiles};

/// Options that say nothing about files.
const OF_COLLECTORS: &[&str] = &[
    "host",
    "port",
    "collectors",
    "distribution",
    "udp",
    "non-blocking-tcp",
    "lz4-compression",
    "template",
    "template-packets",
    "spool",
];

/// Options of TLS and DTLS.
const OF_TLS: &[&str] = &["ca", "cert", "key"];

/// Options of SCTP.
const OF_SCTP: &[&str] = &["sctp-lifetime", "sctp-streams"];

/// LZ4 says how long a block is in 16 bits; what cannot be compressed grows.
const LONGEST_COMPRESSED: u64 = 65_000;

/// How long each address of a collector is tried.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for the impatient.
const IMPATIENCE: Duration = Duration::from_millis(100);

/// The port of IPFIX over TLS and DTLS, unless one is given (RFC 7011, 10.3.4 and 10.4.4).
const SECURE_PORT: u16 = 4740;

/// With their headers and those of SCTP and IPv6, messages of this length fill a packet of Ethernet; longer ones would be sent in two.
const SCTP_MTU: u64 = 1500 - 40 - 12 - 16;

/// How messages get to the collector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::ipfix) enum Way {
    File { path: String, rotation: Option<Rotation> },
    Udp,
    Tcp(Stream),
    Tls(Stream, IdentityFiles),
    Dtls(IdentityFiles),
    Sctp(SctpSettings),
}

/// How a stream is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ipfix) struct Stream {
    /// How long an address is tried.
    patience: Duration,
    /// The size of the buffer before compression, if there is one.
    lz4_buffer: Option<usize>,
}

impl Way {
    pub(super) fn new(parameters: &Parsed, is_patient: bool) -> Result<Way, OptionError> {
        let is_given = |name: &&&str| parameters.is_given(name);
        let transport = transport(parameters)?;
        if !["tls", "dtls"].contains(&transport)
            && let Some(option) = OF_TLS.iter().find(is_given)
        {
            return Err(conflict(format!("{option} needs transport=tls or dtls")));
        }
        if transport != "sctp"
            && let Some(option) = OF_SCTP.iter().find(is_given)
        {
            return Err(conflict(format!("{option} needs transport=sctp")));
        }
        let rotation = rotation(parameters);
        if rotation.is_some() && transport != "file" {
            return Err(conflict("rotate and rotate-size need path".to_owned()));
        }
        if transport == "file" {
            if let Some(option) = OF_COLLECTORS.iter().find(is_given) {
                return Err(conflict(format!("{option} is for collectors, and path for files")));
            }
            return Ok(Way::File { path: required(parameters, "path")?, rotation });
        }
        if ["udp", "dtls", "sctp"].contains(&transport) && parameters.is_given("lz4-compression") {
            return Err(conflict(format!("lz4-compression needs TCP or TLS, not {transport}")));
        }
        if transport == "udp" {
            return Ok(Way::Udp);
        }
        if transport == "dtls" {
            return Ok(Way::Dtls(files(parameters)?));
        }
        let patience = if is_patient { PATIENCE } else { IMPATIENCE };
        if transport == "sctp" {
            let lifetime = Some(parameters.number("sctp-lifetime")).filter(|&time| time > 0);
            return Ok(Way::Sctp(SctpSettings {
                patience,
                lifetime: lifetime.map(Duration::from_millis),
                data_streams: parameters.number("sctp-streams") as u16,
            }));
        }
        let stream = Stream { patience, lz4_buffer: lz4_buffer(parameters)? };
        if transport == "tcp" {
            return Ok(Way::Tcp(stream));
        }
        Ok(Way::Tls(stream, files(parameters)?))
    }

    pub(super) fn port(&self, parameters: &Parsed) -> u16 {
        match self {
            Way::Tls(..) | Way::Dtls(_) if !parameters.is_given("port") => SECURE_PORT,
            _ => parameters.number("port") as u16,
        }
    }

    /// Octets of the longest message.
    pub(super) fn mtu(&self, parameters: &Parsed) -> u64 {
        match self {
            Way::Sctp(_) if !parameters.is_given("mtu") => SCTP_MTU,
            // Of that, the record around the message is a part.
            Way::Dtls(_) => parameters.number("mtu").saturating_sub(Dtls::OVERHEAD as u64),
            _ => parameters.number("mtu"),
        }
    }

    /// Parameters that mean nothing to templates that are sent once a connection or always, and to messages that are not compressed.
    pub(super) const fn without_effect(&self, repeats_templates: bool) -> &'static [&'static str] {
        match self {
            Way::Tcp(stream) | Way::Tls(stream, _) if stream.lz4_buffer.is_some() => {
                &["template", "template-packets"]
            }
            Way::Tcp(_) | Way::Tls(..) | Way::Sctp(_) => &["template", "template-packets", "lz4-buffer-size"],
            Way::Udp | Way::Dtls(_) if !repeats_templates => {
                &["template", "template-packets", "lz4-buffer-size"]
            }
            Way::Udp | Way::Dtls(_) | Way::File { .. } => &["lz4-buffer-size"],
        }
    }

    /// The transport to a collector, for messages of at most `longest` octets. Files of certificates are read now.
    pub(in crate::ipfix) fn transport(
        &self,
        host: &str,
        port: u16,
        longest: usize,
    ) -> Result<Box<dyn Transport>, OptionError> {
        let no_name = |_| OptionError::InvalidArgument {
            option: "host",
            value: host.to_owned(),
            expected: "the name or address in the collector's certificate".to_owned(),
        };
        Ok(match self {
            Way::File { path, rotation } => Box::new(File::new(path, *rotation)),
            Way::Udp => Box::new(Udp::new(host, port)),
            Way::Tcp(stream) => Box::new(Tcp::new(host, port, stream.patience)),
            Way::Sctp(settings) => {
                let sctp = Sctp::new(host, port, *settings);
                Box::new(sctp.map_err(|error| conflict(format!("transport=sctp: {error}")))?)
            }
            Way::Tls(stream, files) => {
                let identity = identity(files)?;
                Box::new(Tls::new(host, port, stream.patience, &identity).map_err(no_name)?)
            }
            Way::Dtls(files) => {
                let identity = identity(files)?.for_dtls().map_err(|error| of_file(&error))?;
                Box::new(Dtls::new(host, port, longest + Dtls::OVERHEAD, identity).map_err(no_name)?)
            }
        })
    }

    /// What is put around messages of at most `mtu` octets.
    pub(in crate::ipfix) fn framing(&self, mtu: usize) -> Option<Box<dyn Framing>> {
        match self {
            Way::Tcp(stream) | Way::Tls(stream, _) => Some(Box::new(Lz4::new(mtu, stream.lz4_buffer?))),
            Way::Udp | Way::Dtls(_) | Way::Sctp(_) | Way::File { .. } => None,
        }
    }
}

fn identity(files: &IdentityFiles) -> Result<Identity, OptionError> {
    Identity::read(files).map_err(|error| of_file(&error))
}

fn of_file(error: &IdentityError) -> OptionError {
    let (option, path, why) = match error {
        IdentityError::Authorities(path, why) => ("ca", path, why),
        IdentityError::Certificate(path, why) => ("cert", path, why),
        IdentityError::Key(path, why) => ("key", path, why),
    };
    conflict(format!("{option}: {}: {why}", path.display()))
}

fn files(parameters: &Parsed) -> Result<IdentityFiles, OptionError> {
    Ok(IdentityFiles {
        authorities: required(parameters, "ca")?.into(),
        certificate: required(parameters, "cert")?.into(),
        key: required(parameters, "key")?.into(),
    })
}

fn conflict(what: String) -> OptionError {
    OptionError::Conflict(what)
}

fn required(parameters: &Parsed, option: &'static str) -> Result<String, OptionError> {
    parameters.text(option).map(str::to_owned).ok_or(OptionError::Required(option))
}

/// The transport that is asked for, in one way or another.
fn transport(parameters: &Parsed) -> Result<&str, OptionError> {
    let short = [("path", "file"), ("udp", "udp")];
    let mut short = short.iter().filter(|(option, _)| parameters.is_given(option));
    match (parameters.text("transport"), short.next()) {
        (None, None) => Ok("tcp"),
        (None, Some((_, meant))) => Ok(meant),
        (Some(transport), None) => Ok(transport),
        (Some(transport), Some((option, meant))) if transport != *meant => {
            Err(conflict(format!("{option} contradicts transport={transport}")))
        }
        (Some(transport), Some(_)) => Ok(transport),
    }
}

fn rotation(parameters: &Parsed) -> Option<Rotation> {
    let positive = |name| Some(parameters.number(name)).filter(|&number| number > 0);
    let rotation =
        Rotation { octets: positive("rotate-size"), after: positive("rotate").map(Duration::from_secs) };
    Some(rotation).filter(|rotation| *rotation != Rotation::default())
}

/// The size of the buffer before compression, if messages are to be compressed.
fn lz4_buffer(parameters: &Parsed) -> Result<Option<usize>, OptionError> {
    if !parameters.is_given("lz4-compression") {
        return Ok(None);
    }
    let mtu = parameters.number("mtu");
    if mtu > LONGEST_COMPRESSED {
        return Err(conflict(format!(
            "with lz4-compression messages can be {LONGEST_COMPRESSED} bytes long at most, not {mtu} (mtu)"
        )));
    }
    Ok(Some(parameters.number("lz4-buffer-size") as usize))
}
