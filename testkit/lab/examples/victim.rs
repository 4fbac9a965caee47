//! A lab that waits to be ended, in the way that its argument names: `returns` or `panics`, after a line on its input.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use rejoin_lab::{Topology, World, sandbox};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if !sandbox::is_inside() {
        let status = sandbox::enter(&arguments)?;
        return if status.success() { Ok(()) } else { Err(status.to_string().into()) };
    }
    sandbox::set_up()?;
    let world = World::build(&Topology { rtt: Duration::ZERO, ..Topology::default() })?;
    // Programs that would outlive a lab that ends only itself.
    for host in [world.a(), world.b(), world.signaling()] {
        host.command("sleep").arg("infinity").spawn()?;
    }
    writeln!(io::stdout(), "ready")?;
    io::stdin().read_line(&mut String::new())?;
    assert!(arguments.first().is_none_or(|way| way != "panics"), "as asked");
    Ok(())
}
