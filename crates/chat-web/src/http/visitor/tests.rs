use super::*;

fn connection(peer: &str, local: &str, secure: bool) -> ConnectionInfo {
    ConnectionInfo { peer: peer.parse().unwrap(), local: local.parse().unwrap(), secure }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, value.parse().unwrap());
    }
    map
}

fn proxied() -> GatewayNames {
    GatewayNames {
        public_url: Some("https://chat.example".parse().unwrap()),
        proxies: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
        ..GatewayNames::default()
    }
}

#[test]
fn knows_its_own_names_only() {
    let names = GatewayNames::default();
    let near = connection("127.0.0.1:9", "127.0.0.1:8080", false);
    for (host, origin) in [
        ("127.0.0.1:8080", Some("http://127.0.0.1:8080")),
        ("LocalHost:8080", Some("http://localhost:8080")),
        ("[::1]:8080", Some("http://[::1]:8080")),
        ("127.0.0.1", None),
        ("127.0.0.1:80", None),
        ("evil.example:8080", None),
        ("127.0.0.1.evil.example:8080", None),
        ("user@127.0.0.1:8080", None),
        ("192.0.2.1:8080", None),
        ("", None),
        ("localhost:", None),
    ] {
        let found = names.visitor(&near, &headers(&[("host", host)])).map(|visitor| visitor.origin);
        assert_eq!(found.as_deref(), origin, "{host}");
    }
    assert_eq!(names.visitor(&near, &HeaderMap::new()), None);
    let two = headers(&[("host", "127.0.0.1:8080"), ("host", "evil.example")]);
    assert_eq!(names.visitor(&near, &two), None);
}

#[test]
fn shared_address_is_the_one_connected_to() {
    let names = GatewayNames::default();
    let far = connection("192.0.2.9:9", "192.0.2.1:8080", false);
    assert!(names.visitor(&far, &headers(&[("host", "192.0.2.1:8080")])).is_some());
    for host in ["localhost:8080", "127.0.0.1:8080", "192.0.2.2:8080"] {
        assert_eq!(names.visitor(&far, &headers(&[("host", host)])), None, "{host}");
    }
}

#[test]
fn public_url_decides_about_tls() {
    let found =
        proxied().visitor(&connection("10.0.0.1:9", "10.0.0.2:8080", false), &headers(&[("host", "chat.example")]));
    let found = found.unwrap();
    assert_eq!((found.origin.as_str(), found.secure, found.port), ("https://chat.example", true, 443));
}

#[test]
fn believes_trusted_proxies_only() {
    let names = proxied();
    let address = |peer: &str, pairs: &[(&'static str, &str)]| {
        let mut all = vec![("host", "chat.example")];
        all.extend(pairs);
        let found = names.visitor(&connection(peer, "10.0.0.2:8080", false), &headers(&all)).unwrap();
        found.address.to_string()
    };
    let forged = [("x-forwarded-for", "203.0.113.5")];
    assert_eq!(address("192.0.2.9:9", &forged), "192.0.2.9");
    assert_eq!(address("10.0.0.1:9", &forged), "203.0.113.5");
    assert_eq!(address("10.0.0.1:9", &[]), "10.0.0.1");
    // A browser sent an address of its own invention, and the proxy appended the real one.
    assert_eq!(address("10.0.0.1:9", &[("x-forwarded-for", "127.0.0.1, 203.0.113.5")]), "203.0.113.5");
    assert_eq!(
        address("10.0.0.1:9", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.5, 10.0.0.7")]),
        "203.0.113.5"
    );
    assert_eq!(address("10.0.0.1:9", &[("x-forwarded-for", "203.0.113.5, junk")]), "10.0.0.1");
    // Proxies that write the one header pass the other one on as the browser wrote it.
    let both = [("forwarded", "for=\"[2001:db8::7]:81\";proto=https"), ("x-forwarded-for", "203.0.113.5")];
    assert_eq!(address("10.0.0.1:9", &both), "203.0.113.5");
    assert_eq!(address("10.0.0.1:9", &both[..1]), "10.0.0.1");
    assert_eq!(address("[::ffff:10.0.0.1]:9", &forged), "203.0.113.5");
    assert_eq!(address("10.0.0.1:9", &[("x-forwarded-for", "::ffff:203.0.113.5")]), "203.0.113.5");
}

#[test]
fn reads_the_standard_header_where_it_is_chosen() {
    let names = GatewayNames { proxy_header: ProxyHeaderName::Forwarded, ..proxied() };
    let address = |pairs: &[(&'static str, &str)]| {
        let mut all = vec![("host", "chat.example")];
        all.extend(pairs);
        let found = names.visitor(&connection("10.0.0.1:9", "10.0.0.2:8080", false), &headers(&all));
        found.unwrap().address.to_string()
    };
    let chain = ("forwarded", "for=1.1.1.1, for=\"[2001:db8::7]:81\";proto=https");
    assert_eq!(address(&[chain, ("x-forwarded-for", "1.1.1.1")]), "2001:db8::7");
    assert_eq!(address(&[("x-forwarded-for", "1.1.1.1")]), "10.0.0.1");
}

#[test]
fn public_url_has_no_path() {
    for bad in ["chat.example", "ftp://chat.example", "https://", "https://chat.example/chat", "https://a@b"] {
        assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
    }
    for (url, origin) in [
        ("https://chat.example/", "https://chat.example"),
        ("https://Chat.Example:443", "https://chat.example"),
        ("http://192.0.2.1:8080", "http://192.0.2.1:8080"),
    ] {
        assert_eq!(url.parse::<PublicUrl>().unwrap().origin(), origin);
    }
}
