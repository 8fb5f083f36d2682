//! Signing in at an identity provider (OpenID Connect, authorization code with PKCE), where one is configured.
//!
//! The provider says who somebody is, and nothing else: roles and areas are ours, and only accounts sign in that an
//! administrator has said to belong to that person ([`identity`]). What is sent there and comes back is bound to the
//! browser by a cookie and good once ([`round_trip`]).

pub(crate) mod identity;
pub(crate) mod round_trip;
mod talk;

pub(crate) use talk::Who;

use std::sync::{Mutex, PoisonError};

/// What is remembered of the provider: where a browser ends its session there.
#[derive(Default)]
pub(crate) struct Provider {
    end_session: Mutex<Option<String>>,
}

impl Provider {
    fn learn(&self, end_session: Option<String>) {
        *self
            .end_session
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = end_session;
    }

    /// Where a browser ends its session at the provider, once that was heard.
    pub(crate) fn end_session(&self) -> Option<String> {
        self.end_session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
