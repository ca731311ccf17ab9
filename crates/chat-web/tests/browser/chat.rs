//! What people do every day.

use serde_json::json;

use crate::Scenario;
use crate::page::Page;
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[
    ("chat::register_say_and_hear", register_say_and_hear),
    ("chat::link_fills_the_nickname_only", link_fills_the_nickname_only),
    ("chat::login_with_the_token", login_with_the_token),
    ("chat::history_is_loaded_backwards", history_is_loaded_backwards),
    ("chat::gap_is_filled_from_the_history", gap_is_filled_from_the_history),
    ("chat::search_leads_to_the_message", search_leads_to_the_message),
    ("chat::unread_is_counted_and_marked", unread_is_counted_and_marked),
    ("chat::removed_message_is_redrawn", removed_message_is_redrawn),
    ("chat::mute_says_until_when", mute_says_until_when),
    ("chat::end_stays_in_sight_when_resized", end_stays_in_sight_when_resized),
    ("chat::russian", russian),
];

fn register_say_and_hear(world: &World) {
    let (bob, name) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    assert!(name.ends_with(" Bob"), "{name}");
    bob.say("hello");
    ann.sees("hello");
    bob.sees("hello");
    ann.say("hello to you,\nBob");
    for page in [&bob, &ann] {
        page.sees("hello to you,\nBob");
        page.settled();
    }
    assert_eq!(bob.rows(), ann.rows());
    assert_eq!(bob.texts(), ["hello", "hello to you,\nBob"]);
    assert_eq!(bob.eval("document.querySelectorAll('.row.own .sign').length"), 1);
    assert_eq!(bob.eval("document.querySelector('.row.named mark').textContent"), "Bob");
    bob.reload();
    bob.ready();
    bob.sees("hello");
    assert_eq!(bob.rows(), ann.rows());
}

fn link_fills_the_nickname_only(world: &World) {
    let page = world.person();
    page.go(&format!("{}?nick=Bob%3Cb%3E", world.url()));
    page.until("document.getElementById('nickname').value === 'Bob<b>' && !welcome.hidden");
    let posts: Vec<_> = page.events("Network.requestWillBeSent");
    assert!(posts.iter().all(|request| request["request"]["method"] == "GET"), "{posts:?}");
}

fn login_with_the_token(world: &World) {
    let bob = world.person();
    bob.until("document.activeElement?.id === 'nickname'");
    bob.write("Bob");
    bob.press("Enter");
    bob.until("!registered.hidden");
    let token = bob.eval("document.getElementById('shown-token').value");
    bob.click("#enter");
    bob.ready();
    bob.say("from one browser");
    bob.settled();
    let phone = world.person();
    phone.click("summary");
    let login = |token: &str| {
        phone.eval(&format!("document.getElementById('token').value = {}", json!(token)));
        phone.click("#login button");
    };
    login("9a08f44c-c541-41eb-8c47-0242ac110002");
    phone.until("!document.getElementById('login-error').hidden");
    login(token.as_str().unwrap());
    phone.ready();
    phone.sees("from one browser");
    // The token was needed once, and is nowhere in the page any more.
    let everything = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, \
         document.documentElement.outerHTML, [...document.querySelectorAll('input')].map((input) => input.value)])";
    for page in [&bob, &phone] {
        let kept = page.eval(everything);
        assert!(!kept.as_str().unwrap().contains(token.as_str().unwrap()), "{kept}");
    }
    phone.click("#open-menu");
    phone.click("#logout");
    phone.click("#logout");
    phone.until("!welcome.hidden");
    phone.reload();
    phone.until("!welcome.hidden");
}

