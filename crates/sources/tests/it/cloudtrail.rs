//! CloudTrail's log files as its user guide describes them: "CloudTrail log file examples" (names of files), "CloudTrail record
//! contents" (`readOnly`, `errorCode`, `managementEvent`, `userIdentity`), and the API references of ECS, Lambda, RDS, ECR, Systems
//! Manager, EC2 and Auto Scaling for what is asked and answered.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};
use sources::Settings;
use telemetry::answer::{ChangeKind, ChangeRow, Table};
use telemetry::{Answer, Ask, AskError, Scope, UnixNanos, Window};

use crate::{ask, open};

/// 2026-05-28T23:50:00Z: the window ends on the next day.
const BEGIN: UnixNanos = UnixNanos(1_780_012_200_000_000_000);

fn at(seconds: i64) -> String {
    BEGIN.plus_seconds(seconds).rfc3339().replace(".000Z", "Z")
}

fn window() -> Window {
    Window::new(BEGIN, BEGIN.plus_seconds(1_200))
}

fn changes() -> Ask {
    Ask::Changes { window: window(), scope: Scope::all() }
}

fn settings(folder: &Path) -> Settings {
    Settings {
        kind: "cloudtrail".to_owned(),
        url: folder.display().to_string(),
        paths: [("orders", "/shop/orders"), ("database", "orders-db")]
            .map(|(service, path)| (service.to_owned(), path.to_owned()))
            .into(),
        ..Settings::default()
    }
}

