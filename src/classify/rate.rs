//! What numbers of runs say about a rate of failures, with how sure they are. Pure arithmetic: knows nothing
//! of trials.

/// The quantile of the normal distribution for 95 % between both ends.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's interval, 95 %, for the rate behind `hits` of `runs`, as a share from 0 to 1; all of it without a run.
/// E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
pub fn interval(hits: u32, runs: u32) -> (f64, f64) {
    if runs == 0 {
        return (0.0, 1.0);
    }
    let n = f64::from(runs);
    let share = f64::from(hits) / n;
    let spread = Z * Z / n;
    let centre = (share + spread / 2.0) / (1.0 + spread);
    let half = Z * ((share * (1.0 - share) + spread / 4.0) / n).sqrt() / (1.0 + spread);
    // The ends of no hit and of nothing but hits are exact; rounding would leave a trace.
    let low = if hits == 0 { 0.0 } else { centre - half };
    let high = if hits >= runs { 1.0 } else { centre + half };
    (low.max(0.0), high.min(1.0))
}

/// Below this is the rate of failures after so many runs without one, surely to the share `confidence`: the
/// rate at which that many passes in a row still happen with the share 1 - `confidence`.
pub fn bound_without_failure(runs: u32, confidence: f64) -> f64 {
    if runs == 0 {
        return 1.0;
    }
    1.0 - (1.0 - confidence).powf(1.0 / f64::from(runs))
}

/// The element below which a share of the sorted values lies: the nearest rank. `None` without values.
pub fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    let count = f64::from(u32::try_from(sorted.len()).unwrap_or(u32::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is between 0 and the length"
    )]
    let rank = (share.clamp(0.0, 1.0) * count).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-7, "{found} is not {expected}");
    }

    #[track_caller]
    fn check_interval(hits: u32, runs: u32, expected: (f64, f64)) {
        let (low, high) = interval(hits, runs);
        close(low, expected.0);
        close(high, expected.1);
    }

    #[test]
    fn wilsons_interval_has_its_published_values() {
        check_interval(0, 20, (0.0, 0.161_125));
        check_interval(1, 20, (0.008_881, 0.236_131));
        check_interval(3, 20, (0.052_369, 0.360_419));
        check_interval(10, 20, (0.299_298, 0.700_702));
        check_interval(0, 100, (0.0, 0.036_993));
        check_interval(1, 100, (0.001_767, 0.054_486));
        check_interval(17, 1000, (0.010_641, 0.027_056));
        check_interval(20, 20, (0.838_875, 1.0));
        check_interval(0, 0, (0.0, 1.0));
    }

    #[test]
    fn passes_alone_bound_the_rate_of_failures() {
        for (runs, expected) in [
            (20, 0.139_108),
            (50, 0.058_155),
            (100, 0.029_513),
            (300, 0.009_936),
            (1000, 0.002_991),
        ] {
            close(bound_without_failure(runs, 0.95), expected);
        }
        close(bound_without_failure(0, 0.95), 1.0);
    }

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        let ten: Vec<u32> = (1..=10).collect();
        for (share, expected) in [(0.0, 1), (0.5, 5), (0.9, 9), (0.91, 10), (1.0, 10)] {
            assert_eq!(quantile(&ten, share), Some(expected), "{share}");
        }
        assert_eq!(quantile(&[7], 0.5), Some(7));
        assert_eq!(quantile::<u32>(&[], 0.5), None);
    }
}
