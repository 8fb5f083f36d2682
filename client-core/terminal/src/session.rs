//! The open book, the transport to its server, and what their errors mean to a person.

use std::path::{Path, PathBuf};

use sokiem_client_core::{
    Book, Enrolment, Error,
    keys::{FileKeys, Kept, KeyStore, PassphraseKeys},
    platform::{SystemClock, SystemRandom},
    sync::{TransportError, http::HttpTransport},
};
use sokiem_record::edit::EditError;
use zeroize::Zeroizing;

use crate::{arguments::Common, failure::Failure, output::Output};

/// The book's file inside its folder.
const FILE: &str = "book.sqlite3";
/// The file with its key.
const KEY_FILE: &str = "book.key";

/// Where the book's key is kept, and how it was opened.
pub(crate) struct Keys {
    pub(crate) file: PathBuf,
    pub(crate) store: Box<dyn KeyStore>,
}

/// Opens the book, and tells where a damaged one was set aside.
pub(crate) fn open(common: &Common, output: &Output) -> Result<(Book, Keys), Failure> {
    let folder = folder(common)?;
    let file = folder.join(KEY_FILE);
    let kept = Kept::at(&file)?;
    let store: Box<dyn KeyStore> =
        if kept == Kept::UnderPassphrase || common.passphrase_file.is_some() {
            let passphrase = passphrase(common.passphrase_file.as_deref(), output)?;
            Box::new(PassphraseKeys::new(&file, passphrase, SystemRandom))
        } else {
            Box::new(FileKeys::new(&file))
        };
    let keys = Keys { file, store };
    let opened = Book::open_with(
        folder.join(FILE),
        keys.store.as_ref(),
        SystemClock,
        SystemRandom,
    )?;
    if let Some(report) = &opened.rescued {
        output.rescued(report);
    }
    Ok((opened.book, keys))
}

/// A passphrase from a file, without the end of its line; asked for where there is no file.
pub(crate) fn passphrase(
    file: Option<&Path>,
    output: &Output,
) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            11,
            format!("không đọc được cụm mật khẩu: {error}"),
            format!("the passphrase can't be read: {error}"),
        )
    };
    let mut text = Zeroizing::new(match file {
        Some(file) => std::fs::read_to_string(file).map_err(failed)?,
        None => rpassword::prompt_password(output.language.say("Cụm mật khẩu: ", "Passphrase: "))
            .map_err(failed)?,
    });
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    if text.is_empty() {
        return Err(Failure::new(
            11,
            "cụm mật khẩu trống",
            "the passphrase is empty",
        ));
    }
    Ok(text)
}

fn folder(common: &Common) -> Result<PathBuf, Failure> {
    match &common.book {
        Some(folder) => Ok(folder.clone()),
        None => default_folder(),
    }
}

/// `$XDG_DATA_HOME/sokiem`, by default `~/.local/share/sokiem`.
fn default_folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|data: PathBuf| Path::join(&data, "sokiem"))
        .ok_or_else(|| {
            Failure::new(
                9,
                "không biết để sổ ở đâu: hãy dùng --book",
                "there is no place for the book: use --book",
            )
        })
}

/// The enrolment and the transport to the server that it names.
pub(crate) fn server(book: &Book) -> Result<(Enrolment, HttpTransport), Failure> {
    let enrolment = book.enrolment()?.ok_or(Error::NotEnrolled)?;
    book.note_app_version(env!("CARGO_PKG_VERSION"))?;
    let transport = HttpTransport::new(&enrolment.server, Some(enrolment.key.clone()))?;
    Ok((enrolment, transport))
}

