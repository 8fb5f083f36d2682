//! Hazards in changes.

use sokiem_record::{limits, refusal::Refusal, wire::ChangeOutcome};

use super::{
    Siege,
    forge::{Forged, chunk, repaired, run, signed, unsigned},
};

const OBJECT_ACTOR: u64 = 0x01;
const OBJECT_COUNTER: u64 = 0x02;
const KEY_ACTOR: u64 = 0x11;
const KEY_COUNTER: u64 = 0x13;
const KEY: u64 = 0x15;
const INSERT: u64 = 0x34;
const ACTION: u64 = 0x42;
const META: u64 = 0x56;
const VALUE: u64 = 0x57;
const PREDS: u64 = 0x70;
const PRED_ACTOR: u64 = 0x71;
const PRED_COUNTER: u64 = 0x73;

type Columns = Vec<(u64, Vec<u8>)>;

const SET: &[u8] = &[1];
const NULL: &[u8] = &[0];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plain_change_is_refused_as_malformed() {
    let mut siege = Siege::new().await;
    let good = siege.change.bytes();
    let mut checksum = good.clone();
    checksum[5] ^= 1;
    siege
        .refused("1 wrong checksum", checksum, Refusal::Malformed)
        .await;
    siege
        .refused(
            "2 truncated tail",
            good[..good.len() - 3].to_vec(),
            Refusal::Malformed,
        )
        .await;
    let two = [siege.first.bytes(), good.clone()].concat();
    siege
        .refused("2 two chunks in one", two, Refusal::Malformed)
        .await;
    let deflated = siege.change.with(|forged| forged.chunk_type = 2);
    siege
        .refused("8 deflated change chunk", deflated, Refusal::Malformed)
        .await;
    let column = siege.change.with(|forged| forged.columns[0].0 |= 8);
    siege
        .refused("8 deflated column", column, Refusal::Malformed)
        .await;
    let (_, document) = &siege.attacker.held[&siege.unit];
    let document = document.save();
    siege
        .refused("8 document chunk as a change", document, Refusal::Malformed)
        .await;
    // A sync message whose bloom filter claims 2^32 - 1 entries of 0 bits each.
    let sync = [
        0x42, 0, 0, 1, 0, 0x0b, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0,
    ];
    siege
        .refused("9 sync message", sync.to_vec(), Refusal::Malformed)
        .await;
    let bundle = chunk(3, &[0xff; 64]);
    siege
        .refused("10 bundle chunk", bundle, Refusal::Malformed)
        .await;
    let author = siege
        .change
        .with(|forged| forged.extra = b"author: somebody else".to_vec());
    siege
        .refused(
            "13 author and other extra bytes",
            author,
            Refusal::Malformed,
        )
        .await;
    siege
        .refused("nothing at all", Vec::new(), Refusal::Malformed)
        .await;
    let large = vec![0; limits::MAX_CHANGE_BYTES + 1];
    siege
        .refused("256 KiB and one byte", large, Refusal::TooLarge)
        .await;
    siege.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_out_of_its_place_is_refused_by_its_header() {
    let mut siege = Siege::new().await;
    let change = siege.change.clone();
    let lost = change.with(|forged| forged.deps = vec![[7; 32]]);
    let outcomes = siege.pushed("3 missing dependency", vec![lost]).await;
    assert!(matches!(outcomes[..], [ChangeOutcome::Missing(_)]));
    let gap = change.with(|forged| forged.seq += 1);
    siege
        .refused("4 gap in the sequence", gap, Refusal::BrokenSequence)
        .await;
    let reused = change.with(|forged| forged.start_op = 1);
    siege
        .refused(
            "6 operation ids used again",
            reused,
            Refusal::BrokenSequence,
        )
        .await;
    for start_op in [u64::from(u32::MAX), u64::MAX] {
        let high = change.with(|forged| forged.start_op = start_op);
        siege
            .refused("6 operation ids at the top", high, Refusal::BrokenSequence)
            .await;
    }
    let forked = change.with(|forged| forged.seq = 1);
    siege
        .refused("11 a sequence number again", forked, Refusal::ForkedActor)
        .await;
    let beginning = siege.first.with(|forged| forged.time_ms += 1);
    siege
        .refused("12 a second beginning", beginning, Refusal::WrongDocument)
        .await;
    let foreign = change.with(|forged| forged.actor = [9; 16]);
    siege
        .refused("another's name", foreign, Refusal::ForeignActor)
        .await;
    let many = change.with(|forged| {
        forged.deps = (0..300_u16)
            .map(|n| {
                [&n.to_be_bytes()[..], &[0; 30]]
                    .concat()
                    .try_into()
                    .unwrap()
            })
            .collect();
    });
    siege
        .refused("300 dependencies", many, Refusal::TooLarge)
        .await;
    let long = change.with(|forged| forged.message = vec![b'a'; limits::MAX_MESSAGE_BYTES + 1]);
    siege
        .refused("a message too long", long, Refusal::TooLarge)
        .await;
    siege.serves_on().await;
}

/// The attacker's second change of the unit beside its first, and a clone's.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_beside_ones_own_is_refused_and_innocent_ones_pass() {
    let mut siege = Siege::new().await;
    let good = siege.change.bytes();
    let base = siege.change.deps.clone();
    let beside = siege.change.with(|forged| {
        forged.seq += 1;
        forged.start_op += 10;
        forged.deps = base;
    });
    let clone = siege.change.with(|forged| forged.time_ms += 1);
    let innocent = siege.neighbour.set(siege.unit, "learners", 500.into());
    let request = siege
        .attacker
        .request(vec![siege.push(vec![good, beside, clone])]);
    let body = sokiem_record::wire::encode(&request);
    let seen = siege
        .send(
            "5 beside one's own change; 11 a clone's",
            "/api/device/v1/exchange",
            body,
            None,
        )
        .await;
    let response: sokiem_record::wire::ExchangeResponse =
        sokiem_record::wire::decode(&seen.body).unwrap();
    assert_eq!(
        response.pushed[0].changes,
        [
            ChangeOutcome::Stored,
            ChangeOutcome::Refused(Refusal::BrokenSequence),
            ChangeOutcome::Refused(Refusal::ForkedActor)
        ]
    );
    siege.neighbour.sync(vec![innocent]).await;
    siege.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_bytes_that_claim_much_are_refused() {
    let mut siege = Siege::new().await;
    let change = siege.change.clone();
    let million = 10_000_000;
    let most = i64::try_from(limits::MAX_CHANGE_OPS).unwrap();
    let bombs: [(&str, Columns, Refusal); 9] = [
        (
            "7 ten million operations",
            vec![
                (KEY, run(million, b"\x01k")),
                (ACTION, run(million, SET)),
                (META, run(million, NULL)),
            ],
            Refusal::TooLarge,
        ),
        (
            "7 ten million predecessors",
            vec![
                (KEY, run(1, b"\x01k")),
                (ACTION, run(1, SET)),
                (META, run(1, NULL)),
                (PREDS, run(1, &unsigned(10_000_000))),
            ],
            Refusal::TooLarge,
        ),
        (
            "7 ten million times nothing",
            vec![
                (KEY, [signed(0), unsigned(10_000_000)].concat()),
                (ACTION, run(1, SET)),
            ],
            Refusal::TooLarge,
        ),
        (
            "one key of 200 KB for 20,000 operations",
            vec![
                (
                    KEY,
                    run(most, &[unsigned(200_000), vec![b'k'; 200_000]].concat()),
                ),
                (ACTION, run(most, SET)),
                (META, run(most, NULL)),
            ],
            Refusal::TooLarge,
        ),
        (
            "values longer than what is there",
            vec![
                (KEY, run(most, b"\x01k")),
                (ACTION, run(most, SET)),
                (META, run(most, &unsigned(0x0fff_ff06))),
            ],
            Refusal::Malformed,
        ),
        (
            "counters",
            vec![
                (KEY, run(1, b"\x01k")),
                (ACTION, run(1, SET)),
                (META, run(1, &[0x18])),
                (VALUE, vec![1]),
            ],
            Refusal::Malformed,
        ),
        (
            "marks",
            vec![
                (KEY, run(1, b"\x01k")),
                (ACTION, run(1, &[7])),
                (META, run(1, NULL)),
            ],
            Refusal::Malformed,
        ),
        (
            "an action that nobody knows",
            vec![
                (KEY, run(1, b"\x01k")),
                (ACTION, run(1, &[99])),
                (META, run(1, NULL)),
            ],
            Refusal::Malformed,
        ),
        (
            "a column that nobody knows",
            vec![
                (KEY, run(1, b"\x01k")),
                (ACTION, run(1, SET)),
                (META, run(1, NULL)),
                (0x132, run(1, SET)),
            ],
            Refusal::Malformed,
        ),
    ];
    for (name, columns, refusal) in bombs {
        siege.refused(name, change.doing(&columns), refusal).await;
    }
    siege.serves_on().await;
}

/// Maps, each in the one before it. Reading them goes down by recursion, and a stack that runs out
/// ends the process.
fn nested(change: &Forged, levels: i64) -> Vec<u8> {
    let first = change.start_op;
    let own = unsigned(0);
    let counters: Vec<u8> = (0..u64::try_from(levels - 1).unwrap())
        .flat_map(|level| unsigned(first + level))
        .collect();
    let columns = [
        (
            OBJECT_ACTOR,
            [signed(0), unsigned(1), run(levels - 1, &own)].concat(),
        ),
        (
            OBJECT_COUNTER,
            [signed(0), unsigned(1), signed(1 - levels), counters].concat(),
        ),
        (KEY, run(levels, b"\x01k")),
        (ACTION, run(levels, &[0])),
        (META, run(levels, NULL)),
    ];
    change.doing(&columns)
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_in_objects_do_not_end_the_process() {
    let mut siege = Siege::new().await;
    let change = siege.change.clone();
    siege
        .refused(
            "14 maps 20,000 deep",
            nested(&change, 20_000),
            Refusal::TooLarge,
        )
        .await;
    siege
        .refused("maps 17 deep", nested(&change, 17), Refusal::TooLarge)
        .await;
    // An object in itself, and one in an object that does not exist.
    for counter in [change.start_op, change.start_op + 5] {
        let columns = [
            (OBJECT_ACTOR, run(1, &unsigned(0))),
            (OBJECT_COUNTER, run(1, &unsigned(counter))),
            (KEY, run(1, b"\x01k")),
            (ACTION, run(1, &[0])),
            (META, run(1, NULL)),
        ];
        siege
            .refused(
                "an object in itself",
                change.doing(&columns),
                Refusal::Malformed,
            )
            .await;
    }
    let columns = [
        (OBJECT_ACTOR, run(1, &unsigned(0))),
        (OBJECT_COUNTER, run(1, &unsigned(1))),
        (KEY, run(1, b"\x01k")),
        (ACTION, run(1, &[0])),
        (META, run(1, NULL)),
    ];
    siege
        .refused(
            "an object in a number",
            change.doing(&columns),
            Refusal::DoesNotApply,
        )
        .await;
    siege.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_apply_badly_are_refused_and_cost_little() {
    let mut siege = Siege::new().await;
    let change = siege.change.clone();
    let most = i64::try_from(limits::MAX_CHANGE_OPS).unwrap();
    let one = |extra: &[(u64, Vec<u8>)]| {
        let mut columns = vec![(ACTION, run(1, SET)), (META, run(1, NULL))];
        columns.extend_from_slice(extra);
        if extra
            .iter()
            .all(|(specification, _)| *specification != PREDS)
        {
            columns.push((PREDS, run(1, &[0])));
        }
        if extra
            .iter()
            .all(|(specification, _)| *specification != INSERT)
        {
            columns.push((INSERT, unsigned(1)));
        }
        columns.sort();
        change.doing(&columns)
    };
    // A change that replaces an operation which does not exist.
    let pred = one(&[
        (KEY, run(1, b"\x01k")),
        (PREDS, run(1, &[1])),
        (PRED_ACTOR, run(1, &[0])),
        (PRED_COUNTER, run(1, &signed(3_000))),
    ]);
    siege.pushed("replaces what is not there", vec![pred]).await;
    // Writes into an object, and after an element, that do not exist.
    let into = one(&[
        (OBJECT_ACTOR, run(1, &[0])),
        (OBJECT_COUNTER, run(1, &unsigned(3_000))),
        (KEY, run(1, b"\x01k")),
    ]);
    siege
        .refused("writes into what is not there", into, Refusal::DoesNotApply)
        .await;
    let after = one(&[
        (KEY_ACTOR, run(1, &[0])),
        (KEY_COUNTER, run(1, &signed(3_000))),
        (INSERT, vec![0, 1]),
    ]);
    siege
        .refused(
            "inserts after what is not there",
            after,
            Refusal::DoesNotApply,
        )
        .await;
    // Not the shortest form: twenty thousand runs of one.
    let keys: Vec<u8> = (0..most).flat_map(|_| run(1, b"\x01k")).collect();
    let runs = change.doing(&[
        (KEY, keys),
        (INSERT, unsigned(limits::MAX_CHANGE_OPS)),
        (ACTION, run(most, SET)),
        (META, run(most, NULL)),
        (PREDS, run(most, &[0])),
    ]);
    siege
        .refused("twenty thousand runs of one", runs, Refusal::DoesNotApply)
        .await;
    siege.serves_on().await;
}

/// The dearest that the limits allow is taken, in bounded time and memory: twenty thousand operations
/// on one key, and a text of twenty thousand characters, typed from the end.
#[tokio::test(flavor = "multi_thread")]
async fn the_dearest_changes_that_are_allowed_are_bounded() {
    let mut siege = Siege::new().await;
    let most = i64::try_from(limits::MAX_CHANGE_OPS).unwrap();
    let same = siege.change.doing(&[
        (KEY, run(most, b"\x01k")),
        (INSERT, unsigned(limits::MAX_CHANGE_OPS)),
        (ACTION, run(most, SET)),
        (META, run(most, NULL)),
        (PREDS, run(most, &[0])),
    ]);
    let request = siege.attacker.request(vec![siege.push(vec![same])]);
    let body = sokiem_record::wire::encode(&request);
    let seen = siege
        .send(
            "20,000 values of one key",
            "/api/device/v1/exchange",
            body,
            None,
        )
        .await;
    assert_eq!(seen.status, 200);
    let area = siege.area;
    let units: Vec<_> = (0..8)
        .map(|n| siege.attacker.unit(area, &format!("Đơn vị {n}")))
        .collect();
    let mut pushes = Vec::new();
    for unit in units {
        let id = unit.document;
        let text = "ổ".repeat(limits::MAX_TEXT_CHARS);
        let change = siege.attacker.text(id, "notes", &text);
        pushes.push(unit);
        pushes.push(change);
    }
    let body = sokiem_record::wire::encode(&siege.attacker.request(pushes));
    let seen = siege
        .send(
            "eight texts of 20,000 characters",
            "/api/device/v1/exchange",
            body,
            None,
        )
        .await;
    let response: sokiem_record::wire::ExchangeResponse =
        sokiem_record::wire::decode(&seen.body).unwrap();
    let outcomes = response.pushed.iter().flat_map(|outcome| &outcome.changes);
    for outcome in outcomes {
        assert_eq!(*outcome, ChangeOutcome::Stored);
    }
    siege.serves_on().await;
}

/// Bytes changed at random under a right checksum, past what the header check alone decides.
#[tokio::test(flavor = "multi_thread")]
async fn mutated_changes_leave_records_that_everybody_can_read() {
    let mut siege = Siege::new().await;
    let seed = seed();
    let good = siege.change.bytes();
    let mut state = seed;
    let mut next = |bound: usize| {
        // xorshift64: the schedule must replay from the printed seed.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    for round in 0..6 {
        let mutants: Vec<Vec<u8>> = (0..50)
            .map(|_| {
                let mut bytes = good.clone();
                for _ in 0..=next(3) {
                    let at = 11 + next(bytes.len() - 11);
                    bytes[at] ^= 1 << next(8);
                }
                repaired(bytes)
            })
            .collect();
        let request = siege.attacker.request(vec![siege.push(mutants)]);
        let body = sokiem_record::wire::encode(&request);
        let seen = siege
            .send(
                &format!("10 fifty mutants, {round}"),
                "/api/device/v1/exchange",
                body,
                None,
            )
            .await;
        assert_eq!(seen.status, 200);
    }
    siege.neighbour.sync(Vec::new()).await;
    let _ = siege.neighbour.held[&siege.unit].1.to_json();
    siege.serves_on().await;
}

fn seed() -> u64 {
    let seed = match std::env::var("SOKIEM_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => {
            u64::from_le_bytes(
                crate::harness::fresh_uuid().as_bytes()[..8]
                    .try_into()
                    .unwrap(),
            ) | 1
        }
    };
    println!("SOKIEM_SEED={seed} replays this run");
    seed
}
