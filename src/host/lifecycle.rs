//! The life of one request, in the steps between which nginx serves others.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::abi::calls;
use crate::error::{Crash, HostError};
use crate::exchange::{Callout, Exchange};
use crate::http::{HttpCall, HttpCaller, HttpReply, HttpRequest, HttpResponse};
use crate::instance::{Instance, PluginContext};
use crate::state::Scope;
use crate::variables::Variables;

/// Most reply headers that fit the host's buffer beside `:status`.
const MAX_REPLY_HEADERS: usize = 127;

const REQUEST_HEADERS: &str = "proxy_on_request_headers";
const REQUEST_BODY: &str = "proxy_on_request_body";
const CALL_RESPONSE: &str = "proxy_on_http_call_response";

/// What a request does next.
#[derive(Debug)]
pub enum Step {
    /// It has ended.
    Done(HttpResponse),
    /// It waits for an HTTP call. Other requests may run on the instance meanwhile.
    Call(Pending, HttpCall),
}

/// A request that waits for its HTTP call; hand it to [`Instance::resume`] or [`Instance::cancel`] of the same instance.
/// Dropping it leaves its context open for ever.
pub struct Pending {
    work: Work,
    token: u32,
}

impl fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, token } = self;
        formatter.debug_struct("Pending").field("context", &work.http).field("token", token).finish_non_exhaustive()
    }
}

/// A request at work.
pub(crate) struct Work {
    pub(crate) plugin: u32,
    pub(crate) http: u32,
    pub(crate) configuration: Bytes,
    pub(crate) exchange: Box<Exchange>,
    /// The headers callback and all its calls are over.
    in_body: bool,
}

/// What follows from the end of a callback.
enum Next {
    Call(Callout),
    Local(i32),
    Continue,
}

impl Instance {
    /// Takes a request to its end, performing its HTTP calls one after the other.
    pub fn handle(
        &mut self,
        context: &PluginContext,
        request: HttpRequest,
        http: &mut dyn HttpCaller,
        variables: Arc<dyn Variables>,
    ) -> Result<HttpResponse, HostError> {
        let mut step = self.begin(context, request, variables)?;
        loop {
            match step {
                Step::Done(response) => return Ok(response),
                Step::Call(pending, call) => step = self.resume(pending, http.call(call))?,
            }
        }
    }

    /// Starts a request.
    pub fn begin(
        &mut self,
        context: &PluginContext,
        request: HttpRequest,
        variables: Arc<dyn Variables>,
    ) -> Result<Step, HostError> {
        self.check()?;
        let unknown = HostError::UnknownContext(context.id);
        let configuration = self.contexts.configuration(context.id).ok_or(unknown.clone())?;
        let http = self.contexts.open(context.id).ok_or(unknown)?;
        let exchange = Box::new(Exchange::new(request, variables));
        let mut work = Work { plugin: context.id, http, configuration, exchange, in_body: false };
        let ids = [http.cast_signed(), context.id.cast_signed()];
        self.run(&mut work, Bytes::new(), "proxy_on_context_create", &ids, false)?;
        let arguments = [http.cast_signed(), 0, 1];
        let arguments = if self.first_abi { &arguments[..2] } else { &arguments[..] };
        let result = self.run(&mut work, Bytes::new(), REQUEST_HEADERS, arguments, true);
        self.advance(work, REQUEST_HEADERS, result)
    }

    /// Goes on with a request whose call has ended; None means that it failed.
    pub fn resume(&mut self, pending: Pending, reply: Option<HttpReply>) -> Result<Step, HostError> {
        self.check()?;
        let Pending { mut work, token } = pending;
        let count = reply.as_ref().map_or(0, |reply| reply.headers.len());
        if self.state().config.strict && count > MAX_REPLY_HEADERS {
            return Err(self.fail(Crash::TooManyReplyHeaders(count).into()));
        }
        let (headers, body) = work.exchange.receive(reply);
        let size = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        // The plugin context's number, not the request's.
        let arguments = [work.plugin.cast_signed(), token.cast_signed(), size(headers), size(body), 0];
        let result = self.run(&mut work, Bytes::new(), CALL_RESPONSE, &arguments, false);
        work.exchange.end_reply();
        self.advance(work, CALL_RESPONSE, result)
    }

