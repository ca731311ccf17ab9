//! Curves between two logarithmic axes.

use super::rows::Curve;
use super::scale::Scale;
use super::svg::{Anchor, COLOURS, Svg};

/// The words around the curves; a unit belongs into the label of its axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 590.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 380.0;
const LEGEND_ROW: f64 = 22.0;

/// Draws them; the first one, which is ours, is the thickest.
pub(crate) fn draw(labels: Labels, curves: &[Curve]) -> String {
    let all = || curves.iter().flat_map(|curve| curve.points.iter().copied());
    let across = Scale::logarithmic(all().map(|(at, _)| at as f64).collect::<Vec<_>>(), LEFT, RIGHT);
    let up = Scale::logarithmic(all().map(|(_, value)| value).collect::<Vec<_>>(), BOTTOM, TOP);
    let mut svg = Svg::new(WIDTH, HEIGHT, labels.title);
    svg.text(LEFT, 28.0, Anchor::Start, 17, labels.title);
    for (x, text) in across.ticks() {
        svg.rule((x, TOP), (x, BOTTOM));
        svg.text(x, BOTTOM + 20.0, Anchor::Middle, 12, &text);
    }
    for (y, text) in up.ticks() {
        svg.rule((LEFT, y), (RIGHT, y));
        svg.text(LEFT - 8.0, y + 4.0, Anchor::End, 12, &text);
    }
    svg.text((LEFT + RIGHT) / 2.0, BOTTOM + 46.0, Anchor::Middle, 13, labels.x);
    svg.upright(24.0, (TOP + BOTTOM) / 2.0, 13, labels.y);
    // Backwards, so that ours lies on top.
    for (place, curve) in curves.iter().enumerate().rev() {
        let colour = COLOURS[place % COLOURS.len()];
        let width = if place == 0 { 3.5 } else { 2.0 };
        let points: Vec<_> = curve.points.iter().map(|(at, v)| (across.place(*at as f64), up.place(*v))).collect();
        svg.curve(&points, colour, width);
        let y = TOP + 10.0 + place as f64 * LEGEND_ROW;
        svg.curve(&[(RIGHT + 20.0, y), (RIGHT + 44.0, y)], colour, width);
        svg.text(RIGHT + 54.0, y + 4.0, Anchor::Start, 13, &curve.name);
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_is_drawn_and_named_and_both_axes_are_labelled() {
        let labels = Labels { title: "cost", x: "listeners", y: "ns" };
        let curve = |name: &str, points: &[(u64, f64)]| Curve { name: name.into(), points: points.into() };
        let svg = draw(labels, &[curve("ours", &[(10, 1.0), (1_000, 100.0)]), curve("<peer>", &[(100, 10.0)])]);
        // The curve, and its sample in the legend.
        assert_eq!(svg.matches("<polyline").count(), 4);
        for text in [">listeners<", ">ns<", ">ours<", ">&lt;peer&gt;<", ">cost<", "rotate(-90"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
        // Corner to corner, and the middle in the middle.
        assert!(svg.contains("points=\"80.0,380.0 590.0,50.0\""), "{svg}");
        assert!(svg.contains("points=\"335.0,215.0\""), "{svg}");
    }
}
