//! Creates an account. It is asked for once and not again: a second attempt after an answer was lost would make a
//! second account.

use chat_proto::{
    Account, Connection, Intent, LineCodec, Nickname, WriterClient, WriterClientConfig, WriterClientEvent,
};
use tokio::time::{Instant, timeout};

use crate::config::{ClientConfig, Side};
use crate::dial::{Dial, TcpDial};
use crate::error::ConnectError;

/// Asks the room for a new account. The nickname that comes back is the server's: it is seldom exactly the one that
/// was asked for. The account exists as soon as this returns; nothing is stored here.
///
/// # Errors
/// [`ConnectError::Refused`] when the nickname cannot be had; otherwise why the server could not be asked. An error
/// that comes after the nickname was sent leaves open whether there is an account that nobody knows the token of.
pub async fn register(config: &ClientConfig, nickname: Nickname) -> Result<Account, ConnectError> {
    register_with(config, nickname, &TcpDial::new(config)).await
}

/// The same as [`register`] over a stream from `dial`.
///
/// # Errors
/// As [`register`].
pub async fn register_with(
    config: &ClientConfig,
    nickname: Nickname,
    dial: &impl Dial,
) -> Result<Account, ConnectError> {
    let io = dial.dial(Side::Write).await?;
    let mut dialogue = WriterClientConfig::new(Intent::Register(nickname));
    dialogue.answer_within = config.answer_timeout;
    let machine = WriterClient::new(dialogue, Instant::now().into_std());
    let mut connection = Connection::new(machine, io, LineCodec::for_client());
    loop {
        if let WriterClientEvent::Account(account) = connection.next_event().await? {
            // A courtesy; the account is there whether or not the server hears it.
            let _ = timeout(GOODBYE, connection.shutdown()).await;
            return Ok(account);
        }
    }
}

const GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);
