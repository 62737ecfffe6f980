//! The list of alerts: bounded, grouped, and worked on by people.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::alert::{Alert, AlertId, AlertStatus, Note, Taken, Verdict};
use crate::detect::Detection;
use crate::entity::Entity;
use crate::rule::{Rule, Words};
use crate::settings::AlertSettings;
use crate::span::millis;

/// Events kept with one alert; chosen.
const EVENTS: usize = 60;
/// Remarks kept with one alert; chosen.
const NOTES: usize = 100;
/// Longest remark, in bytes; chosen.
const LONGEST_NOTE: usize = 4_096;

/// All alerts that are kept.
#[derive(Debug)]
pub struct Alerts {
    settings: AlertSettings,
    kept: BTreeMap<AlertId, Alert>,
    /// The latest alert of each rule about each entity.
    latest: HashMap<(Rule, Entity), AlertId>,
    next: AlertId,
    dropped: u64,
}

/// What became of a detection.
#[derive(Debug, Clone, PartialEq)]
pub enum Raised {
    /// A new alert.
    New(Alert),
    /// Another count of an alert that people know of.
    Again(Alert),
    /// Another count of an alert that people closed as false not long ago: nothing is to be done.
    Muted(Alert),
}

/// Why an alert was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    /// No such alert is kept.
    #[error("there is no alert `{id}`")]
    Unknown {
        /// The number asked for.
        id: AlertId,
    },
    /// It is closed.
    #[error("alert `{id}` is closed; a new one is raised if it happens again")]
    Closed {
        /// The number asked for.
        id: AlertId,
    },
    /// The remark is too long or empty.
    #[error("a note has between 1 and 4096 bytes")]
    Note,
}

impl Raised {
    /// The alert.
    pub fn alert(&self) -> &Alert {
        match self {
            Self::New(alert) | Self::Again(alert) | Self::Muted(alert) => alert,
        }
    }
}

impl Alerts {
    /// No alerts.
    pub fn new(settings: AlertSettings) -> Self {
        Self {
            settings,
            kept: BTreeMap::new(),
            latest: HashMap::new(),
            next: 1,
            dropped: 0,
        }
    }

    /// Uses other settings from now on.
    pub fn set(&mut self, settings: AlertSettings) {
        self.settings = settings;
    }

    /// Takes in a detection: a new alert, or one more of an alert that has it already. The second value is the alert
    /// that says that the list is full, if this made an old alert leave.
    pub fn raise(&mut self, detection: Detection) -> (Raised, Option<Raised>) {
        let raised = self.put(detection);
        let full = (self.kept.len() > self.most())
            .then(|| self.shed(raised.alert().last_ms, raised.alert().id));
        (raised, full)
    }

    /// Puts back an alert as an earlier run left it; of several states of one alert the last one given holds.
    pub fn restore(&mut self, alert: Alert) {
        self.next = self.next.max(alert.id.saturating_add(1));
        let latest = self
            .latest
            .entry((alert.rule, alert.entity.clone()))
            .or_insert(alert.id);
        *latest = alert.id.max(*latest);
        self.kept.insert(alert.id, alert);
        self.drop_weakest(0);
    }

