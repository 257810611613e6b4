//! Quantiles, everywhere by the same rule.

/// The value below which a share `q` (0 to 1) of the ascending `values` lies, linear between
/// neighbours (Hyndman and Fan's type 7, which is NumPy's and R's default). Nothing for nothing.
pub fn quantile<T: Copy + Into<f64>>(values: &[T], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let low: f64 = values.get(below).copied()?.into();
    let high: f64 = values.get(below + 1).copied().map_or(low, Into::into);
    Some(low + (high - low) * (position - below as f64))
}

/// Six digits of a value, which is all that a plot needs and less to keep.
pub fn rounded(value: f64) -> f64 {
    let text = format!("{value:.5e}");
    text.parse().unwrap_or(value)
}

/// The median of values in any order.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// `points` values at even steps of share, from the lowest to the highest.
pub fn curve<T: Copy + Into<f64>>(values: &[T], points: usize) -> Vec<f64> {
    let steps = points.saturating_sub(1).max(1) as f64;
    let at = |point: usize| quantile(values, point as f64 / steps);
    (0..points).filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the textbook writes it, one-based.
    fn by_the_book(values: &[f64], q: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let h = (sorted.len() as f64 - 1.0) * q + 1.0;
        let at = |rank: f64| sorted[(rank as usize).clamp(1, sorted.len()) - 1];
        at(h.floor()) + (h - h.floor()) * (at(h.ceil()) - at(h.floor()))
    }

    proptest! {
        #[test]
        fn agrees_with_the_textbook(
            mut values in prop::collection::vec(-1e6..1e6f64, 1..200),
            q in 0.0..=1.0f64,
        ) {
            let expected = by_the_book(&values, q);
            values.sort_by(f64::total_cmp);
            let got = quantile(&values, q).unwrap();
            prop_assert!((got - expected).abs() <= 1e-6, "{got} {expected}");
        }

        #[test]
        fn never_leaves_the_values_and_never_falls(
            mut values in prop::collection::vec(-1e6..1e6f32, 1..200),
        ) {
            values.sort_by(f32::total_cmp);
            let curve = curve(&values, 101);
            prop_assert_eq!(curve.len(), 101);
            prop_assert_eq!(curve[0], f64::from(values[0]));
            prop_assert_eq!(curve[100], f64::from(values[values.len() - 1]));
            prop_assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
    }
}
