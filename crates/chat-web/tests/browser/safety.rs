//! Nothing of others runs in the page, and the page sends requests to its gateway only.

use serde_json::{Value, json};

use crate::Scenario;
use crate::page::{Page, string};
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[
    ("safety::hostile_texts_are_inert", hostile_texts_are_inert),
    ("safety::no_request_leaves_the_host", no_request_leaves_the_host),
    ("safety::first_load_is_small", first_load_is_small),
    ("safety::insecure_origin", insecure_origin),
];

const HOSTILE: &[&str] = &[
    "<img src=x onerror=\"window.ran=1\">",
    "<script>window.ran=1</script>",
    "</p><style>*{display:none}</style><base href=//evil.example>",
    "\"'><svg onload=window.ran=1>",
    "javascript:window.ran=1",
    "http://evil.example/\" onclick=\"window.ran=1",
    "http://ex\u{430}mple.org http://exa\u{200b}mple.org",
    "\u{202e}txt.exe\u{2066}\u{200f}",
    "{{constructor.constructor('window.ran=1')()}}",
];

fn hostile_texts_are_inert(world: &World) {
    let (eve, _) = world.member("Eve");
    let (bob, _) = world.member("<b>Bob</b>");
    for text in HOSTILE {
        eve.say(text);
    }
    eve.say("the end");
    for page in [&eve, &bob] {
        page.sees("the end");
        assert_eq!(page.eval("String(window.ran)"), "undefined");
        let inside = page.eval("[...document.querySelectorAll('#log .row *')].map((e) => e.localName).filter((n) => !['b', 'bdi', 'span', 'time', 'a', 'mark'].includes(n))");
        assert_eq!(inside, json!([]));
        let links = page.eval("[...document.querySelectorAll('#log a')].map((a) => [a.getAttribute('href'), a.rel])");
        assert_eq!(links, json!([["http://evil.example/", "noopener noreferrer nofollow"]]));
        let texts = page.texts().concat();
        assert!(!texts.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{200f}']), "{texts:?}");
        // Trusted Types: the page could not do it even by mistake.
        for way in
            ["document.body.innerHTML = '<i>x</i>'", "document.createElement('script').src = '/main.js'", "eval('1')"]
        {
            let tried = format!(
                "new Promise((done) => {{ addEventListener('message', (e) => done(e.data), {{once: true}}); try {{ {way}; postMessage('done', '*') }} catch (e) {{ postMessage(e.name, '*') }} }})"
            );
            assert_ne!(page.eval(&tried), "done", "{way}");
        }
    }
}

fn urls(page: &Page) -> Vec<String> {
    let of = |method: &str, key: &str| -> Vec<Value> {
        page.events(method)
            .iter()
            .map(|event| if key.is_empty() { event["request"]["url"].clone() } else { event[key].clone() })
            .collect()
    };
    [of("Network.requestWillBeSent", ""), of("Network.webSocketCreated", "url")].concat().iter().map(string).collect()
}

fn no_request_leaves_the_host(world: &World) {
    let (bob, _) = world.member("Bob");
    for text in ["http://elsewhere.example/picture.png", HOSTILE[0], HOSTILE[2]] {
        bob.say(text);
    }
    bob.settled();
    bob.click("#open-menu");
    bob.press("Escape");
    bob.reload();
    bob.ready();
    let all = urls(&bob);
    // What must be among them shows that the requests were recorded.
    for wanted in ["/style.css", "/page.js", "/en.js", "/api/me", "/api/register", "/api/ws?last=200"] {
        assert!(all.iter().any(|url| url.ends_with(wanted)), "{wanted} in {all:?}");
    }
    let own = format!("127.0.0.1:{}/", world.gateway().port);
    let strange: Vec<_> =
        all.iter().filter(|url| url.split_once("://").is_none_or(|(_, rest)| !rest.starts_with(&own))).collect();
    assert!(strange.is_empty(), "{strange:?}");
    // Nothing was stopped by the policy either, and nothing complained.
    let complaints: Vec<_> =
        bob.events("Log.entryAdded").into_iter().filter(|entry| entry["entry"]["level"] == "error").collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    assert!(bob.events("Runtime.exceptionThrown").is_empty());
}

fn first_load_is_small(world: &World) {
    let page = world.person();
    page.until("!welcome.hidden && document.fonts.status === 'loaded'");
    let bytes: f64 = page
        .events("Network.loadingFinished")
        .iter()
        .map(|event| event["encodedDataLength"].as_f64().unwrap_or_default())
        .sum();
    let body = page.eval("performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((sum, e) => sum + e.encodedBodySize, 0)");
    println!("first load: {bytes} bytes with headers, {body} of bodies");
    assert!((10_000.0..=40_000.0).contains(&bytes), "{bytes} bytes");
}

/// A page without HTTPS on a host that is not this machine's: no UUIDs, no locks, no clipboard, no notifications.
fn insecure_origin(world: &World) {
    let url = world.on_an_insecure_origin();
    let browser = world.browser("en");
    let page = Page::open(&browser, None, &url);
    assert_eq!(
        page.eval("[isSecureContext, typeof crypto.randomUUID, typeof navigator.locks, typeof navigator.clipboard]"),
        json!([false, "undefined", "undefined", "undefined"])
    );
    page.until("document.activeElement?.id === 'nickname'");
    page.write("Bob");
    page.press("Enter");
    page.until("!registered.hidden");
    page.click("#copy");
    page.until("document.getElementById('copy-note').textContent.includes('Ctrl+C')");
    assert_eq!(page.eval("getSelection().toString().length > 20 || document.activeElement.selectionEnd > 20"), true);
    page.click("#enter");
    page.ready();
    world.gateway().kill();
    page.say("works here too");
    world.gateway().resume();
    page.sees("works here too");
    page.settled();
    page.click("#open-menu");
    page.until("document.getElementById('notify-note').checkVisibility() && document.getElementById('notify-note').textContent.includes('HTTPS')");
    assert_eq!(page.eval("document.getElementById('notify').checkVisibility()"), false);
}
