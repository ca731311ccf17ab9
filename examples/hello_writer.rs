//! Registers, posts one message, and waits until the server has confirmed that it is stored.

use std::time::Duration;

use chat_client::{Nickname, Text, Writer, register};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = examples::config_from_args()?;
    let account = register(&config, Nickname::new("hello")?).await?;
    println!("I am {}", account.nickname);

    let writer = Writer::builder(config).token(account.token).start();
    let delivery = writer.send(Text::new("hello, world")?).await?;
    let receipt = delivery.await?;
    match receipt.position {
        Some(position) => println!("stored as number {}", position.seq),
        None => println!("confirmed"),
    }
    writer.close(Duration::from_secs(1)).await;
    Ok(())
}
