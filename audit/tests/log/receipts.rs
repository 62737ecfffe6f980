//! A receipt holds for its record and for nothing else.

use hangu_audit::{Proof, ProofError};

use crate::fixture::{Fixture, record};

#[test]
fn a_receipt_is_verified_offline_and_fails_with_any_byte_changed() {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 1300;
    fixture.record(21);
    let key = fixture.public();
    let records = hangu_audit::read(fixture.dir(), 0, 100).unwrap();
    for record in &records {
        let proof = hangu_audit::prove(fixture.dir(), record.index, &key).unwrap();
        let again: Proof = proof.to_string().parse().unwrap();
        assert_eq!(again, proof);
        assert_eq!(
            hangu_audit::verify_proof(&again, &record.event, &key)
                .unwrap()
                .size,
            21
        );
    }
    let text = hangu_audit::prove(fixture.dir(), 13, &key)
        .unwrap()
        .to_string();
    let event = &records[13].event;
    for i in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[i] ^= 1;
        let Ok(bad) = String::from_utf8(bytes) else {
            continue;
        };
        let holds = bad
            .parse()
            .is_ok_and(|proof: Proof| hangu_audit::verify_proof(&proof, event, &key).is_ok());
        assert!(!holds, "byte {i}: {bad}");
    }
    for i in 0..event.len() {
        let mut bad = event.clone();
        bad[i] ^= 1;
        let proof: Proof = text.parse().unwrap();
        assert!(matches!(
            hangu_audit::verify_proof(&proof, &bad, &key),
            Err(ProofError::Wrong)
        ));
    }
    assert!(matches!(
        hangu_audit::prove(fixture.dir(), 21, &key),
        Err(ProofError::NotSigned {
            index: 21,
            size: 21
        })
    ));
}

#[test]
fn a_record_that_is_not_signed_yet_has_no_receipt() {
    let fixture = Fixture::without_checkpoints();
    let log = fixture.open();
    let index = record(&log);
    assert!(matches!(
        hangu_audit::prove(fixture.dir(), index, &fixture.public()),
        Err(ProofError::NotSigned { .. })
    ));
}
