//! An administrator, signed in to the console's interface.

use http::Request;
use serde_json::{Value, json};

use crate::{Answer, Client, Pass, Zone};

/// The host name of the console.
pub const CONSOLE: &str = "console.gw";

/// An administrator who has signed in.
#[derive(Debug, Clone)]
pub struct Administrator {
    client: Client,
    csrf: String,
    session: Value,
}

impl Administrator {
    /// Signs in: `sun` runs the system, `chen` and `zhou` its security, `qian` audits.
    ///
    /// # Panics
    /// Where signing in is refused.
    pub async fn sign_in(pass: &Pass, login: &str) -> Self {
        let client = pass.client(Zone::Console);
        let credentials = json!({ "username": login, "password": pass.password(login) });
        let answer = client.post(CONSOLE, "/admin/session", &credentials).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let session = answer.json();
        let csrf = session.get("csrf").and_then(Value::as_str);
        Self {
            csrf: csrf.expect("a form token").to_owned(),
            client: client.header("cookie", &answer.cookies()),
            session,
        }
    }

    /// What signing in answered: `user`, `role`, `permissions`.
    #[must_use]
    pub const fn session(&self) -> &Value {
        &self.session
    }

    /// A client with the session's cookie and no form token, as a page of another site would use it.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(CONSOLE, path).await
    }

    /// POST of JSON with the form token.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("hangu-csrf", &self.csrf);
        self.client.send(CONSOLE, request, body.to_string()).await
    }

    /// DELETE with the form token.
    pub async fn delete(&self, path: &str) -> Answer {
        let request = Request::delete(path).header("hangu-csrf", &self.csrf);
        self.client.send(CONSOLE, request, "").await
    }
}
