use proptest::prelude::*;
use serde_json::json;

use super::plan::HostError;
use super::{HostNote, HostPlan, PortMatching, plan_hosts};
use crate::vars::{Vars, eval};

const PORTS: [PortMatching; 3] = [PortMatching::Compare, PortMatching::Ignore, PortMatching::StripListenerPort(80)];

/// Virtual host that Envoy selects.
fn envoy(virtual_hosts: &[Vec<String>], host: &str, ports: PortMatching) -> Option<usize> {
    let lower = host.to_ascii_lowercase();
    let (name, port) =
        lower.rsplit_once(':').filter(|(_, p)| p.bytes().all(|b| b.is_ascii_digit())).unwrap_or((&lower, ""));
    let host = match ports {
        PortMatching::Ignore => name,
        PortMatching::StripListenerPort(80) if port == "80" => name,
        _ => &lower,
    };
    let rank = |domain: &str| -> Option<(u8, usize)> {
        let domain = domain.to_ascii_lowercase();
        if domain == "*" {
            Some((0, 0))
        } else if let Some(suffix) = domain.strip_prefix('*') {
            (host.ends_with(suffix) && host.len() > suffix.len()).then_some((2, domain.len()))
        } else if let Some(prefix) = domain.strip_suffix('*') {
            (host.starts_with(prefix) && host.len() > prefix.len()).then_some((1, domain.len()))
        } else {
            (domain == host).then_some((3, 0))
        }
    };
    let ranked = virtual_hosts.iter().enumerate().flat_map(|(i, domains)| domains.iter().map(move |d| (i, d)));
    ranked.filter_map(|(i, domain)| Some((rank(domain)?, i))).max().map(|(_, i)| i)
}

/// Virtual host whose terminal route APISIX reaches: exact key, suffix keys longest first (the star may stand for
/// nothing), then routes without hosts in order.
fn apisix(plan: &HostPlan, http_host: &str) -> Option<usize> {
    let lower = http_host.to_ascii_lowercase();
    let without_port = match lower.strip_prefix('[') {
        Some(rest) => rest.find(']').map_or(lower.clone(), |end| lower[..end + 2].to_owned()),
        None => lower.split(':').next().unwrap().to_owned(),
    };
    let host = without_port.trim_end_matches('.').to_owned();
    let variable = |name: &str| match name {
        "http_host" => Some(http_host.as_bytes().to_vec()),
        "host" => Some(host.clone().into_bytes()),
        _ => None,
    };
    let mut keys = vec![host.clone()];
    keys.extend((0..=host.len()).map(|cut| format!("*{}", &host[cut..])));
    for key in keys {
        let mut found = plan.keyed.iter().filter(|group| group.hosts.contains(&key));
        let first = found.find(|group| eval::holds(&group.guard, &variable));
        if let Some(group) = first {
            let others = found.filter(|other| eval::holds(&other.guard, &variable));
            assert_eq!(others.count(), 0, "guards of {key} overlap for {http_host}");
            return Some(group.virtual_host);
        }
    }
    plan.hostless.iter().find(|group| eval::holds(&group.guard, &variable)).map(|group| group.virtual_host)
}

#[test]
fn domains_of_a_service_share_one_guard() {
    let domains = ["reviews.default.svc", "reviews.default.svc:9080", "reviews", "reviews:9080", "10.0.0.1:9080"];
    let plan = plan_hosts([domains], PortMatching::Compare).unwrap();
    let groups: Vec<_> = plan.keyed.iter().map(|g| (json!(g.hosts), json!(Vars::new(&g.guard)))).collect();
    let both = json!([["http_host", "~~", r"^[^:]*[^:.](?::9080)?\z"]]);
    let port = json!([["http_host", "~~", r"^[^:]*[^:.](?::9080)\z"]]);
    assert_eq!(groups.len(), 2);
    assert!(groups.contains(&(json!(["reviews", "reviews.default.svc"]), both)));
    assert!(groups.contains(&(json!(["10.0.0.1"]), port)));
}

#[test]
fn ignored_ports_need_no_guard() {
    let plan = plan_hosts([vec!["Foo.com", "foo.com:80", "*.x.com"], vec!["*"]], PortMatching::Ignore).unwrap();
    assert!(plan.keyed.iter().all(|group| group.guard.is_true()));
    assert_eq!(plan.notes, [HostNote::NeverMatches { virtual_host: 0, domain: "foo.com:80".into() }]);
    assert_eq!(plan.hostless.len(), 1);
}

