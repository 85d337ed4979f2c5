//! Format strings of headers and bodies: the operators that depend on the request, the connection and the status of
//! the response.

use super::exchange::Exchange;
use super::headers::Headers;
use super::stop::{Known, NotModelled};

/// A format string, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Format(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(Vec<u8>),
    /// `%REQ(name?alternative):length%`
    Request(Field),
    /// `%RESP(name?alternative):length%`
    Response(Field),
    /// Another operator, with its name.
    Operator(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    names: Vec<String>,
    length: Option<usize>,
}

/// What operators look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'f> {
    pub(super) request: &'f Exchange,
    /// Status and headers of the response; a request is changed before there is one.
    pub(super) response: Option<(u16, &'f Headers)>,
    pub(super) route_name: &'f str,
    pub(super) cluster: &'f str,
}

impl Format {
    pub(super) fn read(source: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('%') {
            pieces.push(Piece::Literal(before.into()));
            if let Some(after) = after.strip_prefix('%') {
                pieces.push(Piece::Literal(b"%".to_vec()));
                rest = after;
                continue;
            }
            let end = end_of_operator(after).ok_or_else(|| format!("incorrect header configuration: {source}"))?;
            let (operator, after) = after.split_at_checked(end).unwrap_or((after, ""));
            pieces.push(Piece::read(operator)?);
            rest = after.strip_prefix('%').unwrap_or(after);
        }
        pieces.push(Piece::Literal(rest.into()));
        pieces.retain(|piece| !matches!(piece, Piece::Literal(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// A text without operators.
    pub(super) fn literal(text: &[u8]) -> Self {
        Self(vec![Piece::Literal(text.to_vec())])
    }

    pub(super) fn write(&self, facts: Facts) -> Known<Vec<u8>> {
        let mut text = Vec::new();
        for piece in &self.0 {
            text.extend(piece.write(facts)?);
        }
        Ok(text)
    }
}

/// The percent sign that ends an operator; one in its parentheses does not.
fn end_of_operator(text: &str) -> Option<usize> {
    let (percent, open) = (text.find('%')?, text.find('('));
    if open.is_none_or(|open| open > percent) {
        return Some(percent);
    }
    let close = text.find(')')?;
    text.get(close..)?.find('%')?.checked_add(close)
}

impl Piece {
    fn read(operator: &str) -> Result<Self, String> {
        let name: String = operator
            .chars()
            .take_while(|letter| letter.is_ascii_uppercase() || *letter == '_' || letter.is_ascii_digit())
            .collect();
        if name.is_empty() {
            return Err(format!("incorrect configuration: %{operator}%"));
        }
        Ok(match name.as_str() {
            "REQ" => Self::Request(Field::read(operator)?),
            "RESP" => Self::Response(Field::read(operator)?),
            _ => Self::Operator(operator.into()),
        })
    }

    fn write(&self, facts: Facts) -> Known<Vec<u8>> {
        let unknown = |operator: &str| NotModelled::because(format!("the format operator %{operator}%"));
        let connection = &facts.request.connection;
        Ok(match self {
            Self::Literal(text) => text.clone(),
            Self::Request(field) if field.names.iter().any(|name| name == "x-request-id") => {
                return unknown("REQ(X-REQUEST-ID)");
            }
            Self::Request(field) => field.of(&facts.request.headers),
            Self::Response(field) => facts.response.map(|(_, headers)| field.of(headers)).unwrap_or_default(),
            Self::Operator(operator) => match (operator.as_str(), facts.response) {
                ("PROTOCOL", _) => b"HTTP/1.1".to_vec(),
                ("RESPONSE_CODE", Some((status, _))) => status.to_string().into(),
                ("ROUTE_NAME", _) => facts.route_name.into(),
                ("UPSTREAM_CLUSTER", _) if !facts.cluster.is_empty() => facts.cluster.into(),
                ("REQUESTED_SERVER_NAME", _) => connection.sni.clone().unwrap_or_default().into(),
                ("DOWNSTREAM_LOCAL_PORT", _) => connection.port.to_string().into(),
                ("DOWNSTREAM_LOCAL_ADDRESS", _) => {
                    std::net::SocketAddr::new(connection.local, connection.port).to_string().into()
                }
                ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", _) => connection.local.to_string().into(),
                ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", _) => connection.peer.to_string().into(),
                ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", _) if !facts.request.headers.has("x-forwarded-for") => {
                    connection.peer.to_string().into()
                }
                (operator, _) => return unknown(operator),
            },
        })
    }
}

impl Field {
    fn read(operator: &str) -> Result<Self, String> {
        let wrong = || format!("incorrect configuration: %{operator}%");
        let inner = operator.split_once('(').ok_or_else(wrong)?.1;
        let (names, length) = inner.rsplit_once(')').ok_or_else(wrong)?;
        let names = names.split('?').map(super::header_match::name_of).collect::<Vec<_>>();
        let length = length.strip_prefix(':').map(str::parse).transpose().map_err(|_| wrong())?;
        if names.len() > 2 || names.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { names, length })
    }

    /// The first line of the first name that is there.
    fn of(&self, headers: &Headers) -> Vec<u8> {
        let mut value = self.names.iter().find_map(|name| headers.get(name)).unwrap_or_default().to_vec();
        value.truncate(self.length.unwrap_or(usize::MAX));
        value
    }
}
