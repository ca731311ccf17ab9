//! Line charts with two logarithmic axes.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::drawing::{GRID, colour, document, text};
use super::rows::Curve;

/// Texts of a chart; the label of an axis includes its unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
}

const SIZE: (u32, u32) = (940, 440);
/// Width of the chart; the legend is to the right of it.
const CHART_WIDTH: i32 = 610;
const TITLE_HEIGHT: u32 = 46;
const LEGEND_ROW: i32 = 22;

/// Draws the curves. The first one, which is ours, is the thickest.
pub(crate) fn draw(labels: Labels, curves: &[Curve]) -> Result<String> {
    let all = || curves.iter().flat_map(|curve| curve.points.iter().copied());
    let across = Axis::logarithmic(all().map(|(at, _)| at as f64));
    let up = Axis::logarithmic(all().map(|(_, value)| value));
    document(SIZE, labels.title, |root| {
        let (area, legend) = root.margin(TITLE_HEIGHT, 0, 0, 0).split_horizontally(CHART_WIDTH);
        let mut chart = ChartBuilder::on(&area)
            .margin_right(20)
            .margin_left(10)
            .margin_bottom(8)
            .x_label_area_size(50)
            .y_label_area_size(70)
            .build_cartesian_2d(across.clone(), up.clone())?;
        chart
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GRID)
            .x_desc(labels.x)
            .y_desc(labels.y)
            .label_style(text(15, HPos::Left))
            .axis_desc_style(text(16, HPos::Left))
            .draw()?;
        // In reverse, so that the first curve is on top.
        for (index, curve) in curves.iter().enumerate().rev() {
            let (width, radius) = if index == 0 { (4, 5) } else { (2, 4) };
            let (line, dot) = (colour(index).stroke_width(width), colour(index).filled());
            let points = || curve.points.iter().map(|(at, value)| (*at as f64, *value));
            chart.draw_series(LineSeries::new(points(), line))?;
            chart.draw_series(points().map(|point| Circle::new(point, radius, dot)))?;
            let y = 12 + i32::try_from(index)? * LEGEND_ROW;
            legend.draw(&PathElement::new(vec![(4, y), (30, y)], line))?;
            for x in [4, 30] {
                legend.draw(&Circle::new((x, y), radius, dot))?;
            }
            legend.draw(&Text::new(curve.name.clone(), (42, y), text(16, HPos::Left)))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_and_names_each_curve() {
        let labels = Labels { title: "cost", x: "listeners", y: "ns" };
        let curve = |name: &str, points: &[(u64, f64)]| Curve { name: name.into(), points: points.into() };
        let svg =
            draw(labels, &[curve("ours", &[(10, 1.0), (1_000, 100.0)]), curve("<peer>", &[(100, 10.0)])]).unwrap();
        // A dot at each point, and two for each curve in the legend.
        assert_eq!(svg.matches("<circle").count(), 3 + 4);
        for text in ["listeners", "ns", "ours", "&lt;peer&gt;", "cost", "rotate(270"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }
}
