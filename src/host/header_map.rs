//! The serialised header map of proxy-wasm: a count, the lengths of all names and values, then the texts, each
//! followed by a zero byte; numbers are 32 bits, little endian.

use crate::error::Crash;
use crate::http::Header;

/// Serialises headers as they are.
pub(crate) fn encode(headers: &[Header]) -> Vec<u8> {
    let mut bytes = length(headers.len()).to_vec();
    for header in headers {
        bytes.extend(length(header.name.len()));
        bytes.extend(length(header.value.len()));
    }
    for header in headers {
        bytes.extend(header.name.as_bytes());
        bytes.push(0);
        bytes.extend(&header.value);
        bytes.push(0);
    }
    bytes
}

/// Reads a map. The host checks no length, so one that leads out of the bytes is a crash.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Header>, Crash> {
    read(bytes).ok_or(Crash::MalformedHeaderMap)
}

fn read(bytes: &[u8]) -> Option<Vec<Header>> {
    let (count, rest) = number(bytes)?;
    let (mut lengths, mut texts) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut headers = Vec::new();
    while !lengths.is_empty() {
        let (name_length, value_length, name, value);
        (name_length, lengths) = number(lengths)?;
        (value_length, lengths) = number(lengths)?;
        (name, texts) = text(texts, name_length)?;
        (value, texts) = text(texts, value_length)?;
        headers.push(Header::new(String::from_utf8_lossy(name), value));
    }
    Some(headers)
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(i32::from_le_bytes(*number)).ok()?, rest))
}

fn text(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((text, rest.get(1..)?))
}

fn length(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}
