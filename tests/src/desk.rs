//! A supervisor or administrator at the server's JSON API.

use reqwest::{Client, Method};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::Result;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Desk {
    client: Client,
    base: String,
    token: String,
}

/// The server said no.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The problem document.
    pub problem: Json,
    request: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.request, self.status, self.problem)
    }
}

impl std::error::Error for Refusal {}

impl Desk {
    /// Signs in.
    ///
    /// # Errors
    /// [`Refusal`] when the server does not know login and password.
    pub async fn sign_in(base: &str, login: &str, password: &str) -> Result<Self> {
        // A second installation of the provider fails, and means that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut desk = Self {
            client: Client::new(),
            base: base.to_owned(),
            token: String::new(),
        };
        let session = desk
            .post(
                "/api/v1/session",
                json!({"login": login, "password": password}),
            )
            .await?;
        desk.token = text(&session, "token")?;
        Ok(desk)
    }

    /// The token of the session, for requests that are no JSON.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Refusal`] for any answer that is no success.
    pub async fn get(&self, path: &str) -> Result<Json> {
        self.call(Method::GET, path, None).await
    }

    /// Writes.
    ///
    /// # Errors
    /// [`Refusal`] for any answer that is no success.
    pub async fn post(&self, path: &str, body: Json) -> Result<Json> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Takes away.
    ///
    /// # Errors
    /// [`Refusal`] for any answer that is no success.
    pub async fn delete(&self, path: &str) -> Result<Json> {
        self.call(Method::DELETE, path, None).await
    }

    /// Puts.
    ///
    /// # Errors
    /// [`Refusal`] for any answer that is no success.
    pub async fn put(&self, path: &str, body: Json) -> Result<Json> {
        self.call(Method::PUT, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Json>) -> Result<Json> {
        let request = format!("{method} {path}");
        let mut builder = self.client.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            builder = builder.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            builder = builder.json(&body);
        }
        let response = builder.send().await?;
        let status = response.status();
        let answer = response.text().await?;
        let value = serde_json::from_str(&answer).unwrap_or(Json::Null);
        if !status.is_success() {
            return Err(Refusal {
                status: status.as_u16(),
                problem: value,
                request,
            }
            .into());
        }
        Ok(value)
    }

    /// Makes an area.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn create_area(&self, name: &str, level: &str, parent: Option<Uuid>) -> Result<Uuid> {
        let area = self
            .post(
                "/api/v1/areas",
                json!({"name": name, "level": level, "parent": parent}),
            )
            .await?;
        id(&area, "id")
    }

    /// Makes an account for these areas.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn create_account(
        &self,
        login: &str,
        name: &str,
        role: &str,
        password: Option<&str>,
        areas: &[Uuid],
    ) -> Result<Uuid> {
        let body = json!({"login": login, "name": name, "title": "", "role": role, "password": password, "areas": areas});
        id(&self.post("/api/v1/accounts", body).await?, "id")
    }

    /// A one-time code for an officer's device.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn enrolment_code(&self, account: Uuid) -> Result<String> {
        text(
            &self
                .post("/api/v1/enrolment-codes", json!({"account": account}))
                .await?,
            "code",
        )
    }

    /// The address that an enrolment QR code holds: the officer's app with the code filled in, where the server has it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn enrolment_link(&self, account: Uuid) -> Result<String> {
        let body = json!({"account": account});
        text(&self.post("/api/v1/enrolment-codes", body).await?, "uri")
    }

    /// Publishes a criteria set that ships with the server.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn publish_criteria(&self, area: Uuid, reference: &str) -> Result<()> {
        self.post(
            "/api/v1/criteria-sets",
            json!({"area": area, "shipped": reference}),
        )
        .await?;
        Ok(())
    }

    /// A record as it is now.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn record(&self, record: Uuid) -> Result<Json> {
        self.get(&format!("/api/v1/records/{record}")).await
    }

    /// Every row of a list, page by page.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn list(&self, filter: &str) -> Result<Vec<Json>> {
        let mut rows = Vec::new();
        let mut after = String::new();
        loop {
            let page = self
                .get(&format!("/api/v1/records?{filter}{after}"))
                .await?;
            rows.extend(page["records"].as_array().into_iter().flatten().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(rows),
            }
        }
    }

    /// Corrects a record, on its present state.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn edit(&self, record: Uuid, reason: &str, edits: Json) -> Result<()> {
        let heads = self.record(record).await?["heads"].clone();
        let body = json!({"heads": heads, "reason": reason, "edits": edits});
        self.post(&format!("/api/v1/records/{record}/edits"), body)
            .await?;
        Ok(())
    }

    /// Settles one difference, on the record's present state.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn settle(&self, record: Uuid, path: &str, value: &Json, reason: &str) -> Result<()> {
        let heads = self.record(record).await?["heads"].clone();
        let body = json!({"path": path, "value": value, "reason": reason, "heads": heads});
        self.post(&format!("/api/v1/records/{record}/settle"), body)
            .await?;
        Ok(())
    }

    /// Decides about an inspection, on its present state.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn decide(&self, inspection: Uuid, decision: &str, reason: &str) -> Result<()> {
        let heads = self.record(inspection).await?["heads"].clone();
        let body = json!({"decision": decision, "heads": heads, "reason": reason});
        self.post(&format!("/api/v1/records/{inspection}/decisions"), body)
            .await?;
        Ok(())
    }
}

/// An id in an answer.
///
/// # Errors
/// When it is not there.
pub fn id(answer: &Json, key: &str) -> Result<Uuid> {
    Ok(Uuid::parse_str(&text(answer, key)?)?)
}

/// A text in an answer.
///
/// # Errors
/// When it is not there.
pub fn text(answer: &Json, key: &str) -> Result<String> {
    let found = answer[key].as_str().map(str::to_owned);
    found.ok_or_else(|| format!("the answer has no {key}: {answer}").into())
}
