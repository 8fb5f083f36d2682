//! The identity provider at which people may sign in.

use std::{fmt, fs, path::PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use crate::error::Error;

/// An identity provider that speaks OpenID Connect. The server has to be registered there with the address
/// `<public_url>/sign-in/provider/callback`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its address, as its own description names it.
    pub issuer: String,
    /// What the server is called there.
    pub client_id: String,
    /// What the server shows itself with there; without one it is a public client, which PKCE protects.
    #[serde(default)]
    pub client_secret: Option<ClientSecret>,
    /// A file that holds it, instead.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What the button of the sign-in page calls it.
    pub name: String,
    /// What is asked for besides `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// By what an account is found the first time.
    #[serde(default)]
    pub link_by: Claim,
    /// The provider asks everybody for a second factor, so that a role that has to have one may do without ours.
    #[serde(default)]
    pub asks_for_second_factor: bool,
}

fn scopes() -> Vec<String> {
    vec!["email".to_owned(), "profile".to_owned()]
}

/// By what an account is found the first time that somebody signs in at the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The e-mail address, if the provider has verified it.
    #[default]
    Email,
    /// The login. Only where people can't choose it themselves at the provider.
    PreferredUsername,
}

/// A secret of the configuration: nothing shows it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(String);

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Serialize for ClientSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("…")
    }
}

impl Oidc {
    /// Refuses a provider over a network in the clear, and a secret that can't be read.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let loopback = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
        let local = loopback.iter().any(|begin| self.issuer.starts_with(begin));
        if !self.issuer.starts_with("https://") && !local {
            return Err(Error::BadConfig(
                "oidc.issuer must be an https address".to_owned(),
            ));
        }
        if let Some(file) = &self.client_secret_file {
            fs::read_to_string(file).map_err(|error| {
                Error::BadConfig(format!(
                    "oidc.client_secret_file {}: {error}",
                    file.display()
                ))
            })?;
        }
        Ok(())
    }

    /// What the server shows itself with.
    pub(crate) fn secret(&self) -> Option<String> {
        let in_file = self
            .client_secret_file
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        in_file
            .map(|text| text.trim().to_owned())
            .or_else(|| self.client_secret.clone().map(|secret| secret.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oidc(issuer: &str) -> Oidc {
        Oidc {
            issuer: issuer.to_owned(),
            client_id: "sokiem".to_owned(),
            client_secret: Some("never shown".into()),
            client_secret_file: None,
            name: "Tỉnh".to_owned(),
            scopes: scopes(),
            link_by: Claim::Email,
            asks_for_second_factor: false,
        }
    }

    #[test]
    fn the_provider_is_reached_over_tls_or_on_this_machine() {
        assert!(oidc("https://id.example").check().is_ok());
        assert!(oidc("http://127.0.0.1:4000").check().is_ok());
        assert!(oidc("http://id.example").check().is_err());
        assert!(oidc("http://127.0.0.1.evil.example").check().is_err());
    }

    #[test]
    fn nothing_shows_the_secret() {
        let oidc = oidc("https://id.example");
        let shown = format!("{oidc:?} {}", serde_json::to_string(&oidc).unwrap());
        assert!(!shown.contains("never shown"), "{shown}");
        assert_eq!(oidc.secret().as_deref(), Some("never shown"));
    }
}
