//! Which of several conditions finds the fewest rows: the one that a query begins with. SQLite cannot know, since
//! how often a word or a need occurs is not in its schema.

use rusqlite::{Connection, params_from_iter, types::Value};

use crate::error::Error;

/// Up to how many ids a query looks up one by one; from there on it reads its rows in the order that is asked for and
/// tests each, and has its page soon.
const FEW: u32 = 2_000;
/// The same where there are several conditions: each may be common and what they have in common rare, so that the rows
/// would be read to their end.
const FEW_OF_SEVERAL: u32 = 20_000;

/// A condition on a record, in two forms: the ids that an index finds for it, and a test of one row that is at hand.
pub(crate) struct Narrowing {
    /// `SELECT` of the ids.
    pub(crate) ids: String,
    /// Its parameters.
    pub(crate) of_ids: Vec<Value>,
    /// An expression that uses no index of the table it is about.
    pub(crate) test: String,
    /// Its parameters.
    pub(crate) of_test: Vec<Value>,
}

impl Narrowing {
    /// How many ids there are, at most `most`.
    fn count(&self, sql: &Connection, most: u32) -> Result<u32, Error> {
        let query = format!("SELECT count(*) FROM ({} LIMIT {most})", self.ids);
        let mut statement = sql.prepare_cached(&query)?;
        Ok(statement.query_row(params_from_iter(&self.of_ids), |row| row.get(0))?)
    }
}

/// Conditions of a `WHERE` with their parameters.
#[derive(Clone, Default)]
pub(crate) struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
    few: bool,
}

impl Conditions {
    /// The conditions under which all of `narrowings` hold for the record whose id is the expression `record`.
    pub(crate) fn of(
        sql: &Connection,
        record: &str,
        narrowings: Vec<Narrowing>,
    ) -> Result<Self, Error> {
        let few = match narrowings.len() {
            0 | 1 => FEW,
            _ => FEW_OF_SEVERAL,
        };
        let counts = narrowings
            .iter()
            .map(|narrowing| narrowing.count(sql, few))
            .collect::<Result<Vec<_>, _>>()?;
        let fewest = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count < few)
            .min_by_key(|(_, count)| **count)
            .map(|(place, _)| place);
        let mut conditions = Self {
            few: fewest.is_some(),
            ..Self::default()
        };
        for (place, narrowing) in narrowings.into_iter().enumerate() {
            if Some(place) == fewest {
                let ids = format!("{record} IN ({})", narrowing.ids);
                conditions.add(&ids, narrowing.of_ids);
            } else {
                conditions.add(&narrowing.test, narrowing.of_test);
            }
        }
        Ok(conditions)
    }

    /// One more.
    pub(crate) fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push(sql.to_owned());
        self.values.extend(values);
    }

    /// `column = ?`, for the column that the indexes of the orders begin with. Where the fewest ids are looked up
    /// those indexes stay out of it.
    pub(crate) fn add_leading(&mut self, column: &str, value: impl Into<Value>) {
        let sign = if self.few { "+" } else { "" };
        self.add(&format!("{sign}{column} = ?"), [value.into()]);
    }

    /// All of them as what stands behind `WHERE`.
    pub(crate) fn sql(&self) -> String {
        match self.sql.is_empty() {
            true => "1".to_owned(),
            false => self.sql.join(" AND "),
        }
    }

    /// Their parameters, in order.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5,000 records, all of one kind and with one word, of which every second, tenth and thousandth have another.
    fn records() -> Connection {
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch(
            "CREATE TABLE records (id INTEGER PRIMARY KEY, kind TEXT);
             CREATE TABLE words (word TEXT, id INTEGER, PRIMARY KEY (word, id));
             WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 5000)
             INSERT INTO records SELECT id, 'unit' FROM n;
             INSERT INTO words SELECT 'all', id FROM records;
             INSERT INTO words SELECT 'half', id FROM records WHERE id % 2 = 0;
             INSERT INTO words SELECT 'tenth', id FROM records WHERE id % 10 = 0;
             INSERT INTO words SELECT 'thousandth', id FROM records WHERE id % 1000 = 0;",
        )
        .unwrap();
        sql
    }

    fn word(word: &str) -> Narrowing {
        let word = vec![Value::from(word.to_owned())];
        Narrowing {
            ids: "SELECT id FROM words WHERE word = ?".to_owned(),
            of_ids: word.clone(),
            test: "EXISTS (SELECT 1 FROM words WHERE word = ? AND id = records.id)".to_owned(),
            of_test: word,
        }
    }

    fn with(words: &[&str]) -> (String, Vec<i64>) {
        let sql = records();
        let words = words.iter().copied().map(word).collect();
        let mut conditions = Conditions::of(&sql, "records.id", words).unwrap();
        conditions.add_leading("kind", "unit".to_owned());
        let query = format!(
            "SELECT id FROM records WHERE {} ORDER BY id",
            conditions.sql()
        );
        let mut statement = sql.prepare(&query).unwrap();
        let ids = statement
            .query_map(params_from_iter(conditions.values()), |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>();
        (conditions.sql(), ids.unwrap())
    }

    #[test]
    fn a_query_begins_with_what_finds_the_fewest_and_finds_the_same() {
        let rarest = vec![1000, 2000, 3000, 4000, 5000];
        let orders = [
            ["all", "tenth", "thousandth"],
            ["thousandth", "tenth", "all"],
            ["tenth", "thousandth", "all"],
        ];
        for order in orders {
            let (query, ids) = with(&order);
            assert_eq!(ids, rarest, "{query}");
            assert_eq!(query.matches("records.id IN (").count(), 1, "{query}");
            assert!(query.contains("+kind = ?"), "{query}");
        }
    }

    #[test]
    fn two_common_words_do_not_read_every_record_for_what_both_have() {
        let (query, ids) = with(&["all", "half"]);
        assert_eq!(ids.len(), 2500);
        assert_eq!(query.matches("records.id IN (").count(), 1, "{query}");
    }

    #[test]
    fn what_most_records_have_is_tested_in_the_order_that_is_asked_for() {
        let (query, ids) = with(&["all"]);
        assert_eq!(ids.len(), 5000);
        assert!(!query.contains(" IN (") && !query.contains('+'), "{query}");
        assert_eq!(with(&[]).1.len(), 5000);
    }
}
