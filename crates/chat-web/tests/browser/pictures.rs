//! Pictures of the page: `cargo test -p chat-web --test browser -- pictures` writes docs/screens/web-*.png. With
//! `CHAT_WEB_PICTURES=DIR` it writes every screen in both languages and four looks to that directory, to be looked at.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::access::screens;
use crate::page::{Page, string};
use crate::world::World;

/// A wide window, and a phone.
const WIDE: (u32, u32, f32) = (900, 620, 1.0);
const PHONE: (u32, u32, f32) = (360, 700, 1.4);

const LIGHT: (&str, &str) = ("prefers-color-scheme", "light");
const DARK: (&str, &str) = ("prefers-color-scheme", "dark");

pub(crate) fn draws_the_screens(world: &World) {
    match std::env::var_os("CHAT_WEB_PICTURES") {
        Some(dir) => all_screens(world, &PathBuf::from(dir)),
        None => documents(world, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screens")),
    }
}

fn all_screens(world: &World, dir: &Path) {
    let looks =
        [("light", LIGHT, WIDE), ("dark", DARK, WIDE), ("phone-light", LIGHT, PHONE), ("phone-dark", DARK, PHONE)];
    for language in ["en", "ru"] {
        let page = world.person_in(language);
        screens(world, &page, &mut |page, screen| {
            for (name, look, window) in looks {
                draw(page, &dir.join(format!("web-{screen}-{name}-{language}.png")), look, window);
            }
        });
    }
}

/// Draws the pictures of the documents: a conversation of some people, as two of them see it.
fn documents(world: &World, dir: &Path) {
    let picture =
        |page: &Page, name: &str, look, window| draw(page, &dir.join(format!("web-{name}.png")), look, window);
    let lea = world.person();
    lea.until("document.activeElement?.id === 'nickname'");
    picture(&lea, "welcome-light", LIGHT, WIDE);
    lea.register("lea");
    let (ann, _) = world.member("Ann");
    let (vlad, _) = world.member("Vlad");
    let masha = world.person_in("ru");
    register_in_russian(&masha, "Маша");
    let say = |page: &Page, text: &str| {
        page.say(text);
        for other in [&lea, &ann, &vlad, &masha] {
            other.sees(text);
        }
    };
    say(&ann, "good morning");
    say(&ann, "has anyone seen the new build? https://docs.example.org/ring explains the flag");
    say(&vlad, "+1");
    say(&masha, "нашла! было две версии, 0.16 и 0.17");
    say(&ann, "that is it, thank you");
    say(&lea, "hello! I am new here");
    say(&lea, "where do I find the flag?");
    say(&vlad, "lea: welcome! it is in the second file, line 40");
    say(&masha, "привет 👋");
    for page in [&lea, &masha] {
        page.settled();
    }
    picture(&lea, "chat-light", LIGHT, WIDE);
    picture(&lea, "chat-dark", DARK, WIDE);
    picture(&lea, "chat-forced-colors", ("forced-colors", "active"), WIDE);
    picture(&masha, "chat-phone-ru", LIGHT, PHONE);
    lea.press("Ctrl+k");
    lea.write("flag");
    lea.until("document.querySelectorAll('#hits button').length > 1");
    picture(&lea, "search-light", LIGHT, WIDE);
    lea.press("Escape");
    let name = string(&lea.eval("document.querySelector('.row.own .nick bdi').textContent"));
    world.room().admin(&json!({ "request": "mute", "nickname": name, "for_ms": 600_000 }));
    lea.say("and what does it do?");
    lea.until("document.querySelector('.post.refused')");
    world.gateway().kill();
    lea.say("thank you, Vlad");
    lea.until("!trouble.hidden && document.querySelector('.post.queued')");
    picture(&lea, "undelivered-phone-dark", DARK, PHONE);
}

fn register_in_russian(page: &Page, nickname: &str) {
    page.until("document.activeElement?.id === 'nickname'");
    page.write(nickname);
    page.press("Enter");
    page.until("!registered.hidden");
    page.click("#enter");
    page.ready();
}

fn draw(page: &Page, path: &Path, look: (&str, &str), (width, height, scale): (u32, u32, f32)) {
    page.media(&[look]);
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500 });
    page.call("Emulation.setDeviceMetricsOverride", size);
    // The end, where the newest message is, and a frame after the change.
    page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    let picture = page.call("Page.captureScreenshot", json!({ "format": "png" }));
    std::fs::write(path, BASE64_STANDARD.decode(string(&picture["data"])).unwrap()).unwrap();
}
