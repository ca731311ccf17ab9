//! Tests of the decision whether to serve, and of who gets in.

use chat_client::{Account, Nickname, Token};
use tokio::sync::mpsc::channel;

use super::*;

fn host(config: &ClientConfig, dir: &Path, explicit: bool) -> (RoomHost, Receiver<RoomNotice>) {
    let (notices, heard) = channel(4);
    let (ready, started, guests) = (watch::channel(false).0, watch::channel(0).0, watch::channel(0).0);
    let policy = if explicit { LocalRoomPolicy::Always } else { LocalRoomPolicy::Automatic };
    let reports = Reports { notices, ready, started, guests };
    (RoomHost::new(config, dir, &dir.join("creds"), policy, reports), heard)
}

#[tokio::test]
async fn leaves_another_servers_address_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = ClientConfig::new("localhost");
    assert!(host(&config, dir.path(), false).0.may_serve().await, "a fresh machine");

    let account = Account { nickname: Nickname::new("Bob").unwrap(), token: Token::new("t").unwrap() };
    let mut kept = Credentials::load(dir.path().join("creds")).unwrap();
    kept.add_for("localhost:5050", &account, None).unwrap();
    assert!(!host(&config, dir.path(), false).0.may_serve().await, "another server gave the account");
    std::fs::create_dir(dir.path().join("room")).unwrap();
    assert!(host(&config, dir.path(), false).0.may_serve().await, "the room is ours");

    // A port that was free a moment ago.
    config.listen_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(host(&config, dir.path(), true).0.may_serve().await);
    let (mut other, mut heard) = host(&config, dir.path(), false);
    other.begin().await;
    assert!(matches!(heard.try_recv(), Ok(RoomNotice::NotThere(_))));
    assert!(!other.ours && other.room.is_none());
}

#[tokio::test]
async fn names_a_port_that_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = ClientConfig::new("127.0.0.1");
    (config.listen_port, config.write_port) = (free.port(), taken.local_addr().unwrap().port());
    let (mut host, mut heard) = host(&config, dir.path(), true);
    host.pause = Duration::ZERO;
    host.begin().await;
    let Ok(RoomNotice::Failed(why)) = heard.try_recv() else { panic!() };
    assert!(why.contains(&taken.local_addr().unwrap().to_string()), "{why}");
    assert!(!why.contains("room is held"), "{why}");
}

/// Returns a configuration with two ports that were free a moment ago.
fn free_ports() -> ClientConfig {
    let free = [0; 2].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let mut config = ClientConfig::new("127.0.0.1");
    config.listen_port = free[0].local_addr().unwrap().port();
    config.write_port = free[1].local_addr().unwrap().port();
    config
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_user_gets_no_greeting() {
    let dir = tempfile::tempdir().unwrap();
    let config = free_ports();
    let (mut owner, mut heard) = host(&config, dir.path(), true);
    // To the room, this process is another user.
    owner.data.own_uid += 1;
    owner.begin().await;
    assert!(matches!(heard.try_recv(), Ok(RoomNotice::Started(_))));
    for address in [owner.near, owner.near_write, owner.near] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let read = timeout(Duration::from_secs(60), stream.read(&mut [0; 1])).await.unwrap();
        assert!(!matches!(read, Ok(1..)), "{address}");
    }
    let uid = owner.data.own_uid - 1;
    assert_eq!(heard.try_recv().unwrap(), RoomNotice::TurnedAway { uid });
    assert!(heard.try_recv().is_err(), "it is reported once");

    let elsewhere = tempfile::tempdir().unwrap();
    let (mut other, mut heard) = host(&config, elsewhere.path(), true);
    other.begin().await;
    assert!(matches!(heard.try_recv(), Ok(RoomNotice::NotShared(_))));
}

#[tokio::test]
async fn own_user_and_shared_rooms_are_open() {
    for shared in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (mut owner, mut heard) = host(&free_ports(), dir.path(), true);
        if shared {
            let policy = LocalRoomPolicy::Shared("127.0.0.1".parse().unwrap());
            owner.data = RoomData::new(&free_ports(), dir.path().join("room"), policy);
            owner.data.own_uid += 1;
        }
        owner.begin().await;
        assert!(matches!(heard.try_recv(), Ok(RoomNotice::Started(_))));
        let write = owner.room.as_ref().unwrap().write_addr();
        let mut stream = TcpStream::connect(write).await.unwrap();
        let read = timeout(Duration::from_secs(60), stream.read(&mut [0; 1])).await.unwrap();
        assert_eq!(read.unwrap(), 1, "shared: {shared}");
    }
}

/// A room that was shared is continued by a program that does not share it.
#[tokio::test]
async fn unshared_room_is_noticed_after_a_handover() {
    let dir = tempfile::tempdir().unwrap();
    let config = free_ports();
    let (mut owner, mut heard) = host(&config, dir.path(), true);
    owner.begin().await;
    assert!(matches!(heard.try_recv(), Ok(RoomNotice::Started(_))));
    let (mut page, mut heard) = host(&config, dir.path(), true);
    let ip = "127.0.0.1".parse().unwrap();
    (page.shared, page.pause) = (Some((ip, JoinAddress::new(ip, &config))), Duration::ZERO);
    page.look_again().await;
    assert_eq!(heard.try_recv().unwrap(), not_shared());
    page.serve(true).await;
    assert_eq!(heard.try_recv().unwrap(), not_shared());
    assert!(heard.try_recv().is_err());
    let _announcement = Announcement::of_room(dir.path(), ip);
    page.look_again().await;
    assert!(heard.try_recv().is_err());
}