    /// Ends a request whose call nobody waits for any more: its context is done and deleted, and the callback of the call
    /// never comes. So it is where nginx ends a request that waits, such as with `lua_check_client_abort on`; with
    /// APISIX's own settings a client that leaves is noticed only after the call, so that [`Instance::resume`] follows.
    pub fn cancel(&mut self, pending: Pending) {
        let Pending { work, .. } = pending;
        self.close(&work);
    }

    /// Runs one callback of a request.
    pub(crate) fn run(
        &mut self,
        work: &mut Work,
        body: Bytes,
        callback: &str,
        arguments: &[i32],
        returns: bool,
    ) -> Result<i32, HostError> {
        let exchange = Some(std::mem::take(&mut work.exchange));
        self.enter(Scope { configuration: work.configuration.clone(), body, exchange });
        let result = self.call(callback, arguments, returns);
        if let Some(exchange) = self.leave().and_then(|scope| scope.exchange) {
            work.exchange = exchange;
        }
        result
    }

    /// Goes from callback to callback until the request has ended or must wait.
    fn advance(
        &mut self,
        mut work: Work,
        mut callback: &'static str,
        mut result: Result<i32, HostError>,
    ) -> Result<Step, HostError> {
        loop {
            match self.decide(&mut work, callback, result) {
                Ok(Next::Call(callout)) => return self.suspend(work, callout),
                Ok(Next::Local(status)) => return self.respond(work, status).map(Step::Done),
                Ok(Next::Continue) if work.wants_body() => {
                    work.in_body = true;
                    callback = REQUEST_BODY;
                    result = self.run_request_body(&mut work);
                }
                Ok(Next::Continue) => {
                    self.close(&work);
                    let upstream = work.exchange.into_upstream();
                    return Ok(Step::Done(HttpResponse::Upstream(upstream)));
                }
                Err(error) => {
                    self.close(&work);
                    return Err(error);
                }
            }
        }
    }

    fn run_request_body(&mut self, work: &mut Work) -> Result<i32, HostError> {
        let body = work.exchange.request.body.clone();
        let size = i32::try_from(body.len()).unwrap_or(i32::MAX);
        self.run(work, body, REQUEST_BODY, &[work.http.cast_signed(), size, 1], true)
    }

    /// Reads the outcome of a callback in the host's order: a pending call wins over everything, even over a trap.
    fn decide(
        &mut self,
        work: &mut Work,
        callback: &'static str,
        result: Result<i32, HostError>,
    ) -> Result<Next, HostError> {
        let status = std::mem::take(&mut self.state_mut().local.code);
        let crashed = matches!(result, Err(HostError::WouldCrashWorker(_)));
        if let Some(callout) = work.exchange.callout.take().filter(|_| !crashed) {
            return Ok(Next::Call(callout));
        }
        let crash = match result? {
            code if code < 0 => return Err(HostError::CallbackFailed { callback, code }),
            _ if status >= 100 => return Ok(Next::Local(status)),
            0 => return Ok(Next::Continue),
            1 if status != 0 => Crash::StatusBelow100 { callback, status },
            1 => Crash::PauseWithoutCall { callback },
            action if action < 100 => Crash::EndlessLoop { callback, action },
            action => return Ok(Next::Local(action)),
        };
        Err(self.fail(crash.into()))
    }

    fn suspend(&mut self, work: Work, callout: Callout) -> Result<Step, HostError> {
        let token = callout.token;
        match calls::request(self.state_mut(), callout) {
            Ok(call) => Ok(Step::Call(Pending { work, token }, call)),
            Err(error @ HostError::WouldCrashWorker(_)) => Err(self.fail(error)),
            Err(error) => {
                self.close(&work);
                Err(error)
            }
        }
    }

    /// The request is over: its context is done and deleted, and its plugin context too if that was waiting for it.
    pub(crate) fn close(&mut self, work: &Work) {
        let last = self.contexts.close(work.plugin, work.http);
        if self.check().is_err() {
            return;
        }
        self.delete_context(work.http);
        if last {
            self.delete_plugin(work.plugin);
        }
    }
}

impl Work {
    /// The body callback is still due and the module asked for it.
    fn wants_body(&mut self) -> bool {
        !self.in_body && self.exchange.take_flag("wasm_process_req_body")
    }
}
