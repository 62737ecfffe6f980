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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use hangu_policy::statement::{Finding, prove};
    use hangu_policy::{Dialect, Snapshot, Source};

    use super::*;
    use crate::config;

    fn judged(policy: &config::Policy, world: Option<&World>) -> Vec<Finding> {
        let read = |path: &PathBuf| {
            (
                path.display().to_string(),
                std::fs::read_to_string(path).unwrap(),
            )
        };
        let texts = |paths: &[PathBuf]| paths.iter().map(read).collect::<Vec<_>>();
        fn sources(texts: &[(String, String)]) -> Vec<Source<'_>> {
            texts
                .iter()
                .map(|(name, text)| Source { name, text })
                .collect()
        }
        let (model, rules) = (
            texts(std::slice::from_ref(&policy.model)),
            texts(&policy.rules),
        );
        let snapshot =
            Snapshot::load(sources(&model)[0], &sources(&rules), Dialect::Strict).unwrap();
        prove(&snapshot, &sources(&texts(&policy.statements)), world).unwrap()
    }

    #[test]
    fn every_statement_that_ships_holds_of_what_ships() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/hangu.toml");
        let configuration = config::load(&path).unwrap();
        let world = world(&configuration);
        let console = &configuration.console.as_ref().unwrap().policy;
        let findings = [
            judged(&configuration.policy, Some(&world)),
            judged(console, None),
        ];
        for (findings, least) in findings.iter().zip([6, 4]) {
            assert!(findings.len() >= least, "{findings:#?}");
            assert!(findings.iter().all(Finding::holds), "{findings:#?}");
        }
    }
}
