//! The path of a request: one async function, a line for each stage.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::answer;
use crate::body::response::ResponseBody;
use crate::connection::Connection;
use crate::exchange::{Ending, Exchange};
use crate::gateway::Gateway;
use crate::own;
use crate::refusal::Refusal;
use crate::stage::{decide, forward, identify, inspect, limit, record, redact, route, tls};

/// Serves one request: it is carried across or refused, and either way leaves exactly one event.
pub async fn serve(
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let (mut parts, body) = request.into_parts();
    let mut exchange = Box::new(Exchange::begin(gateway, connection, &mut parts));
    match cross(&mut exchange, &mut parts, body).await {
        Ok(Crossed::Answer { answer, held }) => record::on_the_way(exchange, *answer, held).await,
        Ok(Crossed::Own(response)) => {
            record::soon(exchange, Ending::Own(response.status()));
            response
        }
        Err(refusal) => Box::pin(refuse(exchange, refusal, &parts)).await,
    }
}

/// Every stage in order. What comes out is an answer that may be passed on, under a permit.
async fn cross(
    exchange: &mut Exchange,
    parts: &mut Parts,
    body: Incoming,
) -> Result<Crossed, Refusal> {
    record::possible(exchange)?;
    tls::still_trusted(&exchange.connection, exchange.zone_tls(), exchange.now())?;
    let target = route::target(
        parts,
        exchange.take_framing_conflict(),
        exchange.most_headers(),
    )?;
    limit::address(exchange)?;
    let place = exchange.place(target)?;
    if own::is_own(&exchange.path) {
        // Boxed: it is rare, and every request would keep room for it. So are the other boxes of the path.
        return Box::pin(own::serve(exchange, parts, body))
            .await
            .map(Crossed::Own);
    }
    let caller = identify::caller(exchange, parts).await?;
    limit::ban(exchange, &caller)?;
    inspect::head(exchange, parts)?;
    let permit = decide::permit(exchange, &caller, parts)?;
    let held = limit::caller(exchange, &caller, &permit)?;
    let body = match inspect::no_body(body) {
        Ok(none) => none,
        Err(body) => Box::pin(inspect::body(exchange, parts, body)).await?,
    };
    inspect::described(exchange, parts, &body)?;
    inspect::rules(exchange, parts, &body)?;
    let plan = redact::plan(exchange, &permit, parts);
    let body = redact::request(exchange, plan, parts, body)?;
    let answer = forward::forward(exchange, &caller, permit, &place, parts, body).await?;
    let answer = redact::prepare(exchange, plan, answer)?;
    Ok(Crossed::Answer {
        answer: Box::new(answer),
        held,
    })
}

/// What comes out of the stages.
enum Crossed {
    /// An upstream's answer.
    Answer {
        /// The answer, with what must happen to its body.
        answer: Box<redact::Prepared>,
        /// The caller's place among the requests in progress.
        held: limit::Held,
    },
    /// The gateway's own page.
    Own(Response<ResponseBody>),
}

/// Answers a refused request and records it.
async fn refuse(
    mut exchange: Box<Exchange>,
    refusal: Refusal,
    parts: &Parts,
) -> Response<ResponseBody> {
    exchange.gateway.metrics.refused(&refusal);
    if exchange.path.is_empty() {
        parts.uri.path().clone_into(&mut exchange.path);
    }
    if matches!(refusal, Refusal::Certificate(_)) {
        // Not only this request: every stream of the connection was begun by somebody who is not trusted any more.
        exchange.connection.close_soon();
    }
    let response = match own::to_sign_in(&exchange, &refusal, parts) {
        Some(response) => response,
        None => answer::refusal(
            &refusal,
            &parts.headers,
            exchange.id.as_str(),
            parts.version,
        )
        .map(ResponseBody::from),
    };
    // A refusal whose event cannot be written is still a refusal.
    let _recorded = record::now(exchange, Ending::Refused(refusal)).await;
    response
}
