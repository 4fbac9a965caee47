//! Programs that run on hosts.

use std::process::Stdio;

use rejoin_lab::enclosure;

use crate::stage::{Stage, quick};

#[test]
fn a_command_becomes_its_program() {
    enclosure::test("programs::a_command_becomes_its_program", || {
        let stage = Stage::build(&quick());
        let mut command = stage.world.a().command("sh");
        command.args(["-c", "echo $$; cat /proc/net/dev"]).stdout(Stdio::piped());
        let process = command.spawn().unwrap();
        let id = process.id();
        let told = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(told.lines().next(), Some(id.to_string().as_str()));
        assert!(told.contains("wifi") && told.contains("cell"), "{told}");
    });
}
