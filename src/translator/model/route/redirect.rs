//! `Route.redirect`: where a request is sent.

use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::envoy::config::route::v3::redirect_action::{
    PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier,
};

use super::rewrite::{self, PathRewrite, RewriteError};
use crate::model::findings::Denied;
use crate::model::rules::{RuleError, defined, one_line};
use crate::report::{Place, Report};

/// The parts of the new URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub(crate) status: u16,
    /// The scheme.
    pub(crate) scheme: Scheme,
    /// The host; `None`: the request's.
    pub(crate) host: Option<String>,
    /// The port; `None`: the request's, or that in `host`.
    pub(crate) port: Option<u32>,
    /// A path that takes the place of the request's, perhaps with a query.
    pub(crate) whole_path: Option<String>,
    /// What becomes of the path otherwise.
    pub(crate) path: Option<PathRewrite>,
    /// The query is left out.
    pub(crate) strips_query: bool,
}

/// The scheme of the new URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// The request's.
    Kept,
    /// This one.
    Is(String),
}

/// Why Envoy would refuse a redirect.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RedirectError {
    /// A rewrite that Envoy does not take.
    #[error("redirect.{0}")]
    Rewrite(#[from] RewriteError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
}

/// Converts a redirect. What cannot be done is denied.
pub(super) fn convert(
    redirect: wire::RedirectAction,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Redirect, Denied), RedirectError> {
    let mut denied = Denied(false);
    let status = status(&redirect)?;
    let scheme = match redirect.scheme_rewrite_specifier {
        Some(SchemeRewriteSpecifier::HttpsRedirect(true)) => Scheme::Is("https".to_owned()),
        Some(SchemeRewriteSpecifier::SchemeRedirect(scheme)) if !scheme.is_empty() => Scheme::Is(scheme),
        _ => Scheme::Kept,
    };
    let mut rewrite = |prefix, regex, report| rewrite::convert(prefix, regex, &mut denied, place, report);
    let (whole_path, path) = match redirect.path_rewrite_specifier {
        Some(PathRewriteSpecifier::PathRedirect(path)) if !path.is_empty() => (Some(path), None),
        Some(PathRewriteSpecifier::PrefixRewrite(prefix)) => (None, rewrite(prefix, None, report)?),
        Some(PathRewriteSpecifier::RegexRewrite(regex)) => (None, rewrite(String::new(), Some(regex), report)?),
        _ => (None, None),
    };
    one_line(whole_path.as_deref().unwrap_or_default(), "redirect.path_redirect")?;
    one_line(&redirect.host_redirect, "redirect.host_redirect")?;
    let redirect = Redirect {
        status,
        scheme,
        host: Some(redirect.host_redirect).filter(|host| !host.is_empty()),
        port: Some(redirect.port_redirect).filter(|port| *port > 0),
        whole_path,
        path,
        strips_query: redirect.strip_query,
    };
    Ok((redirect, denied))
}

fn status(redirect: &wire::RedirectAction) -> Result<u16, RuleError> {
    Ok(match defined(redirect.response_code, "redirect.response_code")? {
        RedirectResponseCode::MovedPermanently => 301,
        RedirectResponseCode::Found => 302,
        RedirectResponseCode::SeeOther => 303,
        RedirectResponseCode::TemporaryRedirect => 307,
        RedirectResponseCode::PermanentRedirect => 308,
    })
}
