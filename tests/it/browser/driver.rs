//! Tells a browser what to do: a program of ours with Playwright in it, one line of JSON there and one back.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    rc::Rc,
};

use serde_json::{Value as Json, json};

/// The root of the project.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where pictures and printed pages of a test go, to be looked at.
pub(super) fn kept(name: &str) -> PathBuf {
    let folder = root().join("target/browser");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// The pictures that `docs/desk.md` shows.
const IN_DOCS: &[&str] = &[
    "inbox-1440",
    "inbox-390",
    "record-1440",
    "record-390",
    "changed-768",
    "planning-1440",
    "report-1440",
];

/// A running browser. It ends with the last of its pages.
pub(super) struct Browser(Rc<RefCell<Running>>);

struct Running {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pages: usize,
}

impl Browser {
    /// Starts one, after having seen to it that it is installed.
    pub(super) fn start() -> Self {
        let setup = Command::new(root().join("scripts/setup"))
            .arg("browser")
            .output()
            .unwrap();
        assert!(
            setup.status.success(),
            "scripts/setup browser: {}",
            String::from_utf8_lossy(&setup.stderr)
        );
        let installed = root()
            .canonicalize()
            .unwrap()
            .join("target/foreign/browser");
        let mut child = Command::new("node")
            .arg(root().join("tests/foreign/browser/browser.mjs"))
            .arg(installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self(Rc::new(RefCell::new(Running {
            commands: child.stdin.take(),
            child,
            answers,
            pages: 0,
        })))
    }

    /// A page in a profile of its own, at a server.
    pub(super) fn page(&self, server: &str) -> Page {
        self.open(server, true)
    }

    /// The same where no script runs.
    pub(super) fn page_without_scripts(&self, server: &str) -> Page {
        self.open(server, false)
    }

    /// A page of a browser whose profile lies in this folder, as on a phone: pages of one profile are tabs of one browser.
    pub(super) fn page_of(
        &self,
        profile: &std::path::Path,
        server: &str,
        size: (u32, u32),
    ) -> Page {
        let (width, height) = size;
        let profile = profile.to_string_lossy();
        self.begin(json!({"base": server, "profile": profile, "width": width, "height": height}))
    }

    fn open(&self, server: &str, javascript: bool) -> Page {
        self.begin(json!({"base": server, "javascript": javascript}))
    }

    fn begin(&self, how: Json) -> Page {
        let name = {
            let mut running = self.0.borrow_mut();
            running.pages += 1;
            format!("page-{}", running.pages)
        };
        let page = Page {
            browser: Rc::clone(&self.0),
            name,
        };
        page.tell("open", how);
        page
    }
}

impl Running {
    /// Blocks until the browser has done it. The server under test runs on other threads meanwhile.
    fn tell(&mut self, command: &Json) -> Json {
        tokio::task::block_in_place(|| {
            let commands = self.commands.as_mut().unwrap();
            writeln!(commands, "{command}").unwrap();
            let mut line = String::new();
            self.answers.read_line(&mut line).unwrap();
            serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("the browser said {line:?}: {error}"))
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input tells it to close.
        self.commands = None;
        let _ = self.child.wait();
    }
}

/// One page. Everything panics when it can't be done, and leaves a picture of the page where it went wrong.
pub(super) struct Page {
    browser: Rc<RefCell<Running>>,
    name: String,
}

impl Page {
    fn tell(&self, what: &str, mut command: Json) -> Json {
        command["do"] = what.into();
        command["page"] = self.name.as_str().into();
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("test").replace("::", "-");
        let picture = kept(&format!("failed-{test}.png"));
        command["picture"] = picture.to_string_lossy().into();
        let answer = self.browser.borrow_mut().tell(&command);
        if let Some(error) = answer["error"].as_str() {
            panic!("{error}\nsee {}", picture.display());
        }
        answer["value"].clone()
    }

    /// Goes to an address of the server; the status of the answer and where that was in the end.
    pub(super) fn go(&self, path: &str) -> (u64, String) {
        let answer = self.tell("go", json!({"path": path}));
        let status = answer["status"].as_u64().unwrap();
        (status, answer["url"].as_str().unwrap().to_owned())
    }

    /// Goes to a page that has to be there.
    pub(super) fn visit(&self, path: &str) {
        let (status, url) = self.go(path);
        assert_eq!(status, 200, "{path}");
        assert!(
            !url.contains("/sign-in") || path.contains("/sign-in"),
            "{path} led to {url}"
        );
    }

    /// Signs in by the page for it, and looks at nothing yet.
    pub(super) fn sign_in(&self, login: &str, password: &str) {
        self.visit("/sign-in");
        self.fill("input[name=login]", login);
        self.fill("input[name=password]", password);
        self.follow("main button");
        assert!(!self.url().contains("/sign-in"), "{}", self.url());
    }

    /// Makes the window so wide.
    pub(super) fn resize(&self, width: u32) {
        self.tell("resize", json!({"width": width}));
    }

    /// Makes the window so large.
    pub(super) fn resize_to(&self, width: u32, height: u32) {
        self.tell("resize", json!({"width": width, "height": height}));
    }

    /// Chooses a radio button or ticks a box, the way a finger does: by what labels it.
    pub(super) fn check(&self, at: &str) {
        self.tell("check", json!({"at": at}));
    }

    /// Waits until nothing like that is there to be seen.
    pub(super) fn wait_gone(&self, at: &str) {
        self.tell("wait_gone", json!({"at": at}));
    }

    /// Gives files to a field that takes them.
    pub(super) fn upload(&self, at: &str, files: &[&std::path::Path]) {
        let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        self.tell("upload", json!({"at": at, "files": files}));
    }

    /// Draws a line on something; the points are parts of its width and height.
    pub(super) fn draw(&self, at: &str, points: &[(f64, f64)]) {
        self.tell("draw", json!({"at": at, "points": points}));
    }

    /// Takes the clock of this page in hand. It goes on by itself until it is put forward.
    pub(super) fn take_clock(&self) {
        self.tell("clock", json!({}));
    }

    /// Puts the clock of this page forward, and what was to happen meanwhile happens.
    pub(super) fn later(&self, ms: u64) {
        self.tell("later", json!({"ms": ms}));
    }

    /// Closes this tab.
    pub(super) fn close(&self) {
        self.tell("close", json!({}));
    }

    /// Kills the browser of this page's profile, with all of its tabs, as a flat battery does.
    pub(super) fn kill(&self) {
        self.tell("kill", json!({}));
    }

    /// Clicks on something that leads to no other page.
    pub(super) fn click(&self, at: &str) {
        self.tell("click", json!({"at": at}));
    }

    /// Clicks on a link or a button and waits for the page that it leads to; its address.
    pub(super) fn follow(&self, at: &str) -> String {
        text(&self.tell("click_and_follow", json!({"at": at})))
    }

    /// Types into a field.
    pub(super) fn fill(&self, at: &str, words: &str) {
        self.tell("fill", json!({"at": at, "text": words}));
    }

    /// Waits until something is there to be seen.
    pub(super) fn wait(&self, at: &str) {
        self.tell("wait", json!({"at": at}));
    }

    /// Waits until something with these words is there to be seen.
    pub(super) fn wait_for(&self, at: &str, words: &str) {
        self.tell("wait", json!({"at": at, "text": words}));
    }

    /// What can be read there, all of it.
    pub(super) fn text(&self, at: &str) -> String {
        let parts = self.tell("text", json!({"at": at}));
        let parts: Vec<String> = parts.as_array().unwrap().iter().map(text).collect();
        parts.join("\n")
    }

    /// What an expression is worth in the page.
    pub(super) fn evaluate(&self, script: &str) -> Json {
        self.tell("evaluate", json!({"script": script}))
    }

    /// Where the page is.
    pub(super) fn url(&self) -> String {
        text(&self.tell("url", json!({})))
    }

    /// The page as it stands, as HTML.
    pub(super) fn source(&self) -> String {
        text(&self.tell("source", json!({})))
    }

    /// Presses keys one after the other.
    pub(super) fn press(&self, keys: &[&str]) {
        self.tell("press", json!({"keys": keys}));
    }

    /// Presses a key and waits for the page that it leads to; its address.
    pub(super) fn press_and_follow(&self, key: &str) -> String {
        text(&self.tell("press_and_follow", json!({"key": key})))
    }

    /// Types where the focus is.
    pub(super) fn type_words(&self, words: &str) {
        self.tell("type", json!({"text": words}));
    }

    /// Goes on with Tab until the focus is there. It has to be visible all the way.
    pub(super) fn tab_to(&self, at: &str) -> u64 {
        let way = self.tell("tab_to", json!({"at": at}));
        assert_eq!(way["unseen"], json!([]), "the focus was not to be seen");
        way["steps"].as_u64().unwrap()
    }

    /// What axe finds wrong for people with other eyes, hands and readers: nothing, or one line each.
    pub(super) fn barriers(&self) -> Vec<String> {
        let found = self.tell("axe", json!({}));
        let line = |one: &Json| {
            let nodes: Vec<String> = one["nodes"].as_array().unwrap().iter().map(text).collect();
            let (impact, id) = (text(&one["impact"]), text(&one["id"]));
            format!(
                "{impact} {id}, {}: {}",
                text(&one["help"]),
                nodes.join(" | ")
            )
        };
        found.as_array().unwrap().iter().map(line).collect()
    }

    /// What makes the page wider than its window: nothing, or what sticks out.
    pub(super) fn overflow(&self) -> Vec<String> {
        let found = self.tell("overflow", json!({}));
        found.as_array().unwrap().iter().map(text).collect()
    }

    /// A picture of the window. Where `SOKIEM_DESK_PICTURES` names a folder of the project, those that the docs show
    /// go there too.
    pub(super) fn picture(&self, name: &str) {
        let file = kept(&format!("{name}.png"));
        let docs = std::env::var("SOKIEM_DESK_PICTURES")
            .ok()
            .map(|folder| root().join(folder));
        let small = docs.map(|folder| folder.join(format!("{name}.webp")));
        let shown = small.filter(|_| IN_DOCS.contains(&name));
        self.tell(
            "picture",
            json!({"file": file.to_string_lossy(), "small": shown}),
        );
    }

    /// Prints the page as a browser does; what is on the paper, page by page.
    pub(super) fn print(&self, name: &str) -> Vec<String> {
        let file = kept(name);
        self.tell("pdf", json!({"file": file.to_string_lossy()}));
        let output = Command::new("pdftotext")
            .args(["-layout", "-enc", "UTF-8"])
            .arg(&file)
            .arg("-")
            .output()
            .unwrap();
        assert!(output.status.success(), "pdftotext {}", file.display());
        let text = String::from_utf8(output.stdout).unwrap();
        // Every page ends with a form feed.
        let mut pages: Vec<String> = text.split('\u{c}').map(str::to_owned).collect();
        pages.pop();
        pages
    }

    /// What went wrong since this was last asked: errors of scripts, messages in the console, dialogs, and whatever
    /// the content security policy stopped.
    pub(super) fn faults(&self) -> Vec<String> {
        let found = self.tell("faults", json!({}));
        found.as_array().unwrap().iter().map(text).collect()
    }

    /// Fails when anything went wrong.
    pub(super) fn expect_no_faults(&self) {
        let faults = self.faults();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
