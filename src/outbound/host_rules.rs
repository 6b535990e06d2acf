use std::borrow::Cow;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{OutboundError, OutboundSettings, host_text};

/// IPv4 ranges that are not public addresses (IANA special-purpose registry), and 168.63.129.16: the address looks
/// public but is the endpoint of Azure's platform services.
const NON_PUBLIC_V4_RANGES: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];

/// Which hosts may be called. The default is any public address over TLS; the operator permits more in the
/// configuration.
pub(super) struct HostRules {
    named: ArcSwap<NamedHosts>,
    /// The egress proxy's host, which the operator configured: a proxy is usually on a private network.
    proxy: Option<String>,
    private_networks: Vec<IpNet>,
    /// If this is set, calls to all other hosts are refused, even to public ones.
    only_hosts: Option<HashSet<String>>,
}

/// The hosts that the configuration names in addresses that are called.
struct NamedHosts {
    plain_http: HashSet<String>,
    private: HashSet<String>,
}

impl HostRules {
    pub(super) fn new(settings: &OutboundSettings) -> Self {
        let named = NamedHosts {
            plain_http: normalize_hosts(&settings.plain_http_hosts),
            private: normalize_hosts(&settings.private_hosts),
        };
        Self {
            named: ArcSwap::from_pointee(named),
            proxy: settings.egress_proxy.as_ref().map(|url| normalize_host(&host_text(url)).into_owned()),
            private_networks: settings.private_networks.clone(),
            only_hosts: None,
        }
    }

    /// The same rules, restricted to `hosts` if they are given.
    pub(super) fn restricted_to(self, hosts: Option<&[String]>) -> Self {
        Self { only_hosts: hosts.map(normalize_hosts), ..self }
    }

    /// Replaces the hosts that may be called without TLS, and those that may have addresses that are not public.
    pub(super) fn replace_hosts(&self, plain_http: &[String], private: &[String]) {
        let named = NamedHosts { plain_http: normalize_hosts(plain_http), private: normalize_hosts(private) };
        self.named.store(Arc::new(named));
    }

    /// Checks the URL's scheme, host and literal address. The addresses of a host name are checked when the name is
    /// resolved ([`PermittedAddressResolver`]).
    pub(super) fn check(&self, url: &Url) -> Result<(), OutboundError> {
        if self.permits_url(url) { Ok(()) } else { Err(OutboundError::HostRefused { host: host_text(url) }) }
    }

    fn permits_url(&self, url: &Url) -> bool {
        let (host, address) = match url.host() {
            Some(Host::Domain(name)) => (normalize_host(name), None),
            Some(Host::Ipv4(address)) => (url.host_str().unwrap_or_default().into(), Some(IpAddr::V4(address))),
            // The library writes some of these addresses otherwise than the URL.
            Some(Host::Ipv6(address)) => (address.to_string().into(), Some(IpAddr::V6(address))),
            None => return false,
        };
        let scheme_fits = match url.scheme() {
            "https" => true,
            "http" => self.named.load().plain_http.contains(&*host),
            _ => false,
        };
        scheme_fits
            && self.only_hosts.as_ref().is_none_or(|only| only.contains(&*host))
            && url.username().is_empty()
            && url.password().is_none()
            && address.is_none_or(|address| self.permits(&host, address))
    }

    fn permits(&self, host: &str, address: IpAddr) -> bool {
        let is_named = || {
            let host = normalize_host(host);
            self.proxy.as_deref() == Some(&*host) || self.named.load().private.contains(&*host)
        };
        is_public(address) || is_named() || self.private_networks.iter().any(|network| network.contains(&address))
    }
}

fn normalize_hosts(hosts: &[String]) -> HashSet<String> {
    hosts.iter().map(|host| normalize_host(host).into_owned()).collect()
}

/// Converts a host to lower case and removes IPv6 brackets and the trailing dot of the DNS root.
pub(super) fn normalize_host(host: &str) -> Cow<'_, str> {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    !NON_PUBLIC_V4_RANGES
        .iter()
        .any(|(network, length)| (bits ^ u32::from(*network)).checked_shr(32 - length) == Some(0))
}

/// An address that embeds an IPv4 address (mapped, NAT64, 6to4) is public if the embedded address is public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let bits = u128::from(address);
    let low_v4 = |shift: u32| Ipv4Addr::from(u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or(0));
    match address.segments() {
        [0x0064, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(low_v4(0)),
        [0x2002, ..] => is_public_v4(low_v4(80)),
        // The ranges for Teredo, benchmarking, ORCHID and documentation are in 2001:0::/23 and 2001:db8::/32.
        [0x2001, second, ..] => second > 0x01ff && second != 0x0db8,
        // All allocated public addresses are in 2000::/3. Addresses outside it (loopback, ULA, link-local, multicast)
        // are not public.
        [first, ..] => first & 0xe000 == 0x2000 && first != 0x3fff,
    }
}

/// Resolves host names and returns only the addresses that the rules permit. The client connects to exactly the
/// addresses that were checked, so a name that changes its address between check and use (DNS rebinding) does not
/// bypass the rules.
pub(super) struct PermittedAddressResolver {
    rules: Arc<HostRules>,
}

impl PermittedAddressResolver {
    pub(super) fn new(rules: Arc<HostRules>) -> Self {
        Self { rules }
    }
}

type ResolveError = Box<dyn std::error::Error + Send + Sync>;

impl Resolve for PermittedAddressResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.rules);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let looked_up = host.clone();
            let addresses: Vec<SocketAddr> =
                tokio::task::spawn_blocking(move || (looked_up.as_str(), 0_u16).to_socket_addrs()).await??.collect();
            let found_some = !addresses.is_empty();
            let permitted: Vec<SocketAddr> =
                addresses.into_iter().filter(|address| rules.permits(&host, address.ip())).collect();
            if found_some && permitted.is_empty() {
                return Err(ResolveError::from(AddressesRefused));
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// The host name resolved, but the rules permit none of its addresses.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to addresses that are not permitted")]
struct AddressesRefused;

/// Whether the error's chain of causes contains [`AddressesRefused`].
pub(super) fn was_refused(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<AddressesRefused>() {
            return true;
        }
        cause = inner.source();
    }
    false
}
