//! JavaScript around a compiled crate, and its WebAssembly made smaller.

use std::{path::Path, process::Command};

use wasm_bindgen_cli_support::Bindgen;

use crate::Result;

/// A crate that a browser can load.
pub(crate) struct Made {
    /// What its files are called.
    pub(crate) name: String,
    /// The JavaScript around it; it names the WebAssembly `<name>_bg.wasm`.
    pub(crate) script: String,
    /// The WebAssembly.
    pub(crate) wasm: Vec<u8>,
}

/// What Debian's and everybody else's browsers of the last years have; `--all-features` writes what they refuse.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-sign-ext",
];

/// Binds and shrinks; `wasm-opt` of binaryen has to be on the path.
pub(crate) fn bind(input: &Path, name: &str, work: &Path) -> Result<Made> {
    Bindgen::new()
        .input_path(input)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .generate(work)
        .map_err(|error| error.to_string())?;
    let bound = work.join(format!("{name}_bg.wasm"));
    let small = work.join(format!("{name}_small.wasm"));
    let status = Command::new("wasm-opt")
        .args(FEATURES)
        .args(["-Oz", "--strip-debug", "--strip-producers", "-o"])
        .arg(&small)
        .arg(&bound)
        .status()?;
    if !status.success() {
        return Err(format!("wasm-opt failed on {}", bound.display()).into());
    }
    Ok(Made {
        name: name.to_owned(),
        script: std::fs::read_to_string(work.join(format!("{name}.js")))?,
        wasm: std::fs::read(small)?,
    })
}
