//! The encrypted book: what lies in its folder, wrong keys, books from before encryption, other keys.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use rusqlite::Connection;
use sokiem_client_core::{
    Book, Error, OpenedBook,
    keys::{BookKey, FileKeys, Kept, KeyStore, MemoryKeys, PassphraseKeys, WrappedKey},
};
use sokiem_record::{edit::Edit, id::DocumentId};

use crate::{
    books::{school, set, sync},
    model::{Server, area},
    platform::{Seeded, TestClock},
};

/// What stands in the records of these tests, and nowhere in a file.
const SECRETS: [&str; 4] = [
    "Trường THCS Đại Điền",
    "0909 123 456",
    "cổng sau không có người trực",
    "CREATE TABLE",
];

fn clock() -> TestClock {
    TestClock::at(1_700_000_000_000)
}

fn key(byte: u8) -> BookKey {
    BookKey::from_bytes([byte; 32])
}

fn open(path: &Path, key: &BookKey) -> Result<OpenedBook, Error> {
    Book::open(path, key, clock(), Seeded::new(3))
}

/// Writes what the tests look for, and says in which unit.
fn fill(book: &Book) -> DocumentId {
    sync(book, &Server::new(&[area(1)]));
    let unit = school(book, area(1), SECRETS[0]);
    let note = Edit::Text {
        path: "notes".parse().unwrap(),
        text: SECRETS[2].to_owned(),
    };
    book.edit(unit, None, &[set("phone", SECRETS[1]), note], None)
        .unwrap();
    unit
}

fn holds_everything(book: &Book, unit: DocumentId) {
    let fields = book.get(unit).unwrap().fields;
    assert_eq!(fields["name"], SECRETS[0]);
    assert_eq!(fields["notes"], SECRETS[2]);
    assert_eq!(book.status().unwrap().pending, 2);
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn readable(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in files(folder) {
        for secret in SECRETS {
            if bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
            {
                found.push(format!("{secret} in {}", path.display()));
            }
        }
    }
    found
}

/// The files as a power cut at this moment would leave them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (path, bytes) in files(from) {
        fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
    }
}

#[test]
fn nothing_of_a_record_can_be_read_in_any_file_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let book = open(&path, &key(1)).unwrap().book;
    let unit = fill(&book);
    let names: Vec<_> = files(folder.path())
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert!(names.len() > 1, "the write-ahead log lies there: {names:?}");
    assert_eq!(readable(folder.path()), [""; 0], "while it is open");
    drop(book);
    assert_eq!(readable(folder.path()), [""; 0], "when it was closed");
    // A damaged page, so that there are a rescued book and one that was set aside.
    let mut content = fs::read(&path).unwrap();
    let last = content.len() - 100;
    content[last] ^= 1;
    fs::write(&path, content).unwrap();
    let opened = open(&path, &key(1)).unwrap();
    assert!(opened.rescued.is_some());
    assert_eq!(readable(folder.path()), [""; 0], "after a rescue");
    // The test itself sees what can be read.
    let plain = folder.path().join("plain.db");
    fill(
        &Book::from_connection(Connection::open(&plain).unwrap(), clock(), Seeded::new(3)).unwrap(),
    );
    assert_eq!(readable(folder.path()).len(), SECRETS.len());
    drop(opened);
    let _ = unit;
}

#[test]
fn a_wrong_key_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open_book = folder.path().join("open");
    let cut = folder.path().join("cut");
    let path = open_book.join("book.db");
    let book = open(&path, &key(1)).unwrap().book;
    let unit = fill(&book);
    copy(&open_book, &cut);
    drop(book);
    // Both as it was closed and as a power cut left it, with a write-ahead log.
    for folder in [&open_book, &cut] {
        let path = folder.join("book.db");
        let before = files(folder);
        match open(&path, &key(2)) {
            Err(Error::WrongKey(file)) => assert_eq!(file, path),
            other => panic!("{other:?}"),
        }
        let after = files(folder);
        assert!(
            before.iter().all(|file| after.contains(file)),
            "not a byte has changed"
        );
        let opened = open(&path, &key(1)).unwrap();
        assert!(opened.rescued.is_none());
        holds_everything(&opened.book, unit);
    }
}