fn history_is_loaded_backwards(world: &World) {
    let (bob, _) = world.member("Bob");
    for first in [0, 150, 300] {
        bob.eval(&format!(
            "for (let n = {first}; n < {first} + 150; n++) {{ \
             document.getElementById('text').value = `message ${{n}}`; composer.requestSubmit(); }}"
        ));
        bob.settled();
    }
    let (ann, _) = world.member("Ann");
    ann.sees("message 449");
    assert_eq!(ann.rows().len(), 200);
    let top = "(() => { const row = document.querySelector('.row'); return [row.dataset.place, Math.round(row.getBoundingClientRect().top)] })()";
    ann.eval("document.getElementById('scroll').scrollTop = 0");
    ann.until("document.querySelectorAll('.row').length >= 400");
    let seen = ann.eval(top);
    assert!(seen[1].as_i64().unwrap() < 0, "what was in sight stays there: {seen}");
    ann.click("#older");
    ann.until("!beginning.hidden");
    let expected: Vec<String> = (0..450).map(|n| format!("message {n}")).collect();
    assert_eq!(ann.texts(), expected);
}

fn gap_is_filled_from_the_history(world: &World) {
    let (bob, _) = world.member("Bob");
    bob.say("before");
    bob.settled();
    // More than a page that returns gets at once, from a gateway that has only read the newest 1,000.
    world.gateway().kill();
    world.room().write_lines(3_300);
    world.gateway().resume();
    bob.until("document.querySelector('.gap button') && trouble.hidden");
    let texts = bob.texts();
    assert_eq!((texts.len(), &texts[0], &texts[1]), (201, &"before".to_owned(), &"line 3100".to_owned()));
    // A second press while it loads asks for nothing, and nothing has failed.
    let pressed = bob.eval(
        "(async () => { const button = document.querySelector('.gap button'); button.click(); button.click(); \
         await new Promise((done) => setTimeout(done)); return button.textContent; })()",
    );
    assert!(pressed == "Loading older messages…" || pressed == "Load them", "{pressed}");
    bob.until("document.querySelectorAll('.row').length === 401");
    bob.until("document.querySelector('.gap button').textContent === 'Load them'");
    assert_eq!(bob.texts()[1], "line 2900");
    // A message in the middle of the gap is found, and what is between is loaded.
    bob.press("Ctrl+k");
    bob.write("line 2250");
    bob.click("#hits button");
    bob.until("document.activeElement.matches('.row') && document.activeElement.textContent.includes('line 2250')");
    for _ in 0..20 {
        let rows = bob.texts().len();
        if bob.eval("document.querySelector('.gap') === null") == true {
            break;
        }
        bob.click(".gap button");
        bob.until(&format!("document.querySelectorAll('.row').length > {rows} || !document.querySelector('.gap')"));
    }
    let expected: Vec<String> =
        ["before".to_owned()].into_iter().chain((0..3_300).map(|n| format!("line {n}"))).collect();
    assert_eq!(bob.texts(), expected);
}

fn search_leads_to_the_message(world: &World) {
    let (bob, _) = world.member("Bob");
    for text in ["needle in the hay", "hay", "more hay"] {
        bob.say(text);
    }
    bob.settled();
    bob.press("Ctrl+k");
    bob.until("document.activeElement.id === 'query'");
    bob.write("NEEDLE");
    bob.until("document.querySelectorAll('#hits button').length === 1");
    bob.press("ArrowDown");
    bob.press("Enter");
    bob.until("document.activeElement.matches('.row') && document.activeElement.textContent.includes('needle')");
    bob.press("Escape");
    bob.until("search.hidden");
    bob.press("Ctrl+k");
    bob.write("nothing like it");
    bob.until("document.getElementById('search-state').textContent === 'Nothing found.'");
}

fn unread_is_counted_and_marked(world: &World) {
    let (bob, _) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    ann.say("read");
    bob.sees("read");
    bob.hide(true);
    ann.say("one");
    ann.say("two");
    bob.until("document.title.startsWith('(2) ')");
    bob.until("document.getElementById('icon').getAttribute('href') === '/icon-unread.svg'");
    bob.until("news.nextElementSibling.textContent.includes('one')");
    bob.hide(false);
    bob.until("!document.title.startsWith('(') && news.isConnected");
}

