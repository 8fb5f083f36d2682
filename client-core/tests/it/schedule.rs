//! When a synchronisation is due, decided without any clock but the test's.

use proptest::prelude::*;
use sokiem_client_core::schedule::{Decision, Event, Outcome, Pace, Scheduler};

const PACE: Pace = Pace {
    debounce_ms: 2_000,
    debounce_most_ms: 20_000,
    slow_ms: 900_000,
    backoff_ms: 5_000,
    backoff_most_ms: 600_000,
};

fn verified(scheduler: &mut Scheduler, now_ms: i64) -> Decision {
    assert_eq!(scheduler.event(Event::Start, now_ms, 0), Decision::SyncNow);
    scheduler.event(Event::SyncFinished(Outcome::Verified), now_ms, 0)
}

#[test]
fn it_synchronises_at_the_start_and_then_on_the_slow_timer() {
    let mut scheduler = Scheduler::new(PACE);
    assert_eq!(verified(&mut scheduler, 0), Decision::WaitUntil(900_000));
    assert_eq!(
        scheduler.event(Event::Tick, 899_999, 0),
        Decision::WaitUntil(900_000)
    );
    assert_eq!(scheduler.event(Event::Tick, 900_000, 0), Decision::SyncNow);
}

#[test]
fn a_save_is_sent_after_a_pause_in_saving_and_not_put_off_for_ever() {
    let mut scheduler = Scheduler::new(PACE);
    verified(&mut scheduler, 0);
    assert_eq!(
        scheduler.event(Event::Saved, 1_000, 0),
        Decision::WaitUntil(3_000)
    );
    assert_eq!(
        scheduler.event(Event::Saved, 2_500, 0),
        Decision::WaitUntil(4_500)
    );
    for second in 4..20 {
        scheduler.event(Event::Saved, second * 1_000, 0);
    }
    assert_eq!(
        scheduler.event(Event::Saved, 20_500, 0),
        Decision::WaitUntil(21_000)
    );
    assert_eq!(scheduler.event(Event::Tick, 21_000, 0), Decision::SyncNow);
}

#[test]
fn one_synchronisation_at_a_time_and_a_save_meanwhile_is_sent_after_it() {
    let mut scheduler = Scheduler::new(PACE);
    assert_eq!(scheduler.event(Event::Start, 0, 0), Decision::SyncNow);
    for event in [
        Event::Saved,
        Event::Poke,
        Event::Tick,
        Event::Connectivity(true),
        Event::Start,
    ] {
        assert_eq!(scheduler.event(event, 100, 0), Decision::Idle);
    }
    assert_eq!(
        scheduler.event(Event::SyncFinished(Outcome::Verified), 5_000, 0),
        Decision::SyncNow
    );
}

