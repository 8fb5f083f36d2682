//! Proof that a request comes from the device that it names: HTTP Message Signatures (RFC 9421) with
//! Ed25519, and the digest of the body (RFC 9530).
//!
//! A device signs method, path, query and, where there is one, the digest of the body as it is sent.
//! With them it signs when (`created`), a `nonce` that is never used twice, and its own id (`keyid`).
//! This is the text of both sides; what a server accepts as fresh, and which keys it knows, is its own.
//!
//! ```
//! use sokiem_record::{id::DeviceId, proof, signing::SigningKey};
//!
//! let key = SigningKey::from_seed(&[7; 32]);
//! let digest = proof::content_digest(b"body");
//! let covered = proof::Covered { method: "POST", path: "/api/device/v1/exchange", query: None, digest: Some(&digest) };
//! let stamp = proof::Stamp { created_s: 1_790_000_000, nonce: [1; 16], device: DeviceId(uuid::Uuid::nil()) };
//! let (input, signature) = proof::sign(&covered, &stamp, &key);
//!
//! let claim = proof::Claim::parse(&input, &signature)?;
//! assert_eq!(claim.stamp, stamp);
//! assert!(claim.holds(&covered, &key.public_key()));
//! # Ok::<(), proof::InvalidProof>(())
//! ```

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    id::{ActorId, DeviceId},
    signing::{PublicKey, Signature, SigningKey},
};

/// The name of the signature in both of its header fields.
pub const LABEL: &str = "sokiem";
/// Header field with the digest of the body as it is sent.
pub const CONTENT_DIGEST: &str = "content-digest";
/// Header field that says what is signed.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Header field with the signature itself.
pub const SIGNATURE: &str = "signature";
/// Longest value of either header field, in bytes.
pub const MAX_FIELD_BYTES: usize = 512;

/// What of a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path as it stands in the request line, `/api/device/v1/exchange`.
    pub path: &'a str,
    /// What follows the question mark; `None` where there is none.
    pub query: Option<&'a str>,
    /// The value of [`CONTENT_DIGEST`]; a request with a body has one.
    pub digest: Option<&'a str>,
}

/// Who signs, when, and what makes this request unlike any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The server's time as the device believes it to be, in seconds since 1970-01-01 UTC.
    pub created_s: i64,
    /// 16 random bytes, never used twice.
    pub nonce: [u8; 16],
    /// The device.
    pub device: DeviceId,
}

/// The two header fields are none that this protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature can't be read: {0}")]
pub struct InvalidProof(&'static str);

/// The value of [`CONTENT_DIGEST`] for a body, as it is sent: after compression.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(Sha256::digest(body)))
}

/// The values of [`SIGNATURE_INPUT`] and [`SIGNATURE`] for a request.
pub fn sign(covered: &Covered<'_>, stamp: &Stamp, key: &SigningKey) -> (String, String) {
    let names = match covered.digest {
        Some(_) => vec![
            Component::Method,
            Component::Path,
            Component::Query,
            Component::Digest,
        ],
        None => vec![Component::Method, Component::Path, Component::Query],
    };
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("\"{}\"", name.name()))
        .collect();
    let parameters = format!(
        "({});created={};nonce=\"{}\";keyid=\"{}\";alg=\"ed25519\"",
        quoted.join(" "),
        stamp.created_s,
        BASE64.encode(stamp.nonce),
        stamp.device
    );
    let signature = key.sign(&base(&names, covered, &parameters));
    (
        format!("{LABEL}={parameters}"),
        format!("{LABEL}=:{}:", BASE64.encode(signature.as_bytes())),
    )
}

/// What two header fields claim. Nothing of it is true before [`Claim::holds`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who says to have signed, and when.
    pub stamp: Stamp,
    components: Vec<Component>,
    parameters: String,
    signature: Signature,
}

impl Claim {
    /// Reads the two header fields. Components and parameters may stand in any order; there are no others
    /// than those of this protocol, and each stands once.
    ///
    /// # Errors
    /// [`InvalidProof`] with what is wrong.
    pub fn parse(signature_input: &str, signature: &str) -> Result<Self, InvalidProof> {
        if signature_input.len().max(signature.len()) > MAX_FIELD_BYTES {
            return Err(InvalidProof("a field is too long"));
        }
        let labelled = |text: &'_ str| {
            text.strip_prefix(LABEL)
                .and_then(|text| text.strip_prefix('='))
                .map(str::to_owned)
        };
        let parameters =
            labelled(signature_input).ok_or(InvalidProof("the label is not sokiem"))?;
        let (list, rest) = parameters
            .strip_prefix('(')
            .and_then(|text| text.split_once(')'))
            .ok_or(InvalidProof("no list of components"))?;
        let components = components(list)?;
        let stamp = stamp(rest)?;
        let signature = labelled(signature)
            .as_deref()
            .and_then(|text| text.strip_prefix(':')?.strip_suffix(':'))
            .and_then(|text| BASE64.decode(text).ok())
            .and_then(|bytes| Signature::from_slice(&bytes))
            .ok_or(InvalidProof("no signature of 64 bytes"))?;
        Ok(Self {
            stamp,
            components,
            parameters,
            signature,
        })
    }

    /// Whether the digest of the body is among what is signed.
    pub fn covers_body(&self) -> bool {
        self.components.contains(&Component::Digest)
    }

    /// Whether the owner of `key` signed this request. A digest in `covered` has to be signed too, and
    /// has to be compared with the body by the caller.
    pub fn holds(&self, covered: &Covered<'_>, key: &PublicKey) -> bool {
        self.covers_body() == covered.digest.is_some()
            && key.verifies(
                &base(&self.components, covered, &self.parameters),
                &self.signature,
            )
    }
}

