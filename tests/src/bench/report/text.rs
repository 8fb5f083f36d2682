//! `benchmarks.md` and its charts.

use std::fmt::Write as _;

use super::{
    Parts, Peers, growth,
    peers::{self, Row},
    storm, table, targets,
};
use crate::bench::{chart, limit::Limit, systems::System};

const HEAD: &str = "# Benchmarks

Written by `make bench`, `make storm` and `make growth`; every figure comes from a run, `target/bench/summary.json` holds all of them. Times are medians, in brackets the fastest and the slowest round. [Where the time goes](benchmarks/where-the-time-goes.md) says why what was not reached was not.

```sh
make bench                                                        # everything beside the peers
make bench ARGS=\"--records 200 --rounds 1 --only ours,pouchdb\"    # a quick one; docs stay as they are
make bench-core                                                   # the core alone, by criterion
make storm DEVICES=1000                                           # a district that comes back at five
make growth SIZES=1000,10000,100000                               # cost against size
```
";

pub(super) fn of(parts: &Parts) -> String {
    let mut out = HEAD.to_owned();
    let targets = targets::of(parts);
    if !targets.is_empty() {
        out += "\n## Targets\n\n";
        let rows: Vec<Vec<String>> = targets
            .iter()
            .map(|target| {
                let number = |value: f64| format!("{} {}", chart::short(value), target.unit);
                let reached = if target.reached {
                    "reached"
                } else {
                    "**not reached**"
                };
                vec![
                    target.what.clone(),
                    number(target.wanted),
                    number(target.measured),
                    reached.to_owned(),
                ]
            })
            .collect();
        out += &table::table(&["what", "wanted", "measured", ""], &rows);
    }
    if let Some(run) = &parts.peers {
        beside(&mut out, run);
    }
    if let Some(storms) = &parts.storm {
        storm::text(&mut out, storms);
    }
    if let Some(grown) = &parts.growth {
        growth::text(&mut out, grown);
    }
    out
}

fn beside(out: &mut String, run: &Peers) {
    let rows = peers::rows(run);
    let machine = &run.machine;
    let _ = write!(
        out,
        "\n## Beside the peers\n\n{} processors ({}) shared by client and server, {:.0} GiB, Linux {}, Node.js {}; appending 4 KiB and syncing takes {:.2} ms on this disk. {}, commit {}, load {:.1} when the run began. `{}`, seed {}.\n\nRecords of 60 fields, the same for everybody. Client and server are processes of their own on one machine; a proxy between them counts bytes. Systems take turns, round by round. An exchange that takes longer than {} s counts as failed.\n\n![Times of the peers beside ours](benchmarks/peers.svg)\n\n",
        machine.processors,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.node,
        machine.sync_ms,
        machine.day,
        machine.commit,
        machine.load,
        run.command,
        run.seed,
        run.limit_s,
    );
    let _ = write!(
        out,
        "### Time\n\nIn bold: how many times ours.\n\n{}",
        peers::times(&rows)
    );
    let _ = write!(
        out,
        "\n### Bytes on the wire\n\nTo the server ↑ and from it ↓, with HTTP's and WebSocket's own.\n\n{}",
        peers::wire(&rows)
    );
    let _ = write!(
        out,
        "\n### Processor time\n\nServer + client. The system counts in hundredths of a second.\n\n{}",
        peers::processor(&rows)
    );
    let _ = write!(
        out,
        "\n### Memory\n\nThe most so far, server + client.\n\n{}",
        peers::memory(&rows)
    );
    for (system, why) in &run.missing {
        let _ = write!(out, "\n**{system} is missing:** {why}.\n");
    }
    for one in run.measured.iter().filter(|one| one.failure.is_some()) {
        let why = one.failure.as_deref().unwrap_or_default();
        let _ = write!(
            out,
            "\n**{} failed** with {} records in round {}, and what follows in that round was not measured: {why}.\n",
            one.system,
            one.records,
            one.round + 1
        );
    }
    out.push_str("\n### What an answered push is worth\n\n");
    for system in System::ALL {
        let _ = writeln!(out, "* **{}**: {}", system.title(), system.durability());
    }
    out.push_str("\n### When a fresh pull is done\n\n");
    for system in [System::Ours, System::Pouchdb, System::Samod] {
        let title = if system == System::Samod {
            "automerge-repo, samod"
        } else {
            system.title()
        };
        let _ = writeln!(out, "* **{title}**: {}", system.end_of_pull());
    }
    out.push_str("\n`nothing changed`: the client was opened again and knows nothing from before but what lies on its disk. After edits the writer was opened again too: automerge-repo and samod then compare the edited documents only, which an application would have to remember by itself.\n");
    for limit in &run.limits {
        near(out, &rows, limit);
    }
}