fn removed_message_is_redrawn(world: &World) {
    let (bob, _) = world.member("Bob");
    let (ann, _) = world.member("Ann");
    bob.say("first");
    bob.say("something bad");
    ann.sees("something bad");
    world.room().admin(&json!({ "request": "remove", "seqs": [2] }));
    for page in [&ann, &bob] {
        page.sees("[removed by root: spam]");
        assert_eq!(page.texts(), ["first", "[removed by root: spam]"]);
    }
    let late = world.person();
    late.register("Eve");
    late.sees("[removed by root: spam]");
    assert!(!late.texts().contains(&"something bad".to_owned()));
    // The gateway does not have the text any more: no page gets it, and no search finds it.
    let told = late.events("Network.webSocketFrameReceived");
    assert!(told.iter().all(|frame| !frame.to_string().contains("something bad")), "{told:?}");
    let found = late.eval("fetch('/api/search?q=something').then((answer) => answer.json())");
    assert_eq!(found["messages"], json!([]));
    // Neither does a page that was away, and shows the text.
    bob.offline(true);
    bob.until("!trouble.hidden");
    world.room().admin(&json!({ "request": "remove", "seqs": [1] }));
    world.gateway().kill();
    world.gateway().resume();
    bob.offline(false);
    bob.until("document.querySelectorAll('.gone').length === 2");
}

fn mute_says_until_when(world: &World) {
    let (bob, name) = world.member("Bob");
    bob.say("before");
    bob.settled();
    world.room().admin(&json!({ "request": "mute", "nickname": name, "for_ms": 600_000 }));
    bob.say("while muted");
    bob.until("document.querySelector('.post.refused .why')?.textContent.match(/^failed: you are muted in this room until \\d\\d:\\d\\d$/)");
    bob.until("document.getElementById('field-note').textContent.includes('You can read')");
    world.room().admin(&json!({ "request": "unmute", "nickname": name }));
    bob.click(".post.refused [data-act=retry]");
    bob.sees("while muted");
    bob.settled();
    bob.until("document.getElementById('field-note').hidden");
    assert_eq!(world.room().texts_of(&name), ["before", "while muted"]);
}

fn end_stays_in_sight_when_resized(world: &World) {
    let (bob, _) = world.member("Bob");
    for n in 0..30 {
        bob.say(&format!("message {n} with some words, so that it needs two lines on a narrow screen"));
    }
    bob.settled();
    let end = "document.getElementById('scroll').scrollHeight - document.getElementById('scroll').scrollTop - document.getElementById('scroll').clientHeight < 4 && document.getElementById('down').hidden";
    for (width, height) in [(1100, 720), (360, 740), (740, 360), (1100, 300)] {
        bob.size(width, height, 1);
        bob.until(&format!("innerWidth === {width} && {end}"));
    }
    bob.press("PageUp");
    bob.until("!document.getElementById('down').hidden");
    bob.press("Escape");
    bob.until(end);
}

fn russian(world: &World) {
    let page = world.person_in("ru");
    page.until("document.documentElement.lang === 'ru' && document.body.innerText.includes('Вход в комнату')");
    page.until("document.activeElement?.id === 'nickname'");
    page.write("Боб");
    page.press("Enter");
    page.until("!registered.hidden && document.body.innerText.includes('Вы — ')");
    page.click("#enter");
    page.until("!chat.hidden && online.textContent === 'в сети'");
    no_words_are_missing(&page);
    page.click("#open-menu");
    page.click("input[value=en]");
    page.until("document.documentElement.lang === 'en' && !chat.hidden");
    no_words_are_missing(&page);
}

/// Every text that the page names is there in its language.
fn no_words_are_missing(page: &Page) {
    let missing = page.eval(
        "(() => { const missing = []; for (const [attribute, property] of [['data-t', 'textContent'], ['data-label', 'ariaLabel'], \
         ['data-hint', 'placeholder'], ['data-tip', 'title']]) for (const element of document.querySelectorAll(`[${attribute}]`)) \
         if (!element[property] || element[property] === 'undefined') missing.push(element.getAttribute(attribute)); return missing })()",
    );
    assert_eq!(missing, json!([]));
    let same = "Promise.all([import('/en.js'), import('/ru.js')]).then(([en, ru]) => \
                JSON.stringify(Object.keys(en.default)) === JSON.stringify(Object.keys(ru.default)))";
    assert_eq!(page.eval(same), true);
}
