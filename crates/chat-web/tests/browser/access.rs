//! What makes it usable for all people: axe-core on all screens, the keyboard alone, a narrow phone.
//!
//! `axe.min.js` is axe-core 4.14.1 by Deque Systems, under the Mozilla Public License 2.0
//! (<https://github.com/dequelabs/axe-core>); it is used here unchanged, and is no part of the program.

use serde_json::{Value, json};

use crate::Scenario;
use crate::page::Page;
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[
    ("access::axe_finds_nothing_en", axe_finds_nothing_en),
    ("access::axe_finds_nothing_ru", axe_finds_nothing_ru),
    ("access::keyboard_alone", keyboard_alone),
    ("access::announced_once", announced_once),
];

const LOOKS: &[&[(&str, &str)]] = &[
    &[("prefers-color-scheme", "light")],
    &[("prefers-color-scheme", "dark"), ("prefers-reduced-motion", "reduce")],
    &[("forced-colors", "active")],
];

/// Checks the screen in both widths and these looks.
fn check(page: &Page, screen: &str, looks: &[&[(&str, &str)]]) {
    if page.eval("typeof axe") == "undefined" {
        page.eval(concat!("void (() => {", include_str!("axe.min.js"), "\n})()"));
    }
    for (width, height) in [(1100, 720), (360, 740)] {
        page.size(width, height, 1);
        for look in looks {
            page.media(look);
            let found = page.eval(
                "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 120) + ' ' + n.failureSummary)]))",
            );
            assert_eq!(found, json!([]), "{screen} at {width} with {look:?}");
        }
        let overflow = page.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, 0, "{screen} scrolls sideways at {width}");
    }
    page.media(&[]);
}

/// Leads through all screens.
pub(crate) fn screens(world: &World, page: &Page, check: &mut dyn FnMut(&Page, &str)) {
    page.until("document.activeElement?.id === 'nickname'");
    check(page, "welcome");
    page.click("#register button");
    page.until("!document.getElementById('register-error').hidden");
    page.click("summary");
    check(page, "welcome-errors");
    page.eval("document.getElementById('nickname').focus()");
    page.write("Bob");
    page.press("Enter");
    page.until("!registered.hidden");
    check(page, "registered");
    page.click("#enter");
    page.until("!chat.hidden && online.className === 'well'");
    check(page, "empty");
    let (ann, ann_name) = world.member("Ann");
    for text in ["good morning", "have you seen the new build? https://docs.example.org/ring", "it is much faster"] {
        ann.say(text);
        ann.sees(text);
    }
    page.say("not yet, I will look at it");
    page.sees("not yet, I will look at it");
    page.say("is there anything to know before?");
    ann.say("Bob: two lines,\nthe second is here");
    page.sees("Bob: two lines,\nthe second is here");
    ann.say("this one goes away");
    ann.sees("this one goes away");
    let seq = ann.rows().last().unwrap().place.rsplit(':').next().unwrap().parse::<u64>().unwrap();
    world.room().admin(&json!({ "request": "remove", "seqs": [seq] }));
    page.until("document.querySelector('.gone')");
    assert!(!ann_name.is_empty());
    page.settled();
    check(page, "chat");
    page.press("Ctrl+k");
    page.write("is");
    page.until("document.querySelectorAll('#hits button').length > 1");
    check(page, "search");
    page.press("Escape");
    page.click("#open-menu");
    page.until("document.getElementById('menu').open");
    check(page, "menu");
    page.click("#menu-close");
    page.until("!document.getElementById('menu').open");
    page.eval("window.name_of_me = document.getElementById('menu-name').textContent");
    let me = page.eval("window.name_of_me");
    world.room().admin(&json!({ "request": "mute", "nickname": me, "for_ms": 600_000 }));
    page.say("this is refused");
    page.until("document.querySelector('.post.refused')");
    world.gateway().kill();
    page.say("and this one waits");
    page.until("!trouble.hidden && document.querySelector('.post.queued, .post.sent')");
    check(page, "trouble");
    world.gateway().resume();
    page.until("trouble.hidden");
    // What was said while it was away, with the line above it, and a part that is not loaded.
    page.hide(true);
    world.gateway().kill();
    world.room().write_lines(3_300);
    world.gateway().resume();
    page.until(
        "document.querySelector('.gap button') && document.getElementById('news')?.isConnected && trouble.hidden",
    );
    page.hide(false);
    page.eval("document.querySelector('.gap').scrollIntoView({block: 'center'})");
    check(page, "gap");
    world.room().kill();
    world.room().forget();
    world.room().resume();
    page.until("!welcome.hidden && !document.getElementById('wrong-token').hidden");
    check(page, "wrong-token");
}

