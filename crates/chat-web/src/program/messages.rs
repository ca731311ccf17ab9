//! The lines for the person who started the program.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use chat_frontend::local_room::{RoomNotice, outward_address};
use chat_frontend::qr;

use super::plan::Plan;

/// Returns what standard output says when the page is served. The first line is for programs.
pub(super) fn welcome(plan: &Plan, address: SocketAddr, metrics: Option<SocketAddr>) -> String {
    let link = link(plan, address);
    let mut text = format!("ready http={address}");
    if let Some(metrics) = metrics {
        let _ = write!(text, " metrics={metrics}");
    }
    let _ = write!(text, " url={link}\n\nOpen {link} in a browser.\n");
    if plan.share.is_some_and(|ip| !ip.is_loopback()) {
        text.push_str(
            "Everyone in this network can join, without encryption: others can read messages and tokens on the way.\n",
        );
        if let Some(code) = qr::for_stdout(&link) {
            let _ = write!(text, "\n{code}");
        }
    }
    text
}

/// Returns the link to the page.
pub(super) fn link(plan: &Plan, address: SocketAddr) -> String {
    if let Some(public) = &plan.public_url {
        return format!("{}/", public.origin());
    }
    let scheme = if plan.certificate.is_some() { "https" } else { "http" };
    let ip = match address.ip() {
        ip if ip.is_unspecified() && plan.share.is_some() => outward_address(ip).unwrap_or(ip),
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    format!("{scheme}://{}/", SocketAddr::new(ip, address.port()))
}

/// Returns the sentence of a notice of the local room.
pub(super) fn notice_text(notice: &RoomNotice) -> String {
    match notice {
        RoomNotice::Started(dir) => format!("chat-web: started a local room; its data is in {}", dir.display()),
        RoomNotice::Shared(join) => format!("chat-web: others join the room with: {}", join.command()),
        RoomNotice::TurnedAway { uid } => {
            format!("chat-web: a program of uid {uid} was refused; --share 127.0.0.1 admits the users of this machine")
        }
        RoomNotice::Full { bytes } => {
            format!("chat-web: the shared room has reached {} MiB and takes no more messages", bytes / (1024 * 1024))
        }
        RoomNotice::NotShared(address) => {
            format!("chat-web: the room at {address} belongs to another user, who has not shared it")
        }
        RoomNotice::Gone => "chat-web: the server of the room has ended".to_owned(),
        RoomNotice::Joined => "chat-web: joined the local room of another program".to_owned(),
        RoomNotice::Failed(reason) => format!("chat-web: could not start a local room: {reason}"),
        RoomNotice::NotThere(address) => format!("chat-web: no server listens at {address}; --local-room starts one"),
    }
}
