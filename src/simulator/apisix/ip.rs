//! Sets of addresses, as `remote_addrs` and the operator `ipmatch` use them (lua-resty-ipmatcher).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses and networks of both families.
#[derive(Debug, Clone)]
pub(super) struct IpSet(Vec<Network>);

#[derive(Debug, Clone)]
enum Network {
    V4 { address: u32, bits: u32 },
    V6 { address: u128, bits: u32 },
}

impl IpSet {
    /// `items`: addresses or `address/bits`. The error is APISIX's message.
    pub(super) fn parse<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        items.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the set holds `address`; a text that is no address is in no set.
    pub(super) fn contains(&self, address: &[u8]) -> bool {
        match parse(&String::from_utf8_lossy(address)) {
            Some(IpAddr::V4(v4)) => self.0.iter().any(|network| network.holds_v4(v4)),
            Some(IpAddr::V6(v6)) => self.0.iter().any(|network| network.holds_v6(v6)),
            None => false,
        }
    }
}

impl Network {
    /// The library shifts a 32-bit word by `32 - bits`, and such shifts count modulo 32: a network
    /// of 33 bits, which is not refused, compares the first bit only.
    fn holds_v4(&self, candidate: Ipv4Addr) -> bool {
        let &Self::V4 { address, bits } = self else { return false };
        match bits {
            0 => true,
            32 => address == u32::from(candidate),
            _ => {
                let shift = 32_u32.wrapping_sub(bits);
                address.wrapping_shr(shift) == u32::from(candidate).wrapping_shr(shift)
            }
        }
    }

    fn holds_v6(&self, candidate: Ipv6Addr) -> bool {
        let &Self::V6 { address, bits } = self else { return false };
        let mask = match bits {
            0 => 0,
            _ => u128::MAX.wrapping_shl(128_u32.saturating_sub(bits)),
        };
        address & mask == u128::from(candidate) & mask
    }
}

fn network(item: &str) -> Result<Network, String> {
    let (address, bits) = match item.split_once('/') {
        Some((address, bits)) => (address, bits.parse().ok()),
        None => (item, None),
    };
    match parse(address) {
        Some(IpAddr::V4(v4)) => Ok(Network::V4 { address: v4.into(), bits: bits.unwrap_or(32) }),
        Some(IpAddr::V6(v6)) => Ok(Network::V6 { address: v6.into(), bits: bits.unwrap_or(128) }),
        None => Err(format!("invalid ip address: {address}")),
    }
}

/// An IPv6 address may stand in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(v4));
    }
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(text).parse().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(set: &[&str], address: &str) -> bool {
        IpSet::parse(set.iter().copied()).is_ok_and(|set| set.contains(address.as_bytes()))
    }

    #[test]
    fn networks_of_both_families() {
        assert!(holds(&["10.0.0.0/8"], "10.1.2.3"));
        assert!(!holds(&["10.0.0.0/8"], "11.1.2.3"));
        assert!(holds(&["1.2.3.4"], "1.2.3.4"));
        assert!(holds(&["0.0.0.0/0"], "8.8.8.8"));
        assert!(holds(&["fe80::/10"], "fe80::1"));
        assert!(!holds(&["::1"], "::2"));
        assert!(!holds(&["::/0"], "1.2.3.4"));
    }

    #[test]
    fn thirty_three_bits_compare_one() {
        assert!(holds(&["10.0.0.0/33"], "100.0.0.1"));
        assert!(!holds(&["10.0.0.0/33"], "200.0.0.1"));
    }

    #[test]
    fn texts_that_are_no_address() {
        assert!(!holds(&["10.0.0.0/8"], "bad"));
        assert!(!holds(&["10.0.0.0/8"], ""));
        assert!(IpSet::parse(["a"]).is_err());
    }
}
