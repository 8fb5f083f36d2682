//! Each file compressed once, so that the server need not do it for everybody.

use std::{io::Write as _, path::Path};

use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

use crate::Result;

/// The best that brotli does; its window holds the largest of our files.
const QUALITY: i32 = 11;
const WINDOW_BITS: i32 = 22;

/// Writes `<path>.br` and `<path>.gz`, where they are smaller.
pub(crate) fn beside(path: &Path, bytes: &[u8]) -> Result<()> {
    let parameters = BrotliEncoderParams {
        quality: QUALITY,
        lgwin: WINDOW_BITS,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &parameters)?;
    keep(path, "br", &packed, bytes)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    keep(path, "gz", &gzip.finish()?, bytes)
}

fn keep(path: &Path, extension: &str, packed: &[u8], plain: &[u8]) -> Result<()> {
    if packed.len() < plain.len() {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        std::fs::write(name, packed)?;
    }
    Ok(())
}
