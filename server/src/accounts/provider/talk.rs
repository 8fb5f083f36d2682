//! What is said to the provider itself: its description, and a code for who it is about.

use std::time::{Duration, UNIX_EPOCH};

use axum::http;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndUserEmail,
    EndUserUsername, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, Scope,
    TokenResponse as _,
    core::{CoreAuthenticationFlow, CoreClient, CoreUserInfoClaims},
};

use crate::{
    app::App,
    config::{Claim, Oidc},
    secret,
};

/// How long an answer of the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// Why it did not work. The text is for the log: it names what failed and no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(String);

fn failed(doing: &'static str) -> impl Fn(&dyn std::error::Error) -> Failed {
    move |error| Failed(format!("{doing}: {error}"))
}

/// Who somebody is at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) issuer: String,
    /// The provider's own id of them, which stays.
    pub(crate) subject: String,
    /// What they are known by there, if the provider vouches for it.
    pub(crate) claim: Option<String>,
}

/// What claims say of somebody.
struct Said {
    email: Option<String>,
    email_verified: bool,
    login: Option<String>,
}

impl Said {
    fn new(
        email: Option<&EndUserEmail>,
        email_verified: Option<bool>,
        login: Option<&EndUserUsername>,
    ) -> Self {
        Self {
            email: email.map(|email| email.as_str().to_owned()),
            email_verified: email_verified == Some(true),
            login: login.map(|login| login.as_str().to_owned()),
        }
    }

    /// Whether it says by what an account is found, vouched for or not.
    fn names(&self, by: Claim) -> bool {
        match by {
            Claim::Email => self.email.is_some(),
            Claim::PreferredUsername => self.login.is_some(),
        }
    }

    /// By what an account is found, if the provider vouches for it.
    fn claim(self, by: Claim) -> Option<String> {
        match by {
            Claim::Email => self.email.filter(|_| self.email_verified),
            Claim::PreferredUsername => self.login,
        }
    }
}

async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Failed> {
    let strange = |error: &dyn std::error::Error| Failed(error.to_string());
    let request = reqwest::Request::try_from(request).map_err(|error| strange(&error))?;
    let mut response = client
        .execute(request)
        .await
        .map_err(|error| strange(&error.without_url()))?;
    let mut answer = http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(part) = response
        .chunk()
        .await
        .map_err(|error| strange(&error.without_url()))?
    {
        body.extend_from_slice(&part);
        if body.len() > MOST_BYTES {
            return Err(Failed("the answer is too large".to_owned()));
        }
    }
    answer.body(body).map_err(|error| strange(&error))
}

/// Redirects are not followed: the provider's addresses are those that it names. A provider behind TLS names none without.
fn http_client(oidc: &Oidc) -> Result<reqwest::Client, Failed> {
    // A second installation of the provider of ciphers fails, and means that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .https_only(oidc.issuer.starts_with("https://"))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .user_agent(concat!("sokiem-server/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| failed("preparing HTTP")(&error))
}

async fn describe(app: &App, oidc: &Oidc) -> Result<ProviderMetadataWithLogout, Failed> {
    let client = http_client(oidc)?;
    let send = move |request| send(client.clone(), request);
    let issuer =
        IssuerUrl::new(oidc.issuer.clone()).map_err(|error| failed("the issuer")(&error))?;
    let metadata = ProviderMetadataWithLogout::discover_async(issuer, &send)
        .await
        .map_err(|error| failed("asking the provider for its description")(&error))?;
    let end = metadata.additional_metadata().end_session_endpoint.as_ref();
    let end = end.map(|end| end.url().to_string());
    app.provider.learn(
        end.filter(|end| end.starts_with("https://") || !oidc.issuer.starts_with("https://")),
    );
    Ok(metadata)
}

fn redirect(app: &App) -> Result<RedirectUrl, Failed> {
    RedirectUrl::new(format!(
        "{}/sign-in/provider/callback",
        app.public_url.trim_end_matches('/')
    ))
    .map_err(|error| failed("public_url")(&error))
}

/// Where the browser goes.
pub(super) async fn authorize_url(
    app: &App,
    oidc: &Oidc,
    state: String,
    nonce: String,
    verifier: String,
) -> Result<String, Failed> {
    let metadata = describe(app, oidc).await?;
    let secret = oidc.secret().map(ClientSecret::new);
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(oidc.client_id.clone()), secret)
            .set_redirect_uri(redirect(app)?);
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || CsrfToken::new(state),
            || Nonce::new(nonce),
        )
        .set_pkce_challenge(challenge);
    for scope in &oidc.scopes {
        request = request.add_scope(Scope::new(scope.clone()));
    }
    let (address, _, _) = request.url();
    Ok(address.to_string())
}

/// Who the code is about, from an ID token that was verified: signature, issuer, audience, time, nonce, and the hash
/// of the access token that came with it. What the token does not say of them the provider is asked for.
pub(super) async fn redeem(
    app: &App,
    oidc: &Oidc,
    code: String,
    nonce: String,
    verifier: String,
) -> Result<Who, Failed> {
    let metadata = describe(app, oidc).await?;
    let secret = oidc.secret().map(ClientSecret::new);
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(oidc.client_id.clone()), secret)
            .set_redirect_uri(redirect(app)?);
    let http = http_client(oidc)?;
    let send = move |request| send(http.clone(), request);
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|error| failed("the provider names no address for tokens")(&error))?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request_async(&send)
        .await
        .map_err(|error| failed("redeeming the code")(&error))?;
    let token = answer
        .id_token()
        .ok_or_else(|| Failed("the provider sent no ID token".to_owned()))?;
    let now = UNIX_EPOCH + Duration::from_millis(app.machine.now_ms().try_into().unwrap_or(0));
    let judge = client.id_token_verifier().set_time_fn(move || now.into());
    // Both as digests, so that the comparison tells nothing by its time.
    let expected = secret::digest(nonce.as_bytes());
    let nonce = move |sent: Option<&Nonce>| match sent {
        Some(sent) if secret::digest(sent.secret().as_bytes()) == expected => Ok(()),
        _ => Err("another nonce".to_owned()),
    };
    let claims = token
        .claims(&judge, nonce)
        .map_err(|error| failed("the ID token")(&error))?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token
            .signing_alg()
            .map_err(|error| failed("the ID token")(&error))?;
        let key = token
            .signing_key(&judge)
            .map_err(|error| failed("the ID token")(&error))?;
        let hash = AccessTokenHash::from_token(answer.access_token(), algorithm, key)
            .map_err(|error| failed("the access token")(&error))?;
        if hash != *expected {
            return Err(Failed(
                "another access token than the ID token says".to_owned(),
            ));
        }
    }
    let mut said = Said::new(
        claims.email(),
        claims.email_verified(),
        claims.preferred_username(),
    );
    if !said.names(oidc.link_by)
        && let Ok(asking) = client.user_info(
            answer.access_token().clone(),
            Some(claims.subject().clone()),
        )
    {
        let told: CoreUserInfoClaims = asking
            .request_async(&send)
            .await
            .map_err(|error| failed("asking who it is")(&error))?;
        said = Said::new(
            told.email(),
            told.email_verified(),
            told.preferred_username(),
        );
    }
    Ok(Who {
        issuer: claims.issuer().to_string(),
        subject: claims.subject().to_string(),
        claim: said.claim(oidc.link_by),
    })
}
