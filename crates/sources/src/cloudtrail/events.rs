//! Which calls change something, what, where and by whom.
//!
//! By the names that AWS gives its calls. What only reads, what was refused, and what services do for themselves all the time
//! is no change.

use serde_json::Value as Json;
use telemetry::recorded::Change;

use crate::json::{list, text, time};
use crate::masked::{Values, flat, shown};
use crate::owners;

/// Lines of a call's parameters that are kept.
const LINES_MAX: usize = 60;

/// What a call changes, by source and by the beginning of its name (Lambda's end with a date and a version).
const KNOWN: [(&str, &str, &str); 33] = [
    ("apprunner", "StartDeployment", "deploy"),
    ("apprunner", "UpdateService", "deploy"),
    ("application-autoscaling", "RegisterScalableTarget", "scale"),
    ("appconfig", "StartDeployment", "config"),
    ("autoscaling", "SetDesiredCapacity", "scale"),
    ("autoscaling", "StartInstanceRefresh", "deploy"),
    ("autoscaling", "UpdateAutoScalingGroup", "scale"),
    ("cloudformation", "CreateStack", "deploy"),
    ("cloudformation", "DeleteStack", "deploy"),
    ("cloudformation", "ExecuteChangeSet", "deploy"),
    ("cloudformation", "UpdateStack", "deploy"),
    ("codedeploy", "CreateDeployment", "deploy"),
    ("ec2", "RebootInstances", "restart"),
    ("ec2", "StartInstances", "restart"),
    ("ec2", "StopInstances", "restart"),
    ("ec2", "TerminateInstances", "restart"),
    // A pushed image takes effect with the deploy that carries it, as a commit does.
    ("ecr", "PutImage", "commit"),
    ("ecs", "CreateService", "deploy"),
    ("ecs", "DeleteService", "deploy"),
    ("ecs", "RegisterTaskDefinition", "deploy"),
    ("ecs", "StopTask", "restart"),
    ("ecs", "UpdateService", "deploy"),
    ("eks", "UpdateClusterVersion", "deploy"),
    ("eks", "UpdateNodegroupConfig", "scale"),
    ("eks", "UpdateNodegroupVersion", "deploy"),
    ("elasticbeanstalk", "UpdateEnvironment", "deploy"),
    ("lambda", "CreateFunction", "deploy"),
    ("lambda", "UpdateAlias", "deploy"),
    ("lambda", "UpdateFunctionCode", "deploy"),
    ("lambda", "UpdateFunctionConfiguration", "config"),
    ("rds", "FailoverDBCluster", "restart"),
    ("rds", "RebootDBInstance", "restart"),
    ("rds", "RebootDBCluster", "restart"),
];

/// Sources whose other calls, when they write, change settings.
const SOURCES: [&str; 24] = [
    "apigateway",
    "appconfig",
    "autoscaling",
    "cloudfront",
    "dynamodb",
    "ec2",
    "ecs",
    "eks",
    "elasticache",
    "elasticloadbalancing",
    "es",
    "events",
    "iam",
    "kafka",
    "kms",
    "lambda",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "wafv2",
];
/// How calls begin that change settings.
const VERBS: [&str; 16] = [
    "Add",
    "Associate",
    "Attach",
    "Authorize",
    "Change",
    "Create",
    "Delete",
    "Detach",
    "Disable",
    "Disassociate",
    "Enable",
    "Modify",
    "Put",
    "Remove",
    "Revoke",
    "Update",
];
/// What services do for themselves, all the time.
const NOISE: [&str; 8] = [
    "CreateGrant",
    "CreateNetworkInterface",
    "CreateTags",
    "DeleteNetworkInterface",
    "DeleteTags",
    "PutComplianceItems",
    "PutInventory",
    "UpdateInstanceInformation",
];
/// Parameters that name what is changed, the first told wins.
const NAMES: [&str; 22] = [
    "service",
    "serviceName",
    "family",
    "functionName",
    "dBInstanceIdentifier",
    "dBClusterIdentifier",
    "dBParameterGroupName",
    "autoScalingGroupName",
    "stackName",
    "environmentName",
    "applicationName",
    "clusterName",
    "cacheClusterId",
    "replicationGroupId",
    "tableName",
    "queueUrl",
    "repositoryName",
    "groupId",
    "secretId",
    "name",
    "roleName",
    "resourceId",
];
/// Those of them that are services, or what stands for one in telemetry.
const SERVICES: usize = 15;
/// What a call sets, the first told is what is told of it.
const SETS: [&str; 14] = [
    "taskDefinition",
    "imageTag",
    "functionVersion",
    "s3Key",
    "imageUri",
    "versionLabel",
    "desiredCapacity",
    "desiredCount",
    "minCapacity",
    "dBInstanceClass",
    "version",
    "allocatedStorage",
    "maxSize",
    "value",
];

