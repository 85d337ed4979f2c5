//! Which fields hold secrets: those that Envoy marks as sensitive (`udpa.annotations.sensitive`).

/// Messages and their fields, sorted. What lies below such a field is not shown, save where a secret is read from.
const SENSITIVE: &[(&str, &[&str])] = &[
    ("envoy.config.core.v3.GrpcService.GoogleGrpc.SslCredentials", &["private_key"]),
    ("envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth", &["credentials"]),
    ("envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute", &["credentials"]),
    ("envoy.extensions.filters.http.basic_auth.v3.BasicAuth", &["users"]),
    ("envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute", &["users"]),
    ("envoy.extensions.filters.http.ext_authz.v3.CheckSettings", &["context_extensions"]),
    ("envoy.extensions.transport_sockets.tls.v3.GenericSecret", &["secret", "secrets"]),
    ("envoy.extensions.transport_sockets.tls.v3.PrivateKeyProvider", &["typed_config"]),
    ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", &["password", "pkcs12", "private_key"]),
    ("envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys", &["keys"]),
];

/// Whether the field holds a secret.
pub(super) fn is_sensitive(message: &str, field: &str) -> bool {
    let found = SENSITIVE.binary_search_by(|(name, _)| (*name).cmp(message));
    found.ok().and_then(|index| SENSITIVE.get(index)).is_some_and(|(_, fields)| fields.contains(&field))
}

/// Whether the field says where a secret is read from, which is none itself.
pub(super) fn is_source(message: &str, field: &str) -> bool {
    message == "envoy.config.core.v3.DataSource" && matches!(field, "filename" | "environment_variable")
        || message == "envoy.config.core.v3.WatchedDirectory"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sorted() {
        assert!(SENSITIVE.is_sorted());
        assert!(is_sensitive("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", "private_key"));
        assert!(!is_sensitive("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", "certificate_chain"));
    }
}
