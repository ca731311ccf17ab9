//! What a browser loads before the first person sees the page, in bytes of the wire.

use std::collections::BTreeSet;

use chat_client::testing::Room;

use crate::support::{HOST, Rig};

/// The goal for a slow link: headers and bodies of all answers.
const LIMIT: usize = 40_000;

#[tokio::test(start_paused = true)]
async fn takes_at_most_40_kb() {
    let rig = Rig::new(Room::new());
    for language in ["en", "ru"] {
        let (mut total, mut seen, mut lines) = (0, BTreeSet::new(), Vec::new());
        // A browser asks for the chosen language alone, and for the account.
        let mut wanted = vec!["/".to_owned(), format!("/{language}.js"), "/api/me".to_owned()];
        while let Some(path) = wanted.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let plain = rig.get(&path).await;
            assert_eq!(plain.status, 200, "{path}");
            wanted.extend(named_by(&plain.body));
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
            let bytes = rig.raw(&request).await.len();
            total += bytes;
            lines.push(format!("{bytes:6} {path}"));
        }
        println!("{language}: {total} bytes in {} answers", lines.len());
        assert!(
            seen.contains("/style.css") && seen.iter().any(|path| path.ends_with(".js") && !path.contains(language))
        );
        assert!(total <= LIMIT, "{language}: {total} bytes\n{}", lines.join("\n"));
    }
}

/// Returns the files that a browser loads because of this one: those of the markup, and static imports.
fn named_by(text: &str) -> Vec<String> {
    let markup = ["href=\"/", "src=\"/"].into_iter().flat_map(|mark| {
        text.split(mark).skip(1).filter_map(|rest| rest.split_once('"').map(|(path, _)| format!("/{path}")))
    });
    let imports = text.lines().filter(|line| line.starts_with("import ")).filter_map(|line| {
        line.split_once("from './").and_then(|(_, rest)| rest.split_once('\'')).map(|(path, _)| format!("/{path}"))
    });
    markup.chain(imports).collect()
}
