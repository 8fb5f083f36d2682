//! Where things stand in a criteria file: the line of each key, for what is said to be wrong with it.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

/// The lines of a file's keys.
#[derive(Default)]
pub(super) struct Lines {
    set: HashMap<String, usize>,
    /// By the name that faults give an item: its line, and those of its keys. Of two items with one code, the later.
    items: HashMap<String, (usize, HashMap<String, usize>)>,
}

impl Lines {
    /// The lines of a file; none of one that is no TOML.
    pub(super) fn of(text: &str) -> Self {
        let Ok(table) = DeTable::parse(text) else {
            return Self::default();
        };
        let line = |at: usize| {
            let before = text.get(..at).unwrap_or_default();
            before.matches('\n').count() + 1
        };
        let keys = |table: &DeTable<'_>| -> HashMap<String, usize> {
            let keys = table.keys();
            keys.map(|key| (key.get_ref().to_string(), line(key.span().start)))
                .collect()
        };
        let table = table.get_ref();
        let list = table
            .iter()
            .find(|(key, _)| key.get_ref() == "items")
            .and_then(|(_, value)| value.get_ref().as_array());
        let mut items = HashMap::new();
        for (index, item) in list.into_iter().flatten().enumerate() {
            let found = item.get_ref().as_table();
            let keys = found.map(keys).unwrap_or_default();
            let first = keys.values().min().copied();
            let first = first.unwrap_or_else(|| line(item.span().start));
            let code = item.get_ref().get("code").map(|code| code.get_ref());
            let code = code
                .and_then(DeValue::as_str)
                .filter(|code| !code.is_empty());
            let name = code.map_or_else(|| format!("#{}", index + 1), str::to_owned);
            items.insert(name, (first, keys));
        }
        Self {
            set: keys(table),
            items,
        }
    }

    /// The line of a key of an item or of the set, by the key's path; else that of the item.
    pub(super) fn find(&self, item: Option<&str>, path: &str) -> Option<usize> {
        let key = path.split('.').next().unwrap_or_default();
        match item {
            None => self.set.get(key).copied(),
            Some(item) => {
                let (first, keys) = self.items.get(item)?;
                Some(keys.get(key).copied().unwrap_or(*first))
            }
        }
    }
}
