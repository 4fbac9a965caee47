//! Where on the ladder an incident stands.

use rejoin_core::RecoveryStep;
use rejoin_core::policy::Tried;

/// A position on a ladder, found by replaying the steps that were tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Climb<'a> {
    steps: &'a [RecoveryStep],
    /// The rung to try next; may be one past the top.
    rung: usize,
    /// How often the top was passed.
    round: u32,
}

impl<'a> Climb<'a> {
    /// Creates the position on `steps` after `tried`; steps that are not on the ladder ahead do not move it.
    pub(super) fn after(steps: &'a [RecoveryStep], tried: &[Tried]) -> Self {
        let mut climb = Self { steps, rung: 0, round: 0 };
        for tried in tried {
            let before = climb;
            if climb.next(|step| step == tried.step) != tried.step {
                climb = before;
            }
        }
        climb
    }

    /// Returns the next step that `promising` accepts, beginning again from the first rebuild at the top.
    ///
    /// If none is accepted, a rebuild is returned.
    pub(super) fn next(&mut self, promising: impl Fn(RecoveryStep) -> bool) -> RecoveryStep {
        if let Some(step) = self.advance(&promising) {
            return step;
        }
        self.round = self.round.saturating_add(1);
        self.rung = self.first_rebuild();
        self.advance(&promising).unwrap_or(RecoveryStep::RecreatePeerConnection)
    }

    /// Returns how often the top was passed.
    pub(super) fn round(&self) -> u32 {
        self.round
    }

    /// Moves past the next promising step before the top and returns it.
    fn advance(&mut self, promising: impl Fn(RecoveryStep) -> bool) -> Option<RecoveryStep> {
        let ahead = self.steps.get(self.rung..).unwrap_or_default();
        let (offset, step) = ahead.iter().enumerate().find(|(_, step)| promising(**step))?;
        self.rung += offset + 1;
        Some(*step)
    }

    /// Returns the lowest rung from which climbing again makes sense.
    fn first_rebuild(&self) -> usize {
        let milder = |step: &RecoveryStep| *step < RecoveryStep::RecreatePeerConnection;
        self.steps.iter().take_while(|step| milder(step)).count()
    }
}
