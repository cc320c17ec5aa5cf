//! From the command line to a server that serves, in the order in which things must happen.
//!
//! Configuration, background, log, then everything that starts threads. Clients are let in before the dataset is loaded, and
//! are told `-LOADING` until it is.

mod banner;
pub(crate) mod process;
mod users;

use crate::cli::{self, Launch};
use crate::clock::SystemClock;
use crate::config::load::{Loaded, RawLine, Sources, load};
use crate::config::{Settings, rows};
use crate::host::{Parts, Server};
use crate::logging::{Log, Role};
use crate::net::Plan;
use crate::replication::position_of;
use crate::sentinel::Sentinel;
use crate::{cron, memory, signals, sys};
use redan_engine::{Clock, Engine, EngineOptions, condition};
use redan_replication::ReplId;
use redan_replication::replica::io::Position;
use redan_scripting::{LogLevel, Scripting, ScriptingOptions};
use std::path::Path;
use std::sync::Arc;

/// Threads that run commands besides the workers: the cron, the loader, the replication and Sentinel drivers, the
/// append-only file, the main thread, and as many again in reserve.
const OTHER_THREADS: usize = 12;

/// What scripts may always take, however little `maxmemory` is, bytes.
const LEAST_SCRIPT_MEMORY: u64 = 64 << 20;

/// Runs the server until it ends; returns the exit code if it does not even start.
pub fn run(launch: &Launch, sentinel: bool, dir: &Path) -> i32 {
    let (loaded, driver) = match read_configuration(launch, sentinel, dir) {
        Ok(read) => read,
        Err(report) => {
            eprintln!("{report}");
            return 1;
        }
    };
    if loaded.settings.get(rows::DAEMONIZE)
        && let Err(error) = sys::daemon::go_to_background()
    {
        eprintln!("Can't go to the background: {error}");
        return 1;
    }
    let log = match start_log(&loaded.settings, sentinel) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("Can't start the log: {error}");
            return 1;
        }
    };
    match serve(loaded, driver, launch, &log) {
        Ok(never) => match never {},
        Err(reason) => {
            log.fatal(&reason);
            1
        }
    }
}

/// Prints what is wrong with the system; returns the exit code.
pub fn check_system() -> i32 {
    let findings = cli::check_system(|path| std::fs::read_to_string(path).ok());
    let mut code = 0;
    for (name, result) in findings {
        match result {
            Ok(()) => println!("[{name}]...OK"),
            Err(problem) => {
                println!("[{name}]...WARNING:\n{problem}");
                code = 1;
            }
        }
    }
    code
}

/// What is configured; for a Sentinel, also what it remembers.
fn read_configuration(
    launch: &Launch,
    sentinel: bool,
    dir: &Path,
) -> Result<(Loaded, Option<Sentinel>), String> {
    let sources = Sources {
        file: launch.file.clone(),
        stdin: launch.stdin,
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        arguments: launch.options.clone(),
        sentinel,
    };
    let loaded = load(&sources, &dir.to_string_lossy(), &mut std::io::stdin().lock());
    let loaded = loaded.map_err(|error| error.to_string())?;
    users::check(&loaded, sentinel).map_err(|error| error.to_string())?;
    if !sentinel {
        return Ok((loaded, None));
    }
    if launch.file.is_none() && loaded.sentinel.is_empty() {
        return Err("Sentinel needs config file on disk in order to save state. Exiting...".to_owned());
    }
    let driver = Sentinel::new(&loaded, launch.file.as_deref(), dir).map_err(|error| error.to_string())?;
    Ok((loaded, Some(driver)))
}

fn start_log(settings: &Settings, sentinel: bool) -> std::io::Result<Log> {
    let name = settings.get(rows::LOGFILE);
    let file = (!name.is_empty()).then(|| Path::new(settings.get(rows::DIR)).join(name));
    let role = if sentinel { Role::Sentinel } else { Role::Master };
    let log = Log::start(file.clone(), settings.get(rows::LOGLEVEL), role)?;
    log.install();
    if settings.get(rows::CRASH_LOG_ENABLED) {
        sys::crash::install(file.as_deref())?;
    }
    Ok(log)
}

/// Whoever configures something to keep data or keep strangers out must not get a server without it.
fn refuse_what_is_missing(settings: &Settings) -> Result<(), String> {
    let wanted = [
        (
            settings.get(rows::CLUSTER_ENABLED),
            "cluster-enabled is on, but cluster mode is",
            "set 'cluster-enabled no'",
        ),
        (settings.get(rows::TLS_PORT) != 0, "tls-port is set, but TLS is", "set 'tls-port 0'"),
        (
            settings.get(rows::TLS_REPLICATION),
            "tls-replication is on, but TLS is",
            "set 'tls-replication no'",
        ),
    ];
    match wanted.into_iter().find(|(wanted, ..)| *wanted) {
        Some((_, what, instead)) => Err(format!("{what} not available yet: {instead}. Exiting.")),
        None => Ok(()),
    }
}

fn serve(
    loaded: Loaded,
    driver: Option<Sentinel>,
    launch: &Launch,
    log: &Log,
) -> Result<std::convert::Infallible, String> {
    let sentinel = driver.is_some();
    memory::join_thread();
    banner::greet(launch, sentinel);
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut settings = loaded.settings;
    process::prepare(&mut settings)?;
    refuse_what_is_missing(&settings)?;
    let engine = make_engine(&settings, &loaded.renamed_commands, sentinel)?;
    let plan = Plan::of(&settings);
    let server = Server::new(Parts {
        engine,
        sentinel: driver,
        config_file: launch.file.clone(),
        log: log.clone(),
        settings,
    });
    server.load_users(&loaded.users)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .map_err(|error| format!("Can't make an event loop: {error}"))?;
    runtime.block_on(live(server, plan))
}

