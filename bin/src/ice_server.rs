//! Parses the STUN and TURN servers of `--ice-server`.

use anyhow::{Result, bail};

use rejoin::IceServer;

/// The credentials for TURN servers without a user.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credentials<'a> {
    /// The user name.
    pub(crate) username: Option<&'a str>,
    /// The credential.
    pub(crate) credential: Option<&'a str>,
}

/// Returns the server in `text`; a user and password before `@` take precedence over `credentials`.
///
/// # Errors
/// Fails if the scheme is unknown, or the host, user or password is missing.
pub(crate) fn parse(text: &str, credentials: Credentials<'_>) -> Result<IceServer> {
    let Some((scheme, rest)) = text.split_once(':') else {
        bail!("\"{text}\" is not a STUN or TURN server; write stun:host:port or turn:user:password@host:port")
    };
    let relays = match scheme {
        "stun" | "stuns" => false,
        "turn" | "turns" => true,
        other => bail!("\"{other}:\" is not a scheme of ICE servers; known: stun, stuns, turn, turns"),
    };
    // From the right: a password may contain @, a host may not.
    let (user, address) = match rest.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, rest),
    };
    if address.is_empty() || address.starts_with(':') {
        bail!("an ICE server names no host; write {scheme}:host:port")
    }
    let (username, credential) = match user.map(|user| user.split_once(':')) {
        Some(Some((name, password))) => (name.to_owned(), password.to_owned()),
        Some(None) => {
            bail!("{scheme}:{address} has a user and no password; write {scheme}:user:password@{address}")
        }
        None if relays => (owned(credentials.username), owned(credentials.credential)),
        None => (String::new(), String::new()),
    };
    if relays && username.is_empty() {
        bail!(
            "{scheme}:{address} has no user; write {scheme}:user:password@{address}, \
             or give --ice-username and --ice-credential"
        )
    }
    Ok(IceServer { urls: vec![format!("{scheme}:{address}")], username, credential })
}

fn owned(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Credentials<'_> = Credentials { username: Some("ann"), credential: Some("secret") };

    #[test]
    fn credentials_before_the_host_take_precedence() {
        let server = parse("turn:bob:p@ss:word@relay.example:3478?transport=udp", ANN).unwrap();
        assert_eq!(server.urls, ["turn:relay.example:3478?transport=udp"]);
        assert_eq!((server.username.as_str(), server.credential.as_str()), ("bob", "p@ss:word"));
    }

    #[test]
    fn other_credentials_are_for_turn_only() {
        assert_eq!(parse("turns:relay.example", ANN).unwrap().username, "ann");
        assert_eq!(parse("stun:stun.example:3478", ANN).unwrap().username, "");
    }

    #[test]
    fn errors_name_the_remedy_and_no_password() {
        for (text, remedy) in [
            ("relay.example", "stun:host:port"),
            ("http://relay.example", "known: stun"),
            ("turn:relay.example", "--ice-username"),
            ("turn:bob@relay.example", "turn:user:password@relay.example"),
            ("turn:bob:secret@", "names no host"),
        ] {
            let refusal = parse(text, Credentials::default()).unwrap_err().to_string();
            assert!(refusal.contains(remedy) && !refusal.contains("secret"), "{text}: {refusal}");
        }
    }
}
