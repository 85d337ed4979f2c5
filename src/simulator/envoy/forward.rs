//! From the route to the answer.

use super::Proxy;
use super::action::{ClusterWeight, HostRewrite, MirrorPolicy, RouteAction};
use super::change::{Changes, ResponseChanges};
use super::decision::{Answer, Forward, Line, Mirror, Reply};
use super::exchange::{Draw, Exchange};
use super::headers::Headers;
use super::redirect::{DirectResponse, Redirect};
use super::route::{Action, Route, VirtualHost};
use super::routes::{Place, RouteTable};
use super::stop::{Known, NotModelled};

/// What the router needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Router<'r> {
    pub(super) proxy: &'r Proxy,
    pub(super) table: &'r RouteTable,
}

impl<'r> Router<'r> {
    /// What the router filter does with a request, which it may change.
    pub(super) fn answer(self, place: &Place<'r>, exchange: &mut Exchange, draw: &Draw) -> Known<Answer> {
        let (host, route) = match place {
            Place::NoRoute(_) => return Ok(local(exchange, 404, "", Headers::of_response(), "no route")),
            Place::ToTls(_) => {
                let mut headers = Headers::of_response();
                headers.set("location", [b"https://", exchange.authority(), exchange.path()].concat());
                return Ok(local(exchange, 301, "", headers, "the virtual host requires TLS"));
            }
            Place::Route(host, route) => (host, route),
        };
        match &route.action {
            Action::NotModelled(what) => NotModelled::because(what),
            Action::Redirect(redirect) => self.redirect(host, route, redirect, exchange),
            Action::Direct(response) => self.direct(host, route, response, exchange),
            Action::Forward(action) => self.forward(host, route, action, exchange, draw),
        }
    }

    /// The changes of all levels in the order in which they are made.
    fn levels(self, weight: Option<&Changes>, route: &Changes, host: &Changes, table: &Changes) -> Vec<Changes> {
        let mut levels = [route, host, table];
        if self.table.most_specific_wins {
            levels.reverse();
        }
        // The entry of weighted clusters comes first in both.
        weight.into_iter().chain(levels).cloned().collect()
    }

    /// What a route that forwards does to all responses, those of filters among them.
    pub(super) fn response_changes(
        self,
        place: &Place,
        weight: Option<&ClusterWeight>,
        exchange: &Exchange,
    ) -> Option<ResponseChanges> {
        match place {
            Place::Route(host, route) if matches!(route.action, Action::Forward(_)) => {
                Some(self.response(host, route, weight, exchange, ""))
            }
            Place::Route(..) | Place::ToTls(_) | Place::NoRoute(_) => None,
        }
    }

    fn response(
        self,
        host: &VirtualHost,
        route: &Route,
        weight: Option<&ClusterWeight>,
        exchange: &Exchange,
        cluster: &str,
    ) -> ResponseChanges {
        let weight = weight.map(|weight| &weight.response);
        ResponseChanges {
            levels: self.levels(weight, &route.level.response, &host.level.response, &self.table.level.response),
            request: Box::new(exchange.clone()),
            route_name: route.this.name.clone(),
            cluster: cluster.into(),
            may_have_body: true,
        }
    }

    fn redirect(
        self,
        host: &VirtualHost,
        route: &Route,
        redirect: &Redirect,
        exchange: &mut Exchange,
    ) -> Known<Answer> {
        let mut headers = Headers::of_response();
        headers.set("location", redirect.location(exchange, &route.matcher.path)?);
        // Header changes see the new path.
        redirect.rewrite_path(exchange, &route.matcher.path)?;
        self.response(host, route, None, exchange, "").change(0, &mut headers)?;
        Ok(local(exchange, redirect.status, "", headers, "redirect"))
    }

    fn direct(self, host: &VirtualHost, route: &Route, direct: &DirectResponse, exchange: &Exchange) -> Known<Answer> {
        NotModelled::check(direct.not_modelled.as_ref())?;
        let mut headers = Headers::of_response();
        if direct.status == 201 || (300..400).contains(&direct.status) {
            let (scheme, authority) = (exchange.headers.value(":scheme"), exchange.authority());
            headers.set("location", [scheme, b"://", authority, exchange.path()].concat());
        }
        self.response(host, route, None, exchange, "").change(0, &mut headers)?;
        Ok(local(exchange, direct.status, direct.body.clone(), headers, "direct_response"))
    }

