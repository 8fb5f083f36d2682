//! A form that is shown again with what was typed and what is wrong with it.

use axum::http::StatusCode;

use super::record::input::Complaint;
use crate::http::problem::{Cause, Problem};

/// What is said where a reason is missing.
pub(crate) const NO_REASON: Complaint = ("Hãy nêu lý do.", "Say why.");

/// Why something was not done.
pub(crate) enum Failed {
    /// What was typed can't be taken.
    Wrong(Complaint),
    /// The record or the rules say no.
    Problem(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Failed {
    pub(crate) fn wrong(complaint: Complaint) -> Self {
        Self::Wrong(complaint)
    }

    /// The status and what to say; problems that no other try mends are passed on.
    pub(crate) fn explained(self) -> Result<(StatusCode, String), Problem> {
        match self {
            Self::Wrong((vi, en)) => {
                Ok((StatusCode::UNPROCESSABLE_ENTITY, format!("{vi} ({en})")))
            }
            Self::Problem(problem) if problem.cause() == Cause::Stale => Ok((
                StatusCode::CONFLICT,
                "Hồ sơ đã thay đổi trong lúc bạn xem. Những gì bạn nhập vẫn còn bên dưới: hãy xem chỗ đã thay đổi rồi \
                 quyết định lại. (The record has changed while you were looking. What you typed is still below.)"
                    .to_owned(),
            )),
            Self::Problem(problem) if problem.cause() == Cause::Invalid => Ok((
                problem.status(),
                format!("{} ({})", problem.text(), problem.english()),
            )),
            Self::Problem(problem) => Err(problem),
        }
    }
}
