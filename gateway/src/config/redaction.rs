//! `[redact]`: what is done to which kind at which level, and kinds of the operator's own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hangu_policy::said;
use hangu_redact::{
    Action, Carriers, Keys, Kind, Level, OwnKind, OwnKindFile, Rules, WatermarkKey,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::mistake::unusable;
use super::resolve::Desk;

/// Redaction of bodies, as written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Redact {
    /// File of the secret of tokens, encryption and shifted dates, at least 32 random bytes. Default: none, and those
    /// actions drop the value.
    pub key: Option<At<PathBuf>>,
    /// File of the secret of watermarks, at least 32 random bytes. Default: none, and what carries the obligation
    /// `watermark:on` is refused.
    pub watermark_key: Option<At<PathBuf>>,
    /// Whether marks may stand in invisible characters (U+200B) as well, which survive more programs and are seen by
    /// whoever compares texts. Default: no.
    #[serde(default)]
    pub watermark_invisible: bool,
    /// What tokens are for: those of two purposes cannot be joined. Default: `default`.
    pub purpose: Option<String>,
    /// By level, `L1` to `L4`: what is done to a kind, such as `mobile = "keep 3 4"`; what is not named stays as shipped.
    #[serde(default)]
    pub level: BTreeMap<String, BTreeMap<String, At<String>>>,
    /// By kind: further field names and labels.
    #[serde(default)]
    pub label: BTreeMap<String, Vec<At<String>>>,
    /// Kinds of the operator's own.
    #[serde(default)]
    pub kind: Vec<At<OwnKindFile>>,
}

/// Redaction of bodies, as meant.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// What is doubtful about them, for `hangu check`.
    pub warnings: Vec<String>,
    /// The file of the secret.
    pub key: Option<PathBuf>,
    /// What marks exports for their recipients.
    pub watermark: Option<Marking>,
}

/// What marks exports.
#[derive(Debug, Clone)]
pub struct Marking {
    /// The key of marks.
    pub key: Arc<WatermarkKey>,
    /// Where marks may stand.
    pub carriers: Carriers,
    /// The file of the key's secret.
    pub file: PathBuf,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            rules: Rules::shipped(),
            warnings: Vec::new(),
            key: None,
            watermark: None,
        }
    }
}

impl Redaction {
    /// Applies what one file says.
    pub(super) fn apply(&mut self, desk: &mut Desk<'_>, written: &Redact) {
        let mut rules = Rules::clone(&self.rules);
        for (level, kinds) in &written.level {
            let Ok(level) = level.parse::<Level>() else {
                desk.wrong_file(said!(
                    "`redact.level.{level}` is no redaction level; write `L1`, `L2`, `L3` or `L4`",
                    "`redact.level.{level}` 不是脱敏级别；应为 `L1`、`L2`、`L3` 或 `L4`"
                ));
                continue;
            };
            for (kind, written_action) in kinds {
                match (kind.parse::<Kind>(), written_action.parse::<Action>()) {
                    (Ok(kind), Ok(action)) => {
                        if action.needs_key() && written.key.is_none() && self.key.is_none() {
                            desk.wrong(
                                &written_action.span(),
                                said!(
                                    "`{action}` needs `redact.key`, the file of its secret",
                                    "`{action}` 需要 `redact.key`，即存放密钥的文件"
                                ),
                            );
                        }
                        rules.set_action(level, kind, action);
                    }
                    (Err(wrong), _) => desk.wrong(&written_action.span(), unusable(&wrong)),
                    (_, Err(wrong)) => desk.wrong(&written_action.span(), unusable(&wrong)),
                }
            }
        }
        for (kind, words) in &written.label {
            for word in words {
                match kind.parse::<Kind>() {
                    Ok(kind) => rules.add_label(word, kind),
                    Err(wrong) => desk.wrong(&word.span(), unusable(&wrong)),
                }
            }
        }
        for own in &written.kind {
            self.add(desk, &mut rules, own);
        }
        if let Some(key) = &written.key {
            let path = desk.file(key);
            let purpose = written.purpose.as_deref().unwrap_or("default");
            // A file that cannot be read is a mistake already.
            if let Ok(secret) = std::fs::read(&path) {
                match Keys::new(secret.trim_ascii(), purpose) {
                    Ok(keys) => rules.set_keys(Arc::new(keys)),
                    Err(wrong) => desk.wrong(
                        &key.span(),
                        said!("`{}`: {wrong}", "`{}` 不可用：{wrong}", path.display()),
                    ),
                }
            }
            self.key = Some(path);
        }
        self.rules = Arc::new(rules);
        if let Some(key) = &written.watermark_key {
            let file = desk.file(key);
            // A file that cannot be read is a mistake already.
            let Ok(secret) = std::fs::read(&file) else {
                return;
            };
            let carriers = Carriers {
                invisible: written.watermark_invisible,
                ..Carriers::default()
            };
            match WatermarkKey::new(secret.trim_ascii()) {
                Ok(key) => {
                    self.watermark = Some(Marking {
                        key: Arc::new(key),
                        carriers,
                        file,
                    });
                }
                Err(wrong) => desk.wrong(&key.span(), unusable(&wrong)),
            }
        }
    }

    fn add(&mut self, desk: &mut Desk<'_>, rules: &mut Rules, own: &At<OwnKindFile>) {
        match OwnKind::new((**own).clone()) {
            Ok(kind) => {
                for complaint in kind.complaints() {
                    desk.wrong(&own.span(), unusable(&complaint));
                }
                self.warnings.extend(kind.warnings());
                rules.add_own(kind);
            }
            Err(wrong) => desk.wrong(&own.span(), unusable(&wrong)),
        }
    }
}