fn axe_finds_nothing_en(world: &World) {
    screens(world, &world.person_in("en"), &mut |page, screen| check(page, screen, LOOKS));
}

/// The words are longer.
fn axe_finds_nothing_ru(world: &World) {
    screens(world, &world.person_in("ru"), &mut |page, screen| check(page, screen, &LOOKS[..2]));
}

/// From the first page to an edited message without a pointer.
fn keyboard_alone(world: &World) {
    let page = world.person();
    let active = |page: &Page| {
        page.eval("document.activeElement.id || document.activeElement.dataset.act || document.activeElement.localName")
    };
    let tab_to = |page: &Page, id: &str| {
        for _ in 0..40 {
            if active(page) == id {
                return;
            }
            page.press("Tab");
        }
        panic!("Tab does not reach {id}");
    };
    page.until("document.activeElement?.id === 'nickname'");
    page.write("Bob");
    page.press("Enter");
    page.until("document.activeElement.id === 'you-are'");
    tab_to(&page, "enter");
    page.press("Enter");
    page.ready();
    assert_eq!(active(&page), "text");
    page.write("first line");
    page.press("Shift+Enter");
    page.write("second line");
    page.press("Enter");
    page.sees("first line\nsecond line");
    page.settled();
    world.gateway().kill();
    page.until("online.className !== 'well'");
    page.write("with a mistaek");
    page.press("Enter");
    page.until("document.querySelector('.post.queued')");
    page.press("ArrowUp");
    page.until("document.getElementById('text').value === 'with a mistaek'");
    page.press("Ctrl+a");
    page.eval("document.getElementById('text').select()");
    page.write("without a mistake");
    page.press("Enter");
    page.write("to be discarded");
    page.press("Enter");
    page.until("document.querySelectorAll('.post.queued').length === 2");
    page.eval("document.querySelectorAll('.post')[1].querySelector('button').focus()");
    tab_to(&page, "discard");
    page.press("Enter");
    page.until("document.querySelectorAll('.post').length === 1 && document.activeElement.id === 'text'");
    world.gateway().resume();
    page.sees("without a mistake");
    page.settled();
    assert_eq!(page.texts(), ["first line\nsecond line", "without a mistake"]);
    tab_to(&page, "open-menu");
    page.press("Enter");
    page.until("document.getElementById('menu').open");
    page.press("Escape");
    page.until("!document.getElementById('menu').open && document.activeElement.id === 'open-menu'");
    page.eval("document.activeElement.blur()");
    page.press("Escape");
    assert_eq!(active(&page), "text");
}

/// A screen reader hears each message once, and none of those that were there before.
fn announced_once(world: &World) {
    let (bob, _) = world.member("Bob");
    bob.say("old");
    bob.settled();
    let (ann, _) = world.member("Ann");
    ann.sees("old");
    ann.eval(
        "window.added = []; new MutationObserver((records) => records.forEach((r) => { added.push(...[...r.addedNodes].map((n) => n.textContent)); if (r.removedNodes.length) added.push('REMOVED'); })).observe(document.getElementById('log'), {childList: true, subtree: true})",
    );
    assert_eq!(ann.eval("[log.getAttribute('role'), log.getAttribute('aria-live')]"), json!(["log", "polite"]));
    for text in ["one", "two", "three"] {
        bob.say(text);
    }
    ann.sees("three");
    world.gateway().kill();
    world.gateway().resume();
    bob.say("four");
    ann.sees("four");
    let added = ann.eval("added");
    let heard: Vec<&str> = added
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .filter(|text| !text.starts_with("New messages"))
        .collect();
    assert_eq!(heard.len(), 4, "{heard:?}");
}
