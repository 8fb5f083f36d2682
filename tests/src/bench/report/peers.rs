//! What the systems took, scenario by scenario, and how many times more than us.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{Peers, table};
use crate::bench::{
    figures::Figure,
    scenarios::{Measured, by_scenario},
    systems::System,
};

/// What was measured of one system in one scenario.
pub(super) struct Cell {
    pub(super) system: System,
    pub(super) seconds: Figure,
    pub(super) up: Figure,
    pub(super) down: Figure,
    pub(super) server_cpu: Figure,
    pub(super) client_cpu: Figure,
    pub(super) server_mib: Figure,
    pub(super) client_mib: Figure,
}

impl Cell {
    fn of(system: System, all: &[&Measured]) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "bytes of a few megabytes")]
        let bytes = |count: u64| count as f64;
        Some(Self {
            system,
            seconds: Figure::of(all.iter().filter_map(|one| one.seconds))?,
            up: Figure::of(all.iter().map(|one| bytes(one.up)))?,
            down: Figure::of(all.iter().map(|one| bytes(one.down)))?,
            server_cpu: Figure::of(all.iter().map(|one| one.server_cpu))?,
            client_cpu: Figure::of(all.iter().map(|one| one.client_cpu))?,
            server_mib: Figure::of(all.iter().map(|one| one.server_mib.1))?,
            client_mib: Figure::of(all.iter().map(|one| one.client_mib.1))?,
        })
    }

    /// Both ways.
    pub(super) fn wire(&self) -> f64 {
        self.up.median + self.down.median
    }
}

/// A scenario with so many records, and what every system took.
pub(super) struct Row {
    pub(super) scenario: String,
    pub(super) records: usize,
    pub(super) cells: Vec<Cell>,
}

impl Row {
    pub(super) fn cell(&self, system: System) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.system == system)
    }

    /// How many times our time another system took.
    pub(super) fn ratio(&self, system: System) -> Option<Figure> {
        Some(
            self.cell(system)?
                .seconds
                .over(&self.cell(System::Ours)?.seconds),
        )
    }

    /// What the scenario is called.
    pub(super) fn title(&self) -> String {
        let Self {
            scenario, records, ..
        } = self;
        match scenario.as_str() {
            "push" => format!("push of {records} new records"),
            "pull" => format!("fresh pull of {records}"),
            "settle" => format!("first round both ways after it, {records}"),
            "nothing" => format!("nothing changed, {records}"),
            "edits pushed" => format!("1 % of {records} edited, pushed"),
            "edits pulled" => format!("the same pulled by another, {records}"),
            "cold pull" => format!("fresh pull of {records} from a server just started"),
            "history push" => format!("push of {records} records of 52 changes"),
            "history pull" => format!("fresh pull of {records} records of 52 changes"),
            other => format!("{other}, {records}"),
        }
    }
}

const ORDER: [&str; 9] = [
    "push",
    "pull",
    "nothing",
    "edits pushed",
    "edits pulled",
    "cold pull",
    "settle",
    "history push",
    "history pull",
];

pub(super) fn rows(peers: &Peers) -> Vec<Row> {
    let sorted = by_scenario(&peers.measured);
    let keys: BTreeSet<(usize, usize)> = sorted
        .keys()
        .filter_map(|(scenario, records, _)| {
            Some((ORDER.iter().position(|known| known == scenario)?, *records))
        })
        .collect();
    keys.into_iter()
        .filter_map(|(at, records)| {
            let scenario = *ORDER.get(at)?;
            let cells = System::ALL
                .into_iter()
                .filter_map(|system| Cell::of(system, sorted.get(&(scenario, records, system))?));
            Some(Row {
                scenario: scenario.to_owned(),
                records,
                cells: cells.collect(),
            })
        })
        .collect()
}

/// Systems with at least one figure.
pub(super) fn present(rows: &[Row]) -> Vec<System> {
    let has = |system: &System| rows.iter().any(|row| row.cell(*system).is_some());
    System::ALL.into_iter().filter(has).collect()
}

/// Times, with the spread of the rounds and how many times ours they are.
pub(super) fn times(rows: &[Row]) -> String {
    each(rows, |row, cell| {
        let Figure {
            median,
            least,
            most,
            rounds,
        } = cell.seconds;
        let spread = if rounds > 1 {
            format!(" ({}–{})", table::time(least), table::time(most))
        } else {
            String::new()
        };
        let ratio = row
            .ratio(cell.system)
            .filter(|_| cell.system != System::Ours);
        let ratio = ratio.map(|ratio| {
            if ratio.least == ratio.most {
                format!(" · **{}**", table::times(ratio.median))
            } else {
                format!(
                    " · **{}** ({}–{})",
                    table::times(ratio.median),
                    table::times(ratio.least),
                    table::times(ratio.most)
                )
            }
        });
        format!(
            "{}{spread}{}",
            table::time(median),
            ratio.unwrap_or_default()
        )
    })
}

/// Bytes to and from the server.
pub(super) fn wire(rows: &[Row]) -> String {
    each(rows, |_, cell| {
        format!(
            "{} ↑ {} ↓",
            table::bytes(cell.up.median),
            table::bytes(cell.down.median)
        )
    })
}

/// Processor time of server and client.
pub(super) fn processor(rows: &[Row]) -> String {
    each(rows, |_, cell| {
        format!(
            "{:.2} + {:.2} s",
            cell.server_cpu.median, cell.client_cpu.median
        )
    })
}

/// Memory of server and client, at most so far.
pub(super) fn memory(rows: &[Row]) -> String {
    each(rows, |_, cell| {
        format!(
            "{:.0} + {:.0} MiB",
            cell.server_mib.median, cell.client_mib.median
        )
    })
}

fn each(rows: &[Row], cell: impl Fn(&Row, &Cell) -> String) -> String {
    let systems = present(rows);
    let mut headings = vec!["scenario"];
    headings.extend(systems.iter().map(|system| system.name()));
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let cells = systems.iter().map(|system| {
                row.cell(*system)
                    .map_or("–".to_owned(), |known| cell(row, known))
            });
            std::iter::once(row.title()).chain(cells).collect()
        })
        .collect();
    table::table(&headings, &rows)
}

/// Every figure and ratio by scenario.
pub(super) fn summary(rows: &[Row]) -> Json {
    let mut scenarios = Map::new();
    for row in rows {
        let mut systems = Map::new();
        for cell in &row.cells {
            let mut one = json!({
                "seconds": cell.seconds, "bytes_up": cell.up, "bytes_down": cell.down, "server_cpu_s": cell.server_cpu,
                "client_cpu_s": cell.client_cpu, "server_peak_mib": cell.server_mib, "client_peak_mib": cell.client_mib,
            });
            if let Some(ratio) = row.ratio(cell.system) {
                one["times_ours"] = json!(ratio);
            }
            systems.insert(cell.system.to_string(), one);
        }
        scenarios.insert(
            format!("{} ({})", row.scenario, row.records),
            Json::Object(systems),
        );
    }
    Json::Object(scenarios)
}
