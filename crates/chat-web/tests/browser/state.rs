//! The modules without a browser interface of their own, tested in the page by `state.js`.

use crate::Scenario;
use crate::world::World;

pub(crate) const ALL: &[Scenario] = &[("state::modules", modules)];

fn modules(world: &World) {
    let page = world.person();
    let done = page.eval(include_str!("state.js"));
    let failures: Vec<String> =
        done["failed"].as_array().unwrap().iter().map(|failed| failed.as_str().unwrap_or("?").to_owned()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(done["passed"].as_u64().unwrap() >= 20, "{done}");
}
