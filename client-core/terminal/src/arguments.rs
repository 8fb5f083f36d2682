//! The command line: what can be said, and its help in both languages.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sokiem_record::{
    attachment::ContentHash,
    id::{AreaId, DocumentId},
    schema::Path,
};

/// Exit codes, documented in the help and in `docs/terminal.md`.
pub(crate) const EXIT_CODES: &str = "\
Mã thoát · Exit codes:
  0  xong · done
  1  lỗi khác · any other failure
  2  lệnh viết sai · wrong usage
  3  máy chưa ghi danh · this device is not enrolled
  4  không tìm thấy · no such record, field, element or state
  5  giá trị hoặc thao tác không hợp lệ · the value or the edit is not valid
  6  có khác biệt cần chốt trước · people differ on this field: settle it first
  7  chưa kết nối được, dữ liệu vẫn nằm trên máy · no connection; everything is kept on the device
  8  máy chủ từ chối · the server refused
  9  kho dữ liệu trên máy có vấn đề · the local store has a problem
  10 sổ đang được chương trình khác mở · another program has the book open
  11 khóa không mở được sổ · the key or passphrase does not open the book
  12 bộ nhớ máy đã đầy, chưa lưu được · the device's storage is full, this was not saved
  13 chữ ký hoặc lịch sử không khớp · a signature or a history is not what it should be";

/// sokiem: the officer's book in a terminal.
#[derive(Debug, Parser)]
#[command(
    name = "sokiem",
    version,
    about = "Sổ kiểm tra dùng được khi không có sóng · The inspection book that works where there is no signal",
    after_help = EXIT_CODES,
    propagate_version = true,
    disable_help_subcommand = false
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Thư mục của sổ · Folder of the book [default: $XDG_DATA_HOME/sokiem]
    #[arg(long, global = true, env = "SOKIEM_BOOK", value_name = "FOLDER")]
    pub(crate) book: Option<PathBuf>,
    /// Tệp chứa cụm mật khẩu của khóa; không có thì hỏi khi cần · File with the key's passphrase; asked for if needed
    #[arg(
        long,
        global = true,
        env = "SOKIEM_PASSPHRASE_FILE",
        value_name = "FILE"
    )]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// In kết quả dạng JSON · Print one JSON value instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Ngôn ngữ của kết quả · Language of the output
    #[arg(long, global = true, env = "SOKIEM_LANGUAGE", value_enum, default_value_t = Language::Vi)]
    pub(crate) language: Language,
}

/// The language of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Tiếng Việt
    Vi,
    /// English
    En,
}

