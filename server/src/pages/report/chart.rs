//! Charts of the report as SVG that the server draws: bars with their numbers, and the same as a table.

use crate::report::{
    answer::{ClassFigure, Report, Row, Year},
    measure::Measure,
    question::KindAsked,
};

const HEIGHT: u32 = 180;
const TOP: u32 = 24;
const LEFT: u32 = 40;
const BAR: u32 = 26;
const GAP: u32 = 28;
/// As many tones as the stylesheet has.
const TONES: usize = 6;

/// A chart.
pub(super) struct Chart {
    /// Begins the ids of its parts.
    pub(super) id: &'static str,
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) legend: Vec<Series>,
    pub(super) ticks: Vec<Tick>,
    pub(super) groups: Vec<Group>,
    /// Whether the figures of a group span different windows.
    pub(super) windows_differ: bool,
}

/// One of the things that are compared.
pub(super) struct Series {
    pub(super) tone: usize,
    pub(super) vi: String,
    pub(super) en: String,
}

/// A line across, with its number.
pub(super) struct Tick {
    pub(super) y: u32,
    pub(super) text: String,
}

/// A year or a kind, with a bar for each series.
pub(super) struct Group {
    pub(super) label: String,
    pub(super) middle: u32,
    pub(super) bars: Vec<Bar>,
}

/// A bar.
pub(super) struct Bar {
    pub(super) tone: usize,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Middle of the bar, where its number stands.
    pub(super) middle: u32,
    pub(super) text_y: u32,
    /// The number; a dash where there is no data.
    pub(super) number: String,
    /// What of it is written at the bar.
    pub(super) text: String,
    /// Whether that stands inside.
    pub(super) inside: bool,
    /// What the bar says, in words.
    pub(super) words: String,
}

const COMPARED: [Measure; 4] = [
    Measure::InScope,
    Measure::Inspected,
    Measure::Registered,
    Measure::Recognised,
];

/// The charts that say more than their numbers: by year, by kind, by class.
pub(super) fn charts(report: &Report) -> Vec<Chart> {
    let mut charts = Vec::new();
    let any = report.years.iter().any(|year| in_scope(year) > 0);
    if !any {
        return charts;
    }
    charts.push(by_year(report));
    // The latest year that has anything to show.
    if let Some(year) = report.years.iter().rev().find(|year| in_scope(year) > 0) {
        charts.push(by_kind(year));
    }
    charts.extend(by_class(report));
    charts
}

fn in_scope(year: &Year) -> u64 {
    year.total.units_in_scope.value.unwrap_or(0)
}

fn by_year(report: &Report) -> Chart {
    let groups = report.years.iter().map(|year| {
        let mark = if year.total.windows_differ { " *" } else { "" };
        let label = format!("{}{mark}", year.year);
        (label, figures(&year.total))
    });
    let mut chart = side_by_side(groups.collect());
    chart.id = "by-year";
    chart.vi = "Đơn vị theo năm".to_owned();
    chart.en = "Units by year".to_owned();
    chart.windows_differ = report.years.iter().any(|year| year.total.windows_differ);
    chart
}

fn by_kind(year: &Year) -> Chart {
    let kinds = KindAsked::ALL.into_iter().filter_map(|kind| {
        let mut rows = year.rows.iter().filter(|row| row.unit_kind == Some(kind));
        let first = figures(rows.next()?);
        let summed = rows.fold(first, |sum, row| {
            let added = sum.into_iter().zip(figures(row));
            added
                .map(|(one, two)| one.map_or(two, |one| Some(one + two.unwrap_or(0))))
                .collect()
        });
        Some((kind.names().0.to_owned(), summed))
    });
    let mut chart = side_by_side(kinds.collect());
    chart.id = "by-kind";
    chart.vi = format!("Đơn vị theo loại hình, năm {}", year.year);
    chart.en = format!("Units by kind, {}", year.year);
    chart
}

fn figures(row: &Row) -> Vec<Option<u64>> {
    COMPARED.map(|measure| row.figure(measure).value).to_vec()
}

/// Groups of bars beside each other, one for each of [`COMPARED`].
fn side_by_side(groups: Vec<(String, Vec<Option<u64>>)>) -> Chart {
    let most = groups
        .iter()
        .flat_map(|(_, values)| values.iter().flatten());
    let scale = Scale::up_to(most.copied().max().unwrap_or(0));
    let mut chart = Chart::empty(&scale);
    chart.legend = (1..)
        .zip(COMPARED)
        .map(|(tone, measure)| {
            let (vi, en) = measure.names();
            Series {
                tone,
                vi: vi.to_owned(),
                en: en.to_owned(),
            }
        })
        .collect();
    let mut x = LEFT + GAP / 2;
    for (label, values) in groups {
        let start = x;
        let bars = chart.legend.iter().zip(values).map(|(series, value)| {
            let bar = scale.bar(series.tone, x, 0, value, &format!("{label}: {}", series.vi));
            x += BAR;
            bar
        });
        let bars: Vec<Bar> = bars.collect();
        chart.groups.push(Group {
            label,
            middle: u32::midpoint(start, x),
            bars,
        });
        x += GAP;
    }
    chart.width = x;
    chart
}

