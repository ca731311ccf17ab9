//! How roles look. Colour never carries a meaning alone: without colours the words and signs are the same.

mod detect;
mod palette;
mod role;
#[cfg(test)]
mod tests;

pub(crate) use detect::{Background, ThemeSetting};
pub(crate) use palette::Theme;
#[cfg(test)]
pub(crate) use palette::rgb;
pub(crate) use role::{Role, fnv, nick_colour};