/// Runs a future to its end; the core owns no runtime.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                1,
                format!("không khởi động được: {error}"),
                format!("can't start: {error}"),
            )
        })?;
    Ok(runtime.block_on(future))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let english = error.to_string();
        match &error {
            Error::NotEnrolled => Failure::new(
                3,
                "máy này chưa ghi danh: hãy dùng `sokiem enrol`",
                "this device is not enrolled: use `sokiem enrol`",
            ),
            Error::OpenElsewhere(_) => {
                Failure::new(10, "sổ đang được chương trình khác mở", english)
            }
            Error::Full(_) => Failure::new(
                12,
                "bộ nhớ máy đã đầy, chưa lưu được lần này; những gì đã lưu trước đó vẫn an toàn. \
                 Hãy giải phóng bớt bộ nhớ rồi lưu lại",
                english,
            ),
            Error::NewerSchema { .. } => Failure::new(
                9,
                "sổ do phiên bản mới hơn ghi: hãy cài phiên bản mới",
                english,
            ),
            Error::WrongKey(file) => Failure::new(
                11,
                format!(
                    "khóa không mở được sổ {}: hãy dùng đúng tệp khóa hoặc cụm mật khẩu của sổ này; sổ vẫn nguyên vẹn",
                    file.display()
                ),
                english,
            ),
            Error::KeyMissing(file) => Failure::new(
                11,
                format!(
                    "có sổ {} nhưng không có khóa: hãy đưa tệp khóa của sổ về chỗ cũ; sổ vẫn nguyên vẹn",
                    file.display()
                ),
                english,
            ),
            Error::WrongPassphrase => Failure::new(11, "cụm mật khẩu không đúng", english),
            Error::KeyFile(_) | Error::KeyStore(_) => {
                Failure::new(11, "không đọc hoặc ghi được tệp khóa của sổ", english)
            }
            Error::NoCipher => Failure::new(
                9,
                "bản cài đặt này không mã hóa được: sổ không được mở",
                english,
            ),
            Error::NoSuchDocument(document) => Failure::not_found(document),
            Error::ReadOnlyArea(_) | Error::ReadOnlyKind(_) => {
                Failure::invalid("hồ sơ này chỉ đọc trên máy này", english)
            }
            Error::ChangeTooLarge(_) => Failure::invalid("nội dung quá lớn: hãy chia nhỏ", english),
            Error::NotAllowed(_) => Failure::invalid(
                "chỉ nhận ảnh JPEG, PNG, WebP nguyên vẹn hoặc tệp PDF",
                english,
            ),
            Error::AttachmentTooLarge(_) => {
                Failure::invalid("tệp quá lớn: nhiều nhất 32 MiB", english)
            }
            Error::NoSuchAttachment(hash) => Failure::not_found(hash),
            Error::NotPlanned(_) => Failure::invalid(
                "chưa mở được kiểm tra: đợt hoặc bộ tiêu chí chưa có trên máy, hãy đồng bộ",
                english,
            ),
            Error::Edit(edit) => of_edit(edit, english),
            Error::Transport(transport) => of_transport(transport, english),
            Error::Answer(_) | Error::Contradiction(_) => Failure::new(
                8,
                "câu trả lời của máy chủ không đọc được; dữ liệu vẫn nằm trên máy",
                english,
            ),
            _ => Failure::new(9, "kho dữ liệu trên máy có vấn đề", english),
        }
    }
}

fn of_edit(edit: &EditError, english: String) -> Failure {
    match edit {
        EditError::NeedsSettling(path) => Failure::new(
            6,
            format!("{path}: nhiều người ghi khác nhau, hãy dùng `sokiem settle`"),
            format!("{path}: people recorded different values, use `sokiem settle`"),
        ),
        EditError::NoSuchField(path) => Failure::no_such_field(path.as_str()),
        EditError::NoSuchElement(path) => Failure::not_found(path),
        EditError::InvalidValue { path, source } => {
            Failure::invalid(format!("{path}: giá trị không hợp lệ ({source})"), english)
        }
        EditError::NothingToSettle(path) => {
            Failure::invalid(format!("{path}: không có gì để chốt"), english)
        }
        EditError::ElementExists(path) => Failure::invalid(format!("{path}: đã có"), english),
        EditError::TooLarge(_) => Failure::invalid(
            "nội dung sửa quá dài cho một lần ghi, hãy ghi làm nhiều lần",
            english,
        ),
        EditError::ReasonTooLong => Failure::invalid("lý do quá dài", english),
        _ => Failure::invalid("không ghi được", english),
    }
}

fn of_transport(transport: &TransportError, english: String) -> Failure {
    match transport {
        TransportError::Refused { detail_vi, .. } => {
            let vi = detail_vi
                .clone()
                .unwrap_or_else(|| "máy chủ từ chối".to_owned());
            Failure::new(8, vi, english)
        }
        _ => Failure::new(
            7,
            "chưa kết nối được máy chủ; mọi thứ vẫn nằm trên máy và sẽ được gửi sau",
            english,
        ),
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let english = error.to_string();
        of_transport(&error, english)
    }
}
