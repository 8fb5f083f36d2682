//! Replicas that exchange changes in any order hold the same record.

use proptest::prelude::*;
use serde_json::json;
use sokiem_record::{
    document::{Document, Received},
    edit::{Author, Edit, EditError},
};

use crate::support::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A replica's owner edits.
    Edit {
        replica: usize,
        what: u8,
        value: u8,
        skew_ms: i64,
    },
    /// A replica hears of everything that another holds, in an order drawn from the number.
    Hear {
        replica: usize,
        from: usize,
        order: u64,
    },
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let edit = (
        0..4_usize,
        any::<u8>(),
        any::<u8>(),
        -3_000_000_000_000..3_000_000_000_000_i64,
    )
        .prop_map(|(replica, what, value, skew_ms)| Happening::Edit {
            replica,
            what,
            value,
            skew_ms,
        });
    let hear =
        (0..4_usize, 0..4_usize, any::<u64>()).prop_map(|(replica, from, order)| Happening::Hear {
            replica,
            from,
            order,
        });
    prop::collection::vec(prop_oneof![3 => edit, 2 => hear], 1..60)
}

fn edit(replica: &Document, n: usize, what: u8, value: u8) -> Edit {
    let item = ITEMS[usize::from(what / 16) % ITEMS.len()];
    let settled = |path: String, value: serde_json::Value| {
        let path: sokiem_record::schema::Path = path.parse().unwrap();
        match replica
            .conflicts()
            .iter()
            .any(|conflict| conflict.path == path)
        {
            true => Edit::Settle { path, value },
            false => Edit::Set { path, value },
        }
    };
    match what % 5 {
        0 => settled(
            format!("items/{item}/answer"),
            json!(["pass", "fail", "not_checked"][usize::from(value) % 3]),
        ),
        1 => settled(format!("items/{item}/value"), json!(f64::from(value))),
        2 => text(
            &format!("items/{item}/note"),
            &"chữ ".repeat(usize::from(value % 7)),
        ),
        3 => settled("place".into(), json!(format!("Ấp {value}"))),
        _ => finding(
            u128::from(what) << 64 | u128::from(value) << 8 | n as u128,
            "thiếu",
        ),
    }
}

/// Delivers in the given order what can be delivered, again and again until nothing is missing.
fn hear(to: &mut Document, mut changes: Vec<Vec<u8>>, mut order: u64) {
    while !changes.is_empty() {
        let before = changes.len();
        let pick = usize::try_from(order % changes.len() as u64).unwrap();
        changes.rotate_left(pick);
        order = order
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        changes.retain(|bytes| match to.receive(bytes).unwrap() {
            Received::Applied(_) | Received::Had(_) => false,
            Received::Missing(..) => true,
            Received::Refused(refusal) => panic!("refused: {refusal:?}"),
        });
        assert!(changes.len() < before, "nothing could be delivered");
    }
}

fn play(happenings: &[Happening], skewed: bool) -> Vec<Document> {
    let mut replicas = vec![planned(); 4];
    for happening in happenings {
        match *happening {
            Happening::Edit {
                replica,
                what,
                value,
                skew_ms,
            } => {
                let author = Author {
                    time_ms: 1_700_000_000_000 + if skewed { skew_ms } else { 0 },
                    ..author(replica as u128 + 1)
                };
                let edit = edit(&replicas[replica], replica, what, value);
                match replicas[replica].edit(&author, None, &[edit]) {
                    Ok(_) | Err(EditError::ElementExists(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Happening::Hear {
                replica,
                from,
                order,
            } => {
                let changes = replicas[from].changes_since(&[]);
                hear(&mut replicas[replica], changes, order);
            }
        }
    }
    // Everybody hears everything, each in an order of their own.
    for round in 0..2_u64 {
        for replica in 0..4_usize {
            for from in 0..4_usize {
                let changes = replicas[from].changes_since(&[]);
                hear(
                    &mut replicas[replica],
                    changes,
                    round * 31 + replica as u64 * 7 + from as u64,
                );
            }
        }
    }
    replicas
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn replicas_converge_under_any_schedule(happenings in happenings()) {
        let replicas = play(&happenings, true);
        for other in &replicas[1..] {
            prop_assert_eq!(replicas[0].heads(), other.heads());
            prop_assert_eq!(replicas[0].to_json(), other.to_json());
            prop_assert_eq!(replicas[0].conflicts(), other.conflicts());
            prop_assert_eq!(replicas[0].summary(), other.summary());
        }
    }

    #[test]
    fn clocks_that_are_years_off_change_no_value(happenings in happenings()) {
        // Times are part of the hashes, so heads differ between the two runs; what is read does not.
        let values = |replicas: &[Document]| replicas[0].to_json();
        let (right, wrong) = (play(&happenings, false), play(&happenings, true));
        prop_assert_eq!(values(&right), values(&wrong));
        prop_assert_eq!(right[0].conflicts().len(), wrong[0].conflicts().len());
    }
}

#[test]
fn every_order_of_arrival_gives_the_same_heads_and_the_same_values() {
    let mut writers: Vec<Document> = vec![planned(); 4];
    let changes: Vec<Vec<u8>> = (0..4_usize)
        .map(|n| {
            write(
                &mut writers[n],
                &author(n as u128 + 1),
                &[
                    set("place", format!("Ấp {n}")),
                    text("opinion", &format!("ý {n}. ")),
                ],
            )
            .bytes
        })
        .collect();
    let mut merged = None;
    for order in permutations(4) {
        let mut document = planned();
        for index in order {
            assert!(matches!(
                document.receive(&changes[index]).unwrap(),
                Received::Applied(_)
            ));
        }
        let now = (document.heads(), document.to_json(), document.conflicts());
        assert_eq!(*merged.get_or_insert_with(|| now.clone()), now);
    }
    let (heads, _, conflicts) = merged.unwrap();
    assert_eq!((heads.len(), conflicts[0].alternatives.len()), (4, 4));
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    permutations(count - 1)
        .into_iter()
        .flat_map(|shorter| {
            (0..count).map(move |at| [&shorter[..at], &[count - 1], &shorter[at..]].concat())
        })
        .collect()
}
