//! However a table came to its version, it is the same table.

use amesh_xds::wire::envoy::config::core::v3::{DataSource, data_source::Specifier};
use amesh_xds::wire::envoy::config::route::v3 as wire;
use proptest::prelude::*;
use prost::Message as _;

use super::{Settings, Table};
use crate::options::Limits;

/// A virtual host: which name, whether one more domain collides in its name with others, and what tells versions apart.
type Host = (u8, bool, u8);

fn config(hosts: &[Host]) -> wire::RouteConfiguration {
    let encoded = hosts.iter().enumerate().map(|(index, (name, crowds, version))| {
        let mut domains = vec![format!("{}.{name}.example.com", index % 5)];
        domains.extend(crowds.then(|| format!("crowded.example.com:{}", index + 1)));
        domains.extend((*version == 0).then(|| format!("any{index}.example.com:*")));
        let action = wire::route::Action::DirectResponse(wire::DirectResponseAction {
            status: 200 + u32::from(*version),
            body: Some(body(usize::from(*version))),
        });
        let path = wire::route_match::PathSpecifier::Prefix("/".to_owned());
        let matcher = wire::RouteMatch { path_specifier: Some(path), ..wire::RouteMatch::default() };
        let route = wire::Route { r#match: Some(matcher), action: Some(action), ..wire::Route::default() };
        let host = wire::VirtualHost {
            name: format!("host{name}"),
            domains,
            routes: vec![route.encode_to_vec().into()],
            ..wire::VirtualHost::default()
        };
        host.encode_to_vec().into()
    });
    wire::RouteConfiguration { virtual_hosts: encoded.collect(), ..wire::RouteConfiguration::default() }
}

fn body(size: usize) -> DataSource {
    DataSource { specifier: Some(Specifier::InlineString("x".repeat(size))) }
}

/// Applies a version where it is a good one.
fn update(table: &mut Table, (hosts, largest_body): &(Vec<Host>, u32)) -> Result<(), String> {
    let settings = Settings { largest_body: *largest_body, ..Settings::default() };
    let update = table.prepare(settings, &config(hosts), &Limits::default());
    let changed = table.apply(update.map_err(|error| error.to_string())?);
    assert!(changed.units.iter().all(|key| table.unit(key).is_some()));
    Ok(())
}

fn state(table: &Table) -> String {
    let Table { units, slots, renamed, domains, any_ports, .. } = table;
    let units: Vec<_> = units.iter().map(|(key, unit)| (key, unit.index, &unit.host, unit.hash)).collect();
    let around: Vec<_> = units.iter().map(|(key, ..)| table.neighbours(key)).collect();
    format!("{units:#?} {around:?} {slots:?} {renamed} {domains:?} {any_ports}")
}

/// Virtual hosts, and the largest body of direct responses.
fn version() -> impl Strategy<Value = (Vec<Host>, u32)> {
    (prop::collection::vec((0..6_u8, any::<bool>(), 0..4_u8), 0..6), 2..6_u32)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn updates_lead_where_a_fresh_start_leads(versions in prop::collection::vec(version(), 1..6)) {
        let mut table = Table::default();
        for version in versions {
            let mut fresh = Table::default();
            let before = state(&table);
            let (updated, started) = (update(&mut table, &version), update(&mut fresh, &version));
            prop_assert_eq!(&updated, &started);
            prop_assert_eq!(state(&table), if started.is_ok() { state(&fresh) } else { before });
        }
    }
}
