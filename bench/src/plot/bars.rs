//! Bars in groups, from left to right, each with its figure behind it.

use super::rows::Curve;
use super::scale::{Scale, figure};
use super::svg::{Anchor, COLOURS, Svg};

/// The words around the bars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) title: &'static str,
    /// What a figure is, with its unit.
    pub(crate) value: &'static str,
    /// What the number of a group counts.
    pub(crate) group: &'static str,
}

const WIDTH: f64 = 800.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 46.0;
const BAR: f64 = 18.0;
const STEP: f64 = 23.0;
const HEADING: f64 = 30.0;

/// Draws a group for each place on the axis, and in it a bar for each contender that has been there.
pub(crate) fn draw(labels: Labels, curves: &[Curve]) -> String {
    let mut groups: Vec<u64> = curves.iter().flat_map(|curve| curve.points.iter().map(|(at, _)| *at)).collect();
    groups.sort_unstable();
    groups.dedup();
    let bars: usize = curves.iter().map(|curve| curve.points.len()).sum();
    let bottom = TOP + groups.len() as f64 * HEADING + bars as f64 * STEP;
    let values: Vec<f64> = curves.iter().flat_map(|curve| curve.points.iter().map(|(_, value)| *value)).collect();
    let across = Scale::linear(values, LEFT, RIGHT);
    let mut svg = Svg::new(WIDTH, bottom + 60.0, labels.title);
    svg.text(20.0, 28.0, Anchor::Start, 17, labels.title);
    for (x, text) in across.ticks() {
        svg.rule((x, TOP), (x, bottom));
        svg.text(x, bottom + 18.0, Anchor::Middle, 12, &text);
    }
    svg.text((LEFT + RIGHT) / 2.0, bottom + 42.0, Anchor::Middle, 13, labels.value);
    let mut y = TOP;
    for group in groups {
        svg.text(20.0, y + 20.0, Anchor::Start, 13, &format!("{} {}", figure(group as f64), labels.group));
        y += HEADING;
        for (place, curve) in curves.iter().enumerate() {
            let Some((_, value)) = curve.points.iter().find(|(at, _)| *at == group) else { continue };
            let end = across.place(*value);
            svg.text(LEFT - 8.0, y + 14.0, Anchor::End, 13, &curve.name);
            svg.bar(LEFT, y, end - LEFT, BAR, COLOURS[place % COLOURS.len()]);
            svg.text(end + 6.0, y + 14.0, Anchor::Start, 12, &figure(*value));
            y += STEP;
        }
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_a_bar_for_each_contender_that_was_there() {
        let curve = |name: &str, points: &[(u64, f64)]| Curve { name: name.into(), points: points.into() };
        let curves = [curve("ours", &[(10, 40.0), (1_000, 50.0)]), curve("a & b", &[(1_000, 25.0)])];
        let svg = draw(Labels { title: "rates", value: "a second", group: "listeners" }, &curves);
        // The ground and three bars.
        assert_eq!(svg.matches("<rect").count(), 4);
        assert_eq!(svg.matches(">ours<").count(), 2);
        for text in [">10 listeners<", ">1000 listeners<", ">a &amp; b<", ">a second<", "width=\"265.0\""] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }
}
