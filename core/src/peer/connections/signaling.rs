//! Which ways signaling takes to the peer: through the server, over the active channel, or both.

use crate::ice::IceCandidate;
use crate::id::Generation;
use crate::message::SignalingMessage;
use crate::peer::connections::Connections;
use crate::peer::negotiation::candidates_message;
use crate::peer::remote::RemotePeer;
use crate::supervisor::context::Context;

impl Connections {
    /// Records our candidates, which are ready, and returns them as a message.
    pub(crate) fn on_local_candidates(
        &mut self,
        generation: Generation,
        candidates: Vec<IceCandidate>,
        remote: &RemotePeer,
    ) -> Option<SignalingMessage> {
        let connection = self.by_generation_mut(generation)?;
        connection.negotiation.on_local_candidates(&candidates);
        candidates_message(&connection.session, candidates, remote)
    }

    /// Records that our half of a negotiation goes into the present signaling socket, and returns it as messages.
    pub(crate) fn start_negotiation(
        &mut self,
        generation: Generation,
        remote: &RemotePeer,
        context: &Context,
    ) -> Vec<SignalingMessage> {
        let Some(connection) = self.by_generation_mut(generation) else { return Vec::new() };
        connection.negotiation.on_sent(context);
        connection.signaling(remote)
    }

    /// Returns whether our half went into a signaling socket that is gone.
    pub(crate) fn is_sent_to_old_socket(&self, generation: Generation, context: &Context) -> bool {
        let connection = self.by_generation(generation);
        connection.is_some_and(|connection| !connection.negotiation.is_sent(context))
    }

    /// Decides whether a connection's negotiation goes over the active channel, which is `live` or not; once decided,
    /// it stays there.
    pub(crate) fn takes_channel(
        &mut self,
        generation: Generation,
        live: bool,
        remote: &RemotePeer,
        context: &Context,
    ) -> bool {
        let Some(candidate) = self.candidate.as_mut().filter(|one| one.generation == generation) else {
            return false;
        };
        let doubtful = context.signaling.is_in_doubt() || remote.address.is_none();
        candidate.negotiation.over_channel |= live && doubtful;
        live && candidate.negotiation.over_channel
    }

    /// Lets a candidate's negotiation go over the active channel; returns whether it did not before.
    pub(crate) fn begin_over_channel(&mut self, generation: Generation) -> bool {
        let candidate = self.candidate.as_mut().filter(|one| one.generation == generation);
        candidate.is_some_and(|one| !std::mem::replace(&mut one.negotiation.over_channel, true))
    }

    /// Sends our half of a connection's negotiation over the active channel alone.
    pub(crate) fn send_negotiation_over_channel(
        &self,
        generation: Generation,
        remote: &RemotePeer,
        context: &mut Context,
    ) {
        let connection = self.by_generation(generation);
        let messages = connection.map(|connection| connection.signaling(remote)).unwrap_or_default();
        messages.into_iter().for_each(|message| self.send_over_channel(message, context));
    }

    /// Returns whether our half of a negotiation went over the channel, where nothing is lost while it is `live`.
    pub(crate) fn speaks_over_channel(&self, generation: Generation, live: bool) -> bool {
        live && self.by_generation(generation).is_some_and(|one| one.negotiation.over_channel)
    }

    /// Asks the publisher for an ICE restart.
    pub(crate) fn request_restart(&self, remote: &RemotePeer, context: &mut Context) {
        let session = self.active.as_ref().map(|active| active.session.clone());
        let address = remote.address.clone();
        context.send_to_server(SignalingMessage::RestartIce { address, session });
    }

    /// Asks for an offer: with `play`, and over a `live` channel if that may get lost.
    ///
    /// Over the channel a request for an ICE restart asks for a new connection: a restart could not be answered there.
    pub(crate) fn request_offer(&self, live: bool, remote: &RemotePeer, context: &mut Context) {
        if live && context.signaling.is_in_doubt() {
            let session = self.active.as_ref().map(|active| active.session.clone());
            self.send_over_channel(SignalingMessage::RestartIce { address: None, session }, context);
        }
        context.send_to_server(SignalingMessage::Play { stream: remote.stream.clone() });
    }
}