/// A bar for each year, one part on the other for each label; nothing where nobody has a label.
fn by_class(report: &Report) -> Option<Chart> {
    let labels = report.classes().iter().map(ClassFigure::name);
    let tones: Vec<(String, usize)> = labels.zip((1..TONES).cycle()).collect();
    if tones.is_empty() {
        return None;
    }
    let most = report.years.iter().map(in_scope).max().unwrap_or(0);
    let scale = Scale::up_to(most);
    let mut chart = Chart::empty(&scale);
    chart.id = "by-class";
    chart.vi = "Xếp loại theo năm".to_owned();
    chart.en = "Classification by year".to_owned();
    chart.windows_differ = report.years.iter().any(|year| year.total.windows_differ);
    chart.legend = tones
        .iter()
        .map(|(label, tone)| Series {
            tone: *tone,
            vi: label.clone(),
            en: String::new(),
        })
        .collect();
    chart.legend.push(Series {
        tone: TONES,
        vi: "không có số liệu".to_owned(),
        en: "no data".to_owned(),
    });
    let mut x = LEFT + GAP / 2;
    for year in &report.years {
        let row = &year.total;
        let mut below = 0;
        let mut bars = Vec::new();
        for ((label, tone), class) in tones.iter().zip(&row.classes) {
            let units = class.figure.value.unwrap_or(0);
            bars.push(scale.bar(
                *tone,
                x,
                below,
                Some(units),
                &format!("{}: {label}", year.year),
            ));
            below += units;
        }
        let missing = row
            .classes
            .first()
            .map_or_else(|| in_scope(year), |class| class.figure.no_data);
        bars.push(scale.bar(
            TONES,
            x,
            below,
            Some(missing),
            &format!("{}: không có số liệu", year.year),
        ));
        let mark = if row.windows_differ { " *" } else { "" };
        let label = format!("{}{mark}", year.year);
        chart.groups.push(Group {
            label,
            middle: x + BAR,
            bars: stacked(bars),
        });
        x += 2 * BAR + GAP;
    }
    chart.width = x;
    Some(chart)
}

/// Parts of one bar: twice as wide, the number inside where there is room for it.
fn stacked(bars: Vec<Bar>) -> Vec<Bar> {
    let widened = bars.into_iter().map(|bar| Bar {
        width: 2 * BAR - 4,
        middle: bar.x + BAR - 2,
        text_y: bar.y + bar.height / 2 + 4,
        inside: true,
        text: if bar.height >= 14 {
            bar.text
        } else {
            String::new()
        },
        ..bar
    });
    widened.collect()
}

/// How high a number is.
struct Scale {
    most: u64,
    step: u64,
}

impl Scale {
    /// Up to the next round number.
    fn up_to(most: u64) -> Self {
        let round = (0..18).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        let step = round
            .into_iter()
            .find(|step| step.saturating_mul(5) >= most);
        let step = step.unwrap_or(most);
        Self {
            most: most.div_ceil(step).max(1) * step,
            step,
        }
    }

    fn height(&self, value: u64) -> u32 {
        let share = u128::from(value) * u128::from(HEIGHT) / u128::from(self.most);
        u32::try_from(share).unwrap_or(HEIGHT).min(HEIGHT)
    }

    fn bar(&self, tone: usize, x: u32, below: u64, value: Option<u64>, what: &str) -> Bar {
        let number = value.unwrap_or(0);
        let foot = TOP + HEIGHT - self.height(below);
        let top = TOP + HEIGHT - self.height(below + number);
        let text = value.map_or_else(|| "–".to_owned(), |value| value.to_string());
        Bar {
            tone,
            x,
            y: top,
            width: BAR - 4,
            height: foot - top,
            middle: x + (BAR - 4) / 2,
            text_y: top - 4,
            text: text.clone(),
            inside: false,
            number: text,
            words: value.map_or_else(
                || format!("{what}: không có số liệu"),
                |value| format!("{what}: {value}"),
            ),
        }
    }
}

impl Chart {
    fn empty(scale: &Scale) -> Self {
        let ticks = (0..=scale.most / scale.step).map(|tick| Tick {
            y: TOP + HEIGHT - scale.height(tick * scale.step),
            text: (tick * scale.step).to_string(),
        });
        Self {
            id: "",
            vi: String::new(),
            en: String::new(),
            width: 0,
            height: TOP + HEIGHT + 24,
            legend: Vec::new(),
            ticks: ticks.collect(),
            groups: Vec::new(),
            windows_differ: false,
        }
    }

    /// Where the labels below stand.
    pub(super) fn foot(&self) -> u32 {
        self.height - 6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number_above_the_highest() {
        let ends = [0, 1, 5, 6, 48, 99, 101, 100_000].map(|most| {
            let scale = Scale::up_to(most);
            (scale.most, scale.step)
        });
        assert_eq!(
            ends,
            [
                (1, 1),
                (1, 1),
                (5, 1),
                (6, 2),
                (50, 10),
                (100, 20),
                (150, 50),
                (100_000, 20_000)
            ]
        );
    }

    #[test]
    fn zero_and_no_data_look_different() {
        let scale = Scale::up_to(10);
        let (zero, none) = (
            scale.bar(1, 0, 0, Some(0), "2019"),
            scale.bar(1, 0, 0, None, "2019"),
        );
        assert_eq!((zero.height, zero.number.as_str()), (0, "0"));
        assert_eq!(
            (none.number.as_str(), none.words.as_str()),
            ("–", "2019: không có số liệu")
        );
    }
}
