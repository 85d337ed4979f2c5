//! What follows from the answer of an authorisation service.

use super::forward::Forward;
use super::plugin::Exit;
use super::reply;
use super::response::Response;
use super::stop::Stop;
use super::{Cause, Reply};

impl Forward {
    /// What the client gets when the service gives this answer (`None`: it gives none); `Ok(None)`: the
    /// request goes on, see [`Forward::authorized`]. The error says what is not modelled.
    pub fn refused(&self, answer: Option<&Response>) -> Result<Option<Reply>, String> {
        let Some(asked) = &self.authorization else { return Ok(None) };
        let mut filters = self.response.clone();
        let exit = match (answer, asked.status_on_error) {
            (None, None) => return Ok(None),
            (Some(answer), _) if answer.status < 300 => return Ok(None),
            (None, Some(status)) => Exit::new(status, None),
            (Some(answer), _) => {
                for name in &asked.client_headers {
                    let told = answer.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
                    let values: Vec<Vec<u8>> = told.map(|(_, value)| value.clone()).collect();
                    filters.exchange.vars.response.headers.set(name, &values);
                }
                Exit::new(answer.status, Some(answer.body.clone()))
            }
        };
        let exit = Exit { cause: Cause::Plugin("forward-auth".into()), ..exit };
        reply(filters, exit).map(Some).map_err(|stop| match stop {
            Stop::NotModelled(why) | Stop::Raised(why) => why,
        })
    }

    /// The request after the service allowed it with this answer (`None`: it gave none).
    #[must_use]
    pub fn authorized(mut self, answer: Option<&Response>) -> Self {
        let Some(asked) = self.authorization.take() else { return self };
        let Some(answer) = answer else {
            // The headers stay as they were.
            self.headers.extend(asked.replaced);
            return self;
        };
        for name in &asked.upstream_headers {
            let told = answer.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
            self.headers.extend(told.cloned().map(|(_, value)| (name.clone(), value)));
        }
        self
    }
}
