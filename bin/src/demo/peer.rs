//! `rejoin demo-peer`: a peer like `rejoin join --events --format jsonl` that injects faults into its own connections.

use std::collections::VecDeque;
use std::io::{self, BufRead as _};

use anyhow::Context as _;
use rejoin::{Event, Payload, Recipient};
use rejoin_demo::PeerCommand;
use tokio::sync::mpsc;

use crate::cli::DemoPeerArgs;
use crate::failure::Failure;
use crate::join::printer::Printer;
use crate::output::{accepted_line, event_line};
use crate::session::PreparedSession;

/// Runs the peer until its parent closes stdin.
pub(crate) async fn run(args: DemoPeerArgs) -> Result<(), Failure> {
    let plan = PreparedSession::new(&args.connection, &args.config).await.map_err(Failure::Usage)?;
    let (mut session, faults) = plan.seed(args.seed).start().map_err(Failure::Usage)?;
    let printer = Printer::start((*session).clone());
    let mut lines = stdin_lines();
    // Messages wait for the first connection, because nobody could receive them before.
    let (mut waiting, mut is_connected, mut accepted) = (VecDeque::new(), false, 0);
    loop {
        tokio::select! {
            event = session.next_event() => {
                let Some(event) = event else { break };
                is_connected |= matches!(event, Event::Connected(_));
                match &event {
                    Event::Received { from, position: Some(position), .. } => {
                        let position = (from.key.clone(), *position);
                        printer.print_message(Some(event_line(&event)), position).await;
                    }
                    _ => printer.print(event_line(&event)).await,
                }
            }
            line = lines.recv() => {
                let Some(line) = line else { break };
                match serde_json::from_str(&line) {
                    Ok(PeerCommand::CutPath) => faults.block_datagrams(),
                    Ok(PeerCommand::RestorePath) => faults.unblock_datagrams(),
                    Ok(PeerCommand::CloseChannels) => faults.close_channels(),
                    Err(_) => waiting.push_back(line),
                }
            }
        }
        while is_connected && let Some(message) = waiting.pop_front() {
            let sent = session.send(Recipient::Everyone, Payload(message.into())).await;
            sent.context("the session is over")?;
            accepted += 1;
            printer.print(accepted_line(accepted)).await;
        }
    }
    session.leave().await;
    Ok(())
}

/// Reads stdin in a thread of its own, until it closes.
fn stdin_lines() -> mpsc::UnboundedReceiver<String> {
    let (lines, received) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    received
}
