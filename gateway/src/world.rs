//! What a request passes before the policy is asked, as the policy's statements know it.

use hangu_policy::RedactLevel;
use hangu_policy::statement::{Certificates, Crossing, Portal, World, Zone};
use hangu_redact::Level;

use crate::config::{ClientCertificates, Configuration};

/// The zones, crossings and portals of a configuration.
pub fn world(configuration: &Configuration) -> World {
    let zone_name = |zone: usize| {
        let zone = configuration.zones.get(zone);
        zone.map(|zone| zone.name.clone()).unwrap_or_default()
    };
    World {
        zones: configuration
            .zones
            .iter()
            .map(|zone| Zone {
                name: zone.name.clone(),
                certificates: zone.tls.as_ref().map_or(Certificates::Off, |tls| {
                    match tls.client_certificates {
                        ClientCertificates::Off => Certificates::Off,
                        ClientCertificates::Optional => Certificates::Optional,
                        ClientCertificates::Required => Certificates::Required,
                    }
                }),
            })
            .collect(),
        crossings: configuration
            .crossings
            .iter()
            .map(|crossing| Crossing {
                from: zone_name(crossing.from),
                to: zone_name(crossing.to),
                assurance: crossing.assurance,
                redact: crossing.redact.map(level_of),
            })
            .collect(),
        portals: configuration
            .portals
            .iter()
            .map(|portal| Portal {
                name: portal.name.clone(),
                zone: zone_name(portal.zone),
                department: portal.department.clone(),
                hosts: portal.hosts.clone(),
                paths: portal.paths.clone(),
            })
            .collect(),
    }
}

const fn level_of(level: Level) -> RedactLevel {
    match level {
        Level::L1 => RedactLevel::L1,
        Level::L2 => RedactLevel::L2,
        Level::L3 => RedactLevel::L3,
        Level::L4 => RedactLevel::L4,
    }
}
