//! Every reason to say no, and what the caller is told.
//!
//! A new reason does not compile until someone decides its status, its words in both languages and whether the
//! connection can go on. Details for operators go into the event, never into the answer.

use std::num::NonZeroU32;
use std::time::Duration;

use hangu_limit::Outcome;
use hangu_websocket::{Fault, Peer};
use http::StatusCode;

use crate::canon::PathFault;
use crate::handshake::{CertificateFault, HandshakeFault};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    // For the caller to mend: the message itself.
    /// The bytes are no HTTP request.
    Unparsable,
    /// The head is larger than the zone allows.
    HeadTooLarge,
    /// The head, or the body, did not arrive in time.
    TooSlow(Slow),
    /// Two ways of framing the body, or one that is not understood.
    Framing,
    /// No `Host`, several, or one that is no host name; or an authority that differs from it.
    BadHost,
    /// A method that is not forwarded.
    Method,
    /// A byte in the target that no URI has, so that two readers could take it for different things.
    TargetByte(u8),
    /// No canonical path.
    Path(PathFault),
    /// A header that may not be sent this way.
    Header(&'static str),
    /// The body is larger than the portal allows.
    BodyTooLarge,
    /// The body ended before its declared length.
    BodyCut,

    // For the caller: who and what.
    /// No portal has this host and path here.
    NoPortal,
    /// The crossing from this zone to the portal's is not declared.
    NoCrossing,
    /// Nobody is identified, and this needs somebody.
    Unidentified,
    /// Credentials were presented that do not hold.
    BadCredentials(&'static str),
    /// This way of identification is not accepted by the portal.
    MethodNotAccepted,
    /// A client certificate is needed, or the one that was shown is not good, or no longer.
    Certificate(CertificateFault),
    /// The handshake failed for another reason.
    Handshake(HandshakeFault),
    /// The policy says no.
    Denied(Denial),
    /// The policy would say yes at a higher assurance.
    StepUp(u8),
    /// The caller, the address or the certificate is banned.
    Banned(&'static str),
    /// Too many requests.
    RateLimited {
        /// Which limit.
        limit: &'static str,
        /// What is left of it, and when to come back.
        outcome: Outcome,
    },
    /// Too many requests at once; this many may be in progress.
    TooManyAtOnce(NonZeroU32),
    /// The request looks like an attack.
    Attack,
    /// The body cannot be inspected.
    Uninspectable(&'static str),
    /// The portal's OpenAPI document does not describe the request.
    NotDescribed,
    /// An upgrade to a protocol that the portal does not speak.
    Upgrade,
    /// What is sent cannot be read for redaction.
    UnredactableRequest(&'static str),
    /// A frame of a WebSocket that its protocol forbids, or a message that is too large.
    Message {
        /// Who sent it.
        from: Peer,
        /// What is wrong with it.
        fault: Fault,
    },

    // For the operator.
    /// No upstream can be reached.
    NoUpstream,
    /// The upstream failed or broke off.
    UpstreamFailed,
    /// The upstream did not answer in time.
    UpstreamSlow,
    /// The answer cannot be read for redaction.
    Unredactable(&'static str),
    /// The answer gives away what should not leave.
    Leak,
    /// An obligation that this gateway cannot fulfil.
    Obligation,
    /// Events cannot be written, so nothing is served.
    NoRecord,
    /// The decision could not be made.
    Undecided,
    /// The gateway is shutting down.
    Closing,
}

/// Which part was too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// The request's head.
    Head,
    /// The request's body.
    Body,
    /// The TLS handshake, or the PROXY header before it.
    Handshake,
}

/// How the policy said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// A rule forbids it.
    Explicit,
    /// No rule allows it.
    Default,
}

/// Whether the connection can serve another request after the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It can.
    GoOn,
    /// Its state is in doubt or its peer is not trusted.
    Close,
}

/// What a person is told.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// How long to wait before the same request passes; the whole window for one that costs more than the burst.
pub fn wait(outcome: &Outcome) -> Duration {
    match outcome {
        Outcome::Allowed(_) => Duration::ZERO,
        Outcome::Limited {
            retry_after,
            allowance,
        } => retry_after.unwrap_or(allowance.window),
    }
}

impl Refusal {
    /// The reason in events, metrics and problem documents.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::HeadTooLarge => "head-too-large",
            Self::TooSlow(Slow::Head) => "head-too-slow",
            Self::TooSlow(Slow::Body) => "body-too-slow",
            Self::Framing => "ambiguous-framing",
            Self::BadHost => "bad-host",
            Self::Method => "method-not-forwarded",
            Self::TargetByte(_) => "not-a-uri",
            Self::Path(PathFault::AboveRoot) => "path-above-root",
            Self::Path(_) => "no-canonical-path",
            Self::Header(_) => "header-not-allowed",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyCut => "body-cut",
            Self::NoPortal => "no-portal",
            Self::NoCrossing => "no-crossing",
            Self::Unidentified => "unidentified",
            Self::BadCredentials(_) => "bad-credentials",
            Self::MethodNotAccepted => "identification-not-accepted",
            Self::Certificate(fault) => fault.reason(),
            Self::Handshake(fault) => fault.reason(),
            Self::TooSlow(Slow::Handshake) => "handshake-too-slow",
            Self::Denied(Denial::Explicit) => "denied-by-rule",
            Self::Denied(Denial::Default) => "no-rule-allows",
            Self::StepUp(_) => "step-up",
            Self::Banned(_) => "banned",
            Self::RateLimited { .. } => "rate-limited",
            Self::TooManyAtOnce(_) => "too-many-at-once",
            Self::Attack => "attack",
            Self::Uninspectable(_) => "uninspectable-body",
            Self::NotDescribed => "not-described",
            Self::Upgrade => "upgrade-not-forwarded",
            Self::UnredactableRequest(_) => "unredactable-request",
            Self::Message { from, fault } => match (from, fault) {
                (Peer::Client, Fault::TooLarge) => "message-too-large",
                (Peer::Client, _) => "malformed-message",
                (Peer::Server, Fault::TooLarge) => "answer-message-too-large",
                (Peer::Server, _) => "malformed-answer-message",
            },
            Self::NoUpstream => "no-upstream",
            Self::UpstreamFailed => "upstream-failed",
            Self::UpstreamSlow => "upstream-slow",
            Self::Unredactable(_) => "unredactable-answer",
            Self::Leak => "answer-leaks",
            Self::Obligation => "obligation-not-fulfilled",
            Self::NoRecord => "event-not-recorded",
            Self::Undecided => "not-decided",
            Self::Closing => "closing",
        }
    }

    /// What operators learn beyond the reason.
    pub fn detail(&self) -> String {
        match self {
            Self::TargetByte(byte) => format!("byte 0x{byte:02x} in the target"),
            Self::Path(fault) => fault.to_string(),
            Self::Header(name) => format!("header `{name}`"),
            Self::BadCredentials(why) => (*why).to_owned(),
            Self::Uninspectable(why) | Self::Unredactable(why) | Self::UnredactableRequest(why) => {
                (*why).to_owned()
            }
            Self::Message { fault, .. } => fault.to_string(),
            Self::Banned(what) => format!("ban of the {what}"),
            Self::RateLimited { limit, outcome } => {
                format!(
                    "limit `{limit}`, again after {} ms",
                    wait(outcome).as_millis()
                )
            }
            Self::TooManyAtOnce(most) => format!("{most} may be in progress"),
            Self::StepUp(level) => format!("assurance {level} is needed"),
            Self::Unparsable
            | Self::HeadTooLarge
            | Self::TooSlow(_)
            | Self::Framing
            | Self::BadHost
            | Self::Method
            | Self::BodyTooLarge
            | Self::BodyCut
            | Self::NoPortal
            | Self::NoCrossing
            | Self::Unidentified
            | Self::MethodNotAccepted
            | Self::Certificate(_)
            | Self::Handshake(_)
            | Self::Denied(_)
            | Self::Attack
            | Self::NotDescribed
            | Self::Upgrade
            | Self::NoUpstream
            | Self::UpstreamFailed
            | Self::UpstreamSlow
            | Self::Leak
            | Self::Obligation
            | Self::NoRecord
            | Self::Undecided
            | Self::Closing => String::new(),
        }
    }

    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unparsable
            | Self::Framing
            | Self::BadHost
            | Self::TargetByte(_)
            | Self::Path(_)
            | Self::Header(_)
            | Self::Handshake(_)
            | Self::NotDescribed
            | Self::Message {
                from: Peer::Client, ..
            }
            | Self::BodyCut => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Uninspectable(_) | Self::UnredactableRequest(_) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::NoPortal => StatusCode::NOT_FOUND,
            Self::Unidentified | Self::BadCredentials(_) | Self::StepUp(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::NoCrossing
            | Self::MethodNotAccepted
            | Self::Certificate(_)
            | Self::Denied(_)
            | Self::Banned(_)
            | Self::Attack
            | Self::Upgrade => StatusCode::FORBIDDEN,
            Self::RateLimited { .. } | Self::TooManyAtOnce(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoUpstream
            | Self::UpstreamFailed
            | Self::Unredactable(_)
            | Self::Message {
                from: Peer::Server, ..
            }
            | Self::Leak => StatusCode::BAD_GATEWAY,
            Self::UpstreamSlow => StatusCode::GATEWAY_TIMEOUT,
            Self::Obligation | Self::Undecided => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoRecord | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the connection goes on.
    pub const fn after(&self) -> After {
        match self {
            Self::Unparsable
            | Self::HeadTooLarge
            | Self::TooSlow(_)
            | Self::Framing
            | Self::BadHost
            | Self::BodyTooLarge
            | Self::BodyCut
            | Self::Certificate(_)
            | Self::Handshake(_)
            | Self::Banned(_)
            | Self::Attack
            | Self::Message { .. }
            | Self::Closing => After::Close,
            Self::Method
            | Self::TargetByte(_)
            | Self::Path(_)
            | Self::Header(_)
            | Self::NoPortal
            | Self::NoCrossing
            | Self::Unidentified
            | Self::BadCredentials(_)
            | Self::MethodNotAccepted
            | Self::Denied(_)
            | Self::StepUp(_)
            | Self::RateLimited { .. }
            | Self::TooManyAtOnce(_)
            | Self::Uninspectable(_)
            | Self::UnredactableRequest(_)
            | Self::NotDescribed
            | Self::Leak
            | Self::Upgrade
            | Self::NoUpstream
            | Self::UpstreamFailed
            | Self::UpstreamSlow
            | Self::Unredactable(_)
            | Self::Obligation
            | Self::NoRecord
            | Self::Undecided => After::GoOn,
        }
    }

    /// What strangers learn.
    pub const fn words(&self) -> Words {
        match self {
            Self::Unparsable | Self::Framing | Self::BadHost | Self::Path(_) | Self::Header(_) => {
                Words {
                    zh: "这个请求的格式有歧义或不正确，没有被转发。",
                    en: "This request is malformed or ambiguous and was not forwarded.",
                }
            }
            Self::TargetByte(_) => Words {
                zh: "网址中含有必须经过百分号编码的字符，请求没有被转发。请更正网址后重试。",
                en: "The address holds characters that must be percent-encoded, and the request was not forwarded. Correct the address and try again.",
            },
            Self::HeadTooLarge => Words {
                zh: "请求的头部太大。请清除本站的 Cookie 后重试。",
                en: "The head of the request is too large. Clear this site's cookies and try again.",
            },
            Self::TooSlow(_) | Self::BodyCut => Words {
                zh: "请求没有在规定时间内完整到达。请检查网络后重试。",
                en: "The request did not arrive whole and in time. Check your network and try again.",
            },
            Self::Method | Self::Upgrade => Words {
                zh: "这项服务不接受这种请求方法或协议。",
                en: "This service does not accept this method or protocol.",
            },
            Self::BodyTooLarge => Words {
                zh: "提交的内容超过了这项服务允许的大小。",
                en: "What was submitted is larger than this service accepts.",
            },
            Self::NoPortal => Words {
                zh: "这里没有您要访问的服务。请核对网址。",
                en: "The service you asked for is not here. Check the address.",
            },
            Self::NoCrossing => Words {
                zh: "不能从您所在的网络访问这项服务。",
                en: "This service cannot be reached from the network you are in.",
            },
            Self::Unidentified => Words {
                zh: "请先登录，再访问这项服务。",
                en: "Sign in before you use this service.",
            },
            Self::BadCredentials(_) => Words {
                zh: "出示的身份凭据无效或已过期。请重新登录或更换凭据。",
                en: "The credentials presented are not valid or have expired. Sign in again or renew them.",
            },
            Self::MethodNotAccepted => Words {
                zh: "这项服务不接受这种身份认证方式。",
                en: "This service does not accept this way of identification.",
            },
            Self::Certificate(fault) => certificate_words(*fault),
            Self::Handshake(HandshakeFault::NothingInCommon) => Words {
                zh: "您的程序与本站没有共同支持的 TLS 版本、密码套件或协议。请升级后重试。",
                en: "Your program and this site have no TLS version, cipher suite or protocol in common. Update it and try again.",
            },
            Self::Handshake(HandshakeFault::NotTls) => Words {
                zh: "这个端口只接受 TLS。请改用 https:// 地址。",
                en: "This port speaks TLS only. Use an https:// address.",
            },
            Self::Handshake(HandshakeFault::BrokenOff | HandshakeFault::Malformed) => Words {
                zh: "安全连接没有建立。请检查网络和证书设置后重试。",
                en: "The secure connection was not established. Check your network and certificate settings and try again.",
            },
            Self::Denied(_) => Words {
                zh: "您没有这项操作的权限。如果确有需要，请把下面的编号告诉管理员。",
                en: "You are not permitted to do this. If you need it, give your administrator the number below.",
            },
            Self::StepUp(_) => Words {
                zh: "这项操作需要更高等级的身份认证。请用更高等级的方式登录后重试。",
                en: "This needs a stronger identification. Sign in with a stronger method and try again.",
            },
            Self::Banned(_) => Words {
                zh: "由于异常行为，访问已被暂时停止。如有疑问，请把下面的编号告诉管理员。",
                en: "Access is suspended for a time because of unusual behaviour. If in doubt, give your administrator the number below.",
            },
            Self::RateLimited { .. } | Self::TooManyAtOnce(_) => Words {
                zh: "请求过于频繁。请稍后再试。",
                en: "Too many requests. Try again later.",
            },
            Self::Attack => Words {
                zh: "这个请求看起来像是攻击，已被拦截。如属误判，请把下面的编号告诉管理员。",
                en: "This request looks like an attack and was stopped. If it is not, give your administrator the number below.",
            },
            Self::Uninspectable(_) => Words {
                zh: "提交的内容无法检查，没有被转发。",
                en: "What was submitted cannot be inspected and was not forwarded.",
            },
            Self::UnredactableRequest(_) => Words {
                zh: "提交的内容无法按要求脱敏，没有被转发。请改用文本、表单或 JSON 等可以读取的格式。",
                en: "What was submitted cannot be redacted as required and was not forwarded. Send it in a form that can be read, such as text, a form or JSON.",
            },
            Self::Message { .. } => Words {
                zh: "连接中的消息格式不正确或超过了允许的大小，连接已被关闭。",
                en: "A message was malformed or larger than is accepted here, and the connection was closed.",
            },
            Self::NotDescribed => Words {
                zh: "这项服务不接受这样的请求：路径、方法、参数或内容不在它公布的接口之内。",
                en: "This service takes no such request: its path, method, parameters or content are not in its published interface.",
            },
            Self::Leak => Words {
                zh: "应答中含有不应送出的内部信息，没有被送出。请把下面的编号告诉管理员。",
                en: "The answer held internal details that must not leave and was withheld. Give your administrator the number below.",
            },
            Self::NoUpstream | Self::UpstreamFailed | Self::UpstreamSlow => Words {
                zh: "这项服务暂时没有响应。请稍后再试。",
                en: "The service does not answer at the moment. Try again later.",
            },
            Self::Unredactable(_) => Words {
                zh: "应答无法按要求检查或脱敏，没有被送出。请把下面的编号告诉管理员。",
                en: "The answer could not be read or redacted as required and was withheld. Give your administrator the number below.",
            },
            Self::Obligation | Self::Undecided | Self::NoRecord | Self::Closing => Words {
                zh: "安全网关暂时不能处理这个请求。请稍后再试。",
                en: "The security gateway cannot handle this request at the moment. Try again later.",
            },
        }
    }
}

const fn certificate_words(fault: CertificateFault) -> Words {
    match fault {
        CertificateFault::Missing => Words {
            zh: "访问这里需要出示数字证书。请安装或选择证书后重试。",
            en: "A certificate is needed here. Install or choose yours and try again.",
        },
        CertificateFault::Expired => Words {
            zh: "您的数字证书已过期。请更换证书。",
            en: "Your certificate has expired. Renew it.",
        },
        CertificateFault::Revoked => Words {
            zh: "您的数字证书已被吊销。请联系管理员更换证书。",
            en: "Your certificate has been revoked. Ask your administrator for a new one.",
        },
        CertificateFault::WrongPurpose => Words {
            zh: "这张数字证书不能用于客户端认证。请改用客户端证书。",
            en: "This certificate is not for clients. Use a client certificate.",
        },
        CertificateFault::NotTrusted => Words {
            zh: "您的数字证书不受信任。请联系管理员更换证书。",
            en: "Your certificate is not trusted. Ask your administrator for a new one.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_never_tells_which_rule_made_it() {
        assert_eq!(
            Refusal::Denied(Denial::Explicit).words().en,
            Refusal::Denied(Denial::Default).words().en
        );
    }
}
