//! Plays every transcript of `docs/protocol.md` against the machines, so that the specification and the code stay
//! consistent. A title that ends in `(server side)` or `(client side)` limits a transcript to one machine; all others
//! are played against both.
#![allow(clippy::unwrap_used, missing_docs)]

mod clients;
mod script;
mod servers;

use script::{Port, Script, Side};

#[test]
fn servers_follow_every_transcript() {
    play(Side::Server, |script| match script.port {
        Port::Write => servers::play_writer(script),
        Port::Listen => servers::play_listener(script),
    });
}

#[test]
fn clients_follow_every_transcript() {
    play(Side::Client, |script| match script.port {
        Port::Write => clients::play_writer(script),
        Port::Listen => clients::play_listener(script),
    });
}

fn play(side: Side, run: impl Fn(&Script)) {
    let scripts: Vec<Script> = script::all().into_iter().filter(|script| script.is_for(side)).collect();
    assert!(scripts.len() >= 12, "only {} transcripts were found", scripts.len());
    for script in &scripts {
        // The title first, because it identifies a failure.
        println!("{side:?}: {}", script.title);
        run(script);
    }
}
