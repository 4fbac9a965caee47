//! Outages as scripts: what the world does on `>` lines, what the machine does about it between them.
//!
//! Every `scripts/*.txt` is played in virtual time and must come out as written;
//! `REJOIN_BLESS=1` writes down what came out, to be judged in the diff.
//! `after 5s` lets time pass, `timeout` until the next deadline; `#2` names a socket or a connection
//! by its generation, and as a session the one that the machine gave to that connection.

#[path = "scripts/play.rs"]
mod play;
#[path = "scripts/policies.rs"]
mod policies;
#[path = "scripts/read.rs"]
mod read;
#[path = "scripts/tell.rs"]
mod tell;

use std::io;
use std::path::Path;

use play::Play;

#[test]
fn every_script_plays_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    scripts.sort();
    let changed: Vec<String> = scripts.iter().filter_map(|path| changed(path).unwrap()).collect();
    assert!(changed.is_empty(), "{}\nREJOIN_BLESS=1 writes down what came out", changed.join("\n"));
}

/// Plays one script and returns how it differs from what is written.
fn changed(path: &Path) -> io::Result<Option<String>> {
    let written = std::fs::read_to_string(path)?;
    let played = match played(&written) {
        Ok(played) => played,
        Err(error) => return Ok(Some(format!("{}: {error}", path.display()))),
    };
    if written == played {
        return Ok(None);
    }
    if std::env::var_os("REJOIN_BLESS").is_some() {
        std::fs::write(path, played)?;
        return Ok(None);
    }
    let lines = || written.lines().zip(played.lines()).enumerate();
    let number = lines().find(|(_, (old, new))| old != new).map_or(0, |(number, _)| number);
    let from = |text: &str| text.lines().skip(number).take(5).collect::<Vec<_>>().join("\n");
    let (old, new) = (from(&written), from(&played));
    Ok(Some(format!("{}:{}\nwritten:\n{old}\nplayed:\n{new}\n", path.display(), number + 1)))
}

/// Returns the script with what the machine really does.
fn played(script: &str) -> Result<String, String> {
    let mut play = Play::new();
    let mut text = String::new();
    for line in script.lines() {
        if let Some(happens) = line.strip_prefix("> ") {
            play.line(happens).map_err(|error| format!("{line}: {error}"))?;
            text += &format!("{line}\n{}", play.outputs());
        } else if line.starts_with('#') || line.is_empty() {
            text += &format!("{line}\n");
        }
    }
    Ok(text)
}
