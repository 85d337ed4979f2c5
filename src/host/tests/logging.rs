//! Levels of the log.

use amesh_host::{Config, LogLevel};

use crate::harness::{Bench, on_request};

const EVERY_LEVEL: &str = r#"
    (drop (call $proxy_log (i32.const 0) @"trace"))
    (drop (call $proxy_log (i32.const 1) @"debug"))
    (drop (call $proxy_log (i32.const 2) @"info"))
    (drop (call $proxy_log (i32.const 3) @"warn"))
    (drop (call $proxy_log (i32.const 4) @"error"))
    (drop (call $proxy_log (i32.const 5) @"critical"))
    (drop (call $proxy_log (i32.const 9) @"unknown"))
    (i32.const 0)"#;

#[test]
fn the_default_level_drops_info_and_below() {
    let mut bench = Bench::new(&on_request(EVERY_LEVEL));
    bench.get().unwrap();
    let lines: Vec<String> = bench.log().into_iter().filter(|line| !line.contains("context")).collect();
    assert_eq!(lines, ["warn", "Error: error", "Emerg: critical", "Error: unknown"]);
}

#[test]
fn a_lower_level_shows_them() {
    let config = Config { log_level: LogLevel::Debug, ..Config::default() };
    let mut bench = Bench::with(&on_request(EVERY_LEVEL), &config).unwrap();
    bench.get().unwrap();
    assert_eq!(bench.log()[..3], ["Debug: trace", "Debug: debug", "Info: info"]);
}
