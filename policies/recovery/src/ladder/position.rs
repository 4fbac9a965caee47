//! The position on the ladder after the steps that were tried.

use rejoin_core::RecoveryStep;
use rejoin_core::policy::Tried;

/// A position on a ladder, computed from the steps that were tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position<'a> {
    steps: &'a [RecoveryStep],
    /// The index of the next step; may be one past the last.
    next: usize,
    /// How many rounds are complete.
    round: u32,
}

impl<'a> Position<'a> {
    /// Creates the position on `steps` after `tried`; steps that are not on the ladder ahead do not move it.
    pub(super) fn after(steps: &'a [RecoveryStep], tried: &[Tried]) -> Self {
        let mut position = Self { steps, next: 0, round: 0 };
        for tried in tried {
            let before = position;
            if position.next(|step| step == tried.step) != tried.step {
                position = before;
            }
        }
        position
    }

    /// Returns the next step that `feasible` accepts; after the last step it continues with the first rebuild.
    ///
    /// Returns a rebuild if no step is accepted.
    pub(super) fn next(&mut self, feasible: impl Fn(RecoveryStep) -> bool) -> RecoveryStep {
        if let Some(step) = self.advance(&feasible) {
            return step;
        }
        self.round = self.round.saturating_add(1);
        self.next = self.first_rebuild();
        self.advance(&feasible).unwrap_or(RecoveryStep::RecreatePeerConnection)
    }

    /// Returns how many rounds are complete.
    pub(super) fn round(&self) -> u32 {
        self.round
    }

    /// Moves past the next feasible step of this round and returns it.
    fn advance(&mut self, feasible: impl Fn(RecoveryStep) -> bool) -> Option<RecoveryStep> {
        let ahead = self.steps.get(self.next..).unwrap_or_default();
        let (offset, step) = ahead.iter().enumerate().find(|(_, step)| feasible(**step))?;
        self.next += offset + 1;
        Some(*step)
    }

    /// Returns the index of the first step that is not milder than a rebuild.
    fn first_rebuild(&self) -> usize {
        let milder = |step: &RecoveryStep| *step < RecoveryStep::RecreatePeerConnection;
        self.steps.iter().take_while(|step| milder(step)).count()
    }
}