    fn forward(
        self,
        host: &VirtualHost,
        route: &Route,
        action: &RouteAction,
        exchange: &mut Exchange,
        draw: &Draw,
    ) -> Known<Answer> {
        NotModelled::check(action.not_modelled.as_ref())?;
        if action.reads_grpc_timeout && exchange.came_as_grpc {
            return NotModelled::because("max_grpc_timeout");
        }
        let (name, weight) = action.target.choose(exchange, draw)?;
        let unavailable = |exchange: &Exchange, status: u16, body: &str, why: String| {
            let mut headers = Headers::of_response();
            self.response(host, route, weight, exchange, &name).change(0, &mut headers)?;
            Ok(local(exchange, status, body, headers, why))
        };
        let Some(cluster) = self.proxy.clusters.get(&name) else {
            return unavailable(exchange, action.not_found, "", format!("there is no cluster {name:?}"));
        };
        NotModelled::check(cluster.not_modelled.as_ref())?;
        let own_names = action.host == HostRewrite::Endpoint;
        let mut wanted = action.criteria.clone();
        wanted.extend(weight.iter().flat_map(|weight| weight.criteria.clone()));
        let Some(endpoints) = cluster.endpoints(&self.proxy.assignments, own_names, &wanted) else {
            let why = format!("the cluster {name} has no hosts");
            self.change_request(host, route, action, weight, &name, exchange)?;
            return unavailable(exchange, 503, "no healthy upstream", why);
        };
        self.change_request(host, route, action, weight, &name, exchange)?;
        if action.appends_forwarded_host && own_names && endpoints.have_own_names()? {
            append_forwarded_host(exchange);
        }
        // Header changes of the response see the host of the endpoint, where all endpoints have the same.
        let mut after = exchange.clone();
        if let Some(host) = endpoints.common_name() {
            after.headers.set(":authority", host.to_vec());
        }
        let policies = [&action.mirrors, &host.mirrors, &self.table.mirrors];
        let policies = policies.into_iter().find(|policies| !policies.is_empty());
        Ok(Answer::Forward(Box::new(Forward {
            endpoints,
            method: String::from_utf8_lossy(exchange.method()).into_owned(),
            authority: exchange.authority().to_vec(),
            path: exchange.path().to_vec(),
            headers: sent(&exchange.headers),
            timeout: action.timeout,
            retry: action.retry.clone().or_else(|| host.retry.clone()),
            response: self.response(host, route, weight, &after, &name),
            mirrors: self.mirrors(policies.map(Vec::as_slice).unwrap_or_default(), exchange)?,
            websocket: exchange.upgrade.as_deref() == Some("websocket"),
            hash_policy: action.hash_policy.clone(),
            cluster: name,
        })))
    }

    /// The header changes and the host of a weighted cluster, the other header changes, the host, the path.
    fn change_request(
        self,
        host: &VirtualHost,
        route: &Route,
        action: &RouteAction,
        weight: Option<&ClusterWeight>,
        cluster: &str,
        exchange: &mut Exchange,
    ) -> Known<()> {
        if host.counts_attempts {
            exchange.headers.set("x-envoy-attempt-count", *b"1");
        }
        if let Some(weight) = weight {
            weight.request.apply_to_request(exchange, &route.this.name, cluster)?;
            if let Some(host) = &weight.host {
                exchange.headers.set(":authority", host.clone());
            }
        }
        for level in self.levels(None, &route.level.request, &host.level.request, &self.table.level.request) {
            level.apply_to_request(exchange, &route.this.name, cluster)?;
        }
        let host = match &action.host {
            HostRewrite::Literal(host) => Some(host.clone().into_bytes()),
            HostRewrite::Header(name) => exchange.headers.get(name).map(<[u8]>::to_vec),
            HostRewrite::Path(regex) => Some(regex.apply(exchange.path_without_query())?),
            HostRewrite::NotModelled(what) => return NotModelled::because(what),
            HostRewrite::None | HostRewrite::Endpoint => None,
        };
        if let Some(host) = host.filter(|host| !host.is_empty()) {
            if action.appends_forwarded_host {
                append_forwarded_host(exchange);
            }
            exchange.headers.set(":authority", host);
        }
        if let Some(path) = action.path.apply(exchange.path(), &route.matcher.path)? {
            exchange.headers.set(":path", path);
        }
        Ok(())
    }

