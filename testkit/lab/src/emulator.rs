//! A thread that carries frames between two interfaces, later, fewer or in another order, as a real link would.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;
use nix::unistd::gettid;

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::tool;

mod direction;
mod port;
mod traits;

use self::direction::Direction;
use self::port::Port;
pub use self::traits::Carried;
pub(crate) use self::traits::{Passage, Traits};

/// A thread that carries frames between two interfaces; it ends with this value.
#[derive(Debug)]
pub(crate) struct Emulator {
    orders: Sender<Order>,
    bell: Option<UnixStream>,
    thread: Option<JoinHandle<Result<(), LabError>>>,
}

/// What each direction is told, or has done: from the first interface to the second, and back.
pub(crate) type Both<T> = [T; 2];

/// What the thread is asked; it answers on the enclosed channel.
#[derive(Debug)]
enum Order {
    Become(Both<Traits>, Sender<()>),
    Tell(Sender<Both<Carried>>),
}

impl Emulator {
    /// Starts carrying between the interfaces called `names` of a namespace in which nobody else sends.
    pub(crate) fn start(namespace: &Namespace, names: Both<&str>, seed: u64) -> Result<Self, LabError> {
        let pipe = || UnixStream::pair().map_err(|error| LabError::system("a pair of sockets", error));
        let (bell, ear) = pipe()?;
        let (orders, inbox) = channel();
        let (ready, opened) = channel();
        let (namespace, names) = (namespace.clone(), names.map(str::to_owned));
        let run = move || {
            namespace.enter()?;
            let ports = [Port::open(&names[0])?, Port::open(&names[1])?];
            hurry()?;
            // Nobody waits for this any more if the one who started us is gone.
            let _ = ready.send(());
            Loop { ports, directions: [Direction::new(seed), Direction::new(!seed)], inbox, ear }.run()
        };
        let thread = thread::Builder::new().name("emulator".to_owned()).spawn(run);
        let thread = thread.map_err(|error| LabError::system("starting a thread", error))?;
        let mut emulator = Self { orders, bell: Some(bell), thread: Some(thread) };
        match opened.recv() {
            Ok(()) => Ok(emulator),
            Err(_) => Err(emulator.end()),
        }
    }

    /// Changes what happens to frames, and returns when it does.
    pub(crate) fn become_like(&mut self, traits: Both<Traits>) -> Result<(), LabError> {
        let (answer, answered) = channel();
        self.order(Order::Become(traits, answer), &answered)
    }

    /// Returns what was carried so far.
    pub(crate) fn carried(&mut self) -> Result<Both<Carried>, LabError> {
        let (answer, answered) = channel();
        self.order(Order::Tell(answer), &answered)
    }

    fn order<T>(&mut self, order: Order, answered: &Receiver<T>) -> Result<T, LabError> {
        let sent = self.orders.send(order).is_ok();
        let rung = self.bell.as_mut().is_some_and(|bell| bell.write_all(&[0]).is_ok());
        if sent
            && rung
            && let Ok(answer) = answered.recv()
        {
            return Ok(answer);
        }
        Err(self.end())
    }

    /// Ends the thread and returns why it ended.
    fn end(&mut self) -> LabError {
        drop(self.bell.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(()))) | None => LabError::Senseless("the emulator of a link has ended".to_owned()),
            Some(Err(_)) => LabError::Senseless("the emulator of a link panicked".to_owned()),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.end();
    }
}

/// Lets this thread wake as exactly as the machine allows.
fn hurry() -> Result<(), LabError> {
    set_timerslack(1).map_err(|errno| LabError::system("the slack of timers", errno))?;
    // Before everything else on the machine where that is allowed; elsewhere frames are some milliseconds late under load.
    let id = gettid().to_string();
    let _ = tool::run(Command::new("chrt").args(["--fifo", "--pid", "50", &id]));
    Ok(())
}

/// What the thread owns.
struct Loop {
    ports: Both<Port>,
    directions: Both<Direction>,
    inbox: Receiver<Order>,
    ear: UnixStream,
}

impl Loop {
    /// Carries frames until the owner is gone.
    fn run(mut self) -> Result<(), LabError> {
        let beginning = Instant::now();
        loop {
            let [first, second, ear] = self.wait(beginning)?;
            if ear && !self.obey()? {
                return Ok(());
            }
            for (index, readable) in [first, second].into_iter().enumerate() {
                self.take(index, readable, beginning);
                self.give(index, beginning);
            }
        }
    }

    /// Waits until a frame arrives or is due, or an order comes; returns which of the three sockets have something.
    fn wait(&self, beginning: Instant) -> Result<[bool; 3], LabError> {
        let due = self.directions.iter().filter_map(Direction::next_due).min();
        let limit = due.map(|due| TimeSpec::from(due.saturating_sub(beginning.elapsed())));
        let sockets = [self.ports[0].as_fd(), self.ports[1].as_fd(), self.ear.as_fd()];
        let mut asked = sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN));
        match ppoll(&mut asked, limit, None) {
            Ok(_) | Err(Errno::EINTR) => Ok(asked.map(|socket| socket.any().unwrap_or(true))),
            Err(errno) => Err(LabError::system("waiting for frames", errno)),
        }
    }

    /// Does what was ordered; returns false when the owner is gone.
    fn obey(&mut self) -> Result<bool, LabError> {
        // One byte for every order, rung after it was sent.
        match self.ear.read(&mut [0]) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(LabError::system("listening for orders", error)),
        }
        // Whoever gave an order may have gone without waiting for the answer.
        match self.inbox.recv() {
            Ok(Order::Become(traits, answer)) => {
                for (direction, traits) in self.directions.iter_mut().zip(traits) {
                    direction.become_like(traits);
                }
                let _ = answer.send(());
            }
            Ok(Order::Tell(answer)) => {
                let _ = answer.send([self.directions[0].carried(), self.directions[1].carried()]);
            }
            Err(_) => return Ok(false),
        }
        Ok(true)
    }

    fn take(&mut self, index: usize, readable: bool, beginning: Instant) {
        // A bounded number, so that a flood on one side leaves time for the other.
        for _ in 0..if readable { BATCH } else { 0 } {
            let Some(frame) = self.ports[index].receive() else { break };
            self.directions[index].accept(frame, beginning.elapsed());
        }
    }

    fn give(&mut self, index: usize, beginning: Instant) {
        let direction = &mut self.directions[index];
        while let Some(frame) = direction.deliver(beginning.elapsed()) {
            let taken = self.ports[1 - index].send(&frame);
            direction.count_delivery(taken);
        }
    }
}

const BATCH: usize = 64;
