//! A few kill rounds of the real programs; `make kill ROUNDS=200` plays many.

use sokiem_tests::kill::{Programs, play};

use crate::crash_points::seed;

#[test]
fn nothing_acknowledged_is_lost_when_the_programs_are_killed_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs {
        server: env!("CARGO_BIN_EXE_server-under-test").into(),
        tool: env!("CARGO_BIN_EXE_tool-under-test").into(),
    };
    let outcome = play(&programs, folder.path(), 10, seed()).unwrap();
    println!("{}", serde_json::to_string(&outcome).unwrap());
    assert_eq!((outcome.lost, outcome.half), (0, 0));
    assert!(outcome.saves > 30, "{outcome:?}");
    assert_eq!(outcome.server_kills + outcome.tool_kills, 10);
}
