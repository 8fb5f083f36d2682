//! The app as another build, or a worse browser, would have it: the folder that was built, with some of its files changed.

use std::path::Path;

use super::place::built;

/// Puts the folder of the app there, with every file whose name begins so changed.
pub(super) fn app(to: &Path, beginning: &str, change: impl Fn(&str) -> String) {
    copy(&built(), to);
    file(to, beginning, change);
}

/// The folder of the app where its worker meets other circumstances: JavaScript that runs before anything of ours.
pub(super) fn with_worker(to: &Path, before: &str) {
    app(to, "worker.", |worker| format!("{before}\n{worker}"));
}

/// Changes the files of a folder whose names begin so. Their compressed forms go.
pub(super) fn file(folder: &Path, beginning: &str, change: impl Fn(&str) -> String) {
    let mut changed = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with(beginning) {
            continue;
        }
        if name.ends_with(".br") || name.ends_with(".gz") {
            std::fs::remove_file(path).unwrap();
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, change(&text)).unwrap();
            changed += 1;
        }
    }
    assert!(changed > 0, "nothing is called {beginning}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