#[test]
fn a_wrong_key_for_a_damaged_book_is_still_a_wrong_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    fill(&open(&path, &key(1)).unwrap().book);
    let mut content = fs::read(&path).unwrap();
    for page in content.chunks_mut(4096).skip(5).step_by(4) {
        page[..512].fill(0x5a);
    }
    fs::write(&path, &content).unwrap();
    assert!(matches!(open(&path, &key(2)), Err(Error::WrongKey(_))));
    assert_eq!(fs::read(&path).unwrap(), content);
    let report = open(&path, &key(1)).unwrap().rescued.unwrap();
    assert!(report.enrolment, "{report:?}");
}

#[test]
fn damage_in_the_first_page_is_told_from_a_wrong_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let unit = fill(&open(&path, &key(1)).unwrap().book);
    let sound = fs::read(&path).unwrap();
    // What SQLCipher calls the salt follows from the key.
    let mut content = sound.clone();
    content[..16].fill(0x5a);
    fs::write(&path, &content).unwrap();
    let opened = open(&path, &key(1)).unwrap();
    assert!(opened.rescued.is_none());
    holds_everything(&opened.book, unit);
    drop(opened);
    for damaged in [16, 2_000, 4_095] {
        let mut content = sound.clone();
        content[damaged] ^= 1;
        fs::write(&path, &content).unwrap();
        let report = open(&path, &key(1)).unwrap().rescued.unwrap();
        assert_eq!(fs::read(report.set_aside).unwrap(), content);
    }
}

fn plain_book(path: &Path) -> DocumentId {
    fill(&Book::from_connection(Connection::open(path).unwrap(), clock(), Seeded::new(3)).unwrap())
}

#[test]
fn a_book_from_before_encryption_is_encrypted_and_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let unit = plain_book(&path);
    assert!(!readable(folder.path()).is_empty());
    let keys = MemoryKeys::default();
    let opened = Book::open_with(&path, &keys, clock(), Seeded::new(3)).unwrap();
    assert!(opened.rescued.is_none());
    holds_everything(&opened.book, unit);
    drop(opened);
    assert_eq!(readable(folder.path()), [""; 0]);
    assert_eq!(files(folder.path()).len(), 1);
    let key = keys.load().unwrap().unwrap();
    holds_everything(&open(&path, &key).unwrap().book, unit);
}

#[test]
fn an_encryption_that_was_interrupted_is_done_again_or_finished() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.db");
    let unit = plain_book(&plain);
    let sealed = folder.path().join("sealed.db");
    fs::copy(&plain, &sealed).unwrap();
    drop(open(&sealed, &key(1)).unwrap());
    let half = b"half a file".to_vec();
    let (plain, sealed) = (fs::read(plain).unwrap(), fs::read(sealed).unwrap());
    let states: [&[(&str, &Vec<u8>)]; 4] = [
        &[("book.db", &plain), ("book.db.sealing", &half)],
        &[("book.db", &plain), ("book.db.sealed", &sealed)],
        &[("book.db.plain", &plain), ("book.db.sealed", &sealed)],
        &[("book.db", &sealed), ("book.db.plain", &plain)],
    ];
    for (number, state) in states.iter().enumerate() {
        let folder = folder.path().join(number.to_string());
        fs::create_dir(&folder).unwrap();
        for (name, content) in *state {
            fs::write(folder.join(name), content).unwrap();
        }
        let opened = open(&folder.join("book.db"), &key(1)).unwrap();
        assert!(opened.rescued.is_none());
        holds_everything(&opened.book, unit);
        drop(opened);
        assert_eq!(readable(&folder), [""; 0], "state {number}");
        assert_eq!(files(&folder).len(), 1, "state {number}");
    }
}