/// What parts of resources' names end before.
const ENDS: [char; 4] = ['/', '-', ':', '.'];

/// The change that a record tells of, if it does.
pub(super) fn change(record: &Json, paths: &[(String, String)]) -> Option<Change> {
    let is = |name: &str| record.get(name).and_then(Json::as_bool);
    // A try that was refused changes nothing, and neither does what only reads.
    if !text(record, "/errorCode").is_empty()
        || is("readOnly") == Some(true)
        || is("managementEvent") == Some(false)
    {
        return None;
    }
    let source = text(record, "/eventSource").split('.').next().unwrap_or_default();
    let event = text(record, "/eventName");
    let kind = kind(source, event, record)?;
    let request = record.pointer("/requestParameters").unwrap_or(&Json::Null);
    let (name, is_service) = name(request, record);
    let told = owners::of(&name, paths, &ENDS);
    let (before, after) = values(record, request);
    let own = if is_service && kind != "commit" { name.as_str() } else { "" };
    let service = told.unwrap_or(own).to_owned();
    let after = if after.is_empty() { format!("{event} {name}").trim().to_owned() } else { after };
    Some(Change {
        at: time(record, "/eventTime")?,
        kind: kind.to_owned(),
        service,
        // What an image is called is what deploys and commits are compared by.
        id: if kind == "commit" { after.clone() } else { String::new() },
        before,
        after,
        author: author(record),
        summary: summary(source, event, &name, record),
        files: vec![format!("{source}/{}", if name.is_empty() { event } else { &name })],
        diff: parameters(request),
        ..Change::default()
    })
}

/// The address at which AWS shows the event.
pub(super) fn link(record: &Json) -> String {
    let (region, id) = (text(record, "/awsRegion"), text(record, "/eventID"));
    format!("https://{region}.console.aws.amazon.com/cloudtrailv2/home?region={region}#/events/{id}")
}

fn kind(source: &str, event: &str, record: &Json) -> Option<&'static str> {
    let sets = |name: &str| record.pointer("/requestParameters").and_then(|all| all.get(name)).is_some();
    if (source, event) == ("ecs", "UpdateService") && !sets("taskDefinition") {
        let is_forced = record.pointer("/requestParameters/forceNewDeployment") == Some(&Json::Bool(true));
        return Some(match (sets("desiredCount"), is_forced) {
            (true, _) => "scale",
            (_, true) => "restart",
            _ => "config",
        });
    }
    let version = |rest: &str| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit());
    let is_known = |(of, begin, _): &&(&str, &str, &'static str)| {
        *of == source && event.strip_prefix(begin).is_some_and(version)
    };
    if let Some((_, _, kind)) = KNOWN.iter().find(is_known) {
        return Some(kind);
    }
    let is_setting = SOURCES.contains(&source) && VERBS.iter().any(|verb| event.starts_with(verb));
    (is_setting && !NOISE.contains(&event)).then_some("config")
}

