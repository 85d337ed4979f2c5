//! `envoy.type.v3.FractionalPercent`.

use amesh_xds::wire::envoy::r#type::v3::FractionalPercent;
use amesh_xds::wire::envoy::r#type::v3::fractional_percent::DenominatorType;

/// A part of all requests, in millionths: 0 to 1,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Percent(pub(crate) u32);

/// Why Envoy would refuse a percentage.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PercentError {
    /// A denominator that is none of Envoy's three.
    #[error("denominator {0} is not one of HUNDRED, TEN_THOUSAND, MILLION")]
    Denominator(i32),
}

impl Percent {
    /// Every request.
    pub(crate) const ALL: Self = Self(1_000_000);

    /// A percentage; what is above 100 % is 100 %, as in Envoy.
    pub(crate) fn new(percent: FractionalPercent) -> Result<Self, PercentError> {
        let unit = match DenominatorType::try_from(percent.denominator) {
            Ok(DenominatorType::Hundred) => 10_000,
            Ok(DenominatorType::TenThousand) => 100,
            Ok(DenominatorType::Million) => 1,
            Err(_) => return Err(PercentError::Denominator(percent.denominator)),
        };
        Ok(Self(percent.numerator.saturating_mul(unit).min(Self::ALL.0)))
    }

    /// A percentage that is 0 where it is not set.
    pub(crate) fn or_none(percent: Option<FractionalPercent>) -> Result<Self, PercentError> {
        percent.map_or(Ok(Self::default()), Self::new)
    }
}
