//! The command line.
#![allow(rustdoc::bare_urls, clippy::doc_markdown, reason = "the comments are the help texts")]

use amesh_input::Kind;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::net::SocketAddr;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  clean: everything is translated, approximated or left out with a warning at most
  1  something was refused (a diagnostic of severity error), or a service failed
  2  bad usage, or input that cannot be read";

/// xDS in, Apache APISIX configuration out
#[derive(Debug, Parser)]
#[command(name = "amesh", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Translate files to APISIX configuration, and say what is lost
    Translate(TranslateArgs),
    /// Serve files as an xDS control plane (ADS over gRPC), and push what changes in them
    Serve(ServeArgs),
    /// Fetch configuration from an xDS control plane and apply it
    Run(Box<RunArgs>),
    /// Show the main job on the bundled Bookinfo mesh: control plane, fetcher, amesh.wasm, apisix.yaml
    Demo(DemoArgs),
    /// Look for requests that APISIX, with the translation, treats in another way than Envoy
    #[command(after_help = VERIFY_EXIT_CODES)]
    Verify(VerifyArgs),
    /// Show what Envoy and APISIX do with one request, side by side, and why
    Simulate(SimulateArgs),
    /// Explain a diagnostic code, or list them all
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `amesh translate`
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = TRANSLATE_HELP)]
pub(crate) struct TranslateArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Form of the result: a standalone apisix.yaml, or one JSON document
    #[arg(long, value_enum, default_value = "yaml", value_name = "FORM")]
    pub(crate) to: Form,
    /// Write the result to a file instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
}

const TRANSLATE_HELP: &str = "\
What a file is, is found out from its contents:
  bootstrap           an Envoy bootstrap, YAML or JSON; its static_resources are used
  config-dump         Envoy's /config_dump, or what `istioctl proxy-config all -o json` prints
  discovery-response  an xDS response, binary or JSON or YAML
  scenario            {\"listeners\": [..], \"routes\": [..], \"clusters\": [..], \"endpoints\": [..]}
  resource            one resource with \"@type\"
  list                a list of resources, as `istioctl proxy-config listener -o json` prints, or Envoy's
                      /clusters?format=json
Several files make one input. Without any listener in it, all route configurations are used, on every port.

The result goes to standard output, diagnostics go to standard error.

Exit codes:
  0  clean: everything is translated, approximated or left out with a warning at most
  1  something was refused (a diagnostic of severity error)
  2  bad usage, or input that cannot be read";

/// Which files to read, and how.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Files to read; - is standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// What the files are, where it should not be found out
    #[arg(long, value_parser = kinds(), value_name = "KIND")]
    pub(crate) from: Option<Kind>,
    /// Largest file to read, in MiB
    #[arg(long, default_value_t = 200, value_name = "MIB")]
    pub(crate) max_size: u64,
}

/// How to report.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Form of the diagnostics on standard error
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub(crate) format: ReportForm,
    /// Say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

/// Settings of the translator.
#[derive(Clone, Debug, Args)]
pub(crate) struct OptionArgs {
    /// A port that APISIX listens on; may be given several times. With it, listeners on other ports are refused
    #[arg(long, value_name = "PORT")]
    pub(crate) listen_port: Vec<u16>,
    /// Name of this translation in the labels of what it makes
    #[arg(long, default_value = "amesh", value_parser = label, value_name = "NAME")]
    pub(crate) instance: String,
}

const VERIFY_EXIT_CODES: &str = "\
Exit codes:
  0  every difference that was found is declared by a diagnostic
  1  a difference that no diagnostic declares (please report it), or a translation that was refused
  2  bad usage, or input that cannot be read";

/// `amesh verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// At most so many requests
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    pub(crate) requests: usize,
    /// Decides which requests change several things at once
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) seed: u64,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub(crate) format: ReportForm,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
}

/// `amesh simulate`
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The URL to ask for: http://HOST/PATH or http://HOST:PORT/PATH; the path is sent as it is written
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// The method
    #[arg(long, short = 'X', default_value = "GET", value_name = "METHOD")]
    pub(crate) method: String,
    /// A header line, such as 'x-user: jason'; may be given several times
    #[arg(long, short = 'H', value_name = "LINE")]
    pub(crate) header: Vec<String>,
    /// The port that the request arrives at, where it is not the URL's
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Where the connection was made for, IP:PORT, before a packet filter redirected it to --port: a sidecar's requests
    /// come to its outbound port (Istio: 15001) this way
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) original_dst: Option<SocketAddr>,
    /// What chance decides, from 0 to 1: Envoy's random number and nginx's request id
    #[arg(long, default_value_t = 0.5, value_name = "FRACTION")]
    pub(crate) chance: f64,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
}

