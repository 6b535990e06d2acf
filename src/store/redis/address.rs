//! The addresses of a store in Redis.

use std::path::PathBuf;

const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
/// Ends the messages about a URL that cannot be read.
const FORMS: &str = "write redis://HOST:PORT/DATABASE, redis+sentinel://HOST:PORT,HOST:PORT/MASTER, \
                     redis+cluster://HOST:PORT,HOST:PORT or redis+unix:///PATH (rediss… with TLS)";

/// The servers that a URL names. A message about a URL does not quote it, because it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) servers: Servers,
    pub(super) has_tls: bool,
    /// The number of the database; 0 in a cluster.
    pub(super) database: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Servers {
    One(Node),
    Socket(PathBuf),
    Sentinels { sentinels: Vec<Node>, master: String },
    Cluster(Vec<Node>),
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads a URL. The error says what is wrong and what to write.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| format!("it is no URL: {FORMS}"))?;
        if scheme == "redis+unix" {
            return Self::parse_socket(rest);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("it contains a user or a password: write them as settings of their own".to_owned());
        }
        if rest.contains(['?', '#']) {
            return Err(format!("it contains `?` or `#`, and there are no such options: {FORMS}"));
        }
        let has_tls = scheme.starts_with("rediss");
        match scheme {
            "redis" | "rediss" => {
                let [node] = <[Node; 1]>::try_from(parse_nodes(authority, SERVER_PORT)?)
                    .map_err(|_| "it names several servers: write redis+sentinel:// or redis+cluster://".to_owned())?;
                Ok(Self { servers: Servers::One(node), has_tls, database: parse_database(path)? })
            }
            "redis+sentinel" | "rediss+sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err("it does not name the master, as in redis+sentinel://HOST:PORT/MASTER".to_owned());
                }
                let sentinels = parse_nodes(authority, SENTINEL_PORT)?;
                let servers = Servers::Sentinels { sentinels, master: master.to_owned() };
                Ok(Self { servers, has_tls, database: parse_database(database)? })
            }
            "redis+cluster" | "rediss+cluster" => {
                if parse_database(path)? != 0 {
                    return Err("it names a database, but a cluster has database 0 alone".to_owned());
                }
                let servers = Servers::Cluster(parse_nodes(authority, SERVER_PORT)?);
                Ok(Self { servers, has_tls, database: 0 })
            }
            _ => Err(format!("its scheme is unknown: {FORMS}")),
        }
    }

    fn parse_socket(path: &str) -> Result<Self, String> {
        if !path.starts_with('/') || path.len() == 1 {
            return Err("it does not name an absolute path, as in redis+unix:///run/redis/redis.sock".to_owned());
        }
        Ok(Self { servers: Servers::Socket(PathBuf::from(path)), has_tls: false, database: 0 })
    }
}

fn parse_nodes(authority: &str, default_port: u16) -> Result<Vec<Node>, String> {
    authority.split(',').map(|node| parse_node(node, default_port)).collect()
}

fn parse_node(text: &str, default_port: u16) -> Result<Node, String> {
    let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or("after `]` it must go on with `:PORT`")?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None => default_port,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            "the port of a host is no number from 1 to 65535 (an IPv6 address stands in brackets, as in [::1]:6379)"
                .to_owned()
        })?,
    };
    if host.is_empty() {
        return Err(format!("a host is missing: {FORMS}"));
    }
    Ok(Node { host: host.to_owned(), port })
}

fn parse_database(path: &str) -> Result<i64, String> {
    match path {
        "" => Ok(0),
        number => number
            .parse()
            .ok()
            .filter(|number| (0..=i64::from(u16::MAX)).contains(number))
            .ok_or_else(|| "the database at its end is no number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn node(host: &str, port: u16) -> Node {
        Node { host: host.to_owned(), port }
    }

    #[test]
    fn every_form_of_address_is_read() {
        let one = |servers, has_tls, database| Ok(Address { servers, has_tls, database });
        assert_eq!(Address::parse("redis://db"), one(Servers::One(node("db", 6379)), false, 0));
        assert_eq!(Address::parse("rediss://db:7000/3"), one(Servers::One(node("db", 7000)), true, 3));
        assert_eq!(Address::parse("redis://[::1]:7000/"), one(Servers::One(node("::1", 7000)), false, 0));
        assert_eq!(Address::parse("redis://[::1]"), one(Servers::One(node("::1", 6379)), false, 0));
        assert_eq!(Address::parse("redis+unix:///a/b.sock"), one(Servers::Socket("/a/b.sock".into()), false, 0));
        let sentinels =
            Servers::Sentinels { sentinels: vec![node("a", 26379), node("b", 9)], master: "main".to_owned() };
        assert_eq!(Address::parse("redis+sentinel://a,b:9/main/2"), one(sentinels.clone(), false, 2));
        assert_eq!(Address::parse("rediss+sentinel://a,b:9/main"), one(sentinels, true, 0));
        let cluster = Servers::Cluster(vec![node("a", 1), node("b", 6379)]);
        assert_eq!(Address::parse("redis+cluster://a:1,b"), one(cluster.clone(), false, 0));
        assert_eq!(Address::parse("rediss+cluster://a:1,b/0"), one(cluster, true, 0));
    }

    #[test]
    fn a_wrong_address_is_refused_with_what_to_write_and_without_its_password() {
        for (url, expected) in [
            ("db:6379", "it is no URL"),
            ("http://db", "scheme is unknown"),
            ("redis://", "a host is missing"),
            ("redis://db:x", "is no number from 1 to 65535"),
            ("redis://::1:6379", "stands in brackets"),
            ("redis://[::1]6379", "must go on with `:PORT`"),
            ("redis://db:0", "is no number from 1 to 65535"),
            ("redis://db/x", "is no number"),
            ("redis://db/-1", "is no number"),
            ("redis://a,b", "redis+sentinel:// or redis+cluster://"),
            ("redis://db?protocol=3", "there are no such options"),
            ("redis+sentinel://a", "does not name the master"),
            ("redis+cluster://a/1", "database 0 alone"),
            ("redis+cluster://a,,b", "a host is missing"),
            ("redis+unix://run", "absolute path"),
            ("redis://user:s3cret@db", "settings of their own"),
            ("redis+cluster://:s3cret@db", "settings of their own"),
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(error.contains(expected), "{url}: {error}");
            assert!(!error.contains("s3cret"), "{url}: {error}");
        }
    }
}
