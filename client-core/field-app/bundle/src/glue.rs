//! JavaScript around a compiled crate.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::Result;

/// A crate that a browser can load.
pub(crate) struct Made {
    /// What its files are called.
    pub(crate) name: String,
    /// The JavaScript around it; it names the WebAssembly `<name>_bg.wasm`.
    pub(crate) script: String,
    /// The WebAssembly. `wasm-opt` would make it a tenth smaller, and what brotli makes of it 5 % larger: measured, left out.
    pub(crate) wasm: Vec<u8>,
}

/// Binds the crate, without the names that only debuggers read.
pub(crate) fn bind(input: &Path, name: &str, work: &Path) -> Result<Made> {
    Bindgen::new()
        .input_path(input)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(work)
        .map_err(|error| error.to_string())?;
    let script = std::fs::read_to_string(work.join(format!("{name}.js")))?;
    // C code that calls what nobody linked would stop the worker at its start, on the officer's phone.
    if script.contains("from \"env\"") {
        return Err(format!("{name}: functions of C are missing, see its imports from env").into());
    }
    Ok(Made {
        name: name.to_owned(),
        script,
        wasm: std::fs::read(work.join(format!("{name}_bg.wasm")))?,
    })
}