fn near(out: &mut String, rows: &[Row], limit: &Limit) {
    let ours = |scenario: &str| {
        let row = rows
            .iter()
            .find(|row| row.scenario == scenario && row.records == limit.records)?;
        row.cell(System::Ours)
    };
    #[expect(clippy::cast_precision_loss, reason = "bytes of a few megabytes")]
    let bytes = |count: usize| count as f64;
    let _ = write!(out, "\n### The limit, {} records\n\n", limit.records);
    let mut lines = vec![
        vec![
            "the changes as they are".to_owned(),
            table::bytes(bytes(limit.change_bytes)),
        ],
        vec![
            "the changes as one zstd stream".to_owned(),
            table::bytes(bytes(limit.change_zstd_bytes)),
        ],
        vec![
            "the documents, saved whole, as one zstd stream".to_owned(),
            table::bytes(bytes(limit.document_zstd_bytes)),
        ],
        vec![
            "compressing the changes".to_owned(),
            table::time(limit.zstd.median),
        ],
        vec![
            "inserting them bare into SQLite, synced every 100".to_owned(),
            table::time(limit.sqlite.median),
        ],
        vec![
            "the same in one transaction".to_owned(),
            table::time(limit.sqlite_once.median),
        ],
        vec![
            "Automerge decodes and applies each".to_owned(),
            table::time(limit.apply.median),
        ],
        vec![
            "Automerge loads each saved document".to_owned(),
            table::time(limit.load.median),
        ],
        vec![
            "Automerge reads all values of each".to_owned(),
            table::time(limit.hydrate.median),
        ],
    ];
    if let Some(push) = ours("push") {
        lines.push(vec![
            "**our push**, whole".to_owned(),
            table::time(push.seconds.median),
        ]);
    }
    if let Some(pull) = ours("pull") {
        lines.push(vec![
            "**our fresh pull**, whole".to_owned(),
            format!(
                "{}, {}",
                table::time(pull.seconds.median),
                table::bytes(pull.down.median)
            ),
        ]);
    }
    *out += &table::table(&["what", ""], &lines);
}

pub(super) fn charts(parts: &Parts) -> Vec<(&'static str, String)> {
    let mut charts = Vec::new();
    if let Some(run) = &parts.peers {
        let rows = peers::rows(run);
        let largest = rows.iter().map(|row| row.records).max().unwrap_or(0);
        let names: Vec<String> = peers::present(&rows)
            .into_iter()
            .map(|system| system.to_string())
            .collect();
        let groups: Vec<chart::Group> = rows
            .iter()
            .filter(|row| {
                row.scenario != "settle"
                    && (row.records == largest || row.scenario.starts_with("history"))
            })
            .map(|row| {
                let bars = row
                    .cells
                    .iter()
                    .map(|cell| (cell.system.to_string(), cell.seconds.median));
                (row.scenario.clone(), bars.collect())
            })
            .collect();
        charts.push((
            "peers.svg",
            chart::bars(
                &format!("{largest} records of 60 fields: seconds, shorter is better"),
                "s",
                &names,
                &groups,
            ),
        ));
    }
    if let Some(grown) = &parts.growth {
        charts.extend(growth::charts(grown));
    }
    charts
}
