//! The server binary: `serve`, `check-config`, `admin`.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use sokiem_server::{
    Anchor, Config, Error, Role, backup, check_field_app, config::LogFormat,
    create_account_offline, remove_second_factor_offline, serve, start_epoch_offline, telemetry,
    verify_audit_offline,
};

/// Sổ Kiểm server: sync, enrolment, review and reports.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    settings: Settings,
}

/// Where the configuration comes from, and what overrides it.
#[derive(Args)]
struct Settings {
    /// Configuration file (TOML)
    #[arg(long, env = "SOKIEM_SERVER_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// Flags that win over file and environment.
#[derive(Args, Serialize)]
struct Overrides {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Folder of the database
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Address that devices and browsers use
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    /// Form of log lines
    #[arg(long, global = true)]
    #[serde(skip)]
    log_format: Option<LogFormat>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT
    Serve,
    /// Read the configuration, print what is in force as JSON, and exit
    CheckConfig,
    /// Copy database and attachments into a new folder, whether the server runs or not
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Backup {
        #[command(subcommand)]
        command: Option<BackupCommand>,
        /// The backup's folder; it must not exist
        #[arg(long, required = true)]
        to: Option<PathBuf>,
        /// An earlier backup on the same disk, whose attachments are linked instead of copied
        #[arg(long)]
        like: Option<PathBuf>,
    },
    /// Check a backup, put it in the place of the data folder, and begin a new epoch
    Restore {
        /// The backup's folder
        #[arg(long)]
        from: PathBuf,
        /// Set aside what is in the data folder
        #[arg(long)]
        replace: bool,
    },
    /// Work on the database of a server that is not running
    Admin {
        #[command(subcommand)]
        command: Admin,
    },
}

#[derive(Subcommand)]
enum BackupCommand {
    /// Read every byte of a backup and recompute what it says
    Verify {
        /// The backup's folder
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Make an account; the password is read from standard input
    CreateAccount {
        /// Name to sign in with
        #[arg(long)]
        login: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// What they may do
        #[arg(long, value_enum, default_value = "administrator")]
        role: Role,
    },
    /// Take an account's second factor away, when nobody is left who could on the pages
    RemoveSecondFactor {
        /// Name to sign in with
        #[arg(long)]
        login: String,
    },
    /// Recompute the audit log's chain; fails and names the first row that is not as it was written
    VerifyAudit {
        /// `NUMBER:HASH` from a backup's manifest, the log or an earlier check: shows a cut-off end too
        #[arg(long)]
        anchor: Option<Anchor>,
    },
    /// After a restore from a backup: start a new epoch, so that devices bring back what the backup lacks
    NewEpoch,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("sokiem-server: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The last words of a command that failed. Nobody may be listening any more.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The result of a command. Nobody may be listening any more.
fn print(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A result that programs may read.
fn print_json(value: &impl Serialize) -> Result<(), Error> {
    let shown =
        serde_json::to_string_pretty(value).map_err(|error| Error::BadConfig(error.to_string()))?;
    print(&shown);
    Ok(())
}

fn back_up(
    config: &Config,
    command: Option<BackupCommand>,
    to: Option<PathBuf>,
    like: Option<PathBuf>,
) -> Result<(), Error> {
    if let Some(BackupCommand::Verify { folder }) = command {
        let sound = backup::check(&folder)?;
        print_json(&sound)?;
        return if sound.ok {
            Ok(())
        } else {
            Err(Error::BackupUnsound(sound.faults))
        };
    }
    let to = to.ok_or_else(|| Error::BadConfig("--to: where the backup goes".to_owned()))?;
    let manifest = backup::make_beside(config, &to, like.as_deref())?;
    print_json(&manifest)
}

fn run(cli: Cli) -> Result<(), Error> {
    let mut config = Config::read(cli.settings.config.as_ref(), &cli.settings.overrides)?;
    if let Some(format) = cli.settings.overrides.log_format {
        config.log.format = format;
    }
    if let Command::CheckConfig = cli.command {
        let shown = serde_json::to_string_pretty(&config)
            .map_err(|error| Error::BadConfig(error.to_string()))?;
        if let Some(folder) = &config.field_app.dir {
            check_field_app(folder)?;
        }
        print(&shown);
        return Ok(());
    }
    telemetry::init_logs(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Listen {
            address: config.listen,
            source,
        })?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve => {
                let server = serve(config).await?;
                print(&server.url());
                server.until_signal().await
            }
            Command::CheckConfig => Ok(()),
            Command::Backup { command, to, like } => back_up(&config, command, to, like),
            Command::Restore { from, replace } => {
                let restored = backup::restore(config, &from, replace).await?;
                print_json(&restored)
            }
            Command::Admin {
                command: Admin::NewEpoch,
            } => {
                print(&start_epoch_offline(config).await?.to_string());
                Ok(())
            }
            Command::Admin {
                command: Admin::RemoveSecondFactor { login },
            } => remove_second_factor_offline(config, &login).await,
            Command::Admin {
                command: Admin::VerifyAudit { anchor },
            } => {
                let checked = verify_audit_offline(config, anchor).await?;
                print_json(&checked)?;
                match checked.fault {
                    None => Ok(()),
                    Some(fault) => Err(Error::AuditBroken {
                        row: checked.broken_at.unwrap_or_default(),
                        fault,
                    }),
                }
            }
            Command::Admin {
                command: Admin::CreateAccount { login, name, role },
            } => {
                let mut password = String::new();
                std::io::stdin()
                    .read_to_string(&mut password)
                    .map_err(|error| Error::BadConfig(format!("password: {error}")))?;
                let account = create_account_offline(
                    config,
                    &login,
                    &name,
                    role,
                    password.trim_end_matches(['\r', '\n']),
                )
                .await?;
                print(&account.to_string());
                Ok(())
            }
        }
    })
}