#[test]
fn a_damaged_book_from_before_encryption_is_rescued_and_its_remains_are_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    plain_book(&path);
    let mut content = fs::read(&path).unwrap();
    let pages = content.len() / 4096;
    content[(pages - 1) * 4096..].fill(0x5a);
    fs::write(&path, &content).unwrap();
    let opened = open(&path, &key(1)).unwrap();
    let aside = opened.rescued.unwrap().set_aside;
    assert_eq!(readable(folder.path()), [""; 0]);
    // What was set aside comes out again byte for byte.
    let keeper = Connection::open(aside).unwrap();
    key(1).unlock(&keeper).unwrap();
    let kept: Vec<u8> = keeper
        .query_row(
            "SELECT bytes FROM set_aside WHERE file = 'book'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, content);
}

#[test]
fn a_book_whose_key_is_gone_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let keys = FileKeys::new(folder.path().join("keys/book.key"));
    let unit = fill(
        &Book::open_with(&path, &keys, clock(), Seeded::new(3))
            .unwrap()
            .book,
    );
    let key = keys.load().unwrap().unwrap();
    keys.erase().unwrap();
    let before = fs::read(&path).unwrap();
    for _ in 0..2 {
        let again = Book::open_with(&path, &keys, clock(), Seeded::new(3));
        assert!(matches!(again, Err(Error::KeyMissing(_))));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    keys.store(&key).unwrap();
    let book = Book::open_with(&path, &keys, clock(), Seeded::new(3))
        .unwrap()
        .book;
    holds_everything(&book, unit);
}

/// A store that fails, or takes a picture of the folder at the moment at which the new key is safe.
#[derive(Default)]
struct Watched {
    keys: MemoryKeys,
    picture: Mutex<Option<(PathBuf, PathBuf)>>,
    full: bool,
}

impl KeyStore for Watched {
    fn load(&self) -> Result<Option<BookKey>, Error> {
        self.keys.load()
    }

    fn store(&self, key: &BookKey) -> Result<(), Error> {
        if self.full {
            return Err(Error::KeyStore(std::io::ErrorKind::StorageFull.into()));
        }
        self.keys.store(key)?;
        if let Some((from, to)) = &*self.picture.lock().unwrap() {
            copy(from, to);
        }
        Ok(())
    }

    fn erase(&self) -> Result<(), Error> {
        self.keys.erase()
    }
}

#[test]
fn another_key_keeps_everything_and_the_old_one_no_longer_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let keys = MemoryKeys::default();
    let book = open(&path, &key(1)).unwrap().book;
    let unit = fill(&book);
    book.rekey(&keys, &key(2)).unwrap();
    assert_eq!(keys.load().unwrap(), Some(key(2)));
    holds_everything(&book, unit);
    book.edit(unit, None, &[set("staff", 7)], None).unwrap();
    drop(book);
    assert_eq!(files(folder.path()).len(), 1);
    assert!(matches!(open(&path, &key(1)), Err(Error::WrongKey(_))));
    let book = open(&path, &key(2)).unwrap().book;
    assert_eq!(book.get(unit).unwrap().fields["staff"], 7);
}

#[test]
fn a_change_of_key_that_was_interrupted_leaves_one_whole_book_under_either_key() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let path = here.join("book.db");
    let book = open(&path, &key(1)).unwrap().book;
    let unit = fill(&book);
    let keys = Watched::default();
    *keys.picture.lock().unwrap() = Some((here.clone(), there.clone()));
    book.rekey(&keys, &key(2)).unwrap();
    drop(book);
    // The power went when the new key was stored, or just before.
    for number in [1, 2] {
        let cut = folder.path().join(format!("cut {number}"));
        copy(&there, &cut);
        assert!(matches!(
            open(&cut.join("book.db"), &key(3)),
            Err(Error::WrongKey(_))
        ));
        let opened = open(&cut.join("book.db"), &key(number)).unwrap();
        assert!(opened.rescued.is_none());
        holds_everything(&opened.book, unit);
        drop(opened);
        assert_eq!(files(&cut).len(), 1, "nothing is left over");
    }
}

