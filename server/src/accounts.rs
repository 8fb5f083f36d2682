//! People who sign in: officers, supervisors, administrators.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod attempts;
pub(crate) mod changing;
pub(crate) mod grant;
pub(crate) mod lockout;
pub(crate) mod own;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod provider;
pub(crate) mod second_factor;
pub(crate) mod session;
