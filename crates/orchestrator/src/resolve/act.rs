//! The second half of an incident: FIX, APPLY and VERIFY, one instance first.

use incident::{
    Action, Alert, ApprovalRecord, Conclusion, Execution, ExecutionOutcome, Resolution, Trial, Verdict,
    VerificationRecord,
};
use remediation::channels::{ApprovalRequest, Decision};
use remediation::executors::ExecuteError;
use remediation::propose::{Proposal, propose};
use remediation::{UndoPermit, Verification};
use telemetry::{NoteKind, Stage, UnixNanos, Window};

use super::{Remedy, ResolveError, Resolver};
use crate::drive::drive;
use crate::entry::Entry;
use crate::log::Log;
use crate::report;

/// Seconds before readiness that a restart may have disturbed: draining, starting.
const RESTART_SECONDS: i64 = 2;

/// What the second half works on.
struct Work<'a> {
    id: &'a str,
    alert: &'a Alert,
    conclusion: &'a Conclusion,
    remedy: &'a Remedy,
    /// What is proposed, the canary first.
    actions: Vec<Action>,
}

/// An action that was carried out.
struct Applied {
    ready_at: UnixNanos,
    permit: UndoPermit,
    execution: Execution,
}

impl Resolver {
    pub(super) async fn remedy(
        &self,
        id: &str,
        alert: &Alert,
        conclusion: &Conclusion,
        remedy: &Remedy,
        log: &mut Log,
    ) -> Result<Resolution, ResolveError> {
        log.progress(Stage::Fix, NoteKind::Began, "what can be done about it")?;
        let actions = match propose(conclusion, &remedy.inventory) {
            Proposal::Act(actions) => actions,
            Proposal::Nothing(why) => {
                log.progress(Stage::Fix, NoteKind::Ended, format!("nothing is done: {why}"))?;
                return Ok(Resolution::nothing_done());
            }
        };
        log.append(Entry::Proposal(actions.clone()))?;
        if let Some(action) = actions.first() {
            let text = format!(
                "profile `{}`: restart {} with {}, one instance first",
                action.profile,
                actions.iter().map(|action| action.instance.as_str()).collect::<Vec<_>>().join(", then "),
                report::settings(action)
            );
            log.progress(Stage::Fix, NoteKind::Learned, text)?;
        }
        log.progress(Stage::Fix, NoteKind::Ended, "")?;
        let work = Work { id, alert, conclusion, remedy, actions };
        let mut resolution = Resolution {
            service: work.actions.first().map(|action| action.service.clone()).unwrap_or_default(),
            profile: work.actions.first().map(|action| action.profile.clone()),
            ..Resolution::nothing_done()
        };
        self.roll_out(&work, &mut resolution, log).await?;
        log.commit()?;
        Ok(resolution)
    }