#[test]
fn failures_wait_twice_as_long_each_time_with_jitter_up_to_a_limit() {
    let mut scheduler = Scheduler::new(PACE);
    let mut now = 0;
    scheduler.event(Event::Start, now, 0);
    let mut waits = Vec::new();
    for jitter in [0, 0, u32::MAX, 0, 0, 0, 0, 0, 0, 0] {
        match scheduler.event(
            Event::SyncFinished(Outcome::Retry { after_ms: None }),
            now,
            jitter,
        ) {
            Decision::WaitUntil(at) => {
                waits.push(at - now);
                now = at;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(scheduler.event(Event::Tick, now, 0), Decision::SyncNow);
    }
    assert_eq!(waits[..2], [2_500, 5_000]);
    assert!((10_000..=20_000).contains(&waits[2]));
    assert_eq!(waits[9], 300_000);
}

#[test]
fn what_the_server_asked_for_is_waited_for_and_saves_do_not_cut_it_short() {
    let mut scheduler = Scheduler::new(PACE);
    scheduler.event(Event::Start, 0, 0);
    let busy = Outcome::Retry {
        after_ms: Some(60_000),
    };
    assert_eq!(
        scheduler.event(Event::SyncFinished(busy), 0, 0),
        Decision::WaitUntil(60_000)
    );
    assert_eq!(
        scheduler.event(Event::Saved, 1_000, 0),
        Decision::WaitUntil(60_000)
    );
    assert_eq!(
        scheduler.event(Event::Poke, 2_000, 0),
        Decision::WaitUntil(60_000)
    );
}

#[test]
fn regained_connectivity_ends_the_waiting() {
    let mut scheduler = Scheduler::new(PACE);
    scheduler.event(Event::Start, 0, 0);
    scheduler.event(Event::Connectivity(false), 10, 0);
    scheduler.event(
        Event::SyncFinished(Outcome::Retry { after_ms: None }),
        20,
        0,
    );
    assert!(matches!(scheduler.event(Event::Saved, 30, 0), Decision::WaitUntil(at) if at > 30));
    assert_eq!(
        scheduler.event(Event::Connectivity(true), 40, 0),
        Decision::SyncNow
    );
}

#[test]
fn without_network_it_still_tries_on_the_slow_timer() {
    let mut scheduler = Scheduler::new(PACE);
    verified(&mut scheduler, 0);
    scheduler.event(Event::Connectivity(false), 10, 0);
    let Decision::WaitUntil(at) = scheduler.event(Event::Saved, 20, 0) else {
        panic!()
    };
    assert!(at <= 20 + 900_000);
    assert_eq!(scheduler.event(Event::Tick, at, 0), Decision::SyncNow);
}

#[test]
fn a_pause_stops_everything_and_resuming_begins_at_once() {
    let mut scheduler = Scheduler::new(PACE);
    scheduler.event(Event::Start, 0, 0);
    assert_eq!(scheduler.event(Event::Pause, 10, 0), Decision::Idle);
    assert_eq!(scheduler.event(Event::Saved, 20, 0), Decision::Idle);
    assert_eq!(scheduler.event(Event::Tick, 10_000_000, 0), Decision::Idle);
    assert_eq!(
        scheduler.event(Event::Resume, 10_000_001, 0),
        Decision::SyncNow
    );
}

#[test]
fn a_hopeless_failure_is_tried_again_on_the_slow_timer_only() {
    let mut scheduler = Scheduler::new(PACE);
    scheduler.event(Event::Start, 0, 0);
    let decision = scheduler.event(Event::SyncFinished(Outcome::Hopeless), 0, 0);
    assert_eq!(decision, Decision::WaitUntil(900_000));
    assert_eq!(
        scheduler.event(Event::Saved, 10, 0),
        Decision::WaitUntil(900_000)
    );
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Start),
        any::<bool>().prop_map(Event::Connectivity),
        Just(Event::Saved),
        Just(Event::Poke),
        Just(Event::Tick),
        Just(Event::Pause),
        Just(Event::Resume),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_there_is_one_synchronisation_at_a_time_and_always_a_next_one(
        steps in proptest::collection::vec((event(), 0_i64..30_000, any::<u32>(), any::<bool>()), 1..60),
    ) {
        let mut scheduler = Scheduler::new(PACE);
        let mut now = 0;
        let mut syncing = scheduler.event(Event::Start, now, 0) == Decision::SyncNow;
        let mut paused = false;
        for (event, later, jitter, finish) in steps {
            now += later;
            let event = if syncing && finish {
                syncing = false;
                Event::SyncFinished(Outcome::Retry { after_ms: None })
            } else {
                event
            };
            match event {
                Event::Pause => (paused, syncing) = (true, false),
                Event::Start | Event::Resume => paused = false,
                _ => {}
            }
            match scheduler.event(event, now, jitter) {
                Decision::SyncNow => {
                    prop_assert!(!syncing && !paused);
                    syncing = true;
                }
                Decision::WaitUntil(at) => prop_assert!(!syncing && !paused && at > now && at <= now + 900_000),
                Decision::Idle => prop_assert!(syncing || paused),
            }
        }
    }
}
