//! Axes with labels at round values. A logarithmic axis can show 0, too: one decade below the smallest value.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// An axis with labels at round values.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// Ends of the axis: values, or their logarithms.
    ends: (f64, f64),
    /// Values with a label.
    labelled: Vec<f64>,
    logarithmic: bool,
}

impl Axis {
    /// Returns a logarithmic axis that contains all values, from decade to decade.
    pub(crate) fn logarithmic(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut low, mut high, mut has_zero) = (f64::MAX, f64::MIN, false);
        for value in values {
            has_zero |= value <= 0.0;
            if value > 0.0 {
                (low, high) = (low.min(value.log10()), high.max(value.log10()));
            }
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // The tolerance keeps a value on a decade from adding another one.
        low = (low + 1e-9).floor();
        high = (high - 1e-9).ceil().max(low + 1.0);
        // Few decades leave space for labels between them.
        let parts: &[f64] = if high - low <= 2.0 && !has_zero { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut labelled = Vec::new();
        // Whole numbers far below the range of i32.
        for decade in low as i32..=high as i32 {
            labelled.extend(parts.iter().map(|part| part * 10f64.powi(decade)));
        }
        labelled.retain(|&value| value.log10() <= high + 1e-9);
        if has_zero {
            low -= 1.0;
            labelled.insert(0, 0.0);
        }
        Self { ends: (low, high), labelled, logarithmic: true }
    }

    /// Returns a linear axis from 0 to a round value above all values.
    pub(crate) fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let largest = values.into_iter().fold(f64::MIN_POSITIVE, f64::max);
        let step = round_step(largest);
        let steps = (largest / step - 1e-9).ceil();
        let labelled = (0..=steps as u32).map(|count| f64::from(count) * step).collect();
        Self { ends: (0.0, steps * step), labelled, logarithmic: false }
    }

    /// Returns the share of the axis up to a value.
    fn share(&self, value: f64) -> f64 {
        let (low, high) = self.ends;
        let position = match self.logarithmic {
            true if value > 0.0 => value.log10(),
            true => low,
            false => value,
        };
        (position - low) / (high - low)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let length = f64::from(limit.1 - limit.0);
        // Pixels: far below the range of i32.
        limit.0 + (self.share(*value) * length).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.labelled.clone()
    }

    fn range(&self) -> Range<f64> {
        let end = |end: f64| if self.logarithmic { 10f64.powf(end) } else { end };
        end(self.ends.0)..end(self.ends.1)
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        figure(*value)
    }
}

/// Returns 1, 2 or 5 times a power of ten, so that about five steps make `largest`.
fn round_step(largest: f64) -> f64 {
    let rough = largest / 5.0;
    let decade = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| rough <= factor * decade * (1.0 + 1e-9)).unwrap_or(10.0);
    factor * decade
}

/// Formats a value as short as possible: `0.5`, `20`, `10 k`, `5 M`.
pub(crate) fn figure(value: f64) -> String {
    let (value, unit) = match value {
        size if size >= 1e9 => (value / 1e9, " G"),
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    // Three significant digits, without trailing zeros.
    let digits = if value >= 100.0 || value == 0.0 { 0 } else { (2.0 - value.log10().floor()).max(0.0) as usize };
    let number = format!("{value:.digits$}");
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.labelled
            .iter()
            .map(|value| format!("{}@{:.2}", figure(*value), axis.share(*value)))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn labels_decades() {
        assert_eq!(labels(&Axis::logarithmic([15.0, 9_000.0])), "10@0.00 100@0.33 1000@0.67 10 k@1.00");
        assert_eq!(labels(&Axis::logarithmic([10.0, 100.0])), "10@0.00 20@0.30 50@0.70 100@1.00");
    }

    #[test]
    fn zero_is_below_the_smallest_decade() {
        assert_eq!(labels(&Axis::logarithmic([0.0, 10.0, 1_000.0])), "0@0.00 10@0.33 100@0.67 1000@1.00");
    }

    #[test]
    fn a_linear_axis_ends_at_a_round_value() {
        assert_eq!(labels(&Axis::linear([3.0, 44.0])), "0@0.00 10@0.20 20@0.40 30@0.60 40@0.80 50@1.00");
        assert_eq!(labels(&Axis::linear([0.9])), "0@0.00 0.2@0.20 0.4@0.40 0.6@0.60 0.8@0.80 1@1.00");
    }

    #[test]
    fn figures_are_short() {
        let shown = [0.0, 0.001, 0.26, 1.234, 56.0, 1_234.0, 12_345.0, 2e6, 3.21e9].map(figure);
        assert_eq!(shown, ["0", "0.001", "0.26", "1.23", "56", "1234", "12.3 k", "2 M", "3.21 G"]);
    }
}
