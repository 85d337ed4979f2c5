//! `google.protobuf.Duration` as milliseconds.

use amesh_xds::wire::google::protobuf::Duration;

/// Why a duration is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    /// Envoy takes none of these.
    #[error("{0}s {1}ns is not a duration")]
    Invalid(i64, i32),
}

/// Envoy counts in 64 bits of nanoseconds, and takes no duration of this many seconds or more.
const SECONDS_END: u64 = 9_223_372_036;

/// The duration in milliseconds, rounded up so that a short one does not become none.
pub(crate) fn milliseconds(duration: &Duration) -> Result<u64, DurationError> {
    let invalid = || DurationError::Invalid(duration.seconds, duration.nanos);
    let seconds = u64::try_from(duration.seconds).ok().filter(|&seconds| seconds < SECONDS_END).ok_or_else(invalid)?;
    let nanos = u64::try_from(duration.nanos).ok().filter(|&nanos| nanos < 1_000_000_000).ok_or_else(invalid)?;
    Ok(seconds.saturating_mul(1000).saturating_add(nanos.div_ceil(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::{Duration, DurationError, milliseconds};

    #[test]
    fn short_durations_are_not_lost() {
        assert_eq!(milliseconds(&Duration { seconds: 0, nanos: 1 }), Ok(1));
        assert_eq!(milliseconds(&Duration { seconds: 2, nanos: 500_000_000 }), Ok(2500));
        assert_eq!(milliseconds(&Duration { seconds: -1, nanos: 0 }), Err(DurationError::Invalid(-1, 0)));
        assert!(milliseconds(&Duration { seconds: 9_223_372_035, nanos: 0 }).is_ok());
        assert!(milliseconds(&Duration { seconds: 9_223_372_036, nanos: 0 }).is_err());
    }
}
