//! Pictures of the screens for the documents: `cargo test -p chat-web --test browser -- pictures` writes docs/screens/web-*.png.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::access::screens;
use crate::page::{Page, string};
use crate::world::World;

/// Draws every screen in light and dark, wide and narrow, in both languages.
pub(crate) fn draws_the_screens(world: &World) {
    for language in ["en", "ru"] {
        let page = world.person_in(language);
        screens(world, &page, &mut |page, screen| {
            for (look, (width, height), scale) in
                [("light", (900, 620), 1), ("dark", (360, 740), 2), ("dark", (900, 620), 1), ("light", (360, 740), 2)]
            {
                page.media(&[("prefers-color-scheme", look)]);
                page.size(width, height, scale);
                draw(page, &format!("web-{screen}-{width}-{look}-{language}"));
            }
        });
    }
}

fn draw(page: &Page, name: &str) {
    let dir = std::env::var("CHAT_WEB_PICTURES")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screens"), Into::into);
    // A frame after the change of size.
    page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    let picture = page.call("Page.captureScreenshot", json!({ "format": "png" }));
    let bytes = BASE64_STANDARD.decode(string(&picture["data"])).unwrap();
    std::fs::write(dir.join(format!("{name}.png")), bytes).unwrap();
}
