//! Hosts around a domain.

/// Hosts for a domain of a virtual host: those it takes first, then near misses.
pub(crate) fn hosts(domain: &str, port: u16) -> Vec<String> {
    let plain = match domain {
        "*" => "unlisted.example".to_owned(),
        _ => domain.replacen('*', "a", 1),
    };
    let mut hosts = vec![plain.clone(), plain.to_ascii_uppercase(), format!("{plain}.")];
    if without_port(&plain) == plain {
        hosts.push(format!("{plain}:{port}"));
        hosts.push(format!("{plain}:{}", port ^ 1));
    } else {
        hosts.push(without_port(&plain).to_owned());
    }
    if domain.contains('*') && domain != "*" {
        hosts.push(domain.replacen('*', "a.b", 1));
        hosts.push(domain.replacen('*', "", 1));
    } else {
        hosts.push(format!("x.{plain}"));
        hosts.push(format!("x{plain}"));
        hosts.push(format!("{}x", without_port(&plain)));
    }
    hosts.retain(|host| is_usable(host));
    hosts
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether clients could send it at all.
fn is_usable(host: &str) -> bool {
    !host.is_empty() && !host.starts_with('.') && !host.starts_with(':') && host.bytes().all(|byte| byte > b' ')
}

#[cfg(test)]
mod tests {
    use super::hosts;

    #[test]
    fn domains_of_every_kind() {
        assert_eq!(
            hosts("a.test", 80),
            ["a.test", "A.TEST", "a.test.", "a.test:80", "a.test:81", "x.a.test", "xa.test", "a.testx"]
        );
        assert_eq!(hosts("*.test", 80)[0], "a.test");
        assert!(hosts("*-x.test", 80).contains(&"-x.test".to_owned()));
        assert!(hosts("a.test:8080", 80).contains(&"a.test".to_owned()));
        assert_eq!(hosts("*", 80)[0], "unlisted.example");
    }
}
