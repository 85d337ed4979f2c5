//! The command line.

use crate::input::Kind;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
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
    #[arg(long, value_enum, value_name = "KIND")]
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

/// A form of the diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

fn label(text: &str) -> Result<String, String> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(valid) {
        return Ok(text.to_owned());
    }
    Err("must be 1 to 64 of A-Z a-z 0-9 - _ .".to_owned())
}
