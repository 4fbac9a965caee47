//! `rejoin serve` as a process.

use crate::process::Process;

#[test]
fn prints_its_address_as_one_line() {
    let (mut server, url) = Process::serve();
    let port: u16 = url.strip_prefix("ws://127.0.0.1:").unwrap().parse().unwrap();
    assert_ne!(port, 0);
    drop(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
    #[cfg(unix)]
    server.signal(rustix::process::Signal::TERM);
    #[cfg(unix)]
    assert_eq!(server.end().code(), Some(0));
    #[cfg(unix)]
    assert!(server.stdout.rest().is_empty());
}

#[test]
fn a_port_in_use_is_a_failed_run_that_names_it() {
    let (_server, url) = Process::serve();
    let address = url.trim_start_matches("ws://");
    let mut second = Process::start(&["serve", "--listen", address]);
    let message = second.stderr.with(address);
    assert!(message.contains("choose a free port"), "{message}");
    assert_eq!(second.end().code(), Some(1));
}

#[test]
fn ends_with_its_parent_when_told_to() {
    let mut server = Process::start(&["serve", "--listen", "127.0.0.1:0", "--until-stdin-closes"]);
    server.stdout.next("the address");
    server.close_stdin();
    assert_eq!(server.end().code(), Some(0));
}
