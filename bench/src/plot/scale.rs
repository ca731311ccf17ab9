//! From a figure to a place on an axis, and which figures are written beside it.

/// An axis from `low` to `high`, drawn from one place to another. On a logarithmic axis 0 stands where the decade below
/// the smallest figure begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    has_zero: bool,
    logarithmic: bool,
}

impl Scale {
    /// A logarithmic axis that holds all of `values`, from whole decade to whole decade; wider than nothing.
    pub(crate) fn logarithmic(values: impl IntoIterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let positive = values.clone().into_iter().filter(|&value| value > 0.0);
        let (mut low, mut high) = positive.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        let has_zero = values.into_iter().any(|value| value <= 0.0);
        low = 10f64.powf((low.log10() + 1e-9).floor() - f64::from(u8::from(has_zero)));
        high = 10f64.powf((high.log10() - 1e-9).ceil());
        if high <= low {
            high = low * 10.0;
        }
        Self { low, high, from, to, has_zero, logarithmic: true }
    }

    /// An axis from 0 to a round figure at or above all of `values`.
    pub(crate) fn linear(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let largest = values.into_iter().fold(f64::MIN_POSITIVE, f64::max);
        let step = step(largest);
        Self { low: 0.0, high: (largest / step - 1e-9).ceil() * step, from, to, has_zero: true, logarithmic: false }
    }

    /// Where a figure stands.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            let value = value.max(self.low);
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share * (self.to - self.from)
    }

    /// The figures that are written at the axis: where, and what.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let mut values = Vec::new();
        if self.logarithmic {
            let decades = (self.high / self.low).log10().round() as i32;
            for decade in 0..=decades {
                let whole = self.low * 10f64.powi(decade);
                // Few decades leave room for figures between them.
                let between: &[f64] = if decades <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                values.extend(between.iter().map(|part| whole * part).filter(|&v| v <= self.high * (1.0 + 1e-9)));
            }
            if self.has_zero {
                values.retain(|&value| value >= self.low * 9.99);
                values.insert(0, 0.0);
            }
        } else {
            let step = step(self.high);
            values.extend((0..=(self.high / step).round() as u32).map(|count| f64::from(count) * step));
        }
        values.into_iter().map(|value| (self.place(value), figure(value))).collect()
    }
}

/// 1, 2 or 5 times a power of ten, so that some five of them make `largest`.
fn step(largest: f64) -> f64 {
    let power = 10f64.powf((largest / 5.0).log10().floor());
    let rest = largest / 5.0 / power;
    power
        * if rest <= 1.0 {
            1.0
        } else if rest <= 2.0 {
            2.0
        } else if rest <= 5.0 {
            5.0
        } else {
            10.0
        }
}

/// A round figure as short as it can be written: `0.5`, `20`, `10 k`, `5 M`.
pub(crate) fn figure(value: f64) -> String {
    let (value, unit) = match value {
        size if size >= 1e9 => (value / 1e9, " G"),
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    // Three digits, and none that say nothing.
    let digits = if value >= 100.0 || value == 0.0 { 0 } else { (2.0 - value.log10().floor()).max(0.0) as usize };
    let number = format!("{value:.digits$}");
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scale: Scale) -> String {
        scale.ticks().into_iter().map(|(at, text)| format!("{text}@{at:.0}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn decades_are_evenly_spaced() {
        assert_eq!(shown(Scale::logarithmic([15.0, 9_000.0], 0.0, 300.0)), "10@0 100@100 1000@200 10 k@300");
        assert_eq!(shown(Scale::logarithmic([10.0, 100.0], 100.0, 0.0)), "10@100 20@70 50@30 100@0");
    }

    #[test]
    fn nothing_has_a_place_on_a_logarithmic_axis_too() {
        let scale = Scale::logarithmic([0.0, 10.0, 1_000.0], 0.0, 300.0);
        assert_eq!(shown(scale), "0@0 10@100 100@200 1000@300");
        assert_eq!(scale.place(0.0), 0.0);
    }

    #[test]
    fn a_linear_axis_begins_at_nothing_and_ends_at_a_round_figure() {
        assert_eq!(shown(Scale::linear([3.0, 44.0], 0.0, 500.0)), "0@0 10@100 20@200 30@300 40@400 50@500");
        assert_eq!(shown(Scale::linear([0.9], 0.0, 100.0)), "0@0 0.2@20 0.4@40 0.6@60 0.8@80 1@100");
    }

    #[test]
    fn figures_are_short() {
        let shown = [0.0, 0.001, 0.26, 1.234, 56.0, 1_234.0, 12_345.0, 2e6, 3.21e9].map(figure);
        assert_eq!(shown, ["0", "0.001", "0.26", "1.23", "56", "1234", "12.3 k", "2 M", "3.21 G"]);
    }
}
