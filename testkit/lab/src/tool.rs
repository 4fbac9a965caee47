//! Runs system tools and checks that they succeed.

use std::env;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::error::LabError;

/// Returns whether a tool is in `PATH`.
pub(crate) fn installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

/// Runs a tool to its end and returns what it wrote.
pub(crate) fn run(command: &mut Command) -> Result<String, LabError> {
    let output = command.output();
    checked_output(command, output)
}

/// Runs a tool to its end, with `input` on its standard input, and returns what it wrote.
pub(crate) fn feed(command: &mut Command, input: &str) -> Result<String, LabError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.spawn().and_then(|mut process| {
        if let Some(mut stdin) = process.stdin.take() {
            // A tool that ends early reports why on stderr.
            let _ = stdin.write_all(input.as_bytes());
        }
        process.wait_with_output()
    });
    checked_output(command, output).map_err(|error| match error {
        LabError::Tool { command, stderr } => {
            LabError::Tool { command: format!("{command} <<< {}", input.trim_end()), stderr }
        }
        LabError::Unsupported(_)
        | LabError::System { .. }
        | LabError::Unexpected(_)
        | LabError::InvalidFault(_) => error,
    })
}

fn checked_output(command: &Command, output: std::io::Result<Output>) -> Result<String, LabError> {
    let words = || {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    let output = output.map_err(|error| LabError::system(format!("starting `{}`", words()), error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(LabError::Tool { command: words(), stderr: format!("{stderr} ({})", output.status) })
}