#[test]
fn a_domain_appears_once() {
    let twice = plan_hosts([vec!["a.com"], vec!["b.com", "A.com"]], PortMatching::Compare);
    assert_eq!(twice, Err(HostError::DuplicateDomain { virtual_host: 1, domain: "a.com".into() }));
}

#[test]
fn what_cannot_be_a_key_is_compared_as_text() {
    let plan = plan_hosts([["2001:db8::1", "a|b.com", "foo.*", "*:80"]], PortMatching::Compare).unwrap();
    assert!(plan.keyed.is_empty());
    assert_eq!(plan.notes.len(), 3);
    for host in ["2001:db8::1", "A|B.com", "foo.x", "foo.:80", "z:80"] {
        assert_eq!(apisix(&plan, host), Some(0), "{host}");
    }
    for host in ["2001:db8::2", "xa|b.com", "foo.", "z:81", ":80"] {
        assert_eq!(apisix(&plan, host), None, "{host}");
    }
}

#[test]
fn many_and_long_domains_are_cheap_and_stay_in_small_patterns() {
    let mut domains: Vec<String> = (0..20_000).map(|i| format!("s{i}.example.com:{}", i % 7)).collect();
    domains.extend((0..5_000).map(|i| format!("p{i}.*")));
    domains.extend((0..5_000).map(|i| format!("*-s{i}.com")));
    domains.push(format!("{}.com", "a".repeat(65_000)));
    let plan = plan_hosts([domains], PortMatching::Compare).unwrap();
    assert_eq!(plan.notes.len(), 1);
    assert_eq!(plan.keyed.iter().map(|group| group.hosts.len()).sum::<usize>(), 25_000);
    assert_eq!(plan.keyed.len(), 7 + 5_000_usize.div_ceil(256));
    assert_eq!(plan.hostless.len(), 5_000_usize.div_ceil(256));
}

fn domain() -> impl Strategy<Value = String> {
    let name =
        prop::sample::select(vec!["foo.com", "a.foo.com", "b-x.foo.com", "x.com", "[::1]", "FOO.com", "foo.com."]);
    let suffix = prop::sample::select(vec!["*.foo.com", "*-x.foo.com", "*.com", "*foo.com", "*x.com"]);
    let prefix =
        prop::sample::select(vec!["foo.*", "a.*", "a.foo.*", "foo.com:*", "a.foo.com:*", "foo.com:8*", "*", "*:80"]);
    let port = prop::sample::select(vec!["", "", ":80", ":8080"]);
    prop_oneof![
        (name, port.clone()).prop_map(|(name, port)| format!("{name}{port}")),
        (suffix, port).prop_map(|(name, port)| format!("{name}{port}")),
        prefix.prop_map(str::to_owned),
    ]
}

/// Request hosts, without those that are approximate (see the module).
fn requests(ports: PortMatching) -> impl Iterator<Item = String> {
    let names = [
        "foo.com",
        "a.foo.com",
        "b.a.foo.com",
        "b-x.foo.com",
        "-x.foo.com",
        "x.com",
        "foo.org",
        "A.org",
        "a.foo.org",
        "zzz",
        "q.foo.com",
        "foo.com.",
        "[::1]",
        "yfoo.com",
        "zx.com",
    ];
    let exact = move |name: &&str| ports == PortMatching::Compare || !name.ends_with('.');
    let ported = |name| ["", ":80", ":81", ":8080", ":8"].map(|port| format!("{name}{port}"));
    names.into_iter().filter(exact).flat_map(ported)
}

proptest! {
    #[test]
    fn selects_the_virtual_host_that_envoy_selects(mut domains in prop::collection::vec(domain(), 1..12), cuts in prop::collection::vec(0usize..4, 12)) {
        let mut seen = std::collections::BTreeSet::new();
        domains.retain(|domain| seen.insert(domain.to_ascii_lowercase()));
        let mut virtual_hosts = vec![Vec::new(); 4];
        for (domain, index) in domains.into_iter().zip(cuts) {
            virtual_hosts[index].push(domain);
        }
        for ports in PORTS {
            let plan = plan_hosts(&virtual_hosts, ports).unwrap();
            for host in requests(ports) {
                prop_assert_eq!(apisix(&plan, &host), envoy(&virtual_hosts, &host, ports), "{} {:?} {:?} {:#?}", host, ports, virtual_hosts, plan);
            }
        }
    }
}
