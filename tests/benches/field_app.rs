//! What the officer's app costs in a real browser, with its encrypted book on the browser's own file system and 5,000 units in it: a save, the
//! way from the PIN to a usable list, a search, what a phone has to fetch, and what an hour without news takes.
//!
//! Prints one line of JSON for each figure. The server is there to fill the book, and is not measured.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "a benchmark stops by panicking, prints, and uses a part of what the tests have for browsers"
)]

#[path = "../it/browser/driver.rs"]
mod driver;
#[path = "../it/browser/field_app/place.rs"]
mod place;

use driver::{Browser, Page};
use place::{Place, built};
use serde_json::{Value as Json, json};

const UNITS: usize = 5_000;
const PIN: &str = "mực-tím-2019";

#[tokio::main]
async fn main() {
    sizes();
    let place = Place::start().await.unwrap();
    place.town.fill(&place.colleague, UNITS).await.unwrap();
    let (_, code) = place.officer("lan").await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("lan");
    let tab = place.tab(&browser, &phone);
    tab.visit(&format!("/app/#/enrol/{code}"));
    tab.fill("#pin-first", PIN);
    tab.fill("#pin-second", PIN);
    tab.click("form button[type=submit]");
    tab.wait_for("h1", "Ghi danh");
    let began = std::time::Instant::now();
    tab.click("form button[type=submit]");
    tab.wait_for("a.status", "Đã đồng bộ lúc");
    say(
        "enrol and fetch 5,000 until verified",
        "ms",
        json!(began.elapsed().as_millis()),
    );

    opening(&tab);
    quiet(&place, &tab).await;
    // From here on the worker alone, timed where a page would wait for it.
    tab.go("/app/manifest.webmanifest");
    worker(&tab);
}

fn say(what: &str, unit: &str, figure: Json) {
    println!("{}", json!({"what": what, "unit": unit, "figure": figure}));
}

/// What a phone fetches once, compressed as the server has it.
fn sizes() {
    let mut total = 0;
    let mut files: Vec<_> = std::fs::read_dir(built())
        .unwrap()
        .chain(std::fs::read_dir(built().join("icons")).unwrap())
        .map(Result::unwrap)
        .collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for file in files {
        let path = file.path();
        let name = file.file_name().to_string_lossy().into_owned();
        if path.is_dir() || name.ends_with(".br") || name.ends_with(".gz") {
            continue;
        }
        let small = path.with_file_name(format!("{name}.br"));
        let sent = if small.exists() { small } else { path };
        let bytes = std::fs::metadata(sent).unwrap().len();
        total += bytes;
        say(
            &format!("transfer of {name}"),
            "bytes (brotli)",
            json!(bytes),
        );
    }
    say("transfer of everything", "bytes (brotli)", json!(total));
}

/// From the PIN to a list that can be used.
fn opening(tab: &Page) {
    let mut times: Vec<f64> = (0..12)
        .map(|_| {
            // From another page, so that the app starts from nothing.
            tab.go("/app/manifest.webmanifest");
            tab.visit("/app/#/units");
            tab.wait("input[type=password]");
            tab.fill("input[type=password]", PIN);
            tab.evaluate(
                r#"new Promise((done) => {
                    const began = performance.now();
                    document.querySelector("form button[type=submit]").click();
                    const look = () => document.querySelectorAll("main a[href^='#/unit/']").length > 5 ? done(performance.now() - began) : requestAnimationFrame(look);
                    look();
                })"#,
            )
            .as_f64()
            .unwrap()
        })
        .collect();
    say("PIN to a usable list of 5,000", "ms", spread(&mut times));
}

/// What goes over the line while nothing happens, and what one exchange with nothing new costs.
async fn quiet(place: &Place, tab: &Page) {
    let sum = |carried: sokiem_tests::line::Carried| carried.up + carried.down;
    let before = sum(place.line.carried());
    tab.evaluate("new Promise((done) => setTimeout(done, 150000))");
    let idle = sum(place.line.carried()) - before;
    say(
        "150 seconds without news, page in front",
        "bytes both ways",
        json!(idle),
    );
    let before = sum(place.line.carried());
    tab.evaluate("window.dispatchEvent(new Event('sokiem-sync'))");
    tab.evaluate("new Promise((done) => setTimeout(done, 3000))");
    let exchange = sum(place.line.carried()) - before;
    say(
        "one exchange with nothing new",
        "bytes both ways",
        json!(exchange),
    );
}

fn worker(tab: &Page) {
    let script = r#"(async () => {
        const index = await (await fetch("/app/")).text();
        const at = /name="sokiem-worker" content="\.\/([^"]+)"/.exec(index)[1];
        const worker = new Worker(`/app/${at}`, { type: "module" });
        const asked = new Map();
        let number = 0;
        worker.onmessage = ({ data }) => { if (data.id) { asked.get(data.id)(data); asked.delete(data.id); } };
        const ask = (request) => new Promise((done, fail) => {
            const id = ++number;
            asked.set(id, (data) => data.failure ? fail(new Error(data.failure)) : done(JSON.parse(data.answer)));
            worker.postMessage({ id, request: JSON.stringify(request) });
        });
        await ask({ ask: "unlock", pin: "PIN" });
        const { units } = await ask({ ask: "units", limit: 50 });
        const times = { save: [], search: [], list: [] };
        const timed = async (kind, request) => {
            const began = performance.now();
            const answer = await ask(request);
            times[kind].push(performance.now() - began);
            return answer;
        };
        for (let n = 0; n < 500; n += 1) {
            const document = units[n % 50].document;
            await timed("save", { ask: "edit", operation: crypto.randomUUID(), document, edits: [{ edit: "set", path: "staff", value: n }] });
        }
        for (let n = 0; n < 100; n += 1) {
            await timed("search", { ask: "units", text: ["don vi", "so 4", "thu 12", "ap"][n % 4], limit: 50 });
            await timed("list", { ask: "units", limit: 50 });
        }
        return times;
    })()"#;
    let times = tab.evaluate(&script.replace("PIN", PIN));
    let numbers = |kind: &str| -> Vec<f64> {
        times[kind]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_f64().unwrap())
            .collect()
    };
    say(
        "save durable, at the page",
        "ms",
        spread(&mut numbers("save")),
    );
    say(
        "search in 5,000, at the page",
        "ms",
        spread(&mut numbers("search")),
    );
    say(
        "first 50 of 5,000, at the page",
        "ms",
        spread(&mut numbers("list")),
    );
}

/// Median, 99th percentile, and how many.
fn spread(times: &mut [f64]) -> Json {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| (times[(times.len() - 1) * share / 100] * 10.0).round() / 10.0;
    json!({"median": at(50), "p99": at(99), "most": at(100), "n": times.len()})
}
