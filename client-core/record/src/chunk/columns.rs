//! Columns of run lengths: how many rows they claim, and what stands in the rows.
//!
//! A few bytes can claim billions of rows. Everything here stops at a limit that the caller states,
//! before memory is taken or time is spent.

use crate::{
    chunk::reader::{Column, Reader},
    refusal::Refusal,
};

/// One run of equal rows; `None` for rows that hold nothing.
pub(crate) struct Run<T> {
    pub(crate) rows: u64,
    pub(crate) value: Option<T>,
}

/// Reads a column of run lengths, run by run, up to a number of rows.
pub(crate) struct Runs<'a, T> {
    reader: Reader<'a>,
    literals: u64,
    left: u64,
    read: Read<'a, T>,
}

/// How a value of a column is read.
pub(crate) type Read<'a, T> = fn(&mut Reader<'a>) -> Result<T, Refusal>;

impl<'a, T> Runs<'a, T> {
    pub(crate) fn new(bytes: &'a [u8], limit: u64, read: Read<'a, T>) -> Self {
        Self {
            reader: Reader(bytes),
            literals: 0,
            left: limit,
            read,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Run<T>>, Refusal> {
        let run = if self.literals > 0 {
            self.literals -= 1;
            Run {
                rows: 1,
                value: Some((self.read)(&mut self.reader)?),
            }
        } else if self.reader.is_empty() {
            return Ok(None);
        } else {
            match self.reader.signed()? {
                0 => Run {
                    rows: self.reader.unsigned()?,
                    value: None,
                },
                literal if literal < 0 => {
                    self.literals = literal.unsigned_abs() - 1;
                    Run {
                        rows: 1,
                        value: Some((self.read)(&mut self.reader)?),
                    }
                }
                repeated => Run {
                    rows: repeated.unsigned_abs(),
                    value: Some((self.read)(&mut self.reader)?),
                },
            }
        };
        if run.rows == 0 {
            return Err(Refusal::Malformed);
        }
        self.left = self.left.checked_sub(run.rows).ok_or(Refusal::TooLarge)?;
        Ok(Some(run))
    }
}

/// The column of that specification; an absent one has no bytes.
pub(crate) fn find<'a>(columns: &[Column<'a>], specification: u64) -> &'a [u8] {
    let found = columns.iter().find(|(known, _)| *known == specification);
    found.map_or(&[], |(_, bytes)| bytes)
}

fn runs<'a, T>(
    bytes: &'a [u8],
    limit: u64,
    read: Read<'a, T>,
    mut each: impl FnMut(Run<T>) -> Result<(), Refusal>,
) -> Result<u64, Refusal> {
    let mut runs = Runs::new(bytes, limit, read);
    while let Some(run) = runs.next()? {
        each(run)?;
    }
    Ok(limit - runs.left)
}

/// Goes through the runs of a column of whole numbers; how many rows it has.
pub(crate) fn numbers(
    bytes: &[u8],
    limit: u64,
    each: impl FnMut(Run<u64>) -> Result<(), Refusal>,
) -> Result<u64, Refusal> {
    runs(bytes, limit, |reader| reader.unsigned(), each)
}

/// Every row of a column of whole numbers.
pub(crate) fn every_number(bytes: &[u8], limit: u64) -> Result<Vec<Option<u64>>, Refusal> {
    let mut every = Vec::new();
    numbers(bytes, limit, |run| {
        let rows = usize::try_from(run.rows).map_err(|_| Refusal::TooLarge)?;
        every.extend(std::iter::repeat_n(run.value, rows));
        Ok(())
    })?;
    Ok(every)
}

/// Every row of a column of differences, added up.
pub(crate) fn every_sum(bytes: &[u8], limit: u64) -> Result<Vec<Option<u64>>, Refusal> {
    let mut every = Vec::new();
    let mut sum = 0_i64;
    runs(
        bytes,
        limit,
        |reader| reader.signed(),
        |run| {
            for _ in 0..run.rows {
                let row = match run.value {
                    Some(difference) => {
                        sum = sum.checked_add(difference).ok_or(Refusal::Malformed)?;
                        Some(u64::try_from(sum).map_err(|_| Refusal::Malformed)?)
                    }
                    None => None,
                };
                every.push(row);
            }
            Ok(())
        },
    )?;
    Ok(every)
}

/// The rows of a column of differences; their sum never leaves the numbers that fit.
pub(crate) fn sums(bytes: &[u8], limit: u64) -> Result<u64, Refusal> {
    let mut sum = 0_i64;
    runs(
        bytes,
        limit,
        |reader| reader.signed(),
        |run| {
            let rows = i64::try_from(run.rows).map_err(|_| Refusal::TooLarge)?;
            let step = run
                .value
                .unwrap_or(0)
                .checked_mul(rows)
                .ok_or(Refusal::Malformed)?;
            sum = sum.checked_add(step).ok_or(Refusal::Malformed)?;
            Ok(())
        },
    )
}

/// The rows of a column of texts, and the bytes that all of them have once they are written out.
pub(crate) fn texts(bytes: &[u8], limit: u64) -> Result<(u64, u64), Refusal> {
    let mut written_out = 0_u64;
    let rows = runs(bytes, limit, text, |run| {
        let length = run.value.map_or(0, |text| text.len() as u64);
        written_out = written_out.saturating_add(run.rows.saturating_mul(length));
        Ok(())
    })?;
    Ok((rows, written_out))
}

/// A text with its length before it.
pub(crate) fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Refusal> {
    let length = reader.length()?;
    std::str::from_utf8(reader.take(length)?).map_err(|_| Refusal::Malformed)
}

/// The rows of a column of alternating runs of false and true.
pub(crate) fn booleans(bytes: &[u8], limit: u64) -> Result<u64, Refusal> {
    let mut reader = Reader(bytes);
    let mut rows = 0_u64;
    while !reader.is_empty() {
        rows = rows.saturating_add(reader.unsigned()?);
        if rows > limit {
            return Err(Refusal::TooLarge);
        }
    }
    Ok(rows)
}

/// The rows of a column that says type and length of values. The lengths together must be those of the
/// values' own column, and the types those that records have.
pub(crate) fn values(meta: &[u8], raw: &[u8], limit: u64) -> Result<u64, Refusal> {
    /// 0 null, 1 false, 2 true, 3 unsigned, 4 signed, 5 floating point, 6 text, 7 bytes, 9 time.
    /// Missing: 8 counter, and what Automerge does not know itself.
    const TYPES: [u64; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 9];
    let mut length = 0_u64;
    let rows = numbers(meta, limit, |run| {
        let value = run.value.ok_or(Refusal::Malformed)?;
        if !TYPES.contains(&(value & 0b1111)) {
            return Err(Refusal::Malformed);
        }
        length = length.saturating_add((value >> 4).saturating_mul(run.rows));
        Ok(())
    })?;
    if length != raw.len() as u64 {
        return Err(Refusal::Malformed);
    }
    Ok(rows)
}

/// The rows of a column that groups those of others, and how many those are together.
pub(crate) fn groups(bytes: &[u8], limit: u64) -> Result<(u64, u64), Refusal> {
    let mut members = 0_u64;
    let rows = numbers(bytes, limit, |run| {
        let size = run.value.ok_or(Refusal::Malformed)?;
        members = members.saturating_add(size.saturating_mul(run.rows));
        if members > limit {
            return Err(Refusal::TooLarge);
        }
        Ok(())
    })?;
    Ok((rows, members))
}