/// What a device signs to show that it has the key that it enrols with.
pub fn enrolment_message(code: &str, actor: ActorId, key: &PublicKey) -> Vec<u8> {
    let actor = actor.0.simple();
    format!("sokiem enrolment\n{code}\n{actor}\n{key}").into_bytes()
}

/// What a device signs with its next key to show that it has it.
pub fn renewal_message(device: DeviceId, key: &PublicKey) -> Vec<u8> {
    format!("sokiem key\n{device}\n{key}").into_bytes()
}

/// A derived component or field that may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Component {
    Method,
    Path,
    Query,
    Digest,
}

impl Component {
    const ALL: [Self; 4] = [Self::Method, Self::Path, Self::Query, Self::Digest];

    fn name(self) -> &'static str {
        match self {
            Self::Method => "@method",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::Digest => CONTENT_DIGEST,
        }
    }
}

/// The signature base of RFC 9421 § 2.5.
fn base(components: &[Component], covered: &Covered<'_>, parameters: &str) -> Vec<u8> {
    let mut base = String::new();
    for component in components {
        let query = format!("?{}", covered.query.unwrap_or_default());
        let value = match component {
            Component::Method => covered.method,
            Component::Path => covered.path,
            Component::Query => &query,
            Component::Digest => covered.digest.unwrap_or_default(),
        };
        base.push_str(&format!("\"{}\": {value}\n", component.name()));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    base.into_bytes()
}

fn components(list: &str) -> Result<Vec<Component>, InvalidProof> {
    let mut found = Vec::new();
    for item in list.split(' ') {
        let name = item
            .strip_prefix('"')
            .and_then(|item| item.strip_suffix('"'));
        let component = Component::ALL
            .into_iter()
            .find(|component| Some(component.name()) == name)
            .ok_or(InvalidProof("a component that is not signed here"))?;
        if found.contains(&component) {
            return Err(InvalidProof("a component stands twice"));
        }
        found.push(component);
    }
    let needed = [Component::Method, Component::Path, Component::Query];
    if needed.iter().any(|component| !found.contains(component)) {
        return Err(InvalidProof("method, path and query have to be signed"));
    }
    Ok(found)
}

fn stamp(parameters: &str) -> Result<Stamp, InvalidProof> {
    let quoted = |value: &'_ str| {
        value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .map(str::to_owned)
    };
    let (mut created_s, mut nonce, mut device, mut algorithm) = (None, None, None, None);
    let parameters = parameters
        .strip_prefix(';')
        .ok_or(InvalidProof("no parameters"))?;
    for parameter in parameters.split(';') {
        let (name, value) = parameter
            .split_once('=')
            .ok_or(InvalidProof("a parameter without a value"))?;
        let first = match name {
            "created" => created_s
                .replace(seconds(value).ok_or(InvalidProof("created is no time"))?)
                .is_none(),
            "nonce" => nonce
                .replace(
                    quoted(value)
                        .and_then(|text| self::nonce(&text))
                        .ok_or(InvalidProof("a nonce has 16 bytes"))?,
                )
                .is_none(),
            "keyid" => device
                .replace(
                    quoted(value)
                        .and_then(|text| self::device(&text))
                        .ok_or(InvalidProof("keyid is no device"))?,
                )
                .is_none(),
            "alg" => algorithm.replace(value == "\"ed25519\"").is_none(),
            _ => return Err(InvalidProof("a parameter that is not known here")),
        };
        if !first {
            return Err(InvalidProof("a parameter stands twice"));
        }
    }
    match (created_s, nonce, device, algorithm) {
        (Some(created_s), Some(nonce), Some(device), Some(true)) => Ok(Stamp {
            created_s,
            nonce,
            device,
        }),
        _ => Err(InvalidProof(
            "created, nonce, keyid and alg=\"ed25519\" are needed",
        )),
    }
}

/// A number as RFC 8941 writes it: digits, at most 15, perhaps with a minus sign.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn nonce(text: &str) -> Option<[u8; 16]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// A device's id in its one form, so that no two texts name the same key.
fn device(text: &str) -> Option<DeviceId> {
    let device = DeviceId(Uuid::try_parse(text).ok()?);
    (device.to_string() == text).then_some(device)
}
