//! Google's well-known types as JSON.

use super::DEPTH_LIMIT;
use super::any::declared;
use super::error::{ViewError, ViewProblem};
use super::place::Place;
use super::view::{REDACTED, Viewer, delimited, double, text};
use super::well_known::{WellKnown, in_range};
use crate::reader::{Problem, Reader, Value as Wire};
use crate::schema::{Kind, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_types::{Duration, Timestamp};
use serde_json::{Map, Value as Json, json};

/// The seconds of the years 1 to 9999, which are those that a timestamp may lie in.
const TIMESTAMPS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Viewer {
    pub(super) fn well_known(
        self,
        known: WellKnown,
        message: &'static Message,
        bytes: &[u8],
        place: &Place<'_>,
    ) -> Result<Json, ViewError> {
        match known {
            WellKnown::Any => self.any(bytes, place),
            WellKnown::Duration => moment(bytes, false).map_err(|problem| problem.at(place)),
            WellKnown::Timestamp => moment(bytes, true).map_err(|problem| problem.at(place)),
            WellKnown::Struct => self.structure(bytes, place),
            WellKnown::Value => self.any_value(bytes, place),
            WellKnown::ListValue => self.list_value(bytes, place),
            WellKnown::Wrapper => self.wrapper(message, bytes).map_err(|problem| problem.at(place)),
        }
    }

    fn any(self, bytes: &[u8], place: &Place<'_>) -> Result<Json, ViewError> {
        let [url, value] = pair(bytes).map_err(|problem| problem.at(place))?;
        let url = url.map_or(Ok(""), |url| delimited(url).map_err(ViewProblem::from).and_then(text));
        let url = url.map_err(|problem| problem.at(place))?;
        let value = value.map_or(Ok(&[][..]), delimited).map_err(|problem| ViewProblem::from(problem).at(place))?;
        let mut object = match declared(url) {
            Some(message) if WellKnown::of(message).is_some() => {
                Map::from_iter([("value".to_owned(), self.message(message, value, &place.field("value"))?)])
            }
            Some(message) => self.object(message, value, place)?,
            None if value.is_empty() => Map::new(),
            None if self.redacts() => Map::from_iter([("value".to_owned(), Json::from(REDACTED))]),
            None => Map::from_iter([("value".to_owned(), Json::from(STANDARD.encode(value)))]),
        };
        if !url.is_empty() {
            object.insert("@type".to_owned(), Json::from(url));
        }
        Ok(Json::Object(object))
    }

    fn structure(self, bytes: &[u8], place: &Place<'_>) -> Result<Json, ViewError> {
        let mut object = Map::new();
        for entry in all(bytes, 1).map_err(|problem| problem.at(place))? {
            let [key, value] = pair(entry).map_err(|problem| problem.at(place))?;
            let key = key.map_or(Ok(""), |key| delimited(key).map_err(ViewProblem::from).and_then(text));
            let key = key.map_err(|problem| problem.at(place))?;
            let value = value.map_or(Ok(&[][..]), delimited);
            let value = value.map_err(|problem| ViewProblem::from(problem).at(place))?;
            let value = self.below(value, &place.field(key), Self::any_value)?;
            object.insert(key.to_owned(), value);
        }
        Ok(Json::Object(object))
    }

    fn list_value(self, bytes: &[u8], place: &Place<'_>) -> Result<Json, ViewError> {
        let values = all(bytes, 1).map_err(|problem| problem.at(place))?;
        let values = values.into_iter().enumerate();
        values.map(|(index, value)| self.below(value, &place.index(index), Self::any_value)).collect()
    }

    fn any_value(self, bytes: &[u8], place: &Place<'_>) -> Result<Json, ViewError> {
        let at = |problem: ViewProblem| problem.at(place);
        let value = match last(bytes).map_err(|problem| at(problem.into()))? {
            Some((5, Wire::Bytes(bytes))) => return self.below(bytes, place, Self::structure),
            Some((6, Wire::Bytes(bytes))) => return self.below(bytes, place, Self::list_value),
            Some(_) if self.hides() => Json::from(REDACTED),
            Some((2, Wire::Bytes(number))) => {
                let number = <[u8; 8]>::try_from(number).map_err(|_| at(Problem::WrongWireType.into()))?;
                double(f64::from_le_bytes(number))
            }
            Some((3, Wire::Bytes(bytes))) => Json::from(text(bytes).map_err(at)?),
            Some((4, Wire::Varint(value))) => Json::from(value != 0),
            _ => Json::Null,
        };
        Ok(value)
    }

    fn below(
        self,
        bytes: &[u8],
        place: &Place<'_>,
        view: fn(Self, &[u8], &Place<'_>) -> Result<Json, ViewError>,
    ) -> Result<Json, ViewError> {
        let place = place.deeper();
        if place.depth > DEPTH_LIMIT {
            return Err(ViewProblem::Wire(Problem::TooDeep).at(&place));
        }
        view(self, bytes, &place)
    }

    fn wrapper(self, message: &'static Message, bytes: &[u8]) -> Result<Json, ViewProblem> {
        let Some(field) = message.field(1) else { return Ok(Json::Null) };
        let [value, _] = pair(bytes)?;
        self.scalar(field.kind, value.unwrap_or_else(|| unset(field.kind)))
    }
}

/// A duration or a point in time; the plain numbers where they are out of its range.
fn moment(bytes: &[u8], timestamp: bool) -> Result<Json, ViewProblem> {
    let number = |value: Option<Wire<'_>>| match value {
        None => Ok(0),
        Some(Wire::Varint(number)) => Ok(number.cast_signed()),
        Some(_) => Err(Problem::WrongWireType),
    };
    let [seconds, nanos] = pair(bytes)?;
    let (seconds, long_nanos) = (number(seconds)?, number(nanos)?);
    let plain = || json!({"seconds": seconds.to_string(), "nanos": long_nanos});
    let Ok(nanos) = i32::try_from(long_nanos) else { return Ok(plain()) };
    let duration = Duration { seconds, nanos };
    Ok(match timestamp {
        true if TIMESTAMPS.contains(&seconds) && (0..1_000_000_000).contains(&nanos) => {
            Json::from(Timestamp { seconds, nanos }.to_string())
        }
        false if in_range(&duration) => Json::from(duration.to_string()),
        _ => plain(),
    })
}

/// The value that stands for a field which is not set.
pub(super) fn unset(kind: Kind) -> Wire<'static> {
    match kind {
        Kind::String | Kind::Bytes | Kind::Message(_) => Wire::Bytes(&[]),
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => Wire::Bytes(&[0; 4]),
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Wire::Bytes(&[0; 8]),
        _ => Wire::Varint(0),
    }
}

