//! What a word on the page can and cannot do.

use super::super::file::FileChannel;
use super::super::first::FirstChannel;
use super::*;

fn request() -> ApprovalRequest {
    ApprovalRequest {
        incident: "inc_1".into(),
        space: telemetry::Space::default(),
        action: Action {
            spec: "restart_with_override".into(),
            profile: "slow_query".into(),
            service: "orders".into(),
            instance: "orders-1".into(),
            set: BTreeMap::from([("INDEX".to_owned(), "true".to_owned())]),
            is_reversible: true,
            rationale: String::new(),
        },
        because: "it is slow".into(),
    }
}

fn word(digest: &str, said: Said, comment: &str) -> PageWord {
    PageWord {
        incident: "inc_1".into(),
        digest: digest.to_owned(),
        principal: "page:ana".into(),
        said,
        comment: comment.to_owned(),
    }
}

fn page(mailbox: &Mailbox, patience: u64) -> Arc<PageChannel> {
    let patience = Duration::from_millis(patience);
    Arc::new(PageChannel::new(mailbox.clone(), Authority::new(), patience, Arc::new(|| 0)))
}

async fn asked(mailbox: &Mailbox) -> Asked {
    let mut changes = mailbox.changes();
    loop {
        if let Some(asked) = mailbox.asked("inc_1") {
            return asked;
        }
        changes.changed().await.unwrap();
    }
}

fn record(decision: Decision) -> incident::ApprovalRecord {
    let (Decision::Granted(_, record) | Decision::Rejected(record)) = decision;
    record
}

// covers: AT-27
#[tokio::test]
async fn a_word_counts_once_for_the_action_shown_and_only_while_it_is_asked() {
    let mailbox = Mailbox::default();
    assert_eq!(mailbox.put(word("x", Said::Approve, "")), Err(MailboxError::NotAsked));
    let (channel, request) = (page(&mailbox, 60_000), request());
    let digest = request.action.digest().unwrap();
    let waiting = tokio::spawn(async move { channel.decide(&request).await });
    let shown = asked(&mailbox).await;
    assert_eq!(shown.digest, digest);
    assert_eq!(mailbox.put(word("another", Said::Approve, "")), Err(MailboxError::OtherAction));
    assert!(mailbox.put(word(&digest, Said::Comment, "why orders?")).is_ok());
    assert!(mailbox.asked("inc_1").is_some(), "a comment decides nothing");
    assert!(mailbox.put(word(&digest, Said::Approve, "go")).is_ok());
    assert_eq!(mailbox.put(word(&digest, Said::Reject, "")), Err(MailboxError::NotAsked));
    let Decision::Granted(approval, record) = waiting.await.unwrap() else { panic!("grants") };
    assert_eq!(record.principal, "page:ana");
    assert_eq!(record.comment, "why orders? go");
    assert_eq!(approval.spend(&super::tests::request().action, 1), Ok(digest));
}

// covers: AT-27
#[tokio::test]
async fn silence_on_the_page_is_a_rejection_that_keeps_what_was_said() {
    let mailbox = Mailbox::default();
    let (channel, request) = (page(&mailbox, 300), request());
    let digest = request.action.digest().unwrap();
    let waiting = tokio::spawn(async move { channel.decide(&request).await });
    asked(&mailbox).await;
    mailbox.put(word(&digest, Said::Comment, "look at the cache")).unwrap();
    let decision = waiting.await.unwrap();
    assert!(matches!(decision, Decision::Rejected(_)));
    assert!(record(decision).comment.contains("look at the cache"));
    assert!(mailbox.asked("inc_1").is_none());
}

#[tokio::test]
async fn the_first_channel_to_decide_wins_and_the_page_stops_asking() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::default();
    let file =
        FileChannel::new(folder.path().to_owned(), Authority::new(), Duration::from_secs(60), Arc::new(|| 0));
    let both = FirstChannel::new(vec![page(&mailbox, 60_000), Arc::new(file)]);
    let request = request();
    let digest = request.action.digest().unwrap();
    let waiting = tokio::spawn(async move { both.decide(&request).await });
    asked(&mailbox).await;
    mailbox.put(word(&digest, Said::Comment, "from the page")).unwrap();
    while !folder.path().join("inc_1.request").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::fs::write(folder.path().join("inc_1.decision"), "approve").await.unwrap();
    let decision = waiting.await.unwrap();
    assert!(matches!(decision, Decision::Granted(..)));
    let record = record(decision);
    assert_eq!(record.principal, "file:inc_1.decision");
    assert!(record.comment.contains("from the page"), "{}", record.comment);
    assert_eq!(mailbox.put(word(&digest, Said::Reject, "")), Err(MailboxError::NotAsked));
}
