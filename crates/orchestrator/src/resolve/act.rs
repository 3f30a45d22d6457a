//! The second half of an incident: FIX, APPLY and VERIFY, one instance first.
//!
//! Each action has a key of its own, under which the actuator keeps what it did. What was begun and not recorded as
//! done is asked of the actuator, never done again blindly.

use incident::{
    Action, Alert, ApprovalRecord, Conclusion, Execution, ExecutionOutcome, Resolution, Trial, Verdict,
    VerificationRecord,
};
use remediation::channels::{ApprovalRequest, Decision};
use remediation::executors::{ActionKey, ExecuteError, ExecuteFailure, Recalled, by_hand};
use remediation::propose::{Proposal, propose};
use remediation::{Approval, UndoPermit, Verification};
use telemetry::{NoteKind, Stage, UnixNanos, Window};

use super::patience::Patience;
use super::{Remedy, ResolveError, Resolver, resume};
use crate::drive::drive;
use crate::entry::Entry;
use crate::log::Log;
use crate::report;

/// Seconds before readiness that a restart may have disturbed: draining, starting.
const RESTART_SECONDS: i64 = 2;

/// What the second half works on.
pub(super) struct Work<'a> {
    id: &'a str,
    alert: &'a Alert,
    conclusion: &'a Conclusion,
    remedy: &'a Remedy,
    /// What is proposed, the canary first.
    actions: Vec<Action>,
}

impl<'a> Work<'a> {
    /// Nothing is proposed yet.
    pub(super) fn new(id: &'a str, alert: &'a Alert, conclusion: &'a Conclusion, remedy: &'a Remedy) -> Self {
        Self { id, alert, conclusion, remedy, actions: Vec::new() }
    }

    /// The key of the action at `place`.
    fn key(&self, place: usize, action: &Action) -> ActionKey {
        ActionKey::new(self.id, &action.digest().unwrap_or_default(), place)
    }
}

/// An action that was carried out.
struct Applied {
    ready_at: UnixNanos,
    done: Done,
}

/// What came of an action.
struct Done {
    key: ActionKey,
    action: Action,
    execution: Execution,
    /// Absent when an earlier life of this process did it: then the actuator is asked for one.
    permit: Option<UndoPermit>,
}

/// Whether an action may be carried out.
enum Permission {
    /// Now.
    Now(Approval),
    /// It was allowed, and the intent is recorded.
    Then,
    /// No.
    Refused,
}

