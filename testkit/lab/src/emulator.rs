//! A thread that carries frames between two interfaces, later, fewer or in another request, as a real link would.

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
mod properties;

use self::direction::Direction;
use self::port::Port;
pub use self::properties::Carried;
pub(crate) use self::properties::{Passage, Properties};

/// A thread that carries frames between two interfaces; it ends with this value.
#[derive(Debug)]
pub(crate) struct Emulator {
    requests: Sender<Request>,
    waker: Option<UnixStream>,
    thread: Option<JoinHandle<Result<(), LabError>>>,
}

/// A value per direction: from the first interface to the second, and back.
pub(crate) type Both<T> = [T; 2];

/// What the thread is asked; it answers on the is_inside channel.
#[derive(Debug)]
enum Request {
    Set(Both<Properties>, Sender<()>),
    Report(Sender<Both<Carried>>),
}

impl Emulator {
    /// Starts carrying between the interfaces called `names` of a namespace in which nothing else sends.
    pub(crate) fn start(namespace: &Namespace, names: Both<&str>, seed: u64) -> Result<Self, LabError> {
        let pipe = || UnixStream::pair().map_err(|error| LabError::system("a pair of sockets", error));
        let (waker, wakeup) = pipe()?;
        let (requests, queue) = channel();
        let (ready, opened) = channel();
        let (namespace, names) = (namespace.clone(), names.map(str::to_owned));
        let run = move || {
            namespace.enter()?;
            let ports = [Port::open(&names[0])?, Port::open(&names[1])?];
            raise_priority()?;
            // The owner may be gone.
            let _ = ready.send(());
            Loop { ports, directions: [Direction::new(seed), Direction::new(!seed)], queue, wakeup }.run()
        };
        let thread = thread::Builder::new().name("emulator".to_owned()).spawn(run);
        let thread = thread.map_err(|error| LabError::system("starting a thread", error))?;
        let mut emulator = Self { requests, waker: Some(waker), thread: Some(thread) };
        match opened.recv() {
            Ok(()) => Ok(emulator),
            Err(_) => Err(emulator.end()),
        }
    }

    /// Changes the properties of the link, and returns when they apply.
    pub(crate) fn set_properties(&mut self, properties: Both<Properties>) -> Result<(), LabError> {
        let (answer, answered) = channel();
        self.request(Request::Set(properties, answer), &answered)
    }

    /// Returns the counters so far.
    pub(crate) fn carried(&mut self) -> Result<Both<Carried>, LabError> {
        let (answer, answered) = channel();
        self.request(Request::Report(answer), &answered)
    }

    fn request<T>(&mut self, request: Request, answered: &Receiver<T>) -> Result<T, LabError> {
        let sent = self.requests.send(request).is_ok();
        let rung = self.waker.as_mut().is_some_and(|waker| waker.write_all(&[0]).is_ok());
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
        drop(self.waker.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(()))) | None => LabError::InvalidFault("the emulator of a link has ended".to_owned()),
            Some(Err(_)) => LabError::InvalidFault("the emulator of a link panicked".to_owned()),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.end();
    }
}

/// Lets this thread wake up as precisely as the machine allows.
fn raise_priority() -> Result<(), LabError> {
    set_timerslack(1).map_err(|errno| LabError::system("the slack of timers", errno))?;
    // Real-time priority where that is allowed; elsewhere frames are some milliseconds late under load.
    let id = gettid().to_string();
    let _ = tool::run(Command::new("chrt").args(["--fifo", "--pid", "50", &id]));
    Ok(())
}

/// What the thread owns.
struct Loop {
    ports: Both<Port>,
    directions: Both<Direction>,
    queue: Receiver<Request>,
    wakeup: UnixStream,
}

impl Loop {
    /// Carries frames until the owner is gone.
    fn run(mut self) -> Result<(), LabError> {
        let beginning = Instant::now();
        loop {
            let [first, second, wakeup] = self.wait(beginning)?;
            if wakeup && !self.handle_request()? {
                return Ok(());
            }
            for (index, readable) in [first, second].into_iter().enumerate() {
                self.take(index, readable, beginning);
                self.give(index, beginning);
            }
        }
    }

    /// Waits until a frame arrives or is due, or an request comes; returns which of the three sockets have something.
    fn wait(&self, beginning: Instant) -> Result<[bool; 3], LabError> {
        let due = self.directions.iter().filter_map(Direction::next_due).min();
        let limit = due.map(|due| TimeSpec::from(due.saturating_sub(beginning.elapsed())));
        let sockets = [self.ports[0].as_fd(), self.ports[1].as_fd(), self.wakeup.as_fd()];
        let mut asked = sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN));
        match ppoll(&mut asked, limit, None) {
            Ok(_) | Err(Errno::EINTR) => Ok(asked.map(|socket| socket.any().unwrap_or(true))),
            Err(errno) => Err(LabError::system("waiting for frames", errno)),
        }
    }

    /// Handles the next request; returns false when the owner is gone.
    fn handle_request(&mut self) -> Result<bool, LabError> {
        // One byte for every request, written after it was sent.
        match self.wakeup.read(&mut [0]) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(LabError::system("waiting for requests", error)),
        }
        // The sender of the request may be gone.
        match self.queue.recv() {
            Ok(Request::Set(properties, answer)) => {
                for (direction, properties) in self.directions.iter_mut().zip(properties) {
                    direction.set_properties(properties);
                }
                let _ = answer.send(());
            }
            Ok(Request::Report(answer)) => {
                let _ = answer.send([self.directions[0].carried(), self.directions[1].carried()]);
            }
            Err(_) => return Ok(false),
        }
        Ok(true)
    }

    fn take(&mut self, index: usize, readable: bool, beginning: Instant) {
        // A bounded number, so that a flood from one side leaves time for the other.
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