/// `amesh serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Files of any kind that `translate` reads, or folders of responses (.pb; without any, .json and .yaml)
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// Where to listen; port 0 takes a free one. Plain text, no authentication: loopback or a trusted network
    #[arg(long, default_value = "127.0.0.1:18000", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// What the files are, where it should not be found out
    #[arg(long, value_parser = kinds(), value_name = "KIND")]
    pub(crate) from: Option<Kind>,
    /// Largest file to read, in MiB
    #[arg(long, default_value_t = 200, value_name = "MIB")]
    pub(crate) max_size: u64,
}

/// `amesh run`
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The control plane: http://HOST:PORT, https://HOST:PORT or unix:///PATH
    #[arg(long, value_name = "URL")]
    pub(crate) xds: String,
    /// A running APISIX with amesh.wasm: the URL of its ingest route, such as http://127.0.0.1:9081/amesh. Without it,
    /// amesh.wasm runs in this program and an apisix.yaml is written
    #[arg(long, value_name = "URL", conflicts_with_all = ["out", "listen_port", "instance"])]
    pub(crate) apisix: Option<String>,
    /// File with the token of the ingest route
    #[arg(long, value_name = "FILE", requires = "apisix", value_hint = ValueHint::FilePath)]
    pub(crate) apisix_token_file: Option<PathBuf>,
    /// Tell warnings and information too, not only errors
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) embedded: EmbeddedArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// amesh.wasm in this program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without --apisix")]
pub(crate) struct EmbeddedArgs {
    /// The apisix.yaml to write, for an APISIX in standalone mode
    #[arg(short, long, default_value = "out/apisix.yaml", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) module: ModuleArgs,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
}

/// Who the fetcher says it is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Node")]
pub(crate) struct NodeArgs {
    /// Node id; Istio wants sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.cluster.local, or router~...
    #[arg(long, default_value = "amesh", value_name = "ID")]
    pub(crate) node_id: String,
    /// Node cluster
    #[arg(long, default_value = "amesh", value_name = "NAME")]
    pub(crate) node_cluster: String,
    /// File with node metadata, a JSON or YAML object
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) node_metadata: Option<PathBuf>,
    /// Locality: REGION[/ZONE[/SUBZONE]]
    #[arg(long, default_value = "", hide_default_value = true, value_name = "LOCALITY")]
    pub(crate) locality: String,
}

/// How to reach the control plane.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// File with a token for `authorization: Bearer`; read anew for each connection
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust (PEM), in place of the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca: Option<PathBuf>,
    /// Own certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "key", value_hint = ValueHint::FilePath)]
    pub(crate) cert: Option<PathBuf>,
    /// Key of the own certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// Name that the control plane's certificate must have, where it is not the URL's host
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Largest response to accept, in MiB
    #[arg(long, default_value_t = 200, value_name = "MIB")]
    pub(crate) max_size: u64,
}

/// The module for the embedded host.
#[derive(Debug, Args)]
pub(crate) struct ModuleArgs {
    /// The module to run in the embedded host; by default beside the program, or dist/amesh.wasm
    #[arg(long, env = "AMESH_WASM", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) module: Option<PathBuf>,
}

/// `amesh demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The file to write
    #[arg(short, long, default_value = "out/apisix.yaml", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) module: ModuleArgs,
}

/// `amesh explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code such as AM0103; without one, all are listed
    pub(crate) code: Option<String>,
}

/// A form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// apisix.yaml of APISIX's standalone mode
    Yaml,
    /// One JSON document
    Json,
}

impl From<Form> for amesh_batch::Form {
    fn from(form: Form) -> Self {
        match form {
            Form::Yaml => Self::Yaml,
            Form::Json => Self::Json,
        }
    }
}

/// A form of the diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    let values = Kind::ALL.map(|kind| PossibleValue::new(kind.name()).help(kind.title()));
    PossibleValuesParser::new(values).try_map(|name| Kind::from_name(&name).ok_or("no such kind"))
}

fn label(text: &str) -> Result<String, String> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(valid) {
        return Ok(text.to_owned());
    }
    Err("must be 1 to 64 of A-Z a-z 0-9 - _ .".to_owned())
}