/// What is changed, and whether that is a service.
fn name(request: &Json, record: &Json) -> (String, bool) {
    let told = NAMES.iter().enumerate().find_map(|(place, key)| {
        let value = request.get(key).and_then(Json::as_str).filter(|value| !value.is_empty())?;
        Some((last(value), place < SERVICES))
    });
    told.unwrap_or_else(|| {
        let first = list(record, "/resources").first().map(|one| text(one, "/ARN"));
        let instances = list(request, "/instancesSet/items").first().map(|one| text(one, "/instanceId"));
        (last(instances.or(first).unwrap_or_default()), false)
    })
}

/// The name within an ARN or an address; of a path (`/shop/orders/pool`) all of it.
fn last(value: &str) -> String {
    let is_whole = value.starts_with('/') || !(value.starts_with("arn:") || value.contains("://"));
    if is_whole {
        return value.to_owned();
    }
    // `task-definition/web:42` is `web:42`, and `function:checkout` is `checkout`.
    let end = value.rsplit_once('/').or_else(|| value.rsplit_once(':'));
    end.map_or(value, |(_, name)| name).to_owned()
}

/// What was before and what is now, where the call or its answer tells.
fn values(record: &Json, request: &Json) -> (String, String) {
    let plain = |value: &Json| match value {
        Json::String(text) => Some(last(text)),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let set = SETS.iter().find_map(|key| Some((*key, plain(request.get(key)?)?)));
    let Some((key, after)) = set else {
        let revision = text(record, "/responseElements/taskDefinition/taskDefinitionArn");
        return (String::new(), last(revision));
    };
    let response = record.pointer("/responseElements").unwrap_or(&Json::Null);
    // The service's answer lists the deployment that is being replaced beside the new one.
    let deployments = list(response, "/service/deployments").iter();
    let replaced = deployments.filter(|one| text(one, "/status") == "ACTIVE");
    let before = match key {
        "taskDefinition" => replaced.map(|one| last(text(one, "/taskDefinition"))).next(),
        "desiredCount" | "desiredCapacity" => None,
        // A database's answer has what is so until the change is applied.
        "dBInstanceClass" | "allocatedStorage" => response.get(key).and_then(plain),
        _ => None,
    };
    let before = before.filter(|before| *before != after).unwrap_or_default();
    (before, if key == "value" { parameter(request, &after) } else { after })
}

/// Who called: a user, a role with its session, or a service of AWS.
fn author(record: &Json) -> String {
    let who = |name: &str| text(record, &format!("/userIdentity/{name}"));
    let arn = who("arn");
    let session = arn.split_once(":assumed-role/").map(|(_, rest)| rest);
    let told = [session.unwrap_or_default(), who("userName"), who("invokedBy"), arn, who("type")];
    told.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

fn summary(source: &str, event: &str, name: &str, record: &Json) -> String {
    let by = text(record, "/userAgent").split(['/', ' ']).next().unwrap_or_default();
    let (region, address) = (text(record, "/awsRegion"), text(record, "/sourceIPAddress"));
    let mut said = format!("{source} {event} {name} in {region}").replace("  ", " ");
    if event == "RegisterTaskDefinition" {
        said.push_str("; takes effect with a service's update");
    }
    format!("{said}, from {address} with {by}")
}

/// What was asked for, as lines that were added; what CloudTrail hides stays hidden.
fn parameters(request: &Json) -> String {
    let mut values = Values::new();
    flat("", request, &mut values);
    let lines = values.iter().take(LINES_MAX).map(|(name, value)| match name.as_str() {
        "value" => format!("+{}\n", parameter(request, value)),
        _ => format!("+{}\n", shown(name, value)),
    });
    lines.collect()
}

/// A parameter that is set, by its name; one that is stored encrypted is a secret however it is called.
fn parameter(request: &Json, value: &str) -> String {
    let name = text(request, "/name");
    let is_secret = text(request, "/type") == "SecureString";
    if is_secret { format!("{name}=(not told)") } else { shown(name, value) }
}
