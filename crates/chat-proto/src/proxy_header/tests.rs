//! Tests of both versions of the header, in any split of the bytes.

use proptest::prelude::*;

use super::*;

/// Parses a connection that starts with these bytes, reading at most `most` at a time. Returns the result, and how many
/// bytes were read; `None` if the bytes end before the header does.
fn parse(mut bytes: &[u8], most: usize) -> Option<(Result<ProxyProgress, ProxyHeaderError>, usize)> {
    let (mut header, all) = (ProxyHeader::default(), bytes.len());
    loop {
        match header.progress() {
            Ok(ProxyProgress::Need(count)) => {
                assert!(count > 0);
                let (now, rest) = bytes.split_at(count.min(most).min(bytes.len()));
                if now.is_empty() {
                    return None;
                }
                header.receive(now);
                bytes = rest;
            }
            result => return Some((result, all - bytes.len())),
        }
    }
}

fn found(bytes: &[u8]) -> Result<ProxyProgress, ProxyHeaderError> {
    parse(bytes, usize::MAX).expect("a whole header").0
}

/// Returns a header of version 2 for a client, with further fields.
fn second(client: IpAddr, fields: &[u8]) -> Vec<u8> {
    let mut rest = match client {
        IpAddr::V4(client) => [client.octets(), [192, 0, 2, 9]].concat(),
        IpAddr::V6(client) => [client.octets(), Ipv6Addr::LOCALHOST.octets()].concat(),
    };
    rest.extend([0x10, 0x92, 0x13, 0x88]);
    rest.extend(fields);
    let family = if client.is_ipv4() { 0x11 } else { 0x21 };
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[0x21, family], &length, &rest].concat()
}

#[test]
fn reads_clients_of_version_1() {
    let client = |text: &str| Ok(ProxyProgress::Client(text.parse().unwrap()));
    assert_eq!(found(b"PROXY TCP4 192.0.2.7 192.0.2.9 50123 5000\r\nhello"), client("192.0.2.7:50123"));
    assert_eq!(found(b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n"), client("[2001:db8::7]:1"));
    assert_eq!(found(b"PROXY UNKNOWN\r\n"), Ok(ProxyProgress::Own));
    assert_eq!(found(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), Ok(ProxyProgress::Own));
}

#[test]
fn reads_clients_of_version_2() {
    for client in ["192.0.2.7", "2001:db8::7"].map(|text| text.parse().unwrap()) {
        assert_eq!(
            found(&second(client, b"\x04\0\x03abc")),
            Ok(ProxyProgress::Client(SocketAddr::new(client, 0x1092)))
        );
    }
    // A health check of the balancer itself, and a client on a Unix socket.
    let with = |command: u8, family: u8| [&SIGNATURE[..], &[command, family, 0, 0]].concat();
    assert_eq!(found(&with(0x20, 0)), Ok(ProxyProgress::Own));
    assert_eq!(found(&with(0x21, 0x31)), Ok(ProxyProgress::Own));
}

#[test]
fn refuses_everything_else() {
    use ProxyHeaderError::{Malformed, Missing, TooLong};
    for (bytes, error) in [
        (&b"\nBob\nhello\n\n"[..], Missing),
        (b"GET / HTTP/1.1\r\n", Missing),
        (b"PROXYTCP4 1.2", Missing),
        (b"PROXY TCP4 192.0.2.7 192.0.2.9 1\r\n", Malformed),
        (b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.7 192.0.2.9 1 65536\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.7 192.0.2.9 1 2\n", Malformed),
        (b"PROXY SCTP4 a b c d\r\n", Malformed),
    ] {
        assert_eq!(found(bytes), Err(error), "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(found(&[b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat()), Err(TooLong));
    let header = |last: [u8; 4]| [&SIGNATURE[..], &last].concat();
    assert_eq!(found(&header([0x11, 0x11, 0, 0])), Err(Malformed));
    assert_eq!(found(&header([0x22, 0x11, 0, 0])), Err(Malformed));
    assert_eq!(found(&header([0x21, 0x11, 0, 0])), Err(Malformed), "an address is missing");
    assert_eq!(found(&header([0x21, 0x11, 0x10, 0])), Err(TooLong));
}

proptest! {
    #[test]
    fn any_split_gives_the_same_result(v4 in any::<[u8; 4]>(), v6 in any::<[u8; 16]>(), fields in prop::collection::vec(any::<u8>(), 0..64), most in 1usize..20) {
        for client in [IpAddr::from(v4), IpAddr::from(v6)] {
            let family = if client.is_ipv4() { "TCP4 " } else { "TCP6 " };
            let first = format!("PROXY {family}{client} {client} 4242 2\r\n").into_bytes();
            for header in [first, second(client, &fields)] {
                let bytes = [&header[..], b"the next line\n"].concat();
                // Nothing after the header is read.
                prop_assert_eq!(parse(&bytes, most), Some((Ok(ProxyProgress::Client(SocketAddr::new(client, 0x1092))), header.len())));
                prop_assert_eq!(parse(&header[..header.len() - 1], most), None);
            }
        }
    }

    #[test]
    fn any_bytes_are_bounded(bytes in prop::collection::vec(any::<u8>(), 0..4096), known in 0usize..3) {
        let start: &[u8] = [&b""[..], WORD, &SIGNATURE][known];
        let bytes = [start, &bytes].concat();
        if let Some((_, read)) = parse(&bytes, usize::MAX) {
            prop_assert!(read <= SIGNATURE.len() + 4 + LONGEST_REST);
        }
    }
}
