//! Nothing is lost, nothing appears twice, and what is unknown says so: offline, reload, crash, killed processes.

use std::collections::BTreeMap;

use serde_json::json;

use crate::Scenario;
use crate::page::{Page, new_person};
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[
    ("promises::nothing_is_lost_offline", nothing_is_lost_offline),
    ("promises::gateway_killed_exactly_once", gateway_killed_exactly_once),
    ("promises::server_killed_exactly_once", server_killed_exactly_once),
    ("promises::new_log_shows_a_gap", new_log_shows_a_gap),
    ("promises::reload_keeps_posts", reload_keeps_posts),
    ("promises::crashed_tab_is_continued", crashed_tab_is_continued),
    ("promises::two_tabs_adopt_one_post", two_tabs_adopt_one_post),
    ("promises::seven_tabs", seven_tabs),
    ("promises::sleep_and_wake", sleep_and_wake),
];

/// Checks that a page has these texts once each, in this order, and nothing waits.
fn has_exactly(page: &Page, texts: &[String]) {
    page.sees(texts.last().unwrap());
    page.settled();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in page.texts() {
        *counts.entry(text).or_default() += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "twice: {twice:?}");
    assert_eq!(page.texts(), texts);
}

fn numbered(of: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("{of} {n}")).collect()
}

fn nothing_is_lost_offline(world: &World) {
    let (bob, name) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    bob.say("bob 0");
    ann.sees("bob 0");
    bob.offline(true);
    bob.until("document.getElementById('trouble-text').textContent.startsWith('You are offline')");
    for n in 1..4 {
        bob.say(&format!("bob {n}"));
    }
    ann.say("ann 0");
    ann.settled();
    assert_eq!(bob.eval("document.querySelectorAll('.post.queued').length"), 3);
    bob.offline(false);
    bob.sees("bob 3");
    bob.until("trouble.hidden");
    let all = [numbered("bob", 0..1), numbered("ann", 0..1), numbered("bob", 1..4)].concat();
    has_exactly(&bob, &all);
    has_exactly(&ann, &all);
    assert_eq!(world.room().texts_of(&name), numbered("bob", 0..4));
}

fn gateway_killed_exactly_once(world: &World) {
    let (bob, name) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    for round in 0..4 {
        for n in 0..8 {
            bob.say(&format!("bob {}", round * 8 + n));
            if n == 4 {
                world.gateway().kill();
            }
        }
        world.gateway().resume();
    }
    let all = numbered("bob", 0..32);
    has_exactly(&bob, &all);
    has_exactly(&ann, &all);
    assert_eq!(world.room().texts_of(&name), all);
    // A new connection of the gateway to the room may be told as a gap of time, never as missing messages.
    bob.ready();
}

fn server_killed_exactly_once(world: &World) {
    let (bob, name) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    for n in 0..4 {
        bob.say(&format!("bob {n}"));
    }
    world.room().kill();
    for n in 4..8 {
        bob.say(&format!("bob {n}"));
    }
    bob.until("!trouble.hidden && document.getElementById('trouble-text').textContent.length > 0");
    world.room().resume();
    bob.click("#retry");
    let all = numbered("bob", 0..8);
    has_exactly(&bob, &all);
    has_exactly(&ann, &all);
    assert_eq!(world.room().texts_of(&name), all);
}

fn new_log_shows_a_gap(world: &World) {
    let (bob, _) = world.member("Bob");
    bob.say("in the old log");
    bob.settled();
    world.room().kill();
    world.room().forget();
    world.room().resume();
    // The account is gone with the store: the page says so and offers the registration.
    bob.until("!welcome.hidden && !document.getElementById('wrong-token').hidden");
    bob.eval("document.getElementById('nickname').focus()");
    bob.register("Bob");
    bob.until("document.querySelector('.gap')?.textContent.includes('the server began a new log')");
    bob.say("in the new log");
    has_exactly(&bob, &["in the old log".to_owned(), "in the new log".to_owned()]);
}