    /// Acts on one instance after the other for as long as each trial is effective.
    async fn roll_out(
        &self,
        work: &Work<'_>,
        resolution: &mut Resolution,
        log: &mut Log,
    ) -> Result<(), ResolveError> {
        for (place, action) in work.actions.iter().enumerate() {
            let controls = controls(work, place);
            if controls.is_empty() {
                let why = "nothing is done: no untouched sibling to compare with, so nothing could be proven";
                log.progress(Stage::Apply, NoteKind::Ended, why)?;
                return Ok(());
            }
            let Some(applied) = self.apply(work, action, resolution, log).await? else { return Ok(()) };
            let measured = resolution.verifications.last().map(|record| record.after);
            let Some(trial) = trial(work, action, controls, applied.ready_at, measured, log) else {
                return Ok(());
            };
            let record = self.verify(trial, log).await?;
            let verdict = record.verdict;
            resolution.verifications.push(record);
            match verdict {
                Verdict::Effective => {}
                Verdict::Worse => {
                    return self.undo(applied.execution, applied.permit, resolution, work, log).await;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    async fn apply(
        &self,
        work: &Work<'_>,
        action: &Action,
        resolution: &mut Resolution,
        log: &mut Log,
    ) -> Result<Option<Applied>, ResolveError> {
        log.progress(Stage::Apply, NoteKind::Began, format!("`{}`", action.instance))?;
        log.commit()?;
        let request = ApprovalRequest {
            incident: work.id.to_owned(),
            space: work.alert.space.clone(),
            action: action.clone(),
            because: work.conclusion.statement.clone(),
        };
        let (approval, record) = match work.remedy.approvals.decide(&request).await {
            Decision::Granted(approval, record) => (approval, record),
            Decision::Rejected(record) => {
                self.note_approval(&record, resolution, log)?;
                log.progress(Stage::Apply, NoteKind::Ended, format!("not approved: {}", record.comment))?;
                return Ok(None);
            }
        };
        self.note_approval(&record, resolution, log)?;
        log.append(Entry::Intent(action.clone()))?;
        log.commit()?;
        let executed = work.remedy.executor.execute(action, approval, self.clock.now_unix_nanos()).await;
        match executed {
            Ok((execution, permit)) => {
                resolution.actions.push(action.clone());
                Ok(self.note_done(action, execution, permit, log)?)
            }
            Err(failure) => {
                let execution = self.note_failed(action, &failure.error, log)?;
                if let Some(permit) = failure.permit {
                    self.undo(execution, permit, resolution, work, log).await?;
                }
                Ok(None)
            }
        }
    }

    fn note_approval(
        &self,
        record: &ApprovalRecord,
        resolution: &mut Resolution,
        log: &mut Log,
    ) -> Result<(), ResolveError> {
        resolution.approvals.push(record.clone());
        log.append(Entry::Approval(record.clone()))?;
        Ok(())
    }

    fn note_done(
        &self,
        action: &Action,
        execution: Execution,
        permit: UndoPermit,
        log: &mut Log,
    ) -> Result<Option<Applied>, ResolveError> {
        log.append(Entry::Execution(execution.clone()))?;
        log.commit()?;
        let ExecutionOutcome::Done { ready_at } = execution.outcome else {
            return Ok(None);
        };
        let text = format!(
            "`{}` restarted with {}; its siblings are untouched",
            action.instance,
            report::settings(action)
        );
        log.progress(Stage::Apply, NoteKind::Learned, text)?;
        log.progress(Stage::Apply, NoteKind::Ended, "")?;
        Ok(Some(Applied { ready_at, permit, execution }))
    }

    fn note_failed(
        &self,
        action: &Action,
        error: &ExecuteError,
        log: &mut Log,
    ) -> Result<Execution, ResolveError> {
        let why = error.to_string();
        let execution = Execution {
            action_digest: action.digest().unwrap_or_default(),
            instance: action.instance.clone(),
            outcome: ExecutionOutcome::Failed { why: why.clone() },
            undo: std::collections::BTreeMap::new(),
        };
        log.append(Entry::Execution(execution.clone()))?;
        log.progress(Stage::Apply, NoteKind::Failed, why)?;
        log.commit()?;
        Ok(execution)
    }

    async fn verify(&self, trial: Trial, log: &mut Log) -> Result<VerificationRecord, ResolveError> {
        log.progress(Stage::Verify, NoteKind::Began, format!("`{}`: did it work?", trial.treated))?;
        log.append(Entry::Trial(trial.clone()))?;
        let mut machine = Verification::new(trial, log.questions() + 1);
        let (record, took) = drive(&mut machine, &self.sources, log, &self.clock).await?;
        log.append_timed(Entry::Verification(Box::new(record.clone())), Some(took))?;
        log.progress(Stage::Verify, NoteKind::Ended, record.verdict.name())?;
        log.commit()?;
        Ok(record)
    }

    async fn undo(
        &self,
        execution: Execution,
        permit: UndoPermit,
        resolution: &mut Resolution,
        work: &Work<'_>,
        log: &mut Log,
    ) -> Result<(), ResolveError> {
        log.progress(Stage::Apply, NoteKind::Began, format!("taking it back on `{}`", execution.instance))?;
        log.append(Entry::UndoIntent(execution))?;
        log.commit()?;
        let by_hand = permit.by_hand();
        match work.remedy.executor.undo(permit).await {
            Ok(undone) => {
                resolution.was_undone = true;
                let text = format!("`{}` runs again as before", undone.instance);
                log.append(Entry::Undo(undone))?;
                log.progress(Stage::Apply, NoteKind::Ended, text)?;
            }
            Err(error) => {
                let text = format!("NOT taken back ({error}); {by_hand}");
                log.progress(Stage::Apply, NoteKind::Failed, text.clone())?;
                resolution.not_undone = Some(text);
            }
        }
        log.commit()?;
        Ok(())
    }
}

/// Whom the instance at `place` is compared with: instances not yet touched; for the last one those already fixed;
/// else those of the inventory that need no fix.
fn controls(work: &Work<'_>, place: usize) -> Vec<String> {
    let name = |action: &Action| action.instance.clone();
    let untouched: Vec<String> = work.actions.iter().skip(place + 1).map(name).collect();
    let fixed: Vec<String> = work.actions.iter().take(place).map(name).collect();
    if !untouched.is_empty() {
        return untouched;
    }
    if !fixed.is_empty() {
        return fixed;
    }
    let target = work.actions.first().and_then(|action| work.remedy.inventory.target(&action.service));
    let others = target.into_iter().flat_map(|target| &target.instances);
    others.filter(|other| !work.actions.iter().any(|action| action.instance == **other)).cloned().collect()
}

/// The trial of `action` against `controls`. `measured` is the window in which the trial before was measured: since
/// then the fixed instances are steady.
fn trial(
    work: &Work<'_>,
    action: &Action,
    controls: Vec<String>,
    ready_at: UnixNanos,
    measured: Option<Window>,
    log: &Log,
) -> Option<Trial> {
    let cause = work.conclusion.root_cause.as_ref()?;
    let before_to = ready_at.floor_second().plus_seconds(-RESTART_SECONDS);
    let bad_from = work.conclusion.onset.map_or(work.alert.at, |onset| onset.latest);
    let from = measured.map_or(bad_from, |window| window.from);
    Some(Trial {
        space: work.alert.space.clone(),
        service: cause.service.clone(),
        operation: cause.operation.clone(),
        treated: action.instance.clone(),
        controls,
        before: Window::new(from, before_to.max(from)),
        ready_at,
        healthy_p50_ns: report::healthy_p50_ns(log.logged(), work.conclusion, cause),
    })
}
