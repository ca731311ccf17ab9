use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn creates_private_and_tightens_loose() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/file");
    let mut repairs: Vec<Repair> = Vec::new();
    open_append(&path, &mut repairs).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    read(&path, 10, &mut repairs).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(repairs, [Repair::FileTightened { path: path.clone(), was: 0o644 }]);
    replace(&path, b"new").unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn replaced_handle_appends_to_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old").unwrap();
    let Replaced { mut file, synced } = replace_and_open(&path, b"one\n").unwrap();
    synced.unwrap();
    file.write_all(b"half").unwrap();
    file.set_len(4).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn refuses_symbolic_links() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    fs::write(&target, "x").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(read(&link, 10, &mut Vec::<Repair>::new()).is_err());
    assert!(open_append(&link, &mut Vec::<Repair>::new()).is_err());
    assert!(replace(&link, b"y").is_err());
    assert_eq!(fs::read(&target).unwrap(), b"x");
}

#[test]
fn refuses_hard_links() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    fs::write(&target, "x").unwrap();
    fs::hard_link(&target, &link).unwrap();
    for error in [
        read(&link, 10, &mut Vec::<Repair>::new()).unwrap_err(),
        open_append(&link, &mut Vec::<Repair>::new()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("hard link"), "{error}");
    }
    assert_eq!(fs::read(&target).unwrap(), b"x");
    assert_ne!(mode(&target), 0o600, "the mode of the other name must not change");
    // Replacing gives the name to a new file and leaves the other one alone.
    replace(&link, b"y").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"x");
}

#[test]
fn refuses_files_of_another_uid() {
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    let found = file.as_file().metadata().unwrap();
    assert_eq!(refusal(&found, found.uid()), None);
    assert!(refusal(&found, found.uid() + 1).unwrap().contains("owned by uid"));
}

#[test]
fn refuses_pipes_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for refused in [
        read(&pipe, 10, &mut Vec::<Repair>::new()).err(),
        open_append(&pipe, &mut Vec::<Repair>::new()).err(),
        open_regular(&pipe).err(),
        replace(&pipe, b"x").err(),
    ] {
        assert!(refused.unwrap().to_string().contains("not a regular file"));
    }
    // Also when it took the place of the file after that was examined.
    assert!(open_without_waiting(&pipe, OpenOptions::new().read(true)).is_ok());
}

#[test]
fn create_new_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    create_new(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(create_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn refuses_a_file_over_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    assert!(read(&path, 3, &mut Vec::<Repair>::new()).unwrap().is_none());
    fs::write(&path, "1234").unwrap();
    assert!(read(&path, 3, &mut Vec::<Repair>::new()).is_err());
    assert_eq!(read_regular(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(read_regular(&path, 4).unwrap(), b"1234");
}
