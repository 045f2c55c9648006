//! Connections of SSH.

use super::{Capture, Film, film::conversation};
use crate::{content::ssh, dialogue::Dialogue, path::Path};

pub(super) const CAPTURES: &[Capture] = &[Capture::new(
    "ssh-algorithms-split-and-out-of-order",
    "SSH on port 2222: the server says a line of text and then who it is, the algorithms of both ends come in pieces, two of them changed places: both versions, and the fingerprints published for these algorithms",
    split,
)];

fn split() -> Film {
    let client = ssh::algorithms(ssh::CLIENT_METHODS, ssh::CLIENT_COMPRESSIONS);
    let server = ssh::algorithms(ssh::SERVER_METHODS, ssh::SERVER_COMPRESSIONS);
    let welcome = [b"Authorised use only.\r\n".to_vec(), ssh::identification("OpenSSH_7.6")].concat();
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .says(&ssh::identification("OpenSSH_7.6p1 Ubuntu-4ubuntu0.3"))
        .answers(&welcome)
        .pieces(true, &client, &[3, 700])
        .pieces(false, &server, &[300])
        .says(&ssh::exchange())
        .answers(&[0x99; 200])
        .close()
        .segments();
    segments.swap(6, 7);
    conversation(&Path::v4([10, 0, 0, 1], 40_022, [10, 0, 0, 2], 2222), &segments)
}
