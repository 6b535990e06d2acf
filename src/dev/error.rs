use std::io;
use std::path::PathBuf;

use crate::outbound::OutboundError;

/// Why the stage could not start or could not execute a command.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A loopback port could not be taken.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port asked for; 0 means any.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// A certificate file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key or a certificate could not be made or used.
    #[error("cannot make or use key material: {0}")]
    KeyMaterial(String),
    /// The TLS listener could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The demo bots' HTTP client could not be set up.
    #[error("cannot set up the demo bots' HTTP client: {0}")]
    Outbound(#[from] OutboundError),
    /// A user, an app or a key of that name is not on the stage.
    #[error("the stage has nothing called {0:?}")]
    Unknown(String),
}

impl StageError {
    pub(super) fn key_material(cause: impl std::fmt::Display) -> Self {
        Self::KeyMaterial(cause.to_string())
    }
}
