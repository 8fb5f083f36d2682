//! Bars and lines as SVG, on a logarithmic scale: what is compared differs by factors, not by amounts.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 70.0;
const COLOURS: [&str; 6] = [
    "#0b6e4f", "#c1666b", "#4a6fa5", "#8a6bbe", "#b08d2f", "#5b6770",
];

/// A group of bars: what it is about, and a bar for each name that has a value.
pub type Group = (String, Vec<(String, f64)>);
/// A line: its name, and its points.
pub type Series = (String, Vec<(f64, f64)>);

/// The powers of ten around some values.
fn decades(values: impl Iterator<Item = f64>) -> (i32, i32) {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| *value > 0.0) {
        (least, most) = (least.min(value), most.max(value));
    }
    if least > most {
        return (0, 1);
    }
    #[expect(clippy::cast_possible_truncation, reason = "powers of ten are small")]
    let (low, high) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    (low, high.max(low + 1))
}

fn begin(title: &str, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text x=\"16\" y=\"24\" font-size=\"16\" font-weight=\"bold\">{}</text>\n",
        escaped(title)
    )
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, what: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222\">{}</text>",
        escaped(what)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn colour(names: &[String], name: &str) -> &'static str {
    let at = names.iter().position(|known| known == name).unwrap_or(0);
    COLOURS
        .get(at % COLOURS.len())
        .copied()
        .unwrap_or("#000000")
}

fn legend(out: &mut String, names: &[String], y: f64) {
    let mut x = LEFT;
    for name in names {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"11\" height=\"11\" fill=\"{}\"/>",
            y - 10.0,
            colour(names, name)
        );
        text(out, (x + 16.0, y), "start", name);
        #[expect(clippy::cast_precision_loss, reason = "names are short")]
        let length = name.chars().count() as f64;
        x += 34.0 + 7.0 * length;
    }
}

/// A number as people read it, with its unit's own precision.
pub fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value if value >= 0.01 => format!("{value:.3}"),
        value => format!("{value:.5}"),
    }
}

/// Bars that lie beside each other, shorter is better.
pub fn bars(title: &str, unit: &str, names: &[String], groups: &[Group]) -> String {
    let (bar, gap) = (15.0, 14.0);
    let rows: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few dozen bars")]
    let height = 92.0 + bar * rows as f64 + gap * groups.len() as f64;
    let values = groups
        .iter()
        .flat_map(|(_, bars)| bars.iter().map(|(_, value)| *value));
    let (low, high) = decades(values);
    let scale = |value: f64| {
        let share = (value.log10() - f64::from(low)) / f64::from(high - low);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    };
    let mut out = begin(title, height);
    legend(&mut out, names, 46.0);
    for decade in low..=high {
        let x = scale(10_f64.powi(decade));
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"58\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>",
            height - 24.0
        );
        text(
            &mut out,
            (x, height - 8.0),
            "middle",
            &format!("{} {unit}", 10_f64.powi(decade)),
        );
    }
    let mut y = 66.0;
    for (group, bars) in groups {
        #[expect(clippy::cast_precision_loss, reason = "a few bars")]
        let middle = y + bar * bars.len() as f64 / 2.0 + 4.0;
        text(&mut out, (LEFT - 8.0, middle), "end", group);
        for (name, value) in bars {
            let to = scale(*value).max(LEFT + 2.0);
            let _ = writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                to - LEFT,
                bar - 2.0,
                colour(names, name)
            );
            text(&mut out, (to + 5.0, y + 11.0), "start", &short(*value));
            y += bar;
        }
        y += gap;
    }
    out.push_str("</svg>\n");
    out
}

/// Lines over sizes, both scales logarithmic.
pub fn lines(title: &str, across: &str, unit: &str, series: &[Series]) -> String {
    let height = 420.0;
    let (top, bottom) = (66.0, height - 48.0);
    let points = || series.iter().flat_map(|(_, points)| points.iter());
    let (left, right) = decades(points().map(|(x, _)| *x));
    let (low, high) = decades(points().map(|(_, y)| *y));
    let place = |(x, y): (f64, f64)| {
        let across = (x.log10() - f64::from(left)) / f64::from(right - left);
        let up = (y.log10() - f64::from(low)) / f64::from(high - low);
        (
            70.0 + across * (WIDTH - 140.0),
            bottom - up * (bottom - top),
        )
    };
    let mut out = begin(title, height);
    let names: Vec<String> = series.iter().map(|(name, _)| name.clone()).collect();
    legend(&mut out, &names, 46.0);
    for decade in low..=high {
        let (_, y) = place((10_f64.powi(left), 10_f64.powi(decade)));
        let _ = writeln!(
            out,
            "<line x1=\"70\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>",
            WIDTH - 70.0
        );
        text(
            &mut out,
            (64.0, y + 4.0),
            "end",
            &format!("{} {unit}", 10_f64.powi(decade)),
        );
    }
    for decade in left..=right {
        let (x, _) = place((10_f64.powi(decade), 10_f64.powi(low)));
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#eeeeee\"/>"
        );
        text(
            &mut out,
            (x, bottom + 18.0),
            "middle",
            &format!("{}", 10_f64.powi(decade)),
        );
    }
    text(&mut out, (WIDTH / 2.0, height - 10.0), "middle", across);
    for (name, points) in series {
        let placed: Vec<(f64, f64)> = points.iter().map(|point| place(*point)).collect();
        let path: Vec<String> = placed
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let colour = colour(&names, name);
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for ((x, y), (_, value)) in placed.iter().zip(points) {
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
            text(&mut out, (*x, y - 7.0), "middle", &short(*value));
        }
    }
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_every_bar_and_no_hostile_name_acts() {
        let names = ["ours".to_owned(), "<b>".to_owned()];
        let groups = [(
            "push".to_owned(),
            vec![(names[0].clone(), 0.4), (names[1].clone(), 52.0)],
        )];
        let chart = bars("Push", "s", &names, &groups);
        assert_eq!(chart.matches("<rect").count(), 1 + 2 + 2);
        assert!(!chart.contains("<b>"));
        let chart = lines(
            "Growth",
            "documents",
            "ms",
            &[("push".to_owned(), vec![(1e3, 2.0), (1e6, 2.5)])],
        );
        assert_eq!(chart.matches("<circle").count(), 2);
    }
}
