use std::io;
use std::path::PathBuf;

use crate::outbound::OutboundError;

/// Why the stage could not start or could not execute a command.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The stage could not listen on a loopback port.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The requested port; 0 means any free port.
        port: u16,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A library of the playground's page could not be read.
    #[error("cannot read {}: {source}; scripts/web-chat DIR fetches what Web Chat needs", path.display())]
    WebChat {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A key or a certificate could not be generated or used.
    #[error("cannot generate or use key material: {0}")]
    KeyMaterial(String),
    /// The TLS listener could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The demo bots' HTTP client could not be set up.
    #[error("cannot set up the demo bots' HTTP client: {0}")]
    Outbound(#[from] OutboundError),
    /// The bots, connections and users cannot be written as a stage file.
    #[error("the stage cannot be written as a file: {0}")]
    Plan(String),
    /// The stage has no user or app of this name.
    #[error("the stage has no user or app called {0:?}")]
    Unknown(String),
}

impl StageError {
    pub(super) fn key_material(cause: impl std::fmt::Display) -> Self {
        Self::KeyMaterial(cause.to_string())
    }
}
