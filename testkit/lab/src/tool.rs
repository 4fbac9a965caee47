//! Running the system's tools, and believing only those that succeed.

use std::env;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::error::LabError;

/// Returns whether a tool is where programs are looked for.
pub(crate) fn installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

/// Runs a tool to its end and returns what it wrote.
pub(crate) fn run(command: &mut Command) -> Result<String, LabError> {
    let output = command.output();
    told(command, output)
}

/// Runs a tool to its end, with `input` on its standard input, and returns what it wrote.
pub(crate) fn feed(command: &mut Command, input: &str) -> Result<String, LabError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.spawn().and_then(|mut process| {
        if let Some(mut stdin) = process.stdin.take() {
            // A tool that ends early says why itself.
            let _ = stdin.write_all(input.as_bytes());
        }
        process.wait_with_output()
    });
    told(command, output).map_err(|error| match error {
        LabError::Tool { command, complaint } => {
            LabError::Tool { command: format!("{command} <<< {}", input.trim_end()), complaint }
        }
        LabError::Unsupported(_) | LabError::System { .. } | LabError::Untrue(_) | LabError::Senseless(_) => {
            error
        }
    })
}

fn told(command: &Command, output: std::io::Result<Output>) -> Result<String, LabError> {
    let words = || {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    let output = output.map_err(|error| LabError::system(format!("starting `{}`", words()), error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(LabError::Tool { command: words(), complaint: format!("{complaint} ({})", output.status) })
}