impl Language {
    /// The text in this language.
    pub(crate) fn say<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        match self {
            Language::Vi => vi,
            Language::En => en,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ghi danh máy này bằng mã dùng một lần · Enrol this device with a one-time code
    Enrol {
        /// Địa chỉ máy chủ · The server's address
        server: String,
        /// Mã do lãnh đạo cấp · The code
        code: String,
        /// Tên máy · What to call this device
        #[arg(long, default_value = "sokiem")]
        name: String,
    },
    /// Đồng bộ ngay, cho đến khi hết việc · Sync now, until nothing is left to do
    Sync,
    /// Ở lại và tự đồng bộ trong nền · Stay and sync in the background until stopped
    Watch,
    /// Tình trạng: chờ gửi, bị từ chối, lần đồng bộ gần nhất · What is pending, refused, last verified
    Status,
    /// Địa bàn được giao · The areas in scope
    Areas,
    /// Các đợt kiểm tra · Campaigns
    Campaigns,
    /// Việc được giao · What is assigned, by due date
    Assignments,
    /// Tìm đơn vị, không cần dấu · List or search units; accents don't matter
    Units {
        /// Từ cần tìm · Words to look for
        query: Vec<String>,
        /// Chỉ một địa bàn · One area only
        #[arg(long)]
        area: Option<AreaId>,
        /// Nhiều nhất bao nhiêu dòng · At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Ghi nhận một đơn vị mới · Record a unit that is not in the book yet
    NewUnit {
        /// Tên đơn vị · Its name
        name: String,
        /// Địa bàn · Its area
        #[arg(long)]
        area: AreaId,
        /// Loại: agency, enterprise, school
        #[arg(long)]
        kind: String,
        /// Trường khác, viết tên=giá trị · Other fields as name=value
        #[arg(long = "field", value_name = "NAME=VALUE")]
        fields: Vec<String>,
    },
    /// Tìm biên bản kiểm tra · List or search inspections
    Inspections {
        /// Từ cần tìm · Words to look for
        query: Vec<String>,
        /// Chỉ một đơn vị · Of one unit
        #[arg(long)]
        unit: Option<DocumentId>,
        /// Chỉ một đợt · Of one campaign
        #[arg(long)]
        campaign: Option<DocumentId>,
        /// Nhiều nhất bao nhiêu dòng · At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Mở kiểm tra một đơn vị, theo đợt hoặc đột xuất · Begin or continue an inspection
    Open {
        /// Đơn vị · The unit
        unit: DocumentId,
        /// Đợt kiểm tra · The campaign
        #[arg(
            long,
            conflicts_with = "criteria",
            required_unless_present = "criteria"
        )]
        campaign: Option<DocumentId>,
        /// Bộ tiêu chí cho kiểm tra đột xuất, MÃ@phiên-bản · Criteria set of an unplanned visit, CODE@version
        #[arg(long)]
        criteria: Option<String>,
    },
    /// Xem một hồ sơ · Show a record
    Show {
        /// Hồ sơ · The record
        record: DocumentId,
    },
    /// Ghi một trường; `null` để xóa trống · Set a field; `null` clears it
    Set {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Trường, ví dụ items/KTC-01/answer · The field
        path: Path,
        /// Giá trị · The value
        value: String,
        /// Lý do · Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Viết vào một trường văn bản gộp được · Write merging text, such as a note
    Note {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Trường, ví dụ items/KTC-01/note · The field
        path: Path,
        /// Nội dung · The text
        text: String,
        /// Viết tiếp thay vì thay thế · Append instead of replace
        #[arg(long)]
        append: bool,
    },
    /// Thêm một phần tử, ví dụ vụ việc, kiến nghị · Add an element: incidents, recommendations, team …
    Add {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Tập hợp · The collection
        collection: String,
        /// Các trường, viết tên=giá trị · Fields as name=value
        #[arg(required = true, value_name = "NAME=VALUE")]
        fields: Vec<String>,
    },
    /// Thêm một tồn tại cần khắc phục · Attach a finding
    Finding {
        /// Biên bản · The inspection
        record: DocumentId,
        /// Nội dung · What was found
        text: String,
        /// Mã tiêu chí · The criterion
        #[arg(long)]
        item: Option<String>,
        /// Biện pháp khắc phục · The remedy
        #[arg(long)]
        remedy: Option<String>,
        /// Người chịu trách nhiệm · Who is to put it right
        #[arg(long)]
        owner: Option<String>,
        /// Thời hạn khắc phục YYYY-MM-DD · Deadline
        #[arg(long)]
        deadline: Option<String>,
    },
    /// Gạch bỏ một phần tử (vẫn còn trong hồ sơ) · Strike an element out; it stays in the record
    Remove {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Phần tử, ví dụ findings/<mã> · The element
        path: Path,
        /// Lý do · Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Ký và kiểm: ai đã ký phiên bản nào, sau đó có gì thay đổi · Who signed what, and what changed since
    Verify {
        /// Hồ sơ · The record
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        record: Option<DocumentId>,
        /// Mọi hồ sơ trên máy · Every record on this device
        #[arg(long)]
        all: bool,
    },
    /// Khóa của sổ: xem, đặt cụm mật khẩu, đổi khóa · The book's key: status, passphrase, renewal
    Key {
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Báo đã kiểm tra xong và ký bằng thiết bị · Say that the visit is complete, signed by the device
    Finish {
        /// Biên bản · The inspection
        record: DocumentId,
    },
    /// Các chỗ hai người ghi khác nhau · Where people recorded different values
    Conflicts {
        /// Hồ sơ; không có thì tất cả · One record, or all
        record: Option<DocumentId>,
    },
    /// Chốt một chỗ khác nhau · Settle a difference
    Settle {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Trường · The field
        path: Path,
        /// Giá trị được chốt · The value that holds
        value: String,
        /// Lý do · Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Ai đã ghi gì, khi nào · Who set what, when
    History {
        /// Hồ sơ · The record
        record: DocumentId,
    },
    /// Khác nhau giữa hai thời điểm của hồ sơ · The difference between two states
    Difference {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Mã thay đổi đầu (nhiều mã cách nhau dấu phẩy) · Heads of the first state, joined by commas
        from: String,
        /// Mã thay đổi sau; không có thì hiện tại · Heads of the second state; the present one if left out
        to: Option<String>,
    },
    /// Ảnh và bản quét · Photos and scans
    #[command(subcommand)]
    Photo(Photo),
    /// Những thay đổi bị từ chối và lý do · What was refused, and why
    Refused {
        /// Xem, xuất ra tệp hay bỏ một thay đổi; không có thì liệt kê · Show, export or dismiss; the list if left out
        #[command(subcommand)]
        act: Option<Refused>,
    },
    /// Xuất toàn bộ sổ ra JSON · Export everything as JSON
    Export {
        /// Tệp; không có thì in ra màn hình · A file, or standard output
        file: Option<PathBuf>,
    },
}

/// What to do about refused changes.
#[derive(Debug, Subcommand)]
pub(crate) enum Refused {
    /// Xem một thay đổi bị từ chối · Show one
    Show {
        /// Mã thay đổi, hoặc phần đầu của mã · The change's hash, or its beginning
        change: String,
    },
    /// Xuất phần bị từ chối và chưa gửi ra tệp để bàn làm việc nhập · Export what was refused or never sent, for the desk to import
    Export {
        /// Tệp; không có thì in ra màn hình · A file, or standard output
        file: Option<PathBuf>,
    },
    /// Bỏ một thay đổi bị từ chối khỏi máy này · Take one off this device for good
    Dismiss {
        /// Mã thay đổi, hoặc phần đầu của mã · The change's hash, or its beginning
        change: String,
    },
}

/// What to do with photos.
#[derive(Debug, Subcommand)]
pub(crate) enum Photo {
    /// Thêm ảnh hoặc bản quét vào hồ sơ; dữ liệu ẩn trong tệp được gỡ ra · Add a photo or scan; hidden data is taken out of the file
    Add {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Nơi đặt: items/KTC-01, findings/<mã> hoặc signatures/<mã> · Where it goes
        place: String,
        /// Tệp JPEG, PNG, WebP hoặc PDF · The file
        file: PathBuf,
        /// Chú thích · A line about it
        #[arg(long)]
        caption: Option<String>,
        /// Thu nhỏ đến cạnh dài nhất (điểm ảnh) · Scale down to this longest side, in pixels
        #[arg(long)]
        longest_side: Option<u32>,
    },
    /// Ảnh của một hồ sơ, hoặc những ảnh chưa gửi · Photos of a record, or those not sent yet
    List {
        /// Hồ sơ · The record
        record: Option<DocumentId>,
    },
    /// Lấy một ảnh ra tệp, tải về nếu chưa có trên máy · Write a photo to a file, fetching it if it is not here
    Get {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Mã tệp · Its hash
        hash: ContentHash,
        /// Tệp ghi ra · The file to write
        file: PathBuf,
    },
    /// Bỏ một ảnh đã bị từ chối khỏi máy này · Take a refused photo off this device
    Dismiss {
        /// Hồ sơ · The record
        record: DocumentId,
        /// Mã tệp · Its hash
        hash: ContentHash,
    },
}

/// What to do with the book's key.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Khóa nằm ở đâu, có cụm mật khẩu hay không · Where the key lies, and whether under a passphrase
    Status,
    /// Đặt hoặc đổi cụm mật khẩu; sổ không bị ghi lại · Set or change the passphrase; the book stays as it is
    Passphrase {
        /// Tệp chứa cụm mật khẩu mới; không có thì hỏi · File with the new one; asked for if left out
        #[arg(long, value_name = "FILE", conflicts_with = "none")]
        new_passphrase_file: Option<PathBuf>,
        /// Bỏ cụm mật khẩu · Do without a passphrase
        #[arg(long)]
        none: bool,
    },
    /// Mã hóa lại sổ bằng khóa mới · Encrypt the book anew under a fresh key
    Renew,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
