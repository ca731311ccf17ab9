//! Tests of the order of layers, and of errors that name their place.

use std::ffi::OsString;

use super::*;
use crate::config::Side;

fn resolve(flags: Layer, profile: Option<&str>, env: &[(&str, &str)], config: &str) -> Result<Settings, SettingsError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, config).unwrap();
    let lookup = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    Settings::resolve(flags, profile, &lookup, Some(&file))
}

const CONFIG: &str = "[profile.default]\nhost = \"home.example\"\nlisten_port = 6000\n\
                      [profile.work]\nhost = \"work.example\"\nwrite_host = \"post.example\"\ntoken_file = \"/t\"\n";

#[test]
fn merges_layers_in_order() {
    let env = [("CHAT_HOST", "env.example"), ("CHAT_WRITE_PORT", "6051"), ("CHAT_DATA_DIR", "/d")];
    let flags = Layer { write_port: Some(6052), ..Layer::default() };
    let settings = resolve(flags, None, &env, CONFIG).unwrap();
    assert_eq!((settings.host.as_str(), settings.listen_port, settings.write_port), ("env.example", 6000, 6052));
    assert_eq!(settings.profile.as_deref(), Some("default"));
    assert_eq!(settings.history_path, Path::new("/d/history.txt"));
    let defaults = resolve(Layer::default(), None, &[("CHAT_DATA_DIR", "/d")], "").unwrap();
    assert_eq!((defaults.host.as_str(), defaults.listen_port, defaults.write_port), ("127.0.0.1", 5000, 5050));
    assert_eq!(defaults.profile, None);
}

#[test]
fn takes_related_settings_from_one_layer() {
    let env = [("CHAT_DATA_DIR", "/d"), ("CHAT_PROFILE", "work"), ("CHAT_TOKEN", "abc")];
    let settings = resolve(Layer::default(), None, &env, CONFIG).unwrap();
    assert_eq!(settings.write_host.as_deref(), Some("post.example"));
    assert_eq!((settings.token.is_some(), settings.token_file), (true, None));
    let flags = Layer { host: Some("here".into()), ..Layer::default() };
    assert_eq!(resolve(flags, Some("work"), &env, CONFIG).unwrap().write_host, None);
}

#[test]
fn errors_name_file_line_and_key() {
    let data = [("CHAT_DATA_DIR", "/d")];
    let error = resolve(Layer::default(), None, &data, "[profile.default]\nhost = \"x\"\nhots = \"y\"\n").unwrap_err();
    assert!(error.to_string().contains("config.toml:3: ") && error.to_string().contains("hots"), "{error}");
    let error = resolve(Layer::default(), None, &data, "[profile.default]\nlisten_port = 70000\n").unwrap_err();
    assert!(error.to_string().contains("config.toml:2: "), "{error}");
    let error = resolve(Layer::default(), Some("nowhere"), &data, CONFIG).unwrap_err();
    assert!(error.to_string().starts_with("there is no profile \"nowhere\" in "), "{error}");
    let error = resolve(Layer::default(), None, &[("CHAT_LISTEN_PORT", "abc")], "").unwrap_err();
    assert_eq!(error.to_string(), "the environment variable CHAT_LISTEN_PORT is not a port (0 to 65535)");
    let error = resolve(Layer::default(), None, &[("CHAT_TOKEN", "a\nsecret")], "").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn damaged_configuration_never_panics() {
    for at in 0..CONFIG.len() {
        let mut damaged = CONFIG.as_bytes().to_vec();
        damaged[at] ^= 0x15;
        let _ = resolve(Layer::default(), None, &[("CHAT_DATA_DIR", "/d")], &String::from_utf8_lossy(&damaged));
        let _ = resolve(Layer::default(), None, &[("CHAT_DATA_DIR", "/d")], &CONFIG[..at]);
    }
}

#[test]
fn reads_first_line_of_token_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t");
    std::fs::write(&path, "abc\nrest\n").unwrap();
    assert_eq!(read_token_file(&path).unwrap().expose(), "abc");
    std::fs::write(&path, "se\x07cret\n").unwrap();
    let error = read_token_file(&path).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("cret"));
    assert!(matches!(read_token_file(&dir.path().join("none")), Err(SettingsError::Read { .. })));
}

/// Without a home directory, a command that needs no file works, and one that needs a file names the option.
#[test]
fn missing_home_fails_only_if_it_is_needed() {
    let named = Layer { history_path: Some("/h".into()), ..Layer::default() };
    let mut settings = resolve(named, None, &[("CHAT_DATA_DIR", "/d")], "").unwrap();
    settings.credentials_path = PathBuf::new();
    assert_eq!(settings.history_file().unwrap(), Path::new("/h"));
    let error = settings.credentials_file().unwrap_err();
    assert!(error.to_string().contains("--credential-path"), "{error}");
}

#[test]
fn several_nodes_from_every_source() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let profiles = "[profile.default]\nhosts = [\"a\", \"b:6000:6050\"]\nlisten_port = 7000\n[profile.two]\nhost = \"a\"\nhosts = \
                    [\"b\"]\n[profile.none]\nhosts = []\n[profile.write]\nhosts = [\"a\", \"b\"]\nwrite_host = \"w\"\n";
    std::fs::write(&path, profiles).unwrap();
    let resolve = |flags: &str, variable: &str, profile: Option<&str>| {
        let host = Some(flags.to_owned()).filter(|flags| !flags.is_empty());
        let layer = Layer { host, ..Layer::default() };
        let env = |name: &str| (name == "CHAT_HOST").then(|| variable.into());
        Settings::resolve(layer, profile, &env, Some(&path))
    };
    let texts = |settings: Settings| {
        let config = settings.client_config();
        (config.addresses_text(Side::Listen), config.addresses_text(Side::Write))
    };
    let pair = |listen: &str, write: &str| (listen.to_owned(), write.to_owned());
    assert_eq!(texts(resolve("", "", None).unwrap()), pair("a:7000, b:6000", "a:5050, b:6050"));
    assert_eq!(texts(resolve("", "c, d", None).unwrap()), pair("c:7000, d:7000", "c:5050, d:5050"));
    assert_eq!(texts(resolve("e:1:2,f", "c,d", None).unwrap()), pair("e:1, f:7000", "e:2, f:5050"));
    let refused = |profile| resolve("", "", Some(profile)).unwrap_err().to_string();
    assert!(refused("two").starts_with("a profile has either `host` or `hosts`, in "), "{}", refused("two"));
    assert_eq!(refused("write"), "a write host needs a single host; each node of a room has both ports");
    // The host of a flag replaces the hosts of the profile, with their write host.
    assert_eq!(texts(resolve("g", "", Some("write")).unwrap()), pair("g:5000", "g:5050"));
    for (settings, message) in [
        (resolve("", "", Some("none")).unwrap(), "\"\" is not a host name or address: it is empty"),
        (resolve("a,,b", "", None).unwrap(), "\"\" is not a host name or address: it is empty"),
        (
            resolve("a,b:5000", "", None).unwrap(),
            "\"b:5000\" is not a host name or address: it contains a port; give the port with --port, --listen-port or \
             --write-port, or both as HOST:LISTEN:WRITE",
        ),
    ] {
        assert_eq!(settings.client_config().checked_host(Side::Write).unwrap_err().to_string(), message);
    }
}