fn make_engine(settings: &Settings, renames: &[RawLine], sentinel: bool) -> Result<&'static Engine, String> {
    let rename = |line: &RawLine| match line.words.as_slice() {
        [from, to] => Some((from.clone(), to.clone())),
        _ => None,
    };
    let mut id = [0; 20];
    fastrand::fill(&mut id);
    let clock = Arc::new(SystemClock::default());
    let options = EngineOptions {
        commands: redan_commands::all(),
        renames: renames.iter().filter_map(rename).collect(),
        sentinel,
        databases: settings.get(rows::DATABASES) as u32,
        threads: settings.get(rows::IO_THREADS) as usize + OTHER_THREADS,
        seed: fastrand::u64(..),
        log: Arc::new(redan_replication::Log::new(ReplId::from_random(id))),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
    };
    let engine = Engine::new(options).map_err(|error| format!("rename-command: {error}"))?;
    if !sentinel {
        engine.set_scripts(Arc::new(scripting(&engine, clock, settings)));
    }
    // It lives as long as the process: snapshots on threads of their own borrow its keyspace.
    Ok(Box::leak(Box::new(engine)))
}

/// What runs scripts. An interpreter may take half of the memory there is, or all of `maxmemory`.
fn scripting(engine: &Engine, clock: Arc<dyn Clock>, settings: &Settings) -> Scripting {
    let maxmemory = settings.get(rows::MAXMEMORY).bytes_of(memory::limit());
    let most = if maxmemory > 0 { maxmemory.max(LEAST_SCRIPT_MEMORY) } else { memory::limit() / 2 };
    Scripting::new(ScriptingOptions {
        clock,
        watch: Arc::clone(engine.script_watch()),
        log: Arc::new(|level, text| match level {
            LogLevel::Debug => tracing::trace!("{text}"),
            LogLevel::Verbose => tracing::debug!("{text}"),
            LogLevel::Notice => tracing::info!("{text}"),
            LogLevel::Warning => tracing::warn!("{text}"),
        }),
        deprecated_api: settings.get(rows::LUA_ENABLE_DEPRECATED_API),
        memory_limit: usize::try_from(most).unwrap_or(usize::MAX),
    })
}

/// The life of the main thread: it accepts connections and hears signals.
async fn live(server: Arc<Server>, plan: Plan) -> Result<std::convert::Infallible, String> {
    let settings = server.config().load();
    let no_threads = |error: std::io::Error| format!("Can't start threads: {error}");
    if !server.is_sentinel() {
        server.engine().conditions().put(condition::LOADING, true);
    }
    server.net().start_workers(&server, settings.get(rows::IO_THREADS) as usize).map_err(no_threads)?;
    server.net().open(&server, &plan).map_err(|error| error.to_string())?;
    if plan.port == 0 && plan.unix.is_none() {
        return Err("Configured to not listen anywhere, exiting.".to_owned());
    }
    signals::handle(Arc::clone(&server)).map_err(no_threads)?;
    process::write_pid_file(&settings);
    banner::show(&settings, server.is_sentinel());
    process::set_title(&settings);
    cron::start(&server).map_err(no_threads)?;
    server.replication().start(&server);
    if !server.is_sentinel() {
        server.aof().start(&server).map_err(no_threads)?;
    }
    if let Some(sentinel) = server.sentinel_driver() {
        sentinel.start(&server).map_err(no_threads)?;
    }
    let loading = Arc::clone(&server);
    std::thread::Builder::new()
        .name("loader".to_owned())
        .spawn(move || load_dataset(&loading, &plan))
        .map_err(no_threads)?;
    std::future::pending().await
}

/// Loads the append-only file, or the snapshot. Returns where replication stood.
fn load_files(server: &Arc<Server>) -> Result<Option<Position>, String> {
    if server.config().peek().get(rows::APPENDONLY) {
        let failed = |()| "Fatal error loading the append only file, check server logs. Exiting.".to_owned();
        return server.aof().load_at_start(server).map_err(failed);
    }
    let report = server.persist().load_at_start(server).map_err(|error| {
        error.log();
        "Fatal error loading the DB, check server logs. Exiting.".to_owned()
    })?;
    Ok(report.and_then(|report| position_of(&report.replication()?)))
}

/// Loads the dataset and lets clients at it.
fn load_dataset(server: &Arc<Server>, plan: &Plan) {
    memory::join_thread();
    memory::start();
    server.note_startup_memory();
    if !server.is_sentinel() {
        tracing::info!("Server initialized");
        let loaded = load_files(server);
        let opened = loaded.and_then(|history| {
            server.replication().on_loaded(history, || {
                server.persist().log_expired_at_start();
                server.aof().open_loaded(server)
            })
        });
        if let Err(reason) = opened {
            server.log().fatal(&reason);
            std::process::exit(1);
        }
        let alone = server.engine().gate().enter_alone();
        server.engine().conditions().put(condition::LOADING, false);
        server.aof().after_start(server);
        drop(alone);
    }
    if plan.port != 0 {
        tracing::info!("Ready to accept connections tcp");
    }
    if plan.unix.is_some() {
        tracing::info!("Ready to accept connections unix");
    }
    process::tell_ready(&server.config().load());
}
