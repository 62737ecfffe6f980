//! Many who append at once, and readers beside them.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use hangu_audit::{AppendError, Durability, MAX_RECORD};

use crate::fixture::{Fixture, record, send};

#[test]
fn each_of_512_producers_gets_every_event_recorded_once_and_in_order() {
    const EACH: usize = 20;
    let mut fixture = Fixture::new();
    fixture.options.segment_bytes = 200_000;
    let log = fixture.open();
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for producer in 0..512u32 {
            let (log, tell) = (log.clone(), tell.clone());
            scope.spawn(move || {
                for n in 0..EACH {
                    let durability = if n % 2 == 0 {
                        Durability::Durable
                    } else {
                        Durability::Buffered
                    };
                    let event = format!("{{\"p\":{producer},\"n\":{n}}}").into_bytes();
                    let committed = send(&log, event.clone(), durability)
                        .recv()
                        .unwrap()
                        .unwrap();
                    tell.send((committed.index, event)).unwrap();
                }
            });
        }
        drop(tell);
    });
    log.close().unwrap();
    let mut acknowledged: Vec<(u64, Vec<u8>)> = told.into_iter().collect();
    acknowledged.sort();
    let records = hangu_audit::read(fixture.dir(), 0, usize::MAX).unwrap();
    let recorded: Vec<(u64, Vec<u8>)> = records.into_iter().map(|r| (r.index, r.event)).collect();
    assert_eq!(recorded.len(), 512 * EACH);
    assert_eq!(recorded, acknowledged);
    let report = fixture.verify();
    assert!(report.ok, "{report}");
    assert!(report.segments > 1 && report.checkpoints > 1);
}

#[test]
fn a_buffered_event_is_signed_within_the_promised_time() {
    let mut fixture = Fixture::new();
    fixture.options.checkpoint_every = Duration::from_millis(50);
    let log = fixture.open();
    log.append(b"{}", Durability::Buffered, None).unwrap();
    let start = Instant::now();
    while log.checkpoint().unwrap().size == 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "not signed");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(log.size(), 1);
}

#[test]
fn an_event_too_large_for_a_record_is_refused_and_one_at_the_bound_is_not() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let too_large = vec![b'x'; MAX_RECORD + 1];
    assert_eq!(
        log.append(too_large, Durability::Durable, None),
        Err(AppendError::TooLarge(MAX_RECORD + 1))
    );
    send(&log, vec![b'x'; MAX_RECORD], Durability::Durable)
        .recv()
        .unwrap()
        .unwrap();
    log.close().unwrap();
    assert_eq!(
        hangu_audit::read(fixture.dir(), 0, 2).unwrap()[0]
            .event
            .len(),
        MAX_RECORD
    );
    assert!(fixture.verify().ok);
}

#[test]
fn the_last_handle_to_go_writes_what_is_queued() {
    let fixture = Fixture::new();
    {
        let log = fixture.open();
        for _ in 0..100 {
            log.append(b"{}", Durability::Buffered, None).unwrap();
        }
    }
    let report = fixture.verify();
    assert!(report.ok, "{report}");
    assert_eq!(report.signed_records, 100);
}

#[test]
fn pages_are_read_forwards_and_backwards_across_segments() {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 1300;
    fixture.record(25);
    assert!(fixture.segments().len() > 2);
    let indices = |records: Vec<hangu_audit::Record>| {
        records.into_iter().map(|r| r.index).collect::<Vec<_>>()
    };
    let dir = fixture.dir();
    assert_eq!(
        indices(hangu_audit::read(dir, 0, 100).unwrap()),
        (0..25).collect::<Vec<_>>()
    );
    assert_eq!(
        indices(hangu_audit::read(dir, 11, 3).unwrap()),
        [11, 12, 13]
    );
    assert_eq!(indices(hangu_audit::read(dir, 25, 3).unwrap()), [0u64; 0]);
    assert_eq!(
        indices(hangu_audit::read_back(dir, None, 4).unwrap()),
        [24, 23, 22, 21]
    );
    assert_eq!(
        indices(hangu_audit::read_back(dir, Some(21), 18).unwrap()),
        (3..21).rev().collect::<Vec<_>>()
    );
    assert_eq!(
        indices(hangu_audit::read_back(dir, Some(3), 18).unwrap()),
        [2, 1, 0]
    );
    assert_eq!(
        indices(hangu_audit::read_back(dir, Some(0), 18).unwrap()),
        [0u64; 0]
    );
}

#[test]
fn a_log_is_read_and_verified_while_it_is_written() {
    let mut fixture = Fixture::new();
    fixture.options.segment_bytes = 100_000;
    let log = fixture.open();
    std::thread::scope(|scope| {
        let writer = log.clone();
        let (stop, stopped) = mpsc::channel::<()>();
        scope.spawn(move || {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                for _ in 0..50 {
                    writer
                        .append(vec![b'y'; 300], Durability::Buffered, None)
                        .unwrap();
                }
                record(&writer);
            }
        });
        let start = Instant::now();
        let mut times = 0;
        while start.elapsed() < Duration::from_secs(2) {
            let report = fixture.verify();
            assert!(report.ok, "{report}");
            let records = hangu_audit::read(fixture.dir(), 0, usize::MAX).unwrap();
            assert!(records.iter().enumerate().all(|(i, r)| r.index == i as u64));
            times += 1;
        }
        assert!(times > 1);
        drop(stop);
    });
}
