//! The same event read back, for detection, the console and exports.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[serde(skip_serializing_if = "is_default")]
                pub $field: $type,
            )*
        }
    };
}

fields! {
    /// An event as it is in the log; see [`super::Event`] for what the parts mean. Unknown fields are passed over.
    Owned {
        /// When it happened.
        time: Timestamp,
        /// The activity within the class.
        activity_id: u32,
        /// The category: the class divided by 1,000.
        category_uid: u32,
        /// The class, like [`super::HTTP_ACTIVITY`].
        class_uid: u32,
        /// Class and activity.
        type_uid: u32,
        /// From 1, informational, to 5, critical.
        severity_id: u8,
        /// 1 success, 2 failure.
        status_id: u8,
        /// `Success` or `Failure`.
        status: String,
        /// The reason for a refusal.
        status_code: Option<String>,
        /// The reason in a sentence.
        status_detail: Option<String>,
        /// 1 allowed, 2 denied.
        action_id: Option<u8>,
        /// 1 allowed, 2 blocked.
        disposition_id: Option<u8>,
        /// Whether it is an alert.
        is_alert: bool,
        /// Milliseconds it took.
        duration: Option<u64>,
        /// Ids and versions.
        metadata: OwnedMetadata,
        /// Where it came from.
        src_endpoint: OwnedEndpoint,
        /// Where it was going.
        dst_endpoint: OwnedEndpoint,
        /// The TLS connection.
        tls: Option<OwnedTls>,
        /// The request's head.
        http_request: Option<OwnedRequest>,
        /// The response's head.
        http_response: Option<OwnedResponse>,
        /// Bytes carried.
        traffic: Option<OwnedTraffic>,
        /// Who did it.
        actor: Option<OwnedActor>,
        /// The identity that was claimed, of an authentication.
        user: Option<OwnedUser>,
        /// How it was to be proved.
        auth_protocol: Option<String>,
        /// Whether more than one factor was used.
        is_mfa: Option<bool>,
        /// The service that was logged on to.
        service: Option<OwnedNamed>,
        /// The administrative operation.
        api: Option<OwnedApi>,
        /// What was acted on.
        resources: Vec<OwnedResource>,
        /// The alert.
        finding_info: Option<OwnedAlert>,
        /// How many events an alert rests on.
        count: Option<u64>,
        /// The id of a response.
        command_uid: Option<String>,
        /// The higher of the risks.
        risk_score: Option<u8>,
        /// What only Hangu knows.
        unmapped: OwnedUnmapped,
    }
}

fields! {
    /// Ids and versions.
    OwnedMetadata {
        /// Version of OCSF.
        version: String,
        /// Who wrote it.
        product: OwnedProduct,
        /// The request's id.
        uid: String,
        /// The trace.
        correlation_uid: Option<String>,
        /// The gateway.
        log_provider: Option<String>,
        /// Profiles of OCSF that apply.
        profiles: Vec<String>,
    }
}

fields! {
    /// Who wrote an event.
    OwnedProduct {
        /// Name.
        name: String,
        /// Vendor.
        vendor_name: String,
        /// Version.
        version: String,
    }
}

fields! {
    /// One end.
    OwnedEndpoint {
        /// Address.
        ip: Option<IpAddr>,
        /// Port.
        port: Option<u16>,
        /// Zone.
        zone: Option<String>,
        /// Host name.
        hostname: Option<String>,
    }
}

fields! {
    /// A TLS connection.
    OwnedTls {
        /// Version.
        version: String,
        /// Cipher suite.
        cipher: Option<String>,
        /// Server name.
        sni: Option<String>,
        /// JA4 fingerprints.
        ja4_fingerprint_list: Vec<OwnedFingerprint>,
        /// The client's certificate.
        certificate: Option<OwnedCertificate>,
    }
}

fields! {
    /// A fingerprint.
    OwnedFingerprint {
        /// Kind of JA4 fingerprint.
        type_id: Option<u8>,
        /// Hash algorithm; 3 is SHA-256.
        algorithm_id: Option<u8>,
        /// The fingerprint.
        value: String,
    }
}

fields! {
    /// A certificate.
    OwnedCertificate {
        /// Subject.
        subject: String,
        /// Issuer.
        issuer: String,
        /// Serial number.
        serial_number: String,
        /// Fingerprints.
        fingerprints: Vec<OwnedFingerprint>,
    }
}

fields! {
    /// The head of a request.
    OwnedRequest {
        /// Method.
        http_method: String,
        /// HTTP version.
        version: Option<String>,
        /// User agent.
        user_agent: Option<String>,
        /// Declared length.
        length: Option<u64>,
        /// Where to.
        url: OwnedUrl,
    }
}

fields! {
    /// Where a request went.
    OwnedUrl {
        /// Host.
        hostname: Option<String>,
        /// Path.
        path: Option<String>,
        /// Query, masked.
        query_string: Option<String>,
    }
}

fields! {
    /// The head of a response.
    OwnedResponse {
        /// Status code.
        code: u16,
        /// Declared length.
        length: Option<u64>,
        /// Milliseconds until the upstream's head.
        latency: Option<u64>,
    }
}

fields! {
    /// Bytes carried.
    OwnedTraffic {
        /// From the client.
        bytes_in: u64,
        /// To the client.
        bytes_out: u64,
    }
}

fields! {
    /// Who did it.
    OwnedActor {
        /// The caller.
        user: OwnedUser,
        /// The session.
        session: Option<OwnedUid>,
        /// The rules that decided.
        authorizations: Vec<OwnedAuthorization>,
    }
}