fn reload_keeps_posts(world: &World) {
    let (bob, name) = world.member("Bob");
    bob.say("bob 0");
    bob.settled();
    world.gateway().kill();
    bob.say("bob 1");
    bob.say("bob 2");
    bob.write("a draft");
    world.gateway().resume();
    bob.reload();
    bob.ready();
    has_exactly(&bob, &numbered("bob", 0..3));
    assert_eq!(world.room().texts_of(&name), numbered("bob", 0..3));
    assert_eq!(bob.eval("document.getElementById('text').value"), "a draft");
    assert_eq!(bob.eval("Object.keys(localStorage).filter((key) => key.startsWith('minechat.post.')).length"), 0);
}

fn crashed_tab_is_continued(world: &World) {
    let browser = world.browser("en");
    let context = new_person(&browser);
    let first = Page::open(&browser, Some(&context), &world.url());
    let name = first.register("Bob");
    let second = Page::open(&browser, Some(&context), &world.url());
    second.ready();
    world.gateway().kill();
    first.say("bob 0");
    first.say("bob 1");
    first.crash();
    world.gateway().resume();
    has_exactly(&second, &numbered("bob", 0..2));
    assert_eq!(world.room().texts_of(&name), numbered("bob", 0..2));
}

fn two_tabs_adopt_one_post(world: &World) {
    let browser = world.browser("en");
    let context = new_person(&browser);
    let pages: Vec<Page> = (0..3).map(|_| Page::open(&browser, Some(&context), &world.url())).collect();
    let name = pages[0].register("Bob");
    for page in &pages[1..] {
        page.reload();
        page.ready();
    }
    // Posts that a tab left, which is gone: as if it had crashed at each possible moment.
    for (n, (state, carried)) in [("queued", false), ("sent", true), ("queued", true)].into_iter().enumerate() {
        let item = json!({ "id": format!("left-{n}"), "text": format!("left {n}"), "nick": name, "at": n, "n": n,
                           "owner": "a tab that is gone", "state": state, "carried": carried });
        pages[0].eval(&format!("localStorage.setItem('minechat.post.left-{n}', {})", json!(item.to_string())));
    }
    // Both tabs take them over in the same moment, without asking whose turn it is.
    for page in &pages[1..] {
        page.eval("void dispatchEvent(new StorageEvent('storage', {key: null}))");
    }
    for page in &pages {
        has_exactly(page, &numbered("left", 0..3));
    }
    // And a second connection that says the same id again adds nothing.
    let repeat = "new Promise((done) => { const socket = new WebSocket(`ws://${location.host}/api/ws`); \
         socket.onopen = () => socket.send(JSON.stringify({type: 'post', id: 'left-1', text: 'left 1', resend: true})); \
         socket.onmessage = ({data}) => { const o = JSON.parse(data); if (o.type === 'receipt' && o.state !== 'accepted') done(o.state); } })";
    assert_eq!(pages[2].eval(repeat), "confirmed");
    assert_eq!(world.room().texts_of(&name), numbered("left", 0..3));
}

fn seven_tabs(world: &World) {
    let browser = world.browser("en");
    let context = new_person(&browser);
    let first = Page::open(&browser, Some(&context), &world.url());
    let name = first.register("Bob");
    let mut pages = vec![first];
    pages.extend((1..7).map(|_| Page::open(&browser, Some(&context), &world.url())));
    for (n, page) in pages.iter().enumerate() {
        page.ready();
        page.say(&format!("tab {n}"));
        page.sees(&format!("tab {n}"));
    }
    for page in &pages {
        has_exactly(page, &numbered("tab", 0..7));
    }
    assert_eq!(world.room().texts_of(&name), numbered("tab", 0..7));
}

fn sleep_and_wake(world: &World) {
    let (bob, _) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    bob.say("bob 0");
    ann.sees("bob 0");
    bob.call("Page.setWebLifecycleState", json!({ "state": "frozen" }));
    // Its connection ends while it cannot notice.
    world.gateway().kill();
    world.gateway().resume();
    ann.say("ann 0");
    ann.settled();
    bob.call("Page.setWebLifecycleState", json!({ "state": "active" }));
    bob.eval("void dispatchEvent(new Event('focus'))");
    bob.say("bob 1");
    let all = [numbered("bob", 0..1), numbered("ann", 0..1), numbered("bob", 1..2)].concat();
    has_exactly(&bob, &all);
    has_exactly(&ann, &all);
}
