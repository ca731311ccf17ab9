//! The main path in a second engine: Firefox.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::bidi::Firefox;

use crate::Scenario;
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[
    ("firefox::register_say_hear_and_reload", register_say_hear_and_reload),
    ("firefox::nothing_is_lost_when_the_gateway_is_killed", nothing_is_lost_when_the_gateway_is_killed),
    ("firefox::older_messages_are_loaded", older_messages_are_loaded),
];

/// The bound of every wait.
const WITHIN: Duration = Duration::from_secs(30);
const ENTER: char = '\u{e007}';

fn until(firefox: &mut Firefox, expression: &str) {
    let deadline = Instant::now() + WITHIN;
    let mut last = Ok(Value::Null);
    while Instant::now() < deadline {
        last = firefox.eval(&format!("Boolean({expression})"));
        if matches!(last, Ok(Value::Bool(true))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(15));
    }
    let seen = firefox.eval("document.body.innerText");
    panic!("{expression} is not true within {WITHIN:?} ({last:?}):\n{seen:?}");
}

fn texts(firefox: &mut Firefox) -> Value {
    firefox.eval("[...document.querySelectorAll('.row .text')].map((text) => text.textContent)").unwrap()
}

fn ready(firefox: &mut Firefox) {
    until(firefox, "!document.getElementById('chat').hidden && document.getElementById('online').className === 'well'");
}

/// Opens the page, registers, and enters the chat. Returns the nickname that the room gave.
fn member(world: &World, nickname: &str) -> (Firefox, String) {
    let mut firefox = Firefox::start("en").unwrap();
    firefox.go(&world.url()).unwrap();
    until(&mut firefox, "document.activeElement?.id === 'nickname'");
    firefox.keys(&format!("{nickname}{ENTER}")).unwrap();
    until(&mut firefox, "document.activeElement?.id === 'you-are'");
    let given = firefox.eval("document.getElementById('you-are').textContent").unwrap();
    firefox.eval("document.getElementById('enter').click()").unwrap();
    ready(&mut firefox);
    (firefox, given.as_str().unwrap().trim_start_matches("You are ").to_owned())
}

fn say(firefox: &mut Firefox, text: &str) {
    until(firefox, "document.activeElement?.id === 'text'");
    firefox.keys(&format!("{text}{ENTER}")).unwrap();
}

fn sees(firefox: &mut Firefox, text: &str) {
    let find = "[...document.querySelectorAll('.row .text')].some((row) => row.textContent === ";
    until(firefox, &format!("{find}{})", json!(text)));
}

fn settled(firefox: &mut Firefox) {
    until(firefox, "!document.querySelector('.post')");
}

fn register_say_hear_and_reload(world: &World) {
    let (mut bob, name) = member(world, "Bob");
    assert!(name.ends_with(" Bob"), "{name}");
    say(&mut bob, "hello from Firefox");
    until(&mut bob, "document.querySelector('.row.own .sign')?.textContent.startsWith('✓')");
    let (ann, _) = world.member("Ann");
    ann.sees("hello from Firefox");
    ann.say("hello from Chromium");
    sees(&mut bob, "hello from Chromium");
    bob.reload().unwrap();
    ready(&mut bob);
    sees(&mut bob, "hello from Chromium");
    let both = json!(["hello from Firefox", "hello from Chromium"]);
    assert_eq!((texts(&mut bob), json!(ann.texts())), (both.clone(), both));
    // The token is nowhere that a script can read.
    let kept = bob.eval("[document.cookie, {...localStorage}, {...sessionStorage}]").unwrap();
    assert_eq!(kept[0], "");
    assert!(!kept.to_string().contains("token"), "{kept}");
}

fn nothing_is_lost_when_the_gateway_is_killed(world: &World) {
    let (mut bob, name) = member(world, "Bob");
    let all: Vec<String> = (0..12).map(|n| format!("bob {n}")).collect();
    for (n, text) in all.iter().enumerate() {
        say(&mut bob, text);
        match n {
            3 => world.gateway().kill(),
            6 => bob.reload().unwrap_or_else(|why| assert!(why.to_string().contains("navigat"), "{why:#}")),
            _ => {}
        }
        if n == 5 {
            world.gateway().resume();
            ready(&mut bob);
        }
        if n == 6 {
            ready(&mut bob);
        }
    }
    sees(&mut bob, "bob 11");
    settled(&mut bob);
    assert_eq!(texts(&mut bob), json!(all));
    assert_eq!(world.room().texts_of(&name), all);
}

fn older_messages_are_loaded(world: &World) {
    let (ann, _) = world.member("Ann");
    for first in [0, 150] {
        ann.eval(&format!(
            "for (let n = {first}; n < {first} + 150; n++) {{ \
             document.getElementById('text').value = `message ${{n}}`; composer.requestSubmit(); }}"
        ));
        ann.settled();
    }
    let (mut bob, _) = member(world, "Bob");
    sees(&mut bob, "message 299");
    assert_eq!(texts(&mut bob).as_array().unwrap().len(), 200);
    // Again and again, as a wheel does: the page goes to its end while its layout settles.
    until(&mut bob, "(document.getElementById('scroll').scrollTop = 0, !document.getElementById('beginning').hidden)");
    let expected: Vec<String> = (0..300).map(|n| format!("message {n}")).collect();
    assert_eq!(texts(&mut bob), json!(expected));
}