/// The last values of the fields 1 and 2.
fn pair(bytes: &[u8]) -> Result<[Option<Wire<'_>>; 2], ViewProblem> {
    let mut pair = [None; 2];
    let [first, second] = &mut pair;
    each(bytes, |number, value| match number {
        1 => *first = Some(value),
        2 => *second = Some(value),
        _ => {}
    })?;
    Ok(pair)
}

/// All values of one field that holds messages.
fn all(bytes: &[u8], wanted: u32) -> Result<Vec<&[u8]>, ViewProblem> {
    let mut found = Vec::new();
    each(bytes, |number, value| {
        if number == wanted {
            found.push(delimited(value));
        }
    })?;
    found.into_iter().map(|value| value.map_err(ViewProblem::from)).collect()
}

/// The last field and its value, which is what counts where all fields are of one one-of.
fn last(bytes: &[u8]) -> Result<Option<(u32, Wire<'_>)>, Problem> {
    let mut last = None;
    each(bytes, |number, value| last = Some((number, value)))?;
    Ok(last)
}

fn each<'a>(bytes: &'a [u8], mut take: impl FnMut(u32, Wire<'a>)) -> Result<(), Problem> {
    let mut reader = Reader::new(bytes);
    while let Some((number, form)) = reader.tag()? {
        take(number, reader.value(number, form, DEPTH_LIMIT)?);
    }
    Ok(())
}
