//! The RBAC filter: one condition under which requests are answered 403.

use super::{Context, Refusal, Share};
use crate::apisix::Abort;
use crate::model::filter::Rbac;
use crate::vars::Lines;

impl Context<'_> {
    /// Requests that are not allowed are answered.
    pub(super) fn rbac(&mut self, rbac: &Rbac, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        let lines = if rbac.denies { Lines::AnyMayMatch } else { Lines::OneMustMatch };
        let rule = self.condition(&rbac.rule, lines)?;
        let denied = if rbac.denies { rule } else { rule.negate() };
        Ok(self.reply_if(denied, &Abort::text(403, "RBAC: access denied"), shares))
    }
}
