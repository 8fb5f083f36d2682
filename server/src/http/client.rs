//! Which address a request comes from.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use crate::{app::App, config::Network};

/// The address of who asks. What a proxy says about it is believed only when the proxy is a trusted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) IpAddr);

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(of_request(parts, app))
    }
}

/// The same, outside of a handler. A request that came over no socket has no address.
pub(crate) fn of_request(parts: &Parts, app: &App) -> Client {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    Client(of(peer, &parts.headers, &app.config.trusted_proxies))
}

/// The last address that no trusted proxy stands behind: each proxy adds whom it heard from at the end.
pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    for claimed in claims(headers).into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        match claimed {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// What `Forwarded` (RFC 7239) says, or `X-Forwarded-For` where it is missing; `None` for what is no address.
fn claims(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let list = |name: &str| -> Vec<String> {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .map(|item| item.trim().to_owned())
            .collect()
    };
    let forwarded = list(header::FORWARDED.as_str());
    if forwarded.is_empty() {
        return list("x-forwarded-for")
            .iter()
            .map(|item| address(item))
            .collect();
    }
    let by_whom = |item: &String| {
        let mut pairs = item
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, _)| name.eq_ignore_ascii_case("for"))
            .and_then(|(_, value)| address(value))
    };
    forwarded.iter().map(by_whom).collect()
}

/// `192.0.2.1`, `"192.0.2.1:80"`, `"[2001:db8::1]:80"`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let found: Option<IpAddr> = text.parse().ok();
    let found = found.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let found = found.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    found.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, name: &'static str, value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let trusted: Vec<Network> =
            vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        of(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let name = "x-forwarded-for";
        assert_eq!(client("203.0.113.9", name, "192.0.2.1"), "203.0.113.9");
        assert_eq!(client("10.1.1.1", name, "192.0.2.1"), "192.0.2.1");
        // What a client writes stands before what the proxy adds.
        assert_eq!(client("10.1.1.1", name, "1.1.1.1, 192.0.2.1"), "192.0.2.1");
        assert_eq!(
            client("127.0.0.1", name, "192.0.2.1, 10.2.2.2"),
            "192.0.2.1"
        );
        assert_eq!(client("10.1.1.1", name, "unknown"), "10.1.1.1");
        assert_eq!(
            client("::ffff:10.1.1.1", name, "2001:db8::1"),
            "2001:db8::1"
        );
    }

    #[test]
    fn the_standard_field_is_read_in_every_form() {
        for (value, expected) in [
            ("for=192.0.2.1;proto=https", "192.0.2.1"),
            ("proto=https;For=\"192.0.2.1:4711\"", "192.0.2.1"),
            ("for=\"[2001:db8::1]:80\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=1.1.1.1, for=192.0.2.1", "192.0.2.1"),
            ("for=_hidden", "10.1.1.1"),
        ] {
            assert_eq!(client("10.1.1.1", "forwarded", value), expected, "{value}");
        }
    }
}
