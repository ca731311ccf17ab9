//! Random faults in two browsers, checked against the log of the room: what was written is there exactly once.

use std::rc::Rc;

use crate::Scenario;
use crate::page::Page;
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[("faults::random_faults_exactly_once", random_faults_exactly_once)];

/// Faults without `CHAT_WEB_FAULTS`.
const FEW: usize = 16;

/// SplitMix64: the same faults for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap()
    }
}

fn from_the_clock() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into()
}

fn random_faults_exactly_once(world: &World) {
    let faults =
        std::env::var("CHAT_WEB_FAULTS").map_or(FEW, |count| count.parse().expect("CHAT_WEB_FAULTS is a number"));
    let seed = std::env::var("CHAT_WEB_SEED")
        .map_or_else(|_| from_the_clock(), |seed| seed.parse().expect("CHAT_WEB_SEED is a number"));
    println!("{faults} faults, CHAT_WEB_SEED={seed}");
    let mut random = Random(seed);
    let browsers = [Rc::new(world.another_browser("en")), Rc::new(world.another_browser("en"))];
    let mut pages: Vec<Page> = browsers.iter().map(|browser| Page::open(browser, None, &world.url())).collect();
    let names: Vec<String> = pages.iter().zip(["Ann", "Bob"]).map(|(page, nickname)| page.register(nickname)).collect();
    let mut written: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    let mut done = std::collections::BTreeMap::<&str, usize>::new();

    for fault in 0..faults {
        let who = random.below(2);
        // Some posts are under way when the fault comes, in both browsers.
        for (n, page) in pages.iter().enumerate() {
            for _ in 0..(1 + random.below(3)) {
                let text = format!("{n} {}", written[n].len());
                page.say(&text);
                written[n].push(text);
            }
        }
        let what =
            ["gateway", "room", "offline", "reload", "crash", "both", "frozen", "gateway and reload"][random.below(8)];
        *done.entry(what).or_default() += 1;
        match what {
            "gateway" => {
                world.gateway().kill();
                world.gateway().resume();
            }
            "room" => {
                world.room().kill();
                world.room().resume();
            }
            "both" => {
                world.room().kill();
                world.gateway().kill();
                world.room().resume();
                world.gateway().resume();
            }
            "offline" => {
                pages[who].offline(true);
                let text = format!("{who} {}", written[who].len());
                pages[who].say(&text);
                written[who].push(text);
                pages[who].offline(false);
            }
            "reload" => pages[who].reload(),
            "frozen" => {
                pages[who].call("Page.setWebLifecycleState", serde_json::json!({ "state": "frozen" }));
                world.gateway().kill();
                world.gateway().resume();
                pages[who].call("Page.setWebLifecycleState", serde_json::json!({ "state": "active" }));
            }
            "crash" => {
                pages[who].crash();
                let fresh = Page::open(&browsers[who], None, &world.url());
                std::mem::replace(&mut pages[who], fresh).close();
            }
            _ => {
                world.gateway().kill();
                world.gateway().resume();
                pages[who].reload();
            }
        }
        pages[who].until("!chat.hidden");
        // Now and then everything must come to rest, and then nothing may be missing.
        if fault % 25 == 24 || fault + 1 == faults {
            for page in &pages {
                page.until("document.querySelector('#chat:not([hidden])') && !document.querySelector('.post')");
            }
            for (name, written) in names.iter().zip(&written) {
                assert_eq!(&world.room().texts_of(name), written, "after {fault} faults with seed {seed}");
            }
            for page in &pages {
                for texts in &written {
                    page.sees(texts.last().unwrap());
                }
                let mut places: Vec<_> = page.rows().into_iter().map(|row| row.place).collect();
                let rows = places.len();
                places.dedup();
                assert_eq!(places.len(), rows, "a place twice after {fault} faults with seed {seed}");
                for (n, texts) in written.iter().enumerate() {
                    let shown: Vec<_> =
                        page.texts().into_iter().filter(|text| text.starts_with(&format!("{n} "))).collect();
                    assert_eq!(
                        shown,
                        texts[texts.len() - shown.len()..],
                        "rows of a page after {fault} faults with seed {seed}"
                    );
                }
            }
        }
    }
    println!(
        "faults {done:?}; posts {} and {}, each exactly once in the log of the room",
        written[0].len(),
        written[1].len()
    );
}
