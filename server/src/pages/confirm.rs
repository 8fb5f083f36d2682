//! The page before an act that is not undone by a second click: it says what will happen, and asks.

use askama::Template;
use axum::response::Response;

use super::frame::{self, Frame, Visitor};
use crate::http::problem::Problem;

/// A text in both languages.
pub(crate) type Said = (&'static str, &'static str);

/// What is asked.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    question: Said,
    /// The thing or person that it is about.
    about: Vec<String>,
    /// What will happen, sentence by sentence.
    happens: Vec<Said>,
    /// Where the form goes.
    action: String,
    /// What it carries.
    fields: Vec<(&'static str, String)>,
    /// What has to be typed: the field's name, and what it is called.
    typed: Option<(&'static str, Said)>,
    /// The same for a password.
    password: Option<(&'static str, Said)>,
    button: Said,
    /// Where "no" leads.
    back: String,
}

impl<'a> Confirm<'a> {
    pub(crate) fn new(visitor: &'a Visitor, question: Said, action: impl Into<String>) -> Self {
        Self {
            frame: Frame::of(visitor),
            csrf: &visitor.csrf,
            question,
            about: Vec::new(),
            happens: Vec::new(),
            action: action.into(),
            fields: Vec::new(),
            typed: None,
            password: None,
            button: ("Đồng ý", "Yes"),
            back: "/".to_owned(),
        }
    }

    pub(crate) fn about(mut self, thing: impl Into<String>) -> Self {
        self.about.push(thing.into());
        self
    }

    pub(crate) fn happens(mut self, vi: &'static str, en: &'static str) -> Self {
        self.happens.push((vi, en));
        self
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(crate) fn typed(mut self, name: &'static str, vi: &'static str, en: &'static str) -> Self {
        self.typed = Some((name, (vi, en)));
        self
    }

    pub(crate) fn password(
        mut self,
        name: &'static str,
        vi: &'static str,
        en: &'static str,
    ) -> Self {
        self.password = Some((name, (vi, en)));
        self
    }

    pub(crate) fn button(mut self, vi: &'static str, en: &'static str) -> Self {
        self.button = (vi, en);
        self
    }

    pub(crate) fn back(mut self, path: impl Into<String>) -> Self {
        self.back = path.into();
        self
    }

    pub(crate) fn page(self) -> Result<Response, Problem> {
        frame::page(&self)
    }
}
