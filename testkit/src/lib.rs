//! What the tests of the workspace share: a proxy that breaks connections from a seed, a checker
//! that holds what writers were told against what listeners saw, and the rig that puts real
//! processes between the two. Not published, and never a dependency of a program.

pub mod checker;
pub mod fault;
pub mod proxy;
