//! Makes the folder that a server serves at `/app/` out of the compiled pages and worker: JavaScript around both
//! (`wasm-bindgen`), names that follow from the content, the list that the service worker
//! keeps, and each file compressed beside itself. `sokiem-bundle tests` makes one of the core's own tests.

mod compress;
mod glue;
mod names;
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Parser;

use crate::names::Names;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[derive(Parser)]
enum Arguments {
    /// The officer's app.
    App(App),
    /// The core's own tests, for a browser to run.
    Tests(tests::Tests),
}

#[derive(Parser)]
struct App {
    /// The compiled pages.
    #[arg(long)]
    page: PathBuf,
    /// The compiled worker.
    #[arg(long)]
    core: PathBuf,
    /// Files that are served as they are written: `index.html`, `sw.js`, …
    #[arg(long)]
    r#static: PathBuf,
    /// The folder to make.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::App(arguments) => app(&arguments),
        Arguments::Tests(arguments) => tests::make(&arguments),
    }
}

fn app(arguments: &App) -> Result<()> {
    let work = arguments.out.with_extension("work");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)?;
    let page = glue::bind(&arguments.page, "page", &work)?;
    let core = glue::bind(&arguments.core, "core", &work)?;

    let read = |name: &str| std::fs::read_to_string(arguments.r#static.join(name));
    let mut names = Names::default();
    for made in [&page, &core] {
        let wasm = names.add(&format!("{}.wasm", made.name), &made.wasm);
        let script = made
            .script
            .replace(&format!("{}_bg.wasm", made.name), &wasm);
        names.add(&format!("{}.js", made.name), script.as_bytes());
    }
    names.add("app.css", read("app.css")?.as_bytes());
    names.add("worker.js", names.fill(&read("worker.js")?).as_bytes());
    names.add("boot.js", names.fill(&read("boot.js")?).as_bytes());

    let mut plain: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    plain.insert(
        "index.html".to_owned(),
        names.fill(&read("index.html")?).into(),
    );
    plain.insert(
        "manifest.webmanifest".to_owned(),
        read("manifest.webmanifest")?.into(),
    );
    for icon in icons(&arguments.r#static)? {
        let bytes = std::fs::read(arguments.r#static.join(&icon))?;
        plain.insert(icon, bytes);
    }
    let kept: Vec<&str> = names
        .all()
        .chain(plain.keys().map(String::as_str))
        .collect();
    let version = names::version(
        names
            .all()
            .map(str::as_bytes)
            .chain(plain.values().map(Vec::as_slice)),
    );
    let sw = read("sw.js")?
        .replace("%version%", &version)
        .replace("\"%files%\"", &list(&kept));
    plain.insert("sw.js".to_owned(), sw.into());

    let new = arguments.out.with_extension("new");
    let _ = std::fs::remove_dir_all(&new);
    for (name, bytes) in names
        .files()
        .chain(plain.iter().map(|(name, bytes)| (name.as_str(), bytes)))
    {
        write(&new.join(name), bytes)?;
    }
    let _ = std::fs::remove_dir_all(&arguments.out);
    std::fs::rename(&new, &arguments.out)?;
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

/// The pictures that stand for the app on a home screen.
fn icons(folder: &Path) -> Result<Vec<String>> {
    let mut icons = Vec::new();
    for entry in std::fs::read_dir(folder.join("icons"))? {
        icons.push(format!("icons/{}", entry?.file_name().to_string_lossy()));
    }
    icons.sort();
    Ok(icons)
}

/// As a JavaScript list; the names have nothing that would need an escape.
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)?;
    compress::beside(path, bytes)
}
