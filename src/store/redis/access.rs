use std::fs;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo, RedisResult,
    TlsCertificates, TlsMode,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::RedisSettings;
use super::address::{Address, Node, Servers};
use crate::store::StoreError;

/// How long data may stay without acknowledgement before a connection counts as broken. A host that is gone answers
/// nothing, not even that it is gone.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(5);

/// What is needed to connect to the servers of a store.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) address: Address,
    user: Option<String>,
    password: Option<crate::domain::Secret>,
    /// `None` without TLS.
    certificates: Option<TlsCertificates>,
}

impl Access {
    /// Reads the address and the certificates of `settings`.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, StoreError> {
        let unusable = |reason| StoreError::Unusable { place: "the configured URL".to_owned(), reason };
        let address = Address::parse(&settings.url).map_err(unusable)?;
        if settings.prefix.contains(['{', '}']) {
            return Err(unusable("the prefix of its keys contains a brace: write one without".to_owned()));
        }
        if settings.ca_file.is_some() && !address.has_tls {
            return Err(unusable("there is a CA file, but the URL is without TLS: write rediss…".to_owned()));
        }
        let certificates = if address.has_tls {
            Some(TlsCertificates { client_tls: None, root_cert: read_ca_file(settings)? })
        } else {
            None
        };
        let (user, password) = (settings.user.clone(), settings.password.clone());
        Ok(Self { address, user, password, certificates })
    }

    /// The client of a server that keeps records.
    pub(super) fn client(&self, node: &Node) -> RedisResult<Client> {
        self.client_at(self.address_of(node), self.handshake(true).set_db(self.address.database))
    }

    /// The client of the server at the socket of the URL.
    pub(super) fn socket_client(&self, socket: std::path::PathBuf) -> RedisResult<Client> {
        self.client_at(ConnectionAddr::Unix(socket), self.handshake(true))
    }

    /// The client of a sentinel.
    pub(super) fn sentinel_client(&self, node: &Node, with_password: bool) -> RedisResult<Client> {
        self.client_at(self.address_of(node), self.handshake(with_password))
    }

    /// The client of a cluster. It repeats nothing by itself: it does not know what may run twice.
    pub(super) fn cluster_client(&self, limits: &ClusterLimits) -> RedisResult<ClusterClient> {
        let Servers::Cluster(nodes) = &self.address.servers else {
            return ClusterClient::new(Vec::<ConnectionInfo>::new());
        };
        let mut builder = ClusterClientBuilder::new(nodes.iter().map(|node| self.address_of(node)))
            .retries(0)
            .connection_timeout(limits.connection)
            .response_timeout(limits.response)
            .overall_response_timeout(Some(limits.operation))
            .use_protocol(ProtocolVersion::RESP3)
            .tcp_settings(tcp_settings());
        if let Some(user) = &self.user {
            builder = builder.username(user);
        }
        if let Some(password) = &self.password {
            builder = builder.password(password.expose());
        }
        if let Some(certificates) = &self.certificates {
            builder = builder.tls(TlsMode::Secure).certs(certificates.clone());
        }
        builder.build()
    }

    fn address_of(&self, node: &Node) -> ConnectionAddr {
        let (host, port) = (node.host.clone(), node.port);
        match self.certificates {
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            None => ConnectionAddr::Tcp(host, port),
        }
    }

    fn handshake(&self, with_password: bool) -> RedisConnectionInfo {
        let mut handshake = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = self.user.as_ref().filter(|_| with_password) {
            handshake = handshake.set_username(user);
        }
        if let Some(password) = self.password.as_ref().filter(|_| with_password) {
            handshake = handshake.set_password(password.expose());
        }
        handshake
    }

    fn client_at(&self, addr: ConnectionAddr, handshake: RedisConnectionInfo) -> RedisResult<Client> {
        let info = addr.into_connection_info()?.set_redis_settings(handshake).set_tcp_settings(tcp_settings());
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
            None => Client::open(info),
        }
    }
}

/// How long steps of a command to a cluster may take.
pub(super) struct ClusterLimits {
    pub(super) connection: Duration,
    pub(super) response: Duration,
    pub(super) operation: Duration,
}

fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true).set_user_timeout(UNACKNOWLEDGED_TIMEOUT)
}

fn read_ca_file(settings: &RedisSettings) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(path) = &settings.ca_file else { return Ok(None) };
    let unusable = |reason| StoreError::Unusable { place: "the configured URL".to_owned(), reason };
    let pem =
        fs::read(path).map_err(|error| unusable(format!("its CA file {} cannot be read: {error}", path.display())))?;
    let certificates: Result<Vec<CertificateDer<'_>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    if !certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        return Err(unusable(format!("its CA file {} contains no certificates in PEM", path.display())));
    }
    Ok(Some(pem))
}
