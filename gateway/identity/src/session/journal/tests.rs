use proptest::prelude::*;

use super::*;
use crate::token::tests::at;

fn end(n: u8) -> Record {
    Record::end(&[n; 32], at(i64::from(n)))
}

fn lines(records: &[Record]) -> Vec<u8> {
    bytes(records).unwrap()
}

#[test]
fn records_are_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let open = Record::Open {
        key: Hex([9; 32]),
        caller: Caller::clone(&Caller::nobody()),
        started: at(0),
        seen: at(5),
        certificate: Some(Hex([3; 32])),
    };
    let (mut journal, none) = FileJournal::open(&path).unwrap();
    assert_eq!(none, []);
    journal
        .append(&lines(&[open.clone(), end(1)]), Durability::Buffered)
        .unwrap();
    journal
        .append(&lines(&[Record::seen(&[1; 32], at(7))]), Durability::OnDisk)
        .unwrap();
    let expect = vec![open, end(1), Record::seen(&[1; 32], at(7))];
    assert_eq!(FileJournal::open(&path).unwrap().1, expect);
}

#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let (mut journal, _) = FileJournal::open(&path).unwrap();
    journal.replace(&lines(&[end(1)])).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_what_follows_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let whole = lines(&[end(1), end(2)]);
    let first = lines(&[end(1)]).len();
    for torn in first..whole.len() {
        std::fs::write(&path, &whole[..torn]).unwrap();
        let (mut journal, records) = FileJournal::open(&path).unwrap();
        assert_eq!(records, [end(1)], "torn at {torn}");
        journal
            .append(&lines(&[end(3)]), Durability::OnDisk)
            .unwrap();
        assert_eq!(
            FileJournal::open(&path).unwrap().1,
            [end(1), end(3)],
            "torn at {torn}"
        );
    }
}

#[test]
fn a_tail_of_zeros_after_a_loss_of_power_is_cut_off() {
    let mut content = lines(&[end(1)]);
    content.extend([0; 4096]);
    assert_eq!(read(&content).unwrap().0, [end(1)]);
}

#[test]
fn damage_in_the_middle_is_an_error_with_its_line() {
    let mut content = lines(&[end(1), end(2), end(3)]);
    let second = lines(&[end(1)]).len();
    content[second + 30] ^= 1;
    assert!(matches!(
        read(&content),
        Err(JournalError::Damaged { line: 2 })
    ));
}

#[test]
fn a_replacement_left_half_done_by_a_crash_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let (mut journal, _) = FileJournal::open(&path).unwrap();
    journal
        .append(&lines(&[end(1)]), Durability::OnDisk)
        .unwrap();
    std::fs::write(path.with_extension("new"), b"half a li").unwrap();
    let (mut journal, records) = FileJournal::open(&path).unwrap();
    assert_eq!(records, [end(1)]);
    journal.replace(&lines(&[end(2)])).unwrap();
    journal
        .append(&lines(&[end(3)]), Durability::Buffered)
        .unwrap();
    assert_eq!(FileJournal::open(&path).unwrap().1, [end(2), end(3)]);
}

proptest! {
    #[test]
    fn no_bytes_panic_as_a_journal(content in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&content);
    }

    #[test]
    fn one_changed_byte_never_changes_what_another_line_says(at in 0_usize..300, bit in 0_u8..8) {
        let mut content = lines(&[end(1), end(2), end(3)]);
        let at = at % content.len();
        content[at] ^= 1 << bit;
        if let Ok((records, _)) = read(&content) {
            prop_assert!([end(1), end(2), end(3)].starts_with(&records));
        }
    }
}
