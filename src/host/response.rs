//! The end of a request that the module answers: status, headers and body as nginx sends them, and the response
//! callbacks, which run for local responses too.

use bytes::Bytes;

use crate::error::HostError;
use crate::error_page;
use crate::exchange::Phase;
use crate::http::{BodySource, HttpResponse, LocalResponse};
use crate::instance::Instance;
use crate::lifecycle::Work;

impl Instance {
    pub(crate) fn respond(&mut self, mut work: Work, status: i32) -> Result<HttpResponse, HostError> {
        let given = self.state().local.body.clone();
        let (body, source) = body(u16::try_from(status).unwrap_or(u16::MAX), given);
        let exchange = &mut work.exchange;
        exchange.phase = Phase::Response;
        exchange.response_status = u16::try_from(status).unwrap_or(u16::MAX);
        let typed = exchange.response_headers.iter().any(|header| header.is("content-type"));
        match source {
            BodySource::ErrorPage => {
                exchange.set_response_header("content-type", b"text/html; charset=utf-8", true);
            }
            BodySource::Module if !typed => {
                exchange.set_response_header("content-type", b"text/plain; charset=utf-8", true);
            }
            BodySource::Module => {}
        }
        let filtered = self.run_response_callbacks(&mut work, &body);
        self.close(&work);
        filtered?;
        let mut headers = work.exchange.response_headers;
        headers.retain(|header| !header.is("server"));
        let status = work.exchange.response_status;
        Ok(HttpResponse::Local(LocalResponse { status, headers, body, source }))
    }

    /// `proxy_on_response_headers`, and if the module asked for it there, `proxy_on_response_body` for the body and
    /// once more for its end. What they return, and local responses made there, are ignored.
    fn run_response_callbacks(&mut self, work: &mut Work, body: &Bytes) -> Result<(), HostError> {
        let http = work.http.cast_signed();
        let arguments = [http, 0, 1];
        let arguments = if self.first_abi { &arguments[..2] } else { &arguments[..] };
        self.run_response_callback(work, Bytes::new(), "proxy_on_response_headers", arguments)?;
        if work.exchange.take_flag("wasm_process_resp_body") {
            let size = i32::try_from(body.len()).unwrap_or(i32::MAX);
            let callback = "proxy_on_response_body";
            if size > 0 {
                self.run_response_callback(work, body.clone(), callback, &[http, size, 0])?;
            }
            self.run_response_callback(work, Bytes::new(), callback, &[http, 0, 1])?;
        }
        Ok(())
    }

    fn run_response_callback(
        &mut self,
        work: &mut Work,
        body: Bytes,
        callback: &str,
        arguments: &[i32],
    ) -> Result<(), HostError> {
        let result = self.run(work, body, callback, arguments, true);
        self.state_mut().local.code = 0;
        result.map(drop)
    }
}

/// What nginx sends for a status and the body that the module gave.
fn body(status: u16, given: Bytes) -> (Bytes, BodySource) {
    if matches!(status, 204 | 304) {
        return (Bytes::new(), BodySource::Module);
    }
    match error_page::page(status).filter(|_| given.is_empty()) {
        Some(page) => (page, BodySource::ErrorPage),
        None => (given, BodySource::Module),
    }
}
