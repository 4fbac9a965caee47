//! Programs that run on hosts.

use std::process::Stdio;

use rejoin_lab::sandbox;

use crate::fixture::{Fixture, quick};

#[test]
fn a_command_becomes_its_program() {
    sandbox::test("programs::a_command_becomes_its_program", || {
        let fixture = Fixture::build(&quick());
        let mut command = fixture.world.a().command("sh");
        command.args(["-c", "echo $$; cat /proc/net/dev"]).stdout(Stdio::piped());
        let process = command.spawn().unwrap();
        let id = process.id();
        let printed = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(printed.lines().next(), Some(id.to_string().as_str()));
        assert!(printed.contains("wifi") && printed.contains("cell"), "{printed}");
    });
}
