//! How an authorization server treats its tokens: lifetimes, and what becomes of a refresh token that was used.

use serde::{Deserialize, Serialize};

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It stays the same.
    None,
    /// A new one takes its place; the old one is dead at once, and using it again hurts nobody.
    Rotate,
    /// For `grace_seconds` the old one still answers, with the newest refresh token of its grant.
    RotateWithGrace,
    /// Using the old one again ends its grant with all tokens.
    RotateAndRevokeFamilyOnReuse,
}

/// Lifetimes are in seconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Policy {
    pub rotation: Rotation,
    pub grace_seconds: i64,
    pub code_seconds: i64,
    pub access_seconds: i64,
    pub refresh_seconds: i64,
    /// Access tokens of signed assertions.
    pub assertion_seconds: i64,
    /// Whether using a refresh token starts its lifetime anew; without it the vendor's own rule decides.
    pub refresh_extends: Option<bool>,
    /// How far the clock of who signs an assertion may be ahead.
    pub skew_seconds: i64,
}

/// What is left out keeps its value; of an application, what is left out is as the vendor has it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<Rotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_extends: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skew_seconds: Option<i64>,
}

impl PolicyChange {
    pub fn onto(self, policy: Policy) -> Policy {
        Policy {
            rotation: self.rotation.unwrap_or(policy.rotation),
            grace_seconds: self.grace_seconds.unwrap_or(policy.grace_seconds),
            code_seconds: self.code_seconds.unwrap_or(policy.code_seconds),
            access_seconds: self.access_seconds.unwrap_or(policy.access_seconds),
            refresh_seconds: self.refresh_seconds.unwrap_or(policy.refresh_seconds),
            assertion_seconds: self.assertion_seconds.unwrap_or(policy.assertion_seconds),
            refresh_extends: self.refresh_extends.or(policy.refresh_extends),
            skew_seconds: self.skew_seconds.unwrap_or(policy.skew_seconds),
        }
    }
}
