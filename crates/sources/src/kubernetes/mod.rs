//! Kubernetes' API server: what runs and what happened to it as `state`; rollouts, scaling and restarts as `changes`.
//!
//! Lists, and does nothing else: no watch, no logs, no exec, no secrets, no config maps. The API knows what is now, and events
//! for about an hour; what it cannot know of an older window is left out and counted.

mod changes;
mod fetch;
mod names;
mod rollouts;
mod states;
mod template;

use std::sync::Arc;

use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName,
};

use crate::Backend;
use crate::http::Http;
use crate::settings::SettingsError;
use fetch::Lists;
use names::Names;

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "kubernetes",
    what: "Kubernetes' API server, versions with apps/v1; `namespaces` narrows it",
    questions: &["changes", "state"],
    tried: "kube-apiserver, etcd and kube-controller-manager 1.34.0, built from their Go modules, without a kubelet, \
            in a test that is run by hand; a \
            contract server built from the documentation of the API for pages, limits, refusals and nodes",
    needs: "ClusterRole {rules: [{apiGroups: [\"\"], resources: [events, nodes, pods], verbs: [list]}, {apiGroups: [apps], \
            resources: [daemonsets, deployments, replicasets, statefulsets], verbs: [list]}]}; where events may only be listed \
            as those of events.k8s.io, these do as well",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        let is_name = |one: &String| {
            !one.is_empty() && one.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if let Some(wrong) = settings.namespaces.iter().find(|one| !is_name(one)) {
            let what = format!("`{wrong}` is no namespace; hint: lower-case letters, digits and hyphens");
            return Err(SettingsError::Value { source_name: name.0, what });
        }
        Ok(Arc::new(Kubernetes { name, http, namespaces: settings.namespaces.clone() }))
    },
};

#[derive(Debug)]
struct Kubernetes {
    name: SourceName,
    http: Http,
    namespaces: Vec<String>,
}

impl Source for Kubernetes {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        BACKEND.capabilities()
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            let (window, is_state) = match &question.ask {
                Ask::State { window, .. } => (*window, true),
                Ask::Changes { window, .. } => (*window, false),
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            let asking = self.http.asking(limits, cancel);
            let lists = Lists { http: &self.http, namespaces: &self.namespaces, asking: &asking };
            let cluster = lists.cluster(is_state).await?;
            let names = Names::of(&cluster);
            let (tables, left_out) = if is_state {
                let (states, left_out) = states::of(&cluster, &names, window);
                (Tables { states, ..Tables::default() }, left_out)
            } else {
                let changes = changes::of(&cluster, &names, window);
                (Tables { changes, ..Tables::default() }, 0)
            };
            let answer = self.answer(question, tables, &asking.limits(), cancel)?;
            let truncated = answer.truncated || !cluster.gaps.is_empty();
            // What is missing stands first: only the first few are shown.
            let locators = cluster.gaps.into_iter().chain(cluster.locators).collect();
            Ok(Answer { locators, truncated, left_out, ..answer })
        })
    }
}

impl Kubernetes {
    fn answer(
        &self,
        question: &Question,
        mut tables: Tables,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Answer, AskError> {
        tables.sort();
        if tables.states.is_empty() && matches!(question.ask, Ask::State { .. }) {
            // Nothing runs there: that is an answer, and no question that cannot be answered.
            return Ok(Answer::exact(telemetry::Table::State(Vec::new())));
        }
        TableSource::new(tables).answer(question, limits, cancel)
    }
}