    fn mirrors(self, policies: &[MirrorPolicy], exchange: &Exchange) -> Known<Vec<Mirror>> {
        let mut mirrors = Vec::new();
        for policy in policies {
            NotModelled::check(policy.not_modelled.as_ref())?;
            if policy.share > 0.0 && self.proxy.clusters.contains_key(&policy.cluster) {
                let authority = match policy.host.as_str() {
                    "" if policy.keeps_host => exchange.authority().to_vec(),
                    "" => shadow(exchange.authority()),
                    host => host.into(),
                };
                mirrors.push(Mirror { cluster: policy.cluster.clone(), share: policy.share, authority });
            }
        }
        Ok(mirrors)
    }
}

fn append_forwarded_host(exchange: &mut Exchange) {
    let host = exchange.authority().to_vec();
    exchange.headers.add("x-forwarded-host", host);
}

/// The host of a copy: `-shadow` before the port.
fn shadow(authority: &[u8]) -> Vec<u8> {
    let end = super::arrival::port_start(authority).unwrap_or(authority.len());
    let (name, port) = authority.split_at_checked(end).unwrap_or((authority, &[]));
    [name, b"-shadow", port].concat()
}

/// The lines that go upstream, without those that Envoy writes for itself.
fn sent(headers: &Headers) -> Vec<Line> {
    let own = ["connection", "content-length", "transfer-encoding", "x-forwarded-proto", "x-request-id"];
    let is_own = |name: &str| name.starts_with(':') || name.starts_with("x-envoy-") || own.contains(&name);
    headers.lines().iter().filter(|(name, _)| !is_own(name)).cloned().collect()
}

/// What filters make of an answer on its way back.
pub(super) fn encode(answer: &mut Answer, changes: Vec<Changes>, request: &Exchange, route_name: &str) -> Known<()> {
    match answer {
        Answer::Forward(forward) => forward.response.levels.extend(changes),
        Answer::Reply(reply) => {
            let mut headers = Headers::of_response();
            for (name, value) in reply.headers.drain(..) {
                headers.add(&name, value);
            }
            let request = Box::new(request.clone());
            let (route_name, cluster) = (route_name.into(), String::new());
            let may_have_body = !reply.body.is_empty();
            let changes = ResponseChanges { levels: changes, request, route_name, cluster, may_have_body };
            changes.change(reply.status, &mut headers)?;
            headers.remove("content-length");
            reply.headers = headers.lines().to_vec();
        }
        Answer::Closed(_) | Answer::NotModelled(_) => {}
    }
    Ok(())
}

/// An answer of Envoy's own; gRPC requests get theirs in the words of gRPC.
pub(super) fn local(
    exchange: &Exchange,
    status: u16,
    body: impl Into<Vec<u8>>,
    mut headers: Headers,
    why: impl Into<String>,
) -> Answer {
    let mut body = body.into();
    headers.remove("content-length");
    if exchange.came_as_grpc {
        headers.set("content-type", "application/grpc");
        headers.set("grpc-status", grpc_status(status));
        if !body.is_empty() && exchange.method() != b"HEAD" {
            headers.set("grpc-message", percent_encoded(&body));
        }
        let headers = headers.lines().to_vec();
        return Answer::Reply(Reply { status: 200, headers, body: Vec::new(), why: why.into() });
    }
    if body.is_empty() {
        headers.remove("content-type");
    } else if !headers.has("content-type") {
        headers.set("content-type", "text/plain");
    }
    // Filters on the way back see how long it is; clients need not be told here.
    if !body.is_empty() {
        headers.set("content-length", body.len().to_string());
    }
    if exchange.method() == b"HEAD" {
        body.clear();
    }
    Answer::Reply(Reply { status, headers: headers.lines().to_vec(), body, why: why.into() })
}

fn grpc_status(status: u16) -> &'static str {
    match status {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        429 | 502..=504 => "14",
        _ => "2",
    }
}

fn percent_encoded(text: &[u8]) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        b' '..=b'~' if *byte != b'%' => vec![*byte],
        other => format!("%{other:02X}").into_bytes(),
    };
    text.iter().flat_map(encode).collect()
}
