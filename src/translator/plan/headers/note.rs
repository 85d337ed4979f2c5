//! What is to be said about headers.

use crate::diagnostic::Code;

/// In what headers differ from what Envoy makes of them; with the header's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Note {
    /// A value with a command that APISIX cannot do.
    Command(String, String),
    /// nginx has the last word on this header, or takes no such name.
    Owned(String),
    /// nginx appends the client's address.
    ForwardedFor,
    /// A value that may be empty.
    Empty(String),
    /// A value that is written in another way.
    Alike(String),
    /// A value made of a header that is changed at the same time.
    Race(String),
    /// It depends on whether the header is there, which is not asked.
    PresenceNotAsked(String),
    /// A value with the status, which Envoy's own answers do not have yet.
    OwnStatus(String),
    /// A response header made of the path or host of a request that has been given another one.
    AsCame(String),
    /// Several lines become one.
    Joined(String),
    /// Envoy joins with a comma, APISIX adds a line.
    Inline(String),
    /// A response header that cannot be appended replaces what is there.
    Replaces(String),
    /// A response header that cannot be appended, and must not replace what is there.
    NotAppended(String),
    /// A response header that only ever gets more lines.
    Stays(String),
}

impl Note {
    /// The code and the text.
    pub(crate) fn remark(&self) -> (Code, String) {
        let left_out = |text: String| (Code::HeaderLeftOut, text);
        let differs = |text: String| (Code::HeaderApproximated, text);
        match self {
            Note::Command(name, command) => left_out(format!(
                "header {name:?}: APISIX has nothing like %{command}%; it is not added, and one that it would replace is \
                 removed"
            )),
            Note::Owned(name) => {
                left_out(format!("header {name:?} is nginx's own, or no header name, and is not changed"))
            }
            Note::ForwardedFor => differs("nginx appends the client's address to x-forwarded-for".to_owned()),
            Note::Empty(name) => differs(format!(
                "header {name:?}: where its value is empty, Envoy leaves the header as it is and APISIX may remove it or \
                 add an empty one"
            )),
            Note::Alike(name) => differs(format!("header {name:?}: its value is written in another way than Envoy's")),
            Note::Race(name) => differs(format!(
                "header {name:?}: its value is made of a header that is changed as well, before or after"
            )),
            Note::PresenceNotAsked(name) => left_out(format!(
                "header {name:?}: it cannot be asked for whether it is there; it is taken to be absent"
            )),
            Note::OwnStatus(name) => {
                differs(format!("header {name:?}: %RESPONSE_CODE% is the status; it is 0 in answers of Envoy's own"))
            }
            Note::AsCame(name) => differs(format!(
                "header {name:?}: its value has the path or host of the request as it came, in Envoy as it was rewritten"
            )),
            Note::Joined(name) => differs(format!("header {name:?}: several lines become one, joined by commas")),
            Note::Inline(name) => {
                differs(format!("header {name:?}: Envoy joins the values with a comma, APISIX adds a line"))
            }
            Note::NotAppended(name) => {
                left_out(format!("header {name:?}: APISIX cannot append this value; it is left out"))
            }
            Note::Replaces(name) => differs(format!(
                "header {name:?}: APISIX cannot append this value; the header replaces the one that is there"
            )),
            Note::Stays(name) => {
                left_out(format!("header {name:?}: APISIX adds lines to those that are there and takes none off"))
            }
        }
    }
}
