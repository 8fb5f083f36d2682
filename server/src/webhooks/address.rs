//! Where webhooks may go: over TLS, to addresses of the open internet, and further only where the configuration says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;

use crate::{config::Network, http::problem::Problem};

/// Why nothing is sent to a host, as the API says it.
pub(crate) const NO_ADDRESS: &str = "the host has no address";
pub(crate) const PRIVATE: &str =
    "the host is in a private network, which webhooks.private_networks does not allow";

/// An address that may be told of events. Where its name leads is looked at again at each delivery ([`expect_open`]).
pub(super) fn expect_good(text: &str) -> Result<Url, Problem> {
    let wrong = |vi: &'static str, en: &'static str| Problem::invalid(en).vietnamese(vi);
    let url = Url::parse(text.trim())
        .map_err(|_| wrong("Địa chỉ không đọc được.", "url: not an address"))?;
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let ip: Option<IpAddr> = bare.parse().ok();
    let local = host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        return Err(wrong(
            "Địa chỉ phải bắt đầu bằng https:// (http:// chỉ dùng cho chính máy này).",
            "url: https, or http to this machine",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() || text.len() > 1_000 {
        return Err(wrong(
            "Địa chỉ không được chứa tên hay mật khẩu, và không quá 1000 ký tự.",
            "url: without a name and password, at most 1000 characters",
        ));
    }
    Ok(url)
}

/// Who is told, for the audit log: paths and queries may be secret.
pub(super) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The addresses of a host that deliveries may go to; why not, where any of them is not one.
pub(super) fn expect_open(
    found: Vec<SocketAddr>,
    allowed: &[Network],
) -> Result<Vec<SocketAddr>, String> {
    if found.is_empty() {
        return Err(NO_ADDRESS.to_owned());
    }
    let closed = found.iter().find(|found| {
        let ip = found.ip().to_canonical();
        !is_global(ip) && !allowed.iter().any(|network| network.contains(ip))
    });
    match closed {
        Some(_) => Err(PRIVATE.to_owned()),
        None => Ok(found),
    }
}

/// Whether an address belongs to the open internet.
fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => is_global_v6(ip),
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_global_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    // 2000::/3 is what is given out; of it documentation, and ways back into IPv4, are not.
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine() {
        for good in [
            "https://hooks.example/x?y=1",
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://[::1]:9/",
        ] {
            assert!(expect_good(good).is_ok(), "{good}");
        }
        for bad in [
            "http://hooks.example/",
            "ftp://127.0.0.1/",
            "https://name:secret@hooks.example/",
            "javascript:1",
            "",
            "http://127.0.0.1.example/",
        ] {
            assert!(expect_good(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn private_addresses_are_refused_unless_configured_and_one_of_several_is_enough() {
        let open = |ips: &[&str], allowed: &[&str]| {
            let found = ips
                .iter()
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 443));
            let allowed: Vec<Network> = allowed.iter().map(|net| net.parse().unwrap()).collect();
            expect_open(found.collect(), &allowed).is_ok()
        };
        assert!(open(&["8.8.8.8", "2606:4700::1111"], &[]));
        for closed in [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.0.1",
            "172.16.5.4",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "3fff::1",
            "ff02::1",
        ] {
            assert!(!open(&[closed], &[]), "{closed}");
            assert!(!open(&["8.8.8.8", closed], &[]), "{closed}");
        }
        assert!(open(&["10.1.2.3"], &["10.0.0.0/8"]) && !open(&["10.1.2.3"], &["10.2.0.0/16"]));
        assert!(!open(&[], &[]));
    }
}
