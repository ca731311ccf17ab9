use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::write;
use crate::archive::tests::{source, unpack};
use crate::programs::VERSION;

/// Returns the members of an `ar` file by their name.
fn members(mut bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    bytes = bytes.strip_prefix(b"!<arch>\n").unwrap();
    let mut members = BTreeMap::new();
    while !bytes.is_empty() {
        let header = std::str::from_utf8(&bytes[..60]).unwrap();
        let size: usize = header[48..58].trim().parse().unwrap();
        members.insert(header[..16].trim().to_owned(), bytes[60..60 + size].to_vec());
        bytes = &bytes[60 + size + size % 2..];
    }
    members
}

#[test]
fn the_server_brings_its_service() {
    let dir = tempfile::tempdir().unwrap();
    write(&source(dir.path(), 1)).unwrap();
    let package = fs::read(dir.path().join(format!("out/minechat-server_{VERSION}_amd64.deb"))).unwrap();
    let members = members(&package);
    assert_eq!(members["debian-binary"], b"2.0\n");

    let control = unpack(&members["control.tar.gz"]);
    let text = String::from_utf8(control[Path::new("./control")].1.clone()).unwrap();
    for line in ["Package: minechat-server", "Architecture: amd64", &format!("Version: {VERSION}")] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
    for script in ["postinst", "prerm", "postrm"] {
        assert_eq!(control[&Path::new("./").join(script)].0, 0o755, "{script}");
    }

    let data = unpack(&members["data.tar.gz"]);
    let unit = String::from_utf8(data[Path::new("./usr/lib/systemd/system/minechat.service")].1.clone()).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/chat-server "), "{unit}");
    for line in String::from_utf8(control[Path::new("./conffiles")].1.clone()).unwrap().lines() {
        assert!(data.contains_key(&Path::new("./").join(&line[1..])), "{line}");
    }
    assert!(data.contains_key(Path::new("./usr/share/man/man1/chat-server.1.gz")));
    let examples = Path::new("./usr/share/doc/minechat-server/examples");
    for example in ["nginx.conf", "cluster/nats.conf", "cluster/server.toml", "cluster/minechat-nats.service"] {
        assert!(data.contains_key(&examples.join(example)), "{example} is missing");
    }
    // It is about the archive.
    assert!(!data.contains_key(&examples.join("install.md")));
    assert!(!data.contains_key(Path::new("./usr/bin/chat")));
}

#[test]
fn the_configuration_is_valid() {
    let text = crate::programs::repository_file("dist/server.toml").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.toml");
    // With every suggestion, as an operator would have it.
    let lines = text.lines().map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ')).unwrap_or(line));
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let arguments = ["chat-server", "--config", file.to_str().unwrap()].map(Into::into);
    if let Err(error) = chat_server::command_line::Arguments::from_command_line(arguments) {
        panic!("{error}");
    }
}