fields! {
    /// A caller.
    OwnedUser {
        /// Id.
        uid: String,
        /// Name.
        name: Option<String>,
        /// Kind as a number.
        type_id: Option<u8>,
        /// Kind: `person`, `administrator`, `service`, `device`, `nobody`.
        #[serde(rename = "type")]
        kind: Option<String>,
        /// Department.
        org: Option<OwnedOrg>,
    }
}

fields! {
    /// A department.
    OwnedOrg {
        /// Its name.
        ou_name: Option<String>,
    }
}

fields! {
    /// Something with an id.
    OwnedUid {
        /// The id.
        uid: String,
    }
}

fields! {
    /// Something with a name.
    OwnedNamed {
        /// The name.
        name: String,
    }
}

fields! {
    /// What a rule decided.
    OwnedAuthorization {
        /// `allow` or `deny`.
        decision: String,
        /// The rule.
        policy: OwnedPolicy,
    }
}

fields! {
    /// A rule.
    OwnedPolicy {
        /// Its id.
        uid: String,
        /// The policy's revision.
        version: String,
    }
}

fields! {
    /// An administrative operation.
    OwnedApi {
        /// Its name.
        operation: String,
        /// The service it is of.
        service: Option<OwnedNamed>,
    }
}

fields! {
    /// Something that was acted on.
    OwnedResource {
        /// Its kind.
        #[serde(rename = "type")]
        kind: String,
        /// Its id.
        uid: String,
    }
}

fields! {
    /// An alert.
    OwnedAlert {
        /// Id.
        uid: String,
        /// Title.
        title: String,
        /// The detection.
        analytic: Option<OwnedAnalytic>,
        /// ATT&CK.
        attacks: Vec<OwnedAttack>,
        /// Some of the events it rests on.
        related_events: Vec<OwnedUid>,
    }
}

fields! {
    /// A detection.
    OwnedAnalytic {
        /// Kind; 1 is a rule.
        type_id: u8,
        /// Its id.
        uid: String,
    }
}

fields! {
    /// An attack in ATT&CK's words.
    OwnedAttack {
        /// Technique.
        technique: OwnedUid,
    }
}

fields! {
    /// Whom a response told of.
    OwnedPeople {
        /// How many.
        count: u64,
        /// Some of them, each by a keyed hash.
        told: Vec<String>,
    }
}

fields! {
    /// What only Hangu knows.
    OwnedUnmapped {
        /// The portal.
        portal: Option<String>,
        /// How the caller proved who they are.
        identified_by: Option<String>,
        /// How sure that is.
        assurance: Option<u8>,
        /// Trust in the device.
        device_trust: Option<u8>,
        /// The caller's clearance.
        clearance: Option<String>,
        /// The decision.
        decision: Option<OwnedDecision>,
        /// What inspection saw.
        findings: Vec<OwnedFinding>,
        /// Redacted values by kind.
        redactions: BTreeMap<String, u64>,
        /// Whom the response told of.
        people: Option<OwnedPeople>,
        /// The limit.
        limit: Option<OwnedLimit>,
        /// Risk.
        risk: Option<OwnedRisk>,
        /// The upstream.
        upstream: Option<OwnedUpstream>,
        /// Microseconds until the upstream's head.
        latency_us: Option<u64>,
        /// Microseconds it took.
        duration_us: Option<u64>,
        /// What an administrator changed.
        change: Option<String>,
        /// Whom an alert is about.
        subject: Option<String>,
        /// A response.
        remedy: Option<OwnedRemedy>,
        /// What else has to be known.
        notes: Vec<String>,
        /// Whether strings and lists were cut to fit a record.
        shortened: bool,
    }
}

fields! {
    /// A decision.
    OwnedDecision {
        /// Id; empty where it is the request's.
        id: String,
        /// `allow` or `deny`.
        effect: String,
        /// Rules.
        rules: Vec<String>,
        /// Revision.
        revision: String,
        /// Grounds.
        grounds: Option<String>,
        /// Obligations.
        obligations: Vec<String>,
    }
}

fields! {
    /// What inspection saw.
    OwnedFinding {
        /// Rule.
        rule: String,
        /// Score.
        score: u32,
        /// Category.
        category: String,
        /// ATT&CK technique.
        technique: Option<String>,
        /// Where.
        place: String,
        /// What, masked.
        evidence: Option<String>,
    }
}

fields! {
    /// A limit.
    OwnedLimit {
        /// Name.
        name: String,
        /// What was left.
        remaining: u64,
        /// When to try again.
        retry_after_ms: Option<u64>,
    }
}

fields! {
    /// Risk.
    OwnedRisk {
        /// Of the caller.
        caller: u8,
        /// Of the address.
        address: u8,
    }
}

fields! {
    /// The upstream.
    OwnedUpstream {
        /// Address.
        address: String,
        /// How many were tried.
        attempts: u32,
        /// Its status.
        code: Option<u16>,
    }
}

fields! {
    /// A response to an alert.
    OwnedRemedy {
        /// In a word.
        kind: String,
        /// Against whom.
        subject: String,
        /// When it ends.
        until: Option<Timestamp>,
        /// What it answers.
        because: Option<String>,
    }
}

impl Owned {
    /// The id of its decision, where there was one: the request's id unless it says otherwise.
    #[must_use]
    pub fn decision_id(&self) -> Option<&str> {
        let decision = self.unmapped.decision.as_ref()?;
        Some(if decision.id.is_empty() {
            &self.metadata.uid
        } else {
            &decision.id
        })
    }

    /// Reads an event from a record.
    ///
    /// # Errors
    /// When the bytes are not an event.
    pub fn parse(record: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(record)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
