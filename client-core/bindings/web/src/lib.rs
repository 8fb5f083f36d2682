//! The client core in a browser.
