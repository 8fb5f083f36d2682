//! Growth, for people.

use std::fmt::Write as _;

use super::{table, targets::Target};
use crate::bench::{
    chart::{self, Series},
    figures::Figure,
    growth::{Growth, Size},
};

/// What is asked at every size, and what it took.
type Asked = (&'static str, fn(&Size) -> f64);

const ASKED: [Asked; 5] = [
    ("nothing new", |size| size.nothing_ms.median),
    ("one record", |size| size.push_ms.median),
    ("fresh pull", |size| size.pull_ms.median),
    ("inbox", |size| size.inbox_ms.median),
    ("start", |size| size.start_ms.median),
];

pub(super) fn text(out: &mut String, growth: &Growth) {
    let _ = write!(
        out,
        "\n## Growth\n\nDocuments in communes of a thousand (200 units, 800 inspections of which a quarter is finished), pushed by a device of each commune through the real exchange. `{}`, {}, commit {}, load {:.1} when it began.\n\n![Cost against documents](benchmarks/growth.svg)\n\n",
        growth.command, growth.machine.day, growth.machine.commit, growth.machine.load,
    );
    let ms = |figure: &Figure| table::time(figure.median / 1e3);
    let rows: Vec<Vec<String>> = growth
        .sizes
        .iter()
        .map(|size| {
            vec![
                size.documents.to_string(),
                ms(&size.nothing_ms),
                ms(&size.push_ms),
                ms(&size.pull_ms),
                ms(&size.inbox_ms),
                ms(&size.start_ms),
                format!("{:.0} MiB", size.memory_mib),
                format!("{:.0} MiB", size.filling_mib),
                format!("{:.0} MiB", size.disk_mib),
                format!("{:.0}/s", size.filled_per_s),
            ]
        })
        .collect();
    *out += &table::table(
        &[
            "documents",
            "nothing new",
            "push of one record",
            "fresh pull of a commune (1,000)",
            "inbox",
            "start after a kill",
            "memory, serving",
            "memory, filling",
            "disk",
            "filled",
        ],
        &rows,
    );
    for (size, why) in &growth.unreached {
        let _ = write!(out, "\n**{size} documents were not reached:** {why}.\n");
    }
    out.push_str("\nOne record with a long history:\n\n");
    let rows: Vec<Vec<String>> = growth
        .histories
        .iter()
        .map(|one| {
            vec![
                one.changes.to_string(),
                ms(&one.push_ms),
                ms(&one.pull_ms),
                ms(&one.page_ms),
            ]
        })
        .collect();
    *out += &table::table(
        &[
            "changes",
            "push of one more",
            "fresh pull of it",
            "its page",
        ],
        &rows,
    );
}

pub(super) fn charts(growth: &Growth) -> Vec<(&'static str, String)> {
    #[expect(clippy::cast_precision_loss, reason = "a few million documents")]
    let series: Vec<Series> = ASKED
        .iter()
        .map(|(name, took)| {
            let points = growth
                .sizes
                .iter()
                .map(|size| (size.documents as f64, took(size)));
            ((*name).to_owned(), points.collect())
        })
        .collect();
    vec![(
        "growth.svg",
        chart::lines(
            "Cost against documents on the server",
            "documents",
            "ms",
            &series,
        ),
    )]
}

pub(super) fn targets(targets: &mut Vec<Target>, growth: &Growth) {
    let at = |documents| growth.sizes.iter().find(|size| size.documents == documents);
    let largest = growth.sizes.iter().max_by_key(|size| size.documents);
    let (Some(base), Some(largest)) = (at(10_000), largest) else {
        return;
    };
    if largest.documents <= base.documents {
        return;
    }
    for (name, took) in ASKED.iter().take(2) {
        let what = format!("{} documents over 10000: {name}", largest.documents);
        targets.push(Target::at_most(what, 1.3, took(largest) / took(base), "×"));
    }
    let what = format!("{} documents: server memory", largest.documents);
    targets.push(Target::at_most(
        what,
        300.0,
        largest.memory_mib.max(largest.filling_mib),
        "MiB",
    ));
}
