//! Any bytes as `config.toml` and as an environment.
#![no_main]

use chat_client::{Layer, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = chat_fuzz::file("config.toml", data);
    let value = String::from_utf8_lossy(data).into_owned();
    let nothing = |name: &str| (name == "CHAT_DATA_DIR").then(|| "/d".into());
    let _ = Settings::resolve(Layer::default(), None, &nothing, Some(&path));
    let _ = Settings::resolve(Layer::default(), Some("work"), &nothing, Some(&path));
    let everything = |_: &str| Some(value.clone().into());
    let _ = Settings::resolve(Layer::default(), None, &everything, None);
});
