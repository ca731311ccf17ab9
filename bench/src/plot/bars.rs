//! Horizontal bars in groups, each with its value.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, figure};
use super::drawing::{GRID, colour, document, text};
use super::rows::Curve;

/// Texts of a chart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) title: &'static str,
    /// The meaning of a value, with its unit.
    pub(crate) value: &'static str,
    /// The unit of the number of a group.
    pub(crate) group: &'static str,
}

const WIDTH: u32 = 800;
/// Space for the names at the left.
const LEFT: u32 = 170;
const RIGHT: u32 = 100;
const TOP: u32 = 46;
const AXIS_HEIGHT: u32 = 60;
/// Height of a bar with its distance to the next one, and of the bar alone.
const ROW: u32 = 23;
const BAR: i32 = 18;
/// Height of the name of a group.
const HEADING: u32 = 30;

/// Draws a group for each position on the axis with a bar for each contender that was measured there.
pub(crate) fn draw(labels: Labels, curves: &[Curve]) -> Result<String> {
    let mut groups: Vec<u64> = curves.iter().flat_map(|curve| curve.points.iter().map(|(at, _)| *at)).collect();
    groups.sort_unstable();
    groups.dedup();
    let bars: usize = curves.iter().map(|curve| curve.points.len()).sum();
    let height = u32::try_from(groups.len())? * HEADING + u32::try_from(bars)? * ROW;
    let axis = Axis::linear(curves.iter().flat_map(|curve| curve.points.iter().map(|(_, value)| *value)));
    document((WIDTH, TOP + height + AXIS_HEIGHT), labels.title, |root| {
        let area = root.margin(TOP, 0, 0, 0);
        let mut chart = ChartBuilder::on(&area)
            .margin_right(RIGHT)
            .margin_bottom(12)
            .x_label_area_size(AXIS_HEIGHT - 12)
            .y_label_area_size(LEFT)
            // Rows are addressed by pixels from the top.
            .build_cartesian_2d(axis.clone(), f64::from(height)..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GRID)
            .x_desc(labels.value)
            .label_style(text(15, HPos::Left))
            .axis_desc_style(text(16, HPos::Left))
            .draw()?;
        let mut y = 0.0;
        for group in groups {
            let (_, middle) = chart.backend_coord(&(0.0, y + f64::from(HEADING) / 2.0));
            let heading = format!("{} {}", figure(group as f64), labels.group);
            root.draw(&Text::new(heading, (20, middle), text(16, HPos::Left)))?;
            y += f64::from(HEADING);
            for (index, curve) in curves.iter().enumerate() {
                let Some((_, value)) = curve.points.iter().find(|(at, _)| *at == group) else { continue };
                let bar = [(0.0, y), (*value, y + f64::from(BAR))];
                chart.draw_series([Rectangle::new(bar, colour(index).filled())])?;
                let (start, top) = chart.backend_coord(&bar[0]);
                let (end, _) = chart.backend_coord(&bar[1]);
                let middle = top + BAR / 2;
                root.draw(&Text::new(curve.name.clone(), (start - 8, middle), text(16, HPos::Right)))?;
                root.draw(&Text::new(figure(*value), (end + 6, middle), text(15, HPos::Left)))?;
                y += f64::from(ROW);
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_bar_per_contender_and_group() {
        let curve = |name: &str, points: &[(u64, f64)]| Curve { name: name.into(), points: points.into() };
        let curves = [curve("ours", &[(10, 40.0), (1_000, 50.0)]), curve("a & b", &[(1_000, 25.0)])];
        let svg = draw(Labels { title: "rates", value: "per second", group: "listeners" }, &curves).unwrap();
        // The background and three bars.
        assert_eq!(svg.matches("<rect").count(), 4);
        assert_eq!(svg.matches("\nours\n").count(), 2);
        for text in ["10 listeners", "1000 listeners", "a &amp; b", "per second"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }
}