    /// One alert.
    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.kept.get(&id)
    }

    /// The alerts of a status, or all, newest first.
    pub fn list(&self, status: Option<AlertStatus>) -> impl Iterator<Item = &Alert> {
        self.kept
            .values()
            .rev()
            .filter(move |alert| status.is_none_or(|status| alert.status == status))
    }

    /// How many alerts left because the list was full.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Says that somebody works on it.
    ///
    /// # Errors
    /// If there is no such alert, it is closed, or the note is empty or too long.
    pub fn acknowledge(
        &mut self,
        id: AlertId,
        by: &str,
        note: &str,
        now: u64,
    ) -> Result<&Alert, AlertError> {
        self.work(id, by, note, now, |alert| {
            alert.status = AlertStatus::Acknowledged
        })
    }

    /// Closes it with what people found; a false alarm no longer counts as responded to.
    ///
    /// # Errors
    /// If there is no such alert, it is closed, or the note is empty or too long.
    pub fn close(
        &mut self,
        id: AlertId,
        verdict: Verdict,
        by: &str,
        note: &str,
        now: u64,
    ) -> Result<&Alert, AlertError> {
        self.work(id, by, note, now, |alert| {
            alert.status = AlertStatus::Closed;
            alert.verdict = Some(verdict);
            if verdict == Verdict::FalsePositive {
                alert.response = None;
            }
        })
    }

    /// Notes what the gateway did about it.
    pub fn responded(&mut self, id: AlertId, taken: Taken) -> Option<&Alert> {
        let alert = self.kept.get_mut(&id)?;
        alert.response = Some(taken);
        Some(alert)
    }

    /// Notes that the response was undone.
    pub fn undone(&mut self, id: AlertId, by: &str, reason: &str, now: u64) -> Option<&Alert> {
        let alert = self.kept.get_mut(&id)?;
        alert.response = None;
        alert.remark(Note {
            time_ms: now,
            by: by.into(),
            text: reason.into(),
        });
        Some(alert)
    }

    fn put(&mut self, detection: Detection) -> Raised {
        let key = (detection.rule, detection.entity.clone());
        let now = detection.time_ms;
        if let Some(alert) = self.latest.get(&key).and_then(|id| self.kept.get_mut(id)) {
            let since = now.saturating_sub(alert.last_ms);
            let closed = alert.status == AlertStatus::Closed;
            let closed_at = alert
                .notes
                .last()
                .map_or(alert.last_ms, |note| note.time_ms);
            let false_alarm = alert.verdict == Some(Verdict::FalsePositive);
            let muted =
                closed && false_alarm && now.saturating_sub(closed_at) < millis(self.settings.mute);
            if muted || (!closed && since < millis(self.settings.group)) {
                alert.count = alert.count.saturating_add(1);
                alert.last_ms = alert.last_ms.max(now);
                alert.description = detection.description;
                for event in detection.events {
                    if alert.events.len() == EVENTS {
                        alert.events.remove(EVENTS / 2);
                    }
                    alert.events.push(event);
                }
                return if muted {
                    Raised::Muted(alert.clone())
                } else {
                    Raised::Again(alert.clone())
                };
            }
        }
        let mut events = detection.events;
        events.truncate(EVENTS);
        let alert = Alert {
            id: self.next,
            time_ms: now,
            last_ms: now,
            rule: detection.rule,
            severity: detection.rule.severity(),
            title: detection.rule.title(),
            description: detection.description,
            entity: detection.entity,
            count: 1,
            technique: detection.rule.technique().map(Cow::Borrowed),
            events,
            status: AlertStatus::Open,
            verdict: None,
            response: None,
            notes: Vec::new(),
        };
        self.next = self.next.saturating_add(1);
        self.latest.insert(key, alert.id);
        self.kept.insert(alert.id, alert.clone());
        Raised::New(alert)
    }

    /// Lets alerts leave until the list and the alert that says so fit; that alert counts on while the list is full.
    fn shed(&mut self, now: u64, newest: AlertId) -> Raised {
        self.drop_weakest(newest);
        let (most, dropped) = (self.most(), self.dropped);
        let raised = self.put(Detection {
            time_ms: now,
            rule: Rule::AlertsFull,
            entity: Entity::Gateway("alerts".into()),
            description: Words::new(
                format!("告警数已达上限 {most}，至今移出 {dropped} 条旧告警；请关闭已处理的告警，或调高 `kept`"),
                format!(
                    "{most} alerts are kept, the most, and {dropped} old ones were dropped so far; \
                     close what is done, or raise `kept`"
                ),
            ),
            events: Vec::new(),
            foreign: 0.0,
        });
        self.drop_weakest(newest);
        raised
    }

    /// Drops alerts until the list fits, and a few more so that a flood of alerts pays for one look at all of them in
    /// many: those that are missed least, which are closed before open, mild before bad, old before new; never the
    /// latest about the full list, nor `spared`.
    fn drop_weakest(&mut self, spared: AlertId) {
        let most = self.most();
        if self.kept.len() <= most {
            return;
        }
        let full = self
            .latest
            .get(&(Rule::AlertsFull, Entity::Gateway("alerts".into())));
        let mut weakest: Vec<_> = self
            .kept
            .values()
            .filter(|alert| alert.id != spared && Some(&alert.id) != full)
            .map(|alert| {
                (
                    alert.status != AlertStatus::Closed,
                    alert.severity,
                    alert.last_ms,
                    alert.id,
                )
            })
            .collect();
        weakest.sort_unstable();
        let leaving = self.kept.len() - most + most / 64;
        for (_, _, _, id) in weakest.into_iter().take(leaving) {
            self.forget(id);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn forget(&mut self, id: AlertId) {
        if let Some(alert) = self.kept.remove(&id) {
            let key = (alert.rule, alert.entity);
            if self.latest.get(&key) == Some(&id) {
                self.latest.remove(&key);
            }
        }
    }

    fn most(&self) -> usize {
        usize::try_from(self.settings.kept.get()).unwrap_or(usize::MAX)
    }

    fn work(
        &mut self,
        id: AlertId,
        by: &str,
        note: &str,
        now: u64,
        change: impl FnOnce(&mut Alert),
    ) -> Result<&Alert, AlertError> {
        if note.trim().is_empty() || note.len() > LONGEST_NOTE {
            return Err(AlertError::Note);
        }
        let alert = self.kept.get_mut(&id).ok_or(AlertError::Unknown { id })?;
        if alert.status == AlertStatus::Closed {
            return Err(AlertError::Closed { id });
        }
        change(alert);
        alert.remark(Note {
            time_ms: now,
            by: by.into(),
            text: note.into(),
        });
        Ok(alert)
    }
}

impl Alert {
    fn remark(&mut self, note: Note) {
        if self.notes.len() == NOTES {
            self.notes.remove(NOTES / 2);
        }
        self.notes.push(note);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn the_same_rule_about_the_same_one_is_one_alert_with_a_count() {
        let mut alerts = alerts(100);
        let first = raise(&mut alerts, Rule::PathScanning, "a", 0);
        assert!(
            matches!(raise(&mut alerts, Rule::PathScanning, "a", HOUR - 1), Raised::Again(a) if a.count == 2)
        );
        assert!(matches!(
            raise(&mut alerts, Rule::PathScanning, "b", HOUR - 1),
            Raised::New(_)
        ));
        assert!(matches!(
            raise(&mut alerts, Rule::MassReading, "a", HOUR - 1),
            Raised::New(_)
        ));
        let later = raise(&mut alerts, Rule::PathScanning, "a", 2 * HOUR);
        assert!(matches!(&later, Raised::New(a) if a.id != first.alert().id));
        assert_eq!(alerts.list(None).count(), 4);
    }

    #[test]
    fn a_closed_alert_is_raised_anew_unless_it_was_false() {
        let mut alerts = alerts(100);
        let real = raise(&mut alerts, Rule::PathScanning, "a", 0).alert().id;
        let wrong = raise(&mut alerts, Rule::PathScanning, "b", 0).alert().id;
        alerts
            .close(real, Verdict::TruePositive, "wang", "已封禁", 1)
            .unwrap();
        alerts
            .close(wrong, Verdict::FalsePositive, "wang", "自家巡检", 1)
            .unwrap();
        assert!(matches!(
            raise(&mut alerts, Rule::PathScanning, "a", 2),
            Raised::New(_)
        ));
        assert!(
            matches!(raise(&mut alerts, Rule::PathScanning, "b", 2), Raised::Muted(a) if a.count == 2)
        );
        assert!(matches!(
            raise(&mut alerts, Rule::PathScanning, "b", 24 * HOUR + 1),
            Raised::New(_)
        ));
    }

    #[test]
    fn working_on_an_alert_needs_a_reason_and_an_open_alert() {
        let mut alerts = alerts(100);
        let id = raise(&mut alerts, Rule::PathScanning, "a", 0).alert().id;
        assert_eq!(
            alerts.acknowledge(id, "wang", " ", 1).unwrap_err(),
            AlertError::Note
        );
        assert_eq!(
            alerts.acknowledge(99, "wang", "看", 1).unwrap_err(),
            AlertError::Unknown { id: 99 }
        );
        let alert = alerts.acknowledge(id, "wang", "正在查", 1).unwrap();
        assert_eq!(
            (alert.status, alert.notes[0].by.as_str()),
            (AlertStatus::Acknowledged, "wang")
        );
        alerts
            .close(id, Verdict::TruePositive, "li", "完", 2)
            .unwrap();
        assert_eq!(
            alerts.acknowledge(id, "wang", "再看", 3).unwrap_err(),
            AlertError::Closed { id }
        );
        assert_eq!(alerts.list(Some(AlertStatus::Closed)).count(), 1);
        assert_eq!(alerts.list(Some(AlertStatus::Open)).count(), 0);
    }

    #[test]
    fn a_full_list_raises_an_alert_and_drops_closed_and_mild_ones_first() {
        let mut alerts = alerts(10);
        let bad = raise(&mut alerts, Rule::MassReading, "thief", 0).alert().id;
        let mut told = 0;
        for n in 1..1_000u64 {
            let (_, full) = alerts.raise(detection(Rule::PathScanning, &n.to_string(), n));
            told += u64::from(full.is_some());
            assert!(alerts.list(None).count() <= 10);
        }
        assert_eq!(told, 990);
        assert!(alerts.get(bad).is_some());
        assert_eq!(alerts.dropped() + 10, 1_000 + 1);
        let own: Vec<_> = alerts
            .list(None)
            .filter(|alert| alert.rule == Rule::AlertsFull)
            .collect();
        assert_eq!((own.len(), own[0].count), (1, told));
        assert!(alerts.latest.len() <= 10);
    }

    #[test]
    fn a_list_put_back_from_its_record_is_the_list() {
        let mut before = alerts(100);
        let mut record = Vec::new();
        for n in 0..20 {
            let raised = raise(&mut before, Rule::PathScanning, &(n % 7).to_string(), n);
            record.push(serde_json::to_string(raised.alert()).unwrap());
        }
        record
            .push(serde_json::to_string(before.acknowledge(3, "wang", "看", 30).unwrap()).unwrap());
        let mut after = alerts(100);
        record
            .iter()
            .for_each(|line| after.restore(serde_json::from_str(line).unwrap()));
        assert_eq!(
            before.list(None).collect::<Vec<_>>(),
            after.list(None).collect::<Vec<_>>()
        );
        assert!(matches!(
            raise(&mut after, Rule::PathScanning, "0", 40),
            Raised::Again(_)
        ));
        assert_eq!(
            raise(&mut after, Rule::PathScanning, "new", 40).alert().id,
            8
        );
    }

    #[test]
    fn evidence_is_bounded_and_keeps_first_and_last() {
        let mut alerts = alerts(100);
        for n in 0..1_000 {
            raise(&mut alerts, Rule::PathScanning, "a", n);
        }
        let alert = alerts.get(1).unwrap();
        assert_eq!(
            (alert.events.len(), alert.events[0], alert.events[59]),
            (60, 0, 999)
        );
    }

    #[test]
    fn an_alert_is_written_as_the_console_reads_it() {
        let mut alerts = alerts(100);
        let raised = raise(&mut alerts, Rule::PasswordGuessing, "zhang", 5);
        let taken = Taken {
            kind: "ban".into(),
            until_ms: Some(9),
            id: 4,
        };
        let alert = alerts.responded(raised.alert().id, taken).unwrap();
        assert_eq!(
            serde_json::to_string(alert).unwrap(),
            r#"{"id":1,"time_ms":5,"last_ms":5,"rule":"password-guessing","severity":"medium","title":{"zh":"同一地址反复登录失败","en":"Password guessing from one address"},"description":{"zh":"","en":""},"entity":{"kind":"caller","value":"zhang"},"count":1,"technique":"T1110.001","events":[5],"status":"open","verdict":null,"response":{"kind":"ban","until_ms":9,"id":4},"notes":[]}"#
        );
    }

    fn alerts(kept: u32) -> Alerts {
        Alerts::new(AlertSettings {
            kept: NonZeroU32::new(kept).unwrap(),
            ..AlertSettings::default()
        })
    }

    fn raise(alerts: &mut Alerts, rule: Rule, who: &str, now: u64) -> Raised {
        alerts.raise(detection(rule, who, now)).0
    }

    fn detection(rule: Rule, who: &str, now: u64) -> Detection {
        Detection {
            time_ms: now,
            rule,
            entity: Entity::Caller(who.into()),
            description: Words::new("", ""),
            events: vec![now],
            foreign: 1.0,
        }
    }
}
