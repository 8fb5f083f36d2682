//! `make demo`: starts a server with an embedded database in a fresh folder, lives through six years of a
//! made-up district with real devices, prints the review report, and stays up.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "showing is what this program is for"
)]

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use sokiem_server::{Config, Role, config::FieldApp, serve};
use sokiem_tests::{
    Result,
    demo::{district::OFFICERS, report, setup, story},
    desk::Desk,
};

/// Where the build leaves the officer's app, seen from the root of the repository.
const BUILT: &str = "target/field-app";

/// Trình diễn Sổ Kiểm · The demonstration of Sổ Kiểm
#[derive(Debug, Parser)]
struct Arguments {
    /// In báo cáo rồi thoát · Print the report and exit
    #[arg(long)]
    once: bool,
    /// In báo cáo dạng JSON · Print the report as one JSON object
    #[arg(long)]
    json: bool,
    /// Địa chỉ máy chủ; cổng 0 là cổng trống bất kỳ · Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Ứng dụng của cán bộ, do scripts/field-app build dựng; không ghi thì lấy target/field-app nếu có · The officer's
    /// app as scripts/field-app build made it; without this target/field-app, if it is there
    #[arg(long, value_name = "DIR", env = "SOKIEM_FIELD_APP")]
    field_app: Option<PathBuf>,
}

impl Arguments {
    /// The folder of the officer's app. One that was named has to be there; the usual one may be missing.
    fn field_app(&self) -> Option<PathBuf> {
        let usual = || {
            let folder = PathBuf::from(BUILT);
            folder.join("index.html").exists().then_some(folder)
        };
        self.field_app.clone().or_else(usual)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("demo: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let progress = |text: &str| eprintln!("[{:5.1} s] {text}", began.elapsed().as_secs_f64());
    let folder = tempfile::Builder::new().prefix("sokiem-demo-").tempdir()?;
    let field_app = arguments.field_app();
    let has_field_app = field_app.is_some();
    let config = Config {
        listen: arguments.listen,
        data_dir: folder.path().join("server"),
        // There is no TLS in front of this server; it holds nothing but made-up records.
        secure_cookies: false,
        field_app: FieldApp { dir: field_app },
        ..Config::default()
    };
    progress("máy chủ khởi động · the server starts");
    let server = serve(config).await?;
    let base = server.url();
    server
        .create_account(
            "quantri",
            "Quản trị mô phỏng",
            Role::Administrator,
            setup::PASSWORD,
        )
        .await?;
    let administrator = Desk::sign_in(&base, "quantri", setup::PASSWORD).await?;
    progress("lập địa bàn, tài khoản, ghi danh 6 máy · areas, accounts, 6 devices enrolled");
    let town = setup::town(&base, administrator, folder.path()).await?;
    let played = story::play(&town, &progress).await?;
    progress(&format!(
        "xong: {} đơn vị, {} lượt kiểm tra, {} chỗ khác nhau đã chốt, {} biên bản trả lại · done",
        played.units, played.inspections, played.settled, played.returned
    ));
    let computed = story::report(&town).await?;
    if arguments.json {
        println!("{computed}");
    } else {
        report::lines(&computed)
            .iter()
            .for_each(|line| println!("{line}"));
    }
    if !arguments.once {
        stay(&town, folder.path(), has_field_app).await?;
    }
    server.stop().await?;
    Ok(())
}

/// Prints how to get in, and waits until somebody presses Ctrl-C.
async fn stay(town: &setup::Town, folder: &std::path::Path, has_field_app: bool) -> Result<()> {
    eprintln!();
    eprintln!("Máy chủ đang chạy · the server is up: {}", town.base);
    eprintln!(
        "  lãnh đạo · supervisor       lanhdao / {}",
        setup::PASSWORD
    );
    eprintln!(
        "  quản trị · administrator    quantri / {}",
        setup::PASSWORD
    );
    eprintln!(
        "  báo cáo · report             {}/report?from=2014&to=2019",
        town.base
    );
    if has_field_app {
        open_app(town).await?;
    }
    // The first and the last officer share a commune: with both books open, differences can be tried.
    for officer in [0, OFFICERS.len() - 1] {
        let account = town.accounts.get(officer).ok_or("no such account")?;
        let code = town.supervisor.enrolment_code(*account).await?;
        let number = officer + 1;
        eprintln!(
            "  cán bộ {number} · officer {number}         cargo run -q -p sokiem -- --book /tmp/so-{number} enrol {} {code}",
            town.base
        );
    }
    eprintln!(
        "  sổ của các máy · the devices' books: {}",
        folder.display()
    );
    eprintln!("Ctrl-C để dừng · to stop");
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Prints where the officer's app is, and a link for the first officer.
async fn open_app(town: &setup::Town) -> Result<()> {
    eprintln!("  sổ trên điện thoại · the app  {}/app/", town.base);
    let account = town.accounts.first().ok_or("no such account")?;
    let link = town.supervisor.enrolment_link(*account).await?;
    eprintln!("  ghi danh cán bộ 1 · officer 1 {link}");
    Ok(())
}