impl Resolver {
    pub(super) async fn remedy(&self, mut work: Work<'_>, log: &mut Log) -> Result<Resolution, ResolveError> {
        log.progress(Stage::Fix, NoteKind::Began, "what can be done about it")?;
        // What was proposed stands; whether it is still allowed is looked at before anything is done.
        let proposal = match log.recorded() {
            Some(Entry::Proposal(actions)) => Proposal::Act(actions.clone()),
            _ => propose(work.conclusion, &work.remedy.inventory),
        };
        work.actions = match proposal {
            Proposal::Act(actions) => actions,
            Proposal::Nothing(why) => {
                log.progress(Stage::Fix, NoteKind::Ended, format!("nothing is done: {why}"))?;
                return Ok(Resolution::nothing_done());
            }
        };
        log.append(Entry::Proposal(work.actions.clone()))?;
        if let Some(action) = work.actions.first() {
            let instances: Vec<&str> = work.actions.iter().map(|action| action.instance.as_str()).collect();
            let text = format!(
                "profile `{}`: restart {} with {}, one instance first",
                action.profile,
                instances.join(", then "),
                report::settings(action)
            );
            log.progress(Stage::Fix, NoteKind::Learned, text)?;
        }
        log.progress(Stage::Fix, NoteKind::Ended, "")?;
        log.commit()?;
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
            let Some(applied) = self.apply(work, place, resolution, log).await? else { return Ok(()) };
            let measured = resolution.verifications.last().map(|record| record.after);
            let Some(trial) = trial(work, action, controls, applied.ready_at, measured, log) else {
                return Ok(());
            };
            let record = self.verify(trial, log).await?;
            let verdict = record.verdict;
            resolution.verifications.push(record);
            match verdict {
                Verdict::Effective => {}
                Verdict::Worse => return self.undo(applied.done, resolution, work, log).await,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    async fn apply(
        &self,
        work: &Work<'_>,
        place: usize,
        resolution: &mut Resolution,
        log: &mut Log,
    ) -> Result<Option<Applied>, ResolveError> {
        let Some(action) = work.actions.get(place) else { return Ok(None) };
        log.progress(Stage::Apply, NoteKind::Began, format!("`{}`", action.instance))?;
        log.commit()?;
        let done = loop {
            let permission = self.permission(work, action, resolution, log).await?;
            if matches!(permission, Permission::Refused) {
                return Ok(None);
            }
            log.append(Entry::Intent(action.clone()))?;
            log.commit()?;
            // Without a result the actuator never began, and the approval went with the process that held it.
            if let Some(done) = self.carry_out(work, place, permission, log).await? {
                break done;
            }
        };
        log.append(Entry::Execution(done.execution.clone()))?;
        match done.execution.outcome.clone() {
            ExecutionOutcome::Done { ready_at } => {
                log.commit()?;
                resolution.actions.push(action.clone());
                let settings = report::settings(action);
                let text =
                    format!("`{}` restarted with {settings}; its siblings are untouched", action.instance);
                log.progress(Stage::Apply, NoteKind::Learned, text)?;
                log.progress(Stage::Apply, NoteKind::Ended, "")?;
                Ok(Some(Applied { ready_at, done }))
            }
            ExecutionOutcome::Failed { why } => {
                log.progress(Stage::Apply, NoteKind::Failed, why)?;
                log.commit()?;
                if !done.execution.undo.is_empty() {
                    self.undo(done, resolution, work, log).await?;
                }
                Ok(None)
            }
        }
    }

    /// What was decided about `action`, or is decided now. An approval that was recorded and not used is asked for
    /// again: it was a value of a process that is gone, and no value is made from text in a file.
    async fn permission(
        &self,
        work: &Work<'_>,
        action: &Action,
        resolution: &mut Resolution,
        log: &mut Log,
    ) -> Result<Permission, ResolveError> {
        while let Some(Entry::Approval(record)) = log.recorded() {
            let record = record.clone();
            self.note_approval(&record, resolution, log)?;
            if !record.is_granted {
                return self.refused(&record, log);
            }
        }
        if log.is_catching_up() {
            return Ok(Permission::Then);
        }
        if !is_allowed(work, action) {
            let text =
                format!("nothing is done: the inventory no longer has this fix for `{}`", action.instance);
            log.progress(Stage::Apply, NoteKind::Ended, text)?;
            return Ok(Permission::Refused);
        }
        let request = ApprovalRequest {
            incident: work.id.to_owned(),
            space: work.alert.space.clone(),
            action: action.clone(),
            because: work.conclusion.statement.clone(),
        };
        match work.remedy.approvals.decide(&request).await {
            Decision::Granted(approval, record) => {
                self.note_approval(&record, resolution, log)?;
                Ok(Permission::Now(approval))
            }
            Decision::Rejected(record) => {
                self.note_approval(&record, resolution, log)?;
                self.refused(&record, log)
            }
        }
    }

    fn refused(&self, record: &ApprovalRecord, log: &mut Log) -> Result<Permission, ResolveError> {
        log.progress(Stage::Apply, NoteKind::Ended, format!("not approved: {}", record.comment))?;
        Ok(Permission::Refused)
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

    /// Acts, or finds out what came of acting. Nothing when the actuator never began.
    async fn carry_out(
        &self,
        work: &Work<'_>,
        place: usize,
        permission: Permission,
        log: &mut Log,
    ) -> Result<Option<Done>, ResolveError> {
        let Some(action) = work.actions.get(place).cloned() else { return Ok(None) };
        let key = work.key(place, &action);
        let result = match (permission, log.recorded()) {
            (Permission::Now(approval), _) => {
                work.remedy.executor.execute(&key, &action, approval, self.clock.now_unix_nanos()).await
            }
            (_, Some(Entry::Execution(execution))) => {
                let execution = execution.clone();
                return Ok(Some(Done { key, action, execution, permit: None }));
            }
            // It was asked again.
            (_, Some(Entry::Approval(_))) => return Ok(None),
            (_, Some(_)) => return Err(log.diverged("execution").into()),
            (_, None) => match self.recall(work, &key, &action).await {
                Ok(Recalled::Done(execution, permit)) => Ok((execution, permit)),
                Ok(Recalled::Failed(failure)) => Err(failure),
                Ok(Recalled::NotBegun) => return Ok(None),
                Ok(Recalled::Unknown(why)) => return Err(unknown(&action, why)),
                Err(error) => return Err(unknown(&action, error.to_string())),
            },
        };
        Ok(Some(match result {
            Ok((execution, permit)) => Done { key, action, execution, permit: Some(permit) },
            Err(failure) => failed(key, action, failure),
        }))
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
        done: Done,
        resolution: &mut Resolution,
        work: &Work<'_>,
        log: &mut Log,
    ) -> Result<(), ResolveError> {
        let instance = done.execution.instance.clone();
        log.progress(Stage::Apply, NoteKind::Began, format!("taking it back on `{instance}`"))?;
        log.append(Entry::UndoIntent(done.execution.clone()))?;
        log.commit()?;
        let undone = match log.recorded() {
            Some(Entry::Undo(undone)) => Ok(undone.clone()),
            Some(Entry::Progress(note)) => Err(note.text.clone()),
            Some(_) => return Err(log.diverged("undo").into()),
            None => self.take_back(done, work).await,
        };
        match undone {
            Ok(undone) => {
                resolution.was_undone = true;
                let text = format!("`{}` runs again as before", undone.instance);
                log.append(Entry::Undo(undone))?;
                log.progress(Stage::Apply, NoteKind::Ended, text)?;
            }
            Err(text) => {
                log.progress(Stage::Apply, NoteKind::Failed, text.clone())?;
                resolution.not_undone = Some(text);
            }
        }
        log.commit()?;
        Ok(())
    }

    async fn recall(
        &self,
        work: &Work<'_>,
        key: &ActionKey,
        action: &Action,
    ) -> Result<Recalled, ExecuteError> {
        Patience::new(&self.clock).recall(&*work.remedy.executor, key, action).await
    }

    /// Takes an action back, once: its key makes a second attempt the same as the first. Fails with what to do by
    /// hand.
    async fn take_back(&self, mut done: Done, work: &Work<'_>) -> Result<Execution, String> {
        let executor = &*work.remedy.executor;
        let by_hand = by_hand(&done.execution.instance, &done.execution.undo);
        let mut patience = Patience::new(&self.clock);
        let why = loop {
            let permit = match done.permit.take() {
                Some(permit) => permit,
                // An attempt spends its permit, so that the actuator is asked for another.
                None => match patience.recall(executor, &done.key, &done.action).await {
                    Ok(
                        Recalled::Done(_, permit)
                        | Recalled::Failed(ExecuteFailure { permit: Some(permit), .. }),
                    ) => permit,
                    Ok(_) => break "the actuator does not know what it did".to_owned(),
                    Err(error) => break error.to_string(),
                },
            };
            match executor.undo(&done.key.undo(), permit).await {
                Ok(undone) => return Ok(undone),
                Err(error) if patience.allows(&error).await => {}
                Err(error) => break error.to_string(),
            }
        };
        Err(format!("NOT taken back ({why}); {by_hand}"))
    }
}

fn unknown(action: &Action, why: String) -> ResolveError {
    ResolveError::Unknown { instance: action.instance.clone(), why, by_hand: resume::by_hand(action) }
}

/// What was tried and failed. With values to restore, something may have been done and is taken back.
fn failed(key: ActionKey, action: Action, failure: ExecuteFailure) -> Done {
    let execution = Execution {
        action_digest: action.digest().unwrap_or_default(),
        instance: action.instance.clone(),
        outcome: ExecutionOutcome::Failed { why: failure.error.to_string() },
        undo: failure.permit.as_ref().map(|permit| permit.previous().clone()).unwrap_or_default(),
    };
    Done { key, action, execution, permit: failure.permit }
}

/// Whether the inventory, which may have changed since the proposal, has this very action.
fn is_allowed(work: &Work<'_>, action: &Action) -> bool {
    match propose(work.conclusion, &work.remedy.inventory) {
        Proposal::Act(actions) => actions.contains(action),
        Proposal::Nothing(_) => false,
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
