//! Tables of Markdown.

/// A table with these headings.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(headings.to_vec());
    out += &format!("|{}\n", "---|".repeat(headings.len()));
    for row in rows {
        out += &line(row.iter().map(String::as_str).collect());
    }
    out
}

/// A time as people read it.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 10.0 => format!("{seconds:.1} s"),
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds if seconds >= 0.1 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{:.1} ms", seconds * 1e3),
    }
}

/// Bytes as people read them.
pub(super) fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e6 => format!("{:.2} MB", bytes / 1e6),
        bytes if bytes >= 1e4 => format!("{:.0} KB", bytes / 1e3),
        bytes if bytes >= 1e3 => format!("{:.1} KB", bytes / 1e3),
        bytes => format!("{bytes:.0} B"),
    }
}

/// A factor as people read it.
pub(super) fn times(factor: f64) -> String {
    match factor {
        factor if factor >= 10.0 => format!("{factor:.0} ×"),
        factor => format!("{factor:.1} ×"),
    }
}
