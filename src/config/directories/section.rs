use crate::config::ConnectionSection;
use crate::domain::{Directory, DirectorySettings};

/// A directory as the configuration begins it.
#[derive(Clone, Debug)]
pub struct DirectorySection {
    /// What only the configuration says.
    pub directory: Directory,
    /// The settings that the directory has at its first start; with `managed = "file"`, at every start.
    pub settings: DirectorySettings,
    /// The keys of the sections of its applications, in the order of the settings.
    pub(in crate::config) application_keys: Vec<String>,
    /// The connections of its other identity providers, until they join those of the configuration.
    pub(in crate::config) login_connections: Vec<ConnectionSection>,
}

/// The costs of new hashes of passwords (`[password_hashes]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordHashesSection {
    /// Memory in KiB, 19456 unless the file says otherwise (OWASP Password Storage Cheat Sheet).
    pub memory_kib: u32,
    /// Passes over the memory, 2 unless the file says otherwise.
    pub passes: u32,
}
