//! What a configuration may say, and what is said about one that cannot be used.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on shall fail")]

use super::{Config, Mode};

fn refusal(text: &str) -> String {
    Config::parse(text.as_bytes()).err().unwrap_or_else(|| panic!("{text} should be refused")).to_string()
}

#[test]
fn everything_has_a_default() {
    let config = Config::parse(b"{}").unwrap();
    assert_eq!((config.prefix.as_str(), config.instance.as_str()), ("/amesh", "amesh"));
    assert!(config.apply == Mode::None && config.admin.is_none());
    assert_eq!(config.options(), amesh_translator::Options::default());
    let config = Config::parse(br#"{"apply":"standalone","admin":{"key":"k"}}"#).unwrap();
    let admin = config.admin.unwrap();
    assert_eq!((admin.address.as_str(), admin.timeout_ms), ("127.0.0.1:9180", 10_000));
}

#[test]
fn options_reach_the_translator() {
    let text = br#"{"instance":"edge","listen_ports":[9080],"limits":{"message_bytes":5}}"#;
    let options = Config::parse(text).unwrap().options();
    assert_eq!((options.instance.as_str(), options.listen_ports), ("edge", Some(vec![9080])));
    assert_eq!(options.limits.message_bytes, 5);
}

#[test]
fn refusals_name_the_key() {
    for (text, expected) in [
        ("", ".: EOF while parsing"),
        ("7", ".: invalid type, expected struct Config"),
        (r#"{"tokn":"x"}"#, "tokn: unknown field `tokn`, expected one of `prefix`, `token`"),
        (r#"{"admin":{"kee":"x"}}"#, "admin.kee: unknown field `kee`, expected one of `address`"),
        (r#"{"limits":{"route":1}}"#, "limits.route: unknown field"),
        (r#"{"apply":"etcd"}"#, "apply: unknown variant `etcd`, expected `none` or `standalone`"),
        (r#"{"apply":"standalone"}"#, "admin: is needed"),
        (r#"{"prefix":"amesh"}"#, "prefix: must begin with a slash"),
        (r#"{"prefix":"/"}"#, "prefix: must begin with a slash and not end with one"),
        (r#"{"token":""}"#, "token: must be visible ASCII"),
        (r#"{"instance":"a b"}"#, "instance: must be 1 to 64"),
        (r#"{"allow":["localhost"]}"#, "allow: must be addresses or networks"),
        (r#"{"admin":{"key":"k","address":"127.0.0.1"}}"#, "admin.address: must be host:port"),
        (r#"{"admin":{"key":"k\r\nx: y"}}"#, "admin.key: must be visible ASCII"),
        (r#"{"admin":{"key":"k","authority":""}}"#, "admin.authority: must be"),
        (r#"{"admin":{"key":"k","timeout_ms":0}}"#, "admin.timeout_ms: must be 1"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(expected), "{text}: {message}");
    }
}

#[test]
fn refusals_show_no_value() {
    for text in [
        r#"{"token":["s3cret"]}"#,
        r#"{"token":531}"#,
        r#"{"admin":"531, expected"}"#,
        r#"{"admin":{"key":531}}"#,
        r#"{"admin":{"key":"531 "}}"#,
        r#"{"limits":"531"}"#,
    ] {
        let message = refusal(text);
        assert!(!message.contains("531") && !message.contains("s3cret"), "{message}");
    }
}

#[test]
fn callers_are_allowed_by_address() {
    let default = Config::parse(b"{}").unwrap();
    assert!(default.allows("127.0.0.1") && default.allows("127.1.2.3") && default.allows("::1"));
    for other in ["10.0.0.1", "::2", "", "unix:", "127.0.0.1 "] {
        assert!(!default.allows(other), "{other}");
    }
    let config = Config::parse(br#"{"allow":["10.1.0.0/16","192.0.2.7","2001:db8::/32"]}"#).unwrap();
    assert!(config.allows("10.1.255.1") && config.allows("192.0.2.7") && config.allows("2001:db8::9"));
    assert!(!config.allows("10.2.0.1") && !config.allows("192.0.2.8") && !config.allows("127.0.0.1"));
    assert!(!Config::parse(br#"{"allow":[]}"#).unwrap().allows("127.0.0.1"));
}

#[test]
fn callers_need_the_token_where_there_is_one() {
    assert!(Config::parse(b"{}").unwrap().authorizes(""));
    let config = Config::parse(br#"{"token":"s3cret"}"#).unwrap();
    assert!(config.authorizes("Bearer s3cret"));
    for other in ["", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Bearer S3CRET", "s3cret", "Basic s3cret"] {
        assert!(!config.authorizes(other), "{other}");
    }
}

#[test]
fn the_example_route_is_a_configuration() {
    let route = include_str!("../../examples/apisix/ingest-route.json");
    let route: serde_json::Value = serde_json::from_str(route).unwrap();
    let conf = route.pointer("/routes/0/plugins/amesh/conf").unwrap();
    let config = Config::parse(conf.to_string().as_bytes()).unwrap();
    assert!(config.apply == Mode::Standalone && config.authorizes("Bearer CHANGE-ME-TOKEN"));
}
