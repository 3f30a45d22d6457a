//! Incidents in the layout of the dataset, made from a small system with a seed: an entry, what it calls, and one
//! service in which something is wrong from the injection on.

use std::path::Path;

use platform::{Chance, SeededChance};

/// When it begins to be wrong, Unix seconds.
const INJECTED: i64 = 1_700_000_000;
/// Seconds recorded before and after.
const AROUND: i64 = 420;
/// Who calls whom: the entry is `web`.
const CALLS: [(&str, &[&str]); 6] = [
    ("web", &["basket", "catalog", "order"]),
    ("basket", &[]),
    ("catalog", &[]),
    ("order", &["bank", "basket", "mail"]),
    ("bank", &[]),
    ("mail", &[]),
];

/// What is done to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A neighbour takes its processor: it works slowly and uses much of it.
    Cpu,
    /// Whatever comes to it or goes from it takes longer on the way.
    Delay,
    /// What comes to it or goes from it is lost and sent again, or fails.
    Loss,
    /// It opens connections and never closes them.
    Socket,
}

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    Everything,
    MetricsAlone,
}

struct System {
    chance: SeededChance,
    service: &'static str,
    wrong: Wrong,
    spans: String,
    logs: String,
    next: u64,
}

/// Writes one incident to `folder`.
pub(super) fn write(folder: &Path, service: &'static str, wrong: Wrong, seed: u64, recorded: Recorded) {
    let mut system = System {
        chance: SeededChance::new(seed),
        service,
        wrong,
        spans: "time,traceID,spanID,serviceName,methodName,operationName,startTimeMillis,startTime,duration,statusCode,parentSpanID\n".to_owned(),
        logs: "time,timestamp,container_name,message,level,req_path,error\n".to_owned(),
        next: 0,
    };
    std::fs::create_dir_all(folder).unwrap();
    super::file(folder, "inject_time.txt", format!("{INJECTED}\n"));
    match recorded {
        Recorded::MetricsAlone => super::file(folder, "data.csv", system.metrics(&["", "load"])),
        Recorded::Everything => {
            super::file(folder, "simple_metrics.csv", system.metrics(&["-50", "workload"]));
            for second in -AROUND..AROUND {
                let at_us = (INJECTED + second) * 1_000_000 + system.below(900_000);
                system.request(at_us);
            }
            super::file(folder, "traces.csv", &system.spans);
            super::file(folder, "logs.csv", &system.logs);
        }
    }
}

impl System {
    fn below(&mut self, bound: u64) -> i64 {
        self.chance.below(bound) as i64
    }

    /// Around 1, by a tenth.
    fn noise(&mut self) -> f64 {
        0.9 + self.below(2_000) as f64 / 10_000.0
    }

    fn is_wrong(&self, service: &str, second: i64) -> bool {
        second >= 0 && service == self.service
    }

    /// Milliseconds that a request takes: own work, the way, and what is called.
    fn latency(&mut self, service: &str, second: i64) -> f64 {
        let own = 4.0 * self.noise();
        let wrong = self.is_wrong(service, second);
        let own = match self.wrong {
            Wrong::Cpu if wrong => own * 12.0,
            Wrong::Delay if wrong => own + 150.0,
            Wrong::Loss if wrong => own + 60.0,
            _ => own,
        };
        own + callees(service).iter().map(|callee| self.latency(callee, second)).sum::<f64>()
    }

    /// The share of requests that fail, with those that fail because of what is called.
    fn failing(&self, service: &str, second: i64) -> f64 {
        let own = f64::from(u8::from(self.wrong == Wrong::Loss && self.is_wrong(service, second))) * 0.2;
        own + callees(service).iter().map(|callee| self.failing(callee, second) / 2.0).sum::<f64>()
    }

    fn metrics(&mut self, [latency, load]: &[&str; 2]) -> String {
        let mut text = "\u{feff}time".to_owned();
        for (service, _) in CALLS {
            for figure in ["cpu", "mem", "diskio", "socket", "error", load, &format!("latency{latency}")] {
                text += &format!(",{service}_{figure}");
            }
        }
        text.push('\n');
        for second in -AROUND..AROUND {
            text += &(INJECTED + second).to_string();
            for (service, _) in CALLS {
                let busy = self.wrong == Wrong::Cpu && self.is_wrong(service, second);
                let cpu = if busy { 0.95 } else { 0.1 } * self.noise();
                let latency = self.latency(service, second) / 1e3;
                let errors = 10.0 * self.failing(service, second) * self.noise();
                let (mem, disk) = (1e8 * self.noise(), 1e4 * self.noise());
                let open =
                    if self.wrong == Wrong::Socket && self.is_wrong(service, second) { 90.0 } else { 20.0 };
                let (socket, load) = ((open * self.noise()).round(), 10.0 * self.noise());
                text += &format!(",{cpu},{mem},{disk},{socket},{errors},{load},{latency}");
            }
            // A row in fifty has holes.
            if second % 50 == 0 {
                text += "\nnan,,inf";
            }
            text.push('\n');
        }
        text
    }

    fn request(&mut self, at_us: i64) {
        self.next += 1;
        let trace = format!("{:032x}", 0xabc0_0000_0000_u64 + self.next);
        self.span(&trace, "", "web", at_us);
    }

    /// Writes the spans of a request to `service` and gives when it ends and whether it failed.
    fn span(&mut self, trace: &str, parent: &str, service: &str, at_us: i64) -> (i64, bool) {
        let second = at_us / 1_000_000 - INJECTED;
        let wrong = self.is_wrong(service, second);
        self.next += 1;
        let id = format!("{:016x}", self.next);
        let way = if wrong && self.wrong == Wrong::Delay { 75_000 } else { 100 };
        let mut own = (4_000.0 * self.noise()) as i64;
        if wrong && self.wrong == Wrong::Cpu {
            own *= 12;
        }
        let lost = wrong && self.wrong == Wrong::Loss && self.below(10) < 4;
        let start = at_us + way;
        let mut now = start + own / 2;
        let mut failed = lost && self.below(2) == 0;
        if lost {
            now += 200_000;
            self.log(service, now, "ERROR", "connection reset by peer, trying again");
        } else {
            for callee in callees(service) {
                self.next += 1;
                let call = format!("{:016x}", self.next);
                let begun = now;
                let (ended, callee_failed) = self.span(trace, &call, callee, now);
                now = ended + way;
                failed |= callee_failed && self.below(2) == 0;
                self.row(trace, (&call, &id), service, &format!("/{callee}/Do"), (begun, now, callee_failed));
            }
            self.log(service, now, "INFO", &format!("handled request {} in {} us", self.next, now - start));
        }
        let end = now + own / 2;
        self.row(trace, (&id, parent), service, &format!("/{service}/Do"), (start, end, failed));
        (end, failed)
    }

    fn row(
        &mut self,
        trace: &str,
        (id, parent): (&str, &str),
        service: &str,
        operation: &str,
        (start, end, failed): (i64, i64, bool),
    ) {
        let (millis, took) = (start / 1_000, end - start);
        let code = if failed { "14.0" } else { "0.0" };
        let row =
            format!("21:00,{trace},{id},{service},Do,{operation},{millis},{start},{took},{code},{parent}\n");
        self.spans += &row;
    }

    fn log(&mut self, service: &str, at_us: i64, level: &str, message: &str) {
        self.logs += &format!("21:00,{}000,{service},\"{message}\",{level},,\n", at_us);
    }
}

fn callees(service: &str) -> &'static [&'static str] {
    CALLS.iter().find(|(name, _)| *name == service).map_or(&[], |(_, callees)| callees)
}
