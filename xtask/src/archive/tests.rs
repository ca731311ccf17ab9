use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, path::PathBuf};

use flate2::read::GzDecoder;

use super::{OPERATION, write};
use crate::programs::{Source, VERSION, sha256};

/// Returns a source whose programs are small texts, each written at another time.
pub(crate) fn source(directory: &Path, age: u64) -> Source {
    let programs = directory.join("programs");
    fs::create_dir_all(&programs).unwrap();
    for name in ["chat", "chat-tui", "chat-web", "chat-server"] {
        let path = programs.join(name);
        fs::write(&path, format!("the program {name}")).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(age);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    Source {
        target: "x86_64-unknown-linux-musl".to_owned(),
        profile: "release".to_owned(),
        programs: Some(programs),
        out: directory.join("out"),
    }
}

/// Returns the files of a compressed tar file: mode and content by path.
pub(crate) fn unpack(bytes: &[u8]) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().into_owned(), (entry.header().mode().unwrap(), content))
    };
    archive.entries().unwrap().map(entry).collect()
}

#[test]
fn contains_programs_pages_and_completions() {
    let dir = tempfile::tempdir().unwrap();
    write(&source(dir.path(), 1)).unwrap();
    let name = format!("minechat-{VERSION}-x86_64-unknown-linux-musl");
    let archive = fs::read(dir.path().join("out").join(format!("{name}.tar.gz"))).unwrap();
    let files = unpack(&archive);
    let (mode, content) = &files[&Path::new(&name).join("bin/chat")];
    assert_eq!((*mode, content.as_slice()), (0o755, b"the program chat".as_slice()));
    for path in [
        "bin/chat-server",
        "bin/chat-tui",
        "bin/chat-web",
        "share/man/man1/chat-listen.1",
        "share/man/man1/chat-server.1",
        "share/bash-completion/completions/chat",
        "share/zsh/site-functions/_chat-tui",
        "share/fish/vendor_completions.d/chat-server.fish",
        "share/minechat/minechat.service",
        "share/minechat/cluster/nats.conf",
        "share/doc/minechat/LICENSE-MIT",
    ] {
        assert!(files.contains_key(&Path::new(&name).join(path)), "{path} is missing");
    }
    let checksum = fs::read_to_string(dir.path().join("out").join(format!("{name}.tar.gz.sha256"))).unwrap();
    assert_eq!(checksum, format!("{}  {name}.tar.gz\n", sha256(&archive)));
}

#[test]
fn equal_programs_give_equal_bytes() {
    let archives = [1, 1_000_000].map(|age| {
        let dir = tempfile::tempdir().unwrap();
        write(&source(dir.path(), age)).unwrap();
        let mut files: Vec<_> =
            fs::read_dir(dir.path().join("out")).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(archives[0].len(), 2);
    assert!(archives[0] == archives[1], "the archives differ");
}

/// Returns the files below a directory, as paths relative to it.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(found) = left.pop() {
        for entry in fs::read_dir(&found).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                files.push(path.strip_prefix(directory).unwrap().to_owned());
            }
        }
    }
    files
}

#[test]
fn every_file_for_operators_is_named() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    for file in below(&dist) {
        // What packages are made of.
        if ["debian", "homebrew", "Containerfile"].iter().any(|part| file.starts_with(part)) {
            continue;
        }
        assert!(OPERATION.iter().any(|named| file == Path::new(named)), "{} is in no package", file.display());
    }
}
