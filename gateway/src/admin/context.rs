//! What handlers are given: the gateway, the connection, and who calls.

use std::net::SocketAddr;
use std::sync::Arc;

use hangu_identity::Caller;
use hangu_identity::session::Session;

use crate::admin::Admin;
use crate::admin::authority::{Answer, Asked, Authority};
use crate::admin::problem::Problem;
use crate::admin::routes::Route;
use crate::admin::users::Role;
use crate::clock;
use crate::stage::decide::device_trust;

/// One connection to the administration.
#[derive(Clone)]
pub struct Context {
    /// What is administered, and by whom.
    pub admin: Arc<Admin>,
    /// The client.
    pub peer: SocketAddr,
    /// Whether the client showed a certificate that was verified.
    pub with_certificate: bool,
}

/// Who calls, found by the session cookie; the policy has said yes, unless the answer is a refusal being recorded.
#[derive(Debug, Clone)]
pub struct Who {
    /// The administrator.
    pub caller: Arc<Caller>,
    /// The one role.
    pub role: Role,
    /// The session.
    pub session: Arc<Session>,
    /// What state-changing calls must send back.
    pub csrf: Arc<str>,
    /// The call.
    pub route: &'static Route,
    /// Its path, as it is routed.
    pub path: Arc<str>,
    /// What the console's policy said.
    pub answer: Answer,
    /// Under which revision.
    pub revision: Arc<str>,
}

impl Context {
    /// Administrators and policy in force.
    ///
    /// # Errors
    /// When the configuration has no console any more.
    pub fn authority(&self) -> Result<Arc<Authority>, Problem> {
        let snapshot = self.admin.gateway.snapshot.load();
        snapshot
            .authority
            .clone()
            .ok_or_else(|| Problem::failed(&"no console is configured"))
    }

    /// What the console's policy is asked about an administrator's call.
    pub fn asked<'a>(
        &self,
        caller: &Caller,
        role: Role,
        method: &'a str,
        path: &'a str,
    ) -> Asked<'a> {
        let gateway = &self.admin.gateway;
        let now = clock::wall_ms();
        Asked {
            role,
            method,
            path,
            aal: i64::from(caller.assurance.level()),
            dev: device_trust(caller),
            risk: i64::from(gateway.tower.standing(&caller.id, self.peer.ip(), now).risk),
            time: gateway.snapshot.load().calendar.at(now),
            cert: self.with_certificate,
        }
    }

    /// Whether an administrator may make a call now.
    pub fn may(&self, caller: &Caller, role: Role, method: &str, path: &str) -> bool {
        self.authority()
            .is_ok_and(|authority| authority.allows(&self.asked(caller, role, method, path)))
    }
}

/// Runs something that reads or writes files, off the console's thread.
///
/// # Errors
/// As `work`, and when it broke down.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Problem::failed(&error)),
    }
}
