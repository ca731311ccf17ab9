//! Settings from the environment: the variables `CHAT_*`.

use std::ffi::OsString;
use std::path::PathBuf;

use chat_proto::Token;

use super::layer::{Layer, SettingsError, VariableProblem};

/// Looks up one environment variable.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

pub(super) fn from_environment(env: Variables<'_>) -> Result<Layer, SettingsError> {
    let port = |name: &'static str| {
        let problem = SettingsError::Variable { name, problem: VariableProblem::NotAPort };
        text(env, name)?.map(|value| value.trim().parse().map_err(|_| problem)).transpose()
    };
    let path = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let not_a_token = |_| SettingsError::Variable { name: "CHAT_TOKEN", problem: VariableProblem::NotAToken };
    Ok(Layer {
        host: text(env, "CHAT_HOST")?,
        write_host: text(env, "CHAT_WRITE_HOST")?,
        listen_port: port("CHAT_LISTEN_PORT")?,
        write_port: port("CHAT_WRITE_PORT")?,
        nickname: text(env, "CHAT_NICKNAME")?,
        token: text(env, "CHAT_TOKEN")?.map(|token| Token::new(&token).map_err(not_a_token)).transpose()?,
        token_file: path("CHAT_TOKEN_FILE"),
        history_path: path("CHAT_HISTORY_PATH"),
        credentials_path: path("CHAT_CREDENTIALS_PATH"),
        outbox_path: path("CHAT_OUTBOX_PATH"),
        data_dir: path("CHAT_DATA_DIR"),
        lang: text(env, "CHAT_LANG")?,
        theme: text(env, "CHAT_THEME")?,
        tls: flag(env, "CHAT_TLS")?,
        ca_file: path("CHAT_CA_FILE"),
        pin: text(env, "CHAT_PIN")?,
    })
}

/// Returns a boolean variable.
fn flag(env: Variables<'_>, name: &'static str) -> Result<Option<bool>, SettingsError> {
    match text(env, name)?.as_deref() {
        None => Ok(None),
        Some("1" | "true" | "yes") => Ok(Some(true)),
        Some("0" | "false" | "no") => Ok(Some(false)),
        Some(_) => Err(SettingsError::Variable { name, problem: VariableProblem::NotAFlag }),
    }
}

/// Returns a variable as text; an empty one counts as unset.
pub(super) fn text(env: Variables<'_>, name: &'static str) -> Result<Option<String>, SettingsError> {
    let Some(value) = env(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let problem = SettingsError::Variable { name, problem: VariableProblem::NotUnicode };
    value.into_string().map(Some).map_err(|_| problem)
}