/// A record of a call that wrote, by a role's session.
fn call(seconds: i64, source: &str, name: &str, request: &Json, response: &Json) -> Json {
    json!({"eventVersion": "1.11", "eventTime": at(seconds), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.17.0 md/Botocore#1.34", "requestParameters": request, "responseElements": response,
        "requestID": "r", "eventID": format!("id-{seconds}"), "readOnly": false, "eventType": "AwsApiCall",
        "managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci-4711",
            "accountId": "111122223333", "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "deploy"}}}})
}

fn with(mut record: Json, key: &str, value: Json) -> Json {
    record[key] = value;
    record
}

/// What happened in the window, and what is no change.
fn records() -> Vec<Json> {
    let deployments = json!({"service": {"serviceName": "web", "deployments": [
        {"status": "PRIMARY", "taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:42"},
        {"status": "ACTIVE", "taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:41"}]}});
    let task = json!({"cluster": "main", "service": "web", "taskDefinition": "web:42"});
    let smaller = json!({"dBInstanceIdentifier": "orders-db", "dBInstanceClass": "db.t3.small", "applyImmediately": true});
    let larger = json!({"dBInstanceIdentifier": "orders-db", "dBInstanceClass": "db.r5.large"});
    let parameter =
        json!({"name": "/shop/orders/pool-size", "value": "2", "type": "String", "overwrite": true});
    let secret = json!({"name": "/shop/orders/db", "value": "hunter2", "type": "SecureString"});
    let image = json!({"repositoryName": "shop/web", "imageTag": "9f2c1ab", "registryId": "111122223333"});
    let none = Json::Null;
    let code = json!({"functionName": "arn:aws:lambda:eu-west-1:111122223333:function:checkout", "s3Key": "checkout-7.zip"});
    vec![
        call(10, "ecr", "PutImage", &image, &none),
        call(60, "ecs", "UpdateService", &task, &deployments),
        call(70, "lambda", "UpdateFunctionCode20150331v2", &code, &none),
        call(120, "rds", "ModifyDBInstance", &smaller, &larger),
        call(180, "ssm", "PutParameter", &parameter, &none),
        call(190, "ssm", "PutParameter", &secret, &none),
        call(240, "ec2", "RevokeSecurityGroupIngress", &json!({"groupId": "sg-1"}), &none),
        call(
            300,
            "autoscaling",
            "SetDesiredCapacity",
            &json!({"autoScalingGroupName": "web-asg", "desiredCapacity": 2}),
            &none,
        ),
        call(360, "ecs", "UpdateService", &json!({"service": "web", "desiredCount": 1}), &none),
        with(
            call(1_000, "iam", "DetachRolePolicy", &json!({"roleName": "web-task"}), &none),
            "userIdentity",
            json!({"type": "IAMUser", "userName": "kim", "arn": "arn:aws:iam::111122223333:user/kim"}),
        ),
        // None of these changed anything.
        with(call(61, "ecs", "DescribeServices", &json!({"service": "web"}), &none), "readOnly", json!(true)),
        with(call(62, "ecs", "UpdateService", &task, &none), "errorCode", json!("AccessDenied")),
        with(call(63, "s3", "PutObject", &json!({"name": "x"}), &none), "managementEvent", json!(false)),
        call(64, "ssm", "UpdateInstanceInformation", &json!({"name": "i-1"}), &none),
        call(65, "logs", "CreateLogStream", &json!({"name": "x"}), &none),
        // Outside of the window, in a file that is opened.
        call(-30, "ecs", "UpdateService", &task, &deployments),
        call(1_200, "ecs", "UpdateService", &task, &deployments),
    ]
}

/// Writes a file that was delivered at that time.
fn deliver(root: &Path, seconds: i64, records: &[Json], spoil: impl Fn(Vec<u8>) -> Vec<u8>) {
    let time = at(seconds);
    let folder =
        root.join("AWSLogs/o-1/111122223333/CloudTrail/eu-west-1").join(time[..10].replace('-', "/"));
    std::fs::create_dir_all(&folder).unwrap();
    let minute = time[..16].replace(['-', ':'], "");
    let name = format!(
        "111122223333_CloudTrail_eu-west-1_{minute}Z_Mu0KsOhtH1ar15Z{}.json.gz",
        seconds.rem_euclid(60)
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(json!({"Records": records}).to_string().as_bytes()).unwrap();
    std::fs::write(folder.join(name), spoil(packed.finish().unwrap())).unwrap();
}

fn trail() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let (first, rest) = records.split_at(4);
    deliver(folder.path(), 200, first, |bytes| bytes);
    deliver(folder.path(), 1_500, rest, |bytes| bytes);
    folder
}

fn rows(answer: Answer) -> Vec<ChangeRow> {
    let Table::Changes(rows) = answer.table else { panic!("changes") };
    rows
}

// covers: AW-28
#[test]
fn who_changed_what_is_told_and_tries_and_reads_are_not() {
    let folder = trail();
    let answer = ask(&open(&settings(folder.path())), changes(), 10).unwrap();
    assert!(!answer.truncated, "{:?}", answer.locators);
    assert!(
        answer.locators[0].query.starts_with("2 files delivered from 2026-05-28T23:50:00"),
        "{:?}",
        answer.locators
    );
    let event = answer.locators.iter().find(|one| one.link.ends_with("#/events/id-60")).unwrap();
    assert!(event.link.starts_with("https://eu-west-1.console.aws.amazon.com/cloudtrailv2/"), "{event:?}");
    let rows = rows(answer);
    let said: Vec<(i64, ChangeKind, &str, &str, &str)> = rows
        .iter()
        .map(|row| {
            let seconds = row.at.since(BEGIN) / 1_000_000_000;
            (seconds, row.kind, row.service.as_str(), row.before.as_str(), row.after.as_str())
        })
        .collect();
    assert_eq!(
        said,
        [
            (10, ChangeKind::Commit, "", "", "9f2c1ab"),
            (60, ChangeKind::Deploy, "web", "web:41", "web:42"),
            (70, ChangeKind::Deploy, "checkout", "", "checkout-7.zip"),
            (120, ChangeKind::Flag, "database", "db.r5.large", "db.t3.small"),
            (180, ChangeKind::Flag, "orders", "", "/shop/orders/pool-size=2"),
            (190, ChangeKind::Flag, "orders", "", "/shop/orders/db=(not told)"),
            (240, ChangeKind::Flag, "", "", "RevokeSecurityGroupIngress sg-1"),
            (300, ChangeKind::InstanceAdded, "web-asg", "", "2"),
            (360, ChangeKind::InstanceAdded, "web", "", "1"),
            (1_000, ChangeKind::Flag, "", "", "DetachRolePolicy web-task"),
        ]
    );
    let detail = |place: usize| rows[place].detail.clone().unwrap();
    assert_eq!((detail(1).author.as_str(), detail(9).author.as_str()), ("deploy/ci-4711", "kim"));
    assert_eq!(detail(0).message, "ecr PutImage shop/web in eu-west-1, from 198.51.100.7 with aws-cli");
    assert_eq!(
        (detail(0).commit.as_str(), detail(0).files.as_slice()),
        ("9f2c1ab", &["ecr/shop/web".to_owned()][..])
    );
    assert!(detail(3).diffs[0].lines.contains(&"+dBInstanceClass=db.t3.small".to_owned()), "{:?}", detail(3));
    assert!(!format!("{rows:?}").contains("hunter2"), "a secret is told");
    let narrow = Ask::Changes { window: window(), scope: Scope::service("web") };
    assert_eq!(self::rows(ask(&open(&settings(folder.path())), narrow, 10).unwrap()).len(), 2);
    let other = ask(&open(&settings(folder.path())), Ask::Topology { window: window() }, 10);
    assert_eq!(other, Err(AskError::Unsupported("topology".to_owned())));
}

#[test]
fn only_files_that_the_window_can_stand_in_are_opened() {
    let folder = trail();
    // Were one of these opened, it would be told: they are no archives.
    for seconds in [-86_400, -120, 1_200 + 16 * 60, 86_400 * 3] {
        deliver(folder.path(), seconds, &[], |_| b"garbage".to_vec());
    }
    std::fs::write(
        folder.path().join("AWSLogs/o-1/111122223333/CloudTrail/eu-west-1/2026/05/28/notes.txt"),
        "x",
    )
    .unwrap();
    let answer = ask(&open(&settings(folder.path())), changes(), 10).unwrap();
    assert!(!answer.truncated && answer.locators[0].query.starts_with("2 files"), "{:?}", answer.locators);
    // The control: the same garbage inside the window is told.
    deliver(folder.path(), 300, &[], |_| b"garbage".to_vec());
    let answer = ask(&open(&settings(folder.path())), changes(), 10).unwrap();
    assert!(answer.truncated && answer.locators[0].query.contains("broken off"), "{:?}", answer.locators);
    assert_eq!(rows(answer).len(), 10, "the other files are told");
}

#[test]
fn what_was_not_delivered_yet_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    deliver(folder.path(), 200, &records()[..4], |bytes| bytes);
    let answer = ask(&open(&settings(folder.path())), changes(), 10).unwrap();
    let said = &answer.locators[0].query;
    assert!(answer.truncated && said.contains("not there yet: files until 2026-05-28T23:53:00"), "{said}");
    assert_eq!(rows(answer).len(), 4);
}

#[test]
fn what_is_broken_or_too_much_is_told_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let why = ask(&open(&settings(folder.path())), changes(), 2).unwrap_err().to_string();
    assert!(why.contains("no folder `CloudTrail`") && why.contains("hint: "), "{why}");
    deliver(folder.path(), 200, &records(), |mut bytes| {
        bytes.truncate(bytes.len() / 2);
        bytes
    });
    let why = ask(&open(&settings(folder.path())), changes(), 2).unwrap_err().to_string();
    assert!(why.contains("broken off") && why.contains("hint: was the copy"), "{why}");
    // A megabyte of the same letter is a kilobyte when it is packed.
    let bomb = vec![json!({"eventName": "x".repeat(1 << 20)})];
    deliver(folder.path(), 300, &bomb, |bytes| bytes);
    let mut tight = settings(folder.path());
    tight.budget.bytes = Some(100_000);
    let began = Instant::now();
    let why = ask(&open(&tight), changes(), 2).unwrap_err().to_string();
    assert!(why.contains("bytes that are left") && began.elapsed() < Duration::from_secs(2), "{why}");
    let late = ask(&open(&settings(trail().path())), changes(), 0);
    assert_eq!(late, Err(AskError::TimedOut(0)));
    let gone = sources::open("tried", &settings(Path::new("/no/such/folder"))).err().unwrap().to_string();
    assert!(gone.contains("no such folder; hint: "), "{gone}");
}