#[test]
fn a_key_that_could_not_be_stored_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let book = open(&path, &key(1)).unwrap().book;
    let unit = fill(&book);
    let keys = Watched {
        full: true,
        ..Watched::default()
    };
    assert!(matches!(
        book.rekey(&keys, &key(2)),
        Err(Error::KeyStore(_))
    ));
    holds_everything(&book, unit);
    drop(book);
    holds_everything(&open(&path, &key(1)).unwrap().book, unit);
    assert_eq!(files(folder.path()).len(), 1);
}

fn under(passphrase: &str, path: &Path) -> PassphraseKeys {
    PassphraseKeys::new(path, passphrase.to_owned().into(), Seeded::new(9))
}

#[test]
fn a_passphrase_opens_the_key_and_another_one_only_wraps_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (
        folder.path().join("book.db"),
        folder.path().join("book.key"),
    );
    let first = under("cây đa giếng nước", &file);
    let unit = fill(
        &Book::open_with(&path, &first, clock(), Seeded::new(3))
            .unwrap()
            .book,
    );
    assert_eq!(Kept::at(&file).unwrap(), Kept::UnderPassphrase);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let key = first.load().unwrap().unwrap();
    let (book, wrapped) = (fs::read(&path).unwrap(), fs::read_to_string(&file).unwrap());
    for secret in ["cây đa", &format!("{:02x}", key.as_bytes()[0]).repeat(32)] {
        assert!(!wrapped.contains(secret));
    }
    assert!(matches!(
        under("cây đa", &file).load(),
        Err(Error::WrongPassphrase)
    ));
    assert!(matches!(
        FileKeys::new(&file).load(),
        Err(Error::WrongPassphrase)
    ));
    let second = under("sân đình", &file);
    second.store(&key).unwrap();
    assert!(matches!(first.load(), Err(Error::WrongPassphrase)));
    assert_eq!(fs::read(&path).unwrap(), book, "the book is as it was");
    let opened = Book::open_with(&path, &second, clock(), Seeded::new(3)).unwrap();
    holds_everything(&opened.book, unit);
}

#[test]
fn an_altered_key_file_opens_with_no_passphrase() {
    let wrapped = WrappedKey::wrap(&key(7), "mật khẩu", &Seeded::new(1)).unwrap();
    assert_eq!(wrapped.unwrap("mật khẩu").unwrap(), key(7));
    let json = serde_json::to_value(&wrapped).unwrap();
    for (field, value) in [
        ("passes", serde_json::json!(1)),
        ("memory_kib", serde_json::json!(4_096)),
        ("salt", serde_json::json!("00".repeat(16))),
        ("nonce", serde_json::json!("00".repeat(24))),
        ("sealed", serde_json::json!("00".repeat(48))),
    ] {
        let mut altered = json.clone();
        altered[field] = value;
        let altered: WrappedKey = serde_json::from_value(altered).unwrap();
        assert!(
            matches!(altered.unwrap("mật khẩu"), Err(Error::WrongPassphrase)),
            "{field}"
        );
    }
    for (field, value) in [
        ("memory_kib", 4_000_000_000_u32),
        ("passes", 1_000),
        ("v", 2),
    ] {
        let mut greedy = json.clone();
        greedy[field] = value.into();
        let greedy: WrappedKey = serde_json::from_value(greedy).unwrap();
        assert!(
            matches!(greedy.unwrap("mật khẩu"), Err(Error::KeyFile(_))),
            "{field}"
        );
    }
}
